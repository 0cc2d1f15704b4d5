/* SPDX-License-Identifier: MIT */
/* chat.c - a chat room over the line receiver: names, announcements, what is said.
 *
 * A member is a line receiver with a name; the room is its factory, the list of those that have given one and the
 * publisher that they subscribe to. A message is encoded once and sent to the others by reference. Strangers are kept
 * within bounds: connections, lines, unread output and the time to give a name are limited, what they write is escaped
 * (text.c), and from no member more than a few lines are read at a go, so that one that floods is slowed down and does
 * not push the others over their limits. */
#include <bight/protocols/chat.h>

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/protocols/line.h>
#include <bight/publisher.h>
#include <bight/reactor.h>

#include <string.h>

#include "text.h"

enum { NAME_LIMIT = 32, LINES_AT_A_GO = 16 };

struct member {
    struct bight_line_receiver base;
    struct member *next, *previous; /* in the room; NULL before a name was given */
    struct bight_timer greeting;    /* until a name is given */
    struct bight_timer rest;        /* while too many lines have come */
    struct bight_subscription subscription;
    unsigned lines; /* since the last rest */
    bool counted;
    uint8_t name_size;
    char name[NAME_LIMIT];
};

struct bight_chat {
    struct bight_line_factory factory;
    struct bight_chat_options options;
    struct bight_publisher *publisher;
    struct member *first, *last;
    size_t members, connections;
};

static struct member *member_of(struct bight_line_receiver *receiver)
{
    return bight_line_self(struct member, receiver);
}

static struct bight_chat *chat_of(const struct member *member)
{
    return (struct bight_chat *)member->base.base.factory;
}

static bool has_name(const struct member *member)
{
    return member->name_size > 0;
}

static void tell(struct member *member, const char *text)
{
    (void)bight_line_send_text(&member->base, text);
}

static void dismiss(struct member *member, const char *why)
{
    tell(member, why);
    (void)bight_transport_lose_connection(bight_line_transport(&member->base));
}

/* -------------------------------------------------------------------------------------- saying things */

/* "<before><name><between><text>" with a line end: what a member's doing looks like to the others. */
static struct bight_bytes *encode(
    const struct member *member, const char *before, const char *between, const char *text, size_t size)
{
    size_t head = strlen(before), middle = strlen(between), body = bi_chat_text_clean(text, size, NULL);
    uint8_t *at;
    struct bight_bytes *bytes = bight_bytes_new_uninitialised(head + member->name_size + middle + body + 2, &at);
    if (bytes == NULL) {
        return NULL;
    }
    memcpy(at, before, head);
    memcpy(at + head, member->name, member->name_size);
    at += head + member->name_size;
    memcpy(at, between, middle);
    bi_chat_text_clean(text, size, (char *)at + middle);
    memcpy(at + middle + body, "\r\n", 2);
    return bytes;
}

/* To all but the member. A member with too much unread is dropped by the publisher. Takes bytes. */
static void send_to_others(const struct member *member, struct bight_bytes *bytes)
{
    if (bytes == NULL || bight_publish_bytes_except(chat_of(member)->publisher, bytes, member->subscription) != 0) {
        bight_log(BIGHT_LOG_WARNING, "chat", NULL, "a line was dropped: out of memory");
    }
    bight_bytes_release(bytes);
}

static void announce(const struct member *member, const char *what)
{
    send_to_others(member, encode(member, "* ", what, "", 0));
}

/* -------------------------------------------------------------------------------- coming and going */

static bool name_is_taken(const struct bight_chat *chat, const char *name, size_t size)
{
    for (const struct member *member = chat->first; member != NULL; member = member->next) {
        if (member->name_size == size && memcmp(member->name, name, size) == 0) {
            return true;
        }
    }
    return false;
}

static void enter(struct bight_chat *chat, struct member *member)
{
    member->previous = chat->last;
    if (chat->last != NULL) {
        chat->last->next = member;
    } else {
        chat->first = member;
    }
    chat->last = member;
    chat->members++;
}

static void leave(struct bight_chat *chat, struct member *member)
{
    if (member->previous != NULL) {
        member->previous->next = member->next;
    } else {
        chat->first = member->next;
    }
    if (member->next != NULL) {
        member->next->previous = member->previous;
    } else {
        chat->last = member->previous;
    }
    member->next = member->previous = NULL;
    chat->members--;
}

static void give_name(struct member *member, const char *name, size_t size)
{
    struct bight_chat *chat = chat_of(member);
    if (size == 0 || size > NAME_LIMIT || name[0] == '/' || memchr(name, ' ', size) != NULL ||
        !bi_chat_text_is_printable(name, size)) {
        tell(member, "A name has 1 to 32 bytes, no spaces, and does not begin with '/'. Your name?");
        return;
    }
    if (name_is_taken(chat, name, size)) {
        tell(member, "That name is taken. Another?");
        return;
    }
    memcpy(member->name, name, size);
    member->name_size = (uint8_t)size;
    (void)bight_timer_cancel(member->greeting);
    if (bight_publisher_subscribe(chat->publisher, &member->base.base, &member->subscription) != 0) {
        member->name_size = 0; /* it has not come in */
        (void)bight_transport_abort_connection(bight_line_transport(&member->base));
        return;
    }
    enter(chat, member);
    announce(member, " has joined");
    tell(member, "Welcome. /names tells who is here, /quit leaves.");
}

static void greeting_is_over(void *context)
{
    dismiss(context, "No name, no chat.");
}

static void came(struct bight_line_receiver *receiver)
{
    struct member *member = member_of(receiver);
    struct bight_chat *chat = chat_of(member);
    struct bight_transport *transport = bight_line_transport(receiver);
    if (chat->connections >= chat->options.member_limit) {
        dismiss(member, "The room is full.");
        return;
    }
    chat->connections++;
    member->counted = true;
    (void)bight_transport_set_output_limit(transport, chat->options.output_limit);
    int code = bight_call_later(bight_transport_reactor(transport), chat->options.greeting_seconds, greeting_is_over,
        member, &member->greeting);
    if (code != 0 || bight_transport_set_idle_timeout(transport, chat->options.idle_seconds) != 0) {
        (void)bight_transport_abort_connection(transport);
        return;
    }
    tell(member, "Your name?");
}

static void went(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    struct member *member = member_of(receiver);
    (void)reason;
    (void)bight_timer_cancel(member->greeting);
    (void)bight_timer_cancel(member->rest);
    chat_of(member)->connections -= member->counted ? 1 : 0;
    if (has_name(member)) {
        leave(chat_of(member), member);
        announce(member, " has left");
    }
}

/* ------------------------------------------------------------------------------- what members write */

static void list_names(struct member *member)
{
    for (const struct member *other = chat_of(member)->first; other != NULL; other = other->next) {
        struct iovec parts[3] = { { (void *)(uintptr_t) "  ", 2 }, { (void *)(uintptr_t)other->name, other->name_size },
            { (void *)(uintptr_t) "\r\n", 2 } };
        (void)bight_transport_write_sequence(bight_line_transport(&member->base), parts, 3);
    }
}

static bool is_word(const char *line, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(line, word, size) == 0;
}

static void speak(struct member *member, const char *line, size_t size)
{
    if (is_word(line, size, "/quit")) {
        dismiss(member, "Goodbye.");
    } else if (is_word(line, size, "/names")) {
        list_names(member);
    } else if (size > 0 && line[0] == '/') {
        tell(member, "There are /names and /quit.");
    } else if (size > 0) {
        send_to_others(member, encode(member, "", ": ", line, size));
    }
}

static void rested(void *context)
{
    struct member *member = context;
    member->lines = 0;
    bight_line_resume(&member->base);
}

/* Reads no more of this member until the others have had their turn. */
static void rest(struct member *member)
{
    struct bight_transport *transport = bight_line_transport(&member->base);
    bight_line_pause(&member->base);
    if (bight_call_later(bight_transport_reactor(transport), 0, rested, member, &member->rest) != 0) {
        (void)bight_transport_abort_connection(transport);
    }
}

static void wrote(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct member *member = member_of(receiver);
    if (has_name(member)) {
        speak(member, line, size);
    } else {
        give_name(member, line, size);
    }
    if (++member->lines >= LINES_AT_A_GO && bight_transport_is_open(bight_line_transport(receiver))) {
        rest(member);
    }
}

static void wrote_too_much(struct bight_line_receiver *receiver, size_t limit)
{
    (void)limit;
    dismiss(member_of(receiver), "That line was too long. Goodbye.");
}

static const struct bight_line_ops member_ops = {
    .connection_made = came,
    .line_received = wrote,
    .line_length_exceeded = wrote_too_much,
    .connection_lost = went,
};

/* ------------------------------------------------------------------------------------------ the room */

static void fill_in_defaults(struct bight_chat_options *options)
{
    options->member_limit = options->member_limit == 0 ? 1000 : options->member_limit;
    options->line_limit = options->line_limit == 0 ? 512 : options->line_limit;
    options->output_limit = options->output_limit == 0 ? (size_t)1 << 20 : options->output_limit;
    options->greeting_seconds = options->greeting_seconds == 0 ? 60 : options->greeting_seconds;
}

struct bight_chat *bight_chat_new(const struct bight_chat_options *options)
{
    static const struct bight_line_factory model = BIGHT_LINE_FACTORY(struct member, &member_ops);
    struct bight_chat *chat = bight_calloc(1, sizeof *chat);
    if (chat == NULL) {
        return NULL;
    }
    if (options != NULL) {
        size_t known = options->size < sizeof chat->options ? options->size : sizeof chat->options;
        memcpy(&chat->options, options, known);
    }
    fill_in_defaults(&chat->options);
    struct bight_publisher_options bounds = {
        .size = sizeof bounds, .message_limit = SIZE_MAX, .byte_limit = chat->options.output_limit
    };
    chat->publisher = bight_publisher_new(&bounds);
    if (chat->publisher == NULL) {
        bight_free(chat);
        return NULL;
    }
    chat->factory = model;
    chat->factory.limit = chat->options.line_limit;
    return chat;
}

struct bight_factory *bight_chat_factory(struct bight_chat *chat)
{
    return &chat->factory.base;
}

size_t bight_chat_member_count(const struct bight_chat *chat)
{
    return chat->members;
}

void bight_chat_free(struct bight_chat *chat)
{
    if (chat != NULL) {
        bight_publisher_free(chat->publisher);
        bight_free(chat);
    }
}
