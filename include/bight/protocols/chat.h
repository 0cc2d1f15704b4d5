/* SPDX-License-Identifier: MIT */
/* bight/protocols/chat.h - a line-based chat: each client names itself, and what one says goes to all others.
 *
 * The model of a protocol over a receiver over the base protocol. Limits keep it alive among strangers: names, lines,
 * members and unread output all have a bound. */
#ifndef BIGHT_PROTOCOLS_CHAT_H
#define BIGHT_PROTOCOLS_CHAT_H

#include <bight/protocol.h>

BIGHT_BEGIN

struct bight_chat;

struct bight_chat_options {
    size_t size;             /* sizeof(struct bight_chat_options) */
    size_t member_limit;     /* connections, named or not; 0: 1000 */
    size_t line_limit;       /* bytes; 0: 512 */
    size_t output_limit;     /* unread bytes after which a member is dropped; 0: 1 MiB */
    double idle_seconds;     /* without anything sent or received; 0: for ever */
    double greeting_seconds; /* to give a name; 0: 60 */
};

/* A chat room. options may be NULL. NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_chat *bight_chat_new(const struct bight_chat_options *options);

/* Listen with this. It belongs to the chat. */
BIGHT_API struct bight_factory *bight_chat_factory(struct bight_chat *chat);

/* Members that have given a name. */
BIGHT_API size_t bight_chat_member_count(const struct bight_chat *chat);

/* After the last connection of the factory has ended. */
BIGHT_API void bight_chat_free(struct bight_chat *chat);

BIGHT_END

#endif
