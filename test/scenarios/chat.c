/* SPDX-License-Identifier: MIT */
/* chat.c - scenario: the production chat, its members on two hosts, one of which is cut off for a while.
 *
 * What a member says is numbered. Who hears another hears every number after the first, without a gap, for as long as
 * both are connected; and when all is quiet again, the last one. Lines are written whole, in bunches and in pieces. */
#include "scenario.h"

#include <bight/protocols/chat.h>
#include <bight/protocols/line.h>

#include <stdio.h>
#include <string.h>

#define MAX_MEMBERS 10
#define MAX_FILLING 300
#define SPEAKING_ENDS 40.0 /* seconds; all partitions have healed by then */

struct chat {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *reactors[2];
    struct bight_line_factory members[2];
    struct member *present[MAX_MEMBERS]; /* by number */
    unsigned count, started;
};

struct member {
    struct bight_line_receiver base;
    struct end end;
    unsigned number, said;
    bool welcomed;
    unsigned heard[MAX_MEMBERS]; /* the last number of each; 0: none */
    struct bight_timer timer;
};

static struct chat *chat_of(const struct member *member)
{
    return member->base.base.factory->context;
}

static struct bight_reactor *reactor_of(const struct member *member)
{
    return bight_transport_reactor(bight_line_transport(&member->base));
}

/* Through the receiver, or as bytes in two pieces. */
static void say(struct member *member)
{
    struct audit *audit = &chat_of(member)->audit;
    char line[MAX_FILLING + 32];
    size_t filling = draw_size(audit, MAX_FILLING);
    int size = snprintf(line, sizeof line, "%u ", ++member->said);
    memset(line + size, 'x', filling);
    memcpy(line + (size_t)size + filling, "\r\n", 3);
    size_t whole = (size_t)size + filling;
    if (draw(audit, 50)) {
        (void)bight_line_send(&member->base, line, whole);
        return;
    }
    size_t piece = (size_t)bight_simulation_draw(audit->simulation, whole);
    (void)bight_transport_write(bight_line_transport(&member->base), line, piece);
    (void)bight_transport_write(bight_line_transport(&member->base), line + piece, whole + 2 - piece);
}

static void speak(void *context)
{
    struct member *member = context;
    struct audit *audit = &chat_of(member)->audit;
    unsigned lines = 1 + (unsigned)draw_size(audit, 40);
    for (unsigned i = 0; i < lines; i++) {
        say(member);
    }
    double next = draw_seconds(audit, 4);
    if (bight_simulation_now(audit->simulation) + next < SPEAKING_ENDS) {
        (void)bight_call_later(reactor_of(member), next, speak, member, &member->timer);
    }
}

static void came(struct bight_line_receiver *receiver)
{
    struct member *member = bight_line_self(struct member, receiver);
    struct chat *chat = chat_of(member);
    char name[16];
    end_made(&member->end, &receiver->base);
    member->number = chat->count++;
    chat->present[member->number] = member;
    (void)snprintf(name, sizeof name, "m%u", member->number);
    (void)bight_line_send_text(receiver, name);
}

static void hear(struct member *member, unsigned speaker, unsigned number)
{
    unsigned last = speaker < MAX_MEMBERS ? member->heard[speaker] : 0;
    if (speaker >= MAX_MEMBERS || speaker == member->number || (last != 0 && number != last + 1)) {
        audit_wrong("m%u heard m%u say %u after %u", member->number, speaker, number, last);
        return;
    }
    member->heard[speaker] = number;
}

static void heard(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct member *member = bight_line_self(struct member, receiver);
    char text[64];
    unsigned speaker, number;
    end_hears(&member->end);
    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, line, size);
    text[size] = '\0';
    if (strncmp(text, "Welcome", 7) == 0) {
        member->welcomed = true;
        speak(member);
    } else if (sscanf(text, "m%u: %u ", &speaker, &number) == 2) {
        hear(member, speaker, number);
    } else if (strncmp(text, "* m", 3) != 0 && strncmp(text, "Your name?", 10) != 0) {
        audit_wrong("the chat says strange things: %.50s", text);
    }
}

static void went(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    struct member *member = bight_line_self(struct member, receiver);
    struct chat *chat = chat_of(member);
    end_lost(&member->end, reason);
    (void)bight_timer_cancel(member->timer);
    chat->present[member->number] = NULL;
    if (!chat->trouble.resets && !chat->trouble.files && bight_simulation_now(chat->audit.simulation) < SPEAKING_ENDS) {
        audit_wrong("a member was lost for nothing: %.200s", bight_failure_message(reason));
    }
}

static const struct bight_line_ops member_ops = {
    .connection_made = came, .line_received = heard, .connection_lost = went
};

/* ------------------------------------------------------------------------------------------- the run */

static void start(void *context)
{
    struct chat *chat = context;
    size_t which = draw(&chat->audit, 50) ? 0 : 1;
    chat->started++;
    bight_deferred_release(
        audit_connect(&chat->audit, chat->reactors[which], "tcp:server:4000", &chat->members[which].base));
}

/* Everybody who is still there has heard the last word of everybody else. */
static void check_heard(const struct chat *chat)
{
    for (unsigned i = 0; i < MAX_MEMBERS; i++) {
        for (unsigned k = 0; k < MAX_MEMBERS; k++) {
            const struct member *member = chat->present[i], *speaker = chat->present[k];
            if (i == k || member == NULL || speaker == NULL) {
                continue;
            }
            if (!member->welcomed || member->heard[k] != speaker->said) {
                audit_wrong("m%u has heard %u of m%u, who said %u", i, member->heard[k], k, speaker->said);
            }
        }
    }
}

static void last_words(struct chat *chat)
{
    for (unsigned i = 0; i < MAX_MEMBERS; i++) {
        if (chat->present[i] != NULL) {
            say(chat->present[i]);
        }
    }
}

static void run_chat(struct chat *chat, struct bight_factory *factory)
{
    struct audit *audit = &chat->audit;
    struct bight_host *hosts[3] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "one"), bight_simulation_host(audit->simulation, "other") };
    unsigned members = 2 + (unsigned)bight_simulation_draw(audit->simulation, MAX_MEMBERS - 1);
    struct bight_reactor *server = audit_reactor(audit, hosts[0], 4u << 20);
    chat->reactors[0] = audit_reactor(audit, hosts[1], 4u << 20);
    chat->reactors[1] = audit_reactor(audit, hosts[2], 4u << 20);
    (void)audit_listen(audit, server, "tcp:4000", factory);
    chat->trouble = draw_trouble(audit);
    set_trouble(audit, &chat->trouble, hosts, 3);
    for (unsigned i = 0; i < members; i++) {
        (void)bight_call_later(chat->reactors[0], draw_seconds(audit, 2), start, chat, NULL);
    }
    bight_simulation_run(audit->simulation, 3 + draw_seconds(audit, 15));
    bool apart = draw(audit, 50);
    bight_simulation_partition(audit->simulation, hosts[0], hosts[1], apart);
    bight_simulation_run(audit->simulation, draw_seconds(audit, 20));
    bight_simulation_partition(audit->simulation, hosts[0], hosts[1], false);
    bight_simulation_run(audit->simulation, 120);
    last_words(chat);
    bight_simulation_run(audit->simulation, 60);
    check_heard(chat);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct chat chat = {
        .members = { BIGHT_LINE_FACTORY(struct member, &member_ops), BIGHT_LINE_FACTORY(struct member, &member_ops) },
    };
    const struct bight_chat_options options = { .size = sizeof options, .output_limit = 4u << 20 };
    struct bight_chat *room = bight_chat_new(&options);
    (void)context;
    chat.members[0].base.context = chat.members[1].base.context = &chat;
    audit_begin(&chat.audit, simulation);
    run_chat(&chat, bight_chat_factory(room));
    const char *wrong = audit_end(&chat.audit);
    bight_chat_free(room);
    return wrong;
}

const struct bight_scenario chat_scenario = { "chat", run, NULL };
