/* SPDX-License-Identifier: MIT */
/* chat.c - what one says all others hear: README.md shows it. */
#include <bight/bight.h>
#include <bight/protocols/line.h>

struct member {
    struct bight_line_receiver base;
    struct member *next, **previous;
};
static struct member *members;

static void came(struct bight_line_receiver *receiver)
{
    struct member *member = bight_line_self(struct member, receiver);
    member->next = members;
    member->previous = &members;
    if (members != NULL) {
        members->previous = &member->next;
    }
    members = member;
}

static void said(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    for (struct member *member = members; member != NULL; member = member->next) {
        if (&member->base != receiver) {
            bight_line_send(&member->base, line, size);
        }
    }
}

static void went(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    struct member *member = bight_line_self(struct member, receiver);
    (void)reason;
    *member->previous = member->next;
    if (member->next != NULL) {
        member->next->previous = member->previous;
    }
}

static const struct bight_line_ops ops = { .connection_made = came, .line_received = said, .connection_lost = went };
static struct bight_line_factory chat = BIGHT_LINE_FACTORY(struct member, &ops);

int main(void)
{
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, "tcp:4000", &chat.base);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
