/* SPDX-License-Identifier: MIT */
/* journal.h - what was said, in a file: the store of a hub (bight/protocols/http_hub.h). */
#ifndef CHATROOM_JOURNAL_H
#define CHATROOM_JOURNAL_H

#include <bight/bight.h>
#include <bight/protocols/http_hub.h>

enum { JOURNAL_EPOCH_SIZE = 33 };

/* A message, or, if its number is 0, one that has gone and whose key, which is the text, is all that is left. A key is
 * the first line of a message's text. */
struct journal_line {
    uint64_t number;
    const char *topic, *text;
    size_t size; /* of the text */
};

/* What is kept when the file is rewritten. Any that is 0 is the default. */
struct journal_limits {
    size_t messages, bytes; /* of a topic, as the hub's max_messages and max_bytes: 1000, 1 MiB */
    size_t keys, key_size; /* of the last so many messages, whatever becomes of them: 10000; a longer one is none: 64 */
    size_t file;           /* bytes up to which the file is left as it is: 1 MiB */
};

struct journal;

/* Opens the file, which is made if need be, and is nobody else's then. NULL limits: the defaults. NULL: *failure says
 * why, and where. */
struct journal *journal_open(struct bight_reactor *reactor, const char *path, const struct journal_limits *limits,
    struct bight_failure **failure);
/* At any time; NULL is allowed. What is just being written may still be, nobody is told so. */
void journal_free(struct journal *journal);

/* That of the hub whose messages it has; NULL: it is new. */
const char *journal_epoch(const struct journal *journal);

extern const struct bight_http_hub_store journal_store; /* its context is the journal */

/* Gives the hub, which has the journal's epoch and the journal as its store, what there is, and each line to `told`;
 * writes the epoch of a new hub. NULL, or what is wrong. */
struct bight_failure *journal_begin(struct journal *journal, struct bight_http_hub *hub,
    void (*told)(const struct journal_line *line, void *context), void *context);

/* Fires, empty, when nothing is being written. NULL: nothing is. */
struct bight_deferred *journal_rest(struct journal *journal);

#endif
