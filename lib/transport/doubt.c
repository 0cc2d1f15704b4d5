/* SPDX-License-Identifier: MIT */
/* doubt.c - the lazy look: connections whose last read was short and was answered, after which receive.c does not look
 * again.
 *
 * A short read has nearly always emptied the kernel's buffer. Not when there was a mark in the stream: TCP's urgent
 * data, descriptors on a UNIX socket. What lies behind it is no news to the loop, and the peer may wait for the answer.
 * A receive more for each message would cost what edges save, so a connection that has been quiet for a tenth of a
 * second gets one. It is noted here at most once in that time, and a bit of its state says so: a message costs nothing.
 *
 * What such a look finds may also have come this very moment, and be news that the loop would have told next. So only
 * two finds in a row show that the peer sends marks; from then on the connection is read until there is nothing. */
#include <string.h>

#include "base/pages.h"
#include "transport/close.h"
#include "transport/invariants.h"
#include "transport/state.h"

#define PERIOD (BIGHT_NANOSECONDS_PER_SECOND / 10)

enum { LOOKS_PER_TURN = 1024, MIN_ROOM = 64 };

struct bi_doubt {
    uint64_t id;
    bool is_second; /* the first visit takes the mark away; without one at the second it has been quiet since */
};

static void free_list(struct bi_doubts *doubts)
{
    bi_pages_release(doubts->list, doubts->capacity * sizeof *doubts->list);
}

/* Pages, since the list comes and goes: from malloc's, what is made meanwhile would lie behind it and keep it there. */
static bool make_room(struct bi_doubts *doubts)
{
    size_t capacity = doubts->capacity == 0 ? MIN_ROOM : doubts->capacity * 2;
    struct bi_doubt *list = bi_pages_allocate(capacity * sizeof *list);
    if (list == NULL) {
        return false;
    }
    if (doubts->count > 0) {
        memcpy(list, doubts->list, doubts->count * sizeof *list);
    }
    free_list(doubts);
    doubts->list = list;
    doubts->capacity = capacity;
    return true;
}

static void arm(struct bi_hub *hub, uint64_t nanoseconds)
{
    bi_reactor_arm(hub->reactor, &hub->doubts.timer, bi_reactor_now(hub->reactor) + nanoseconds);
}

/* Whether it is to be visited again. */
static bool visit(struct bi_hub *hub, struct bi_doubt *doubt)
{
    struct bight_transport *transport = bi_hub_find(hub, doubt->id);
    if (transport == NULL) {
        return false;
    }
    if (!doubt->is_second) {
        transport->state &= ~BI_DOUBTED;
        doubt->is_second = true;
        return (transport->state & BI_SENT) != 0;
    }
    if ((transport->state & (BI_SENT | BI_DOUBTED)) == BI_SENT) {
        bi_receive_look(transport);
    }
    return false;
}

/* Those that were noted meanwhile stand behind those that were visited. */
static void close_ranks(struct bi_doubts *doubts)
{
    size_t fresh = doubts->count - doubts->last;
    memmove(doubts->list + doubts->kept, doubts->list + doubts->last, fresh * sizeof *doubts->list);
    doubts->count = doubts->kept + fresh;
    doubts->next = doubts->kept = 0;
}

static void look_around(struct bi_wheel_entry *timer)
{
    struct bi_hub *hub = BI_CONTAINER(timer, struct bi_hub, doubts.timer);
    struct bi_doubts *doubts = &hub->doubts;
    doubts->last = doubts->next == 0 ? doubts->count : doubts->last;
    size_t until = doubts->last - doubts->next > LOOKS_PER_TURN ? doubts->next + LOOKS_PER_TURN : doubts->last;
    while (doubts->next < until) {
        struct bi_doubt doubt = doubts->list[doubts->next++];
        if (visit(hub, &doubt)) {
            doubts->list[doubts->kept++] = doubt;
        }
    }
    if (doubts->next < doubts->last) {
        arm(hub, 0); /* on the next turn */
        return;
    }
    close_ranks(doubts);
    if (doubts->count > 0) {
        arm(hub, PERIOD);
    } else {
        bi_doubt_finish(hub);
    }
}

bool bi_doubt_note(struct bight_transport *transport)
{
    struct bi_hub *hub = transport->hub;
    struct bi_doubts *doubts = &hub->doubts;
    if (doubts->count == doubts->capacity && !make_room(doubts)) {
        return false;
    }
    doubts->list[doubts->count++] = (struct bi_doubt) { .id = transport->id };
    transport->state |= BI_DOUBTED;
    if (doubts->count == 1) {
        doubts->timer.function = look_around;
        arm(hub, PERIOD);
    }
    return true;
}

void bi_doubt_finish(struct bi_hub *hub)
{
    bi_reactor_disarm(hub->reactor, &hub->doubts.timer);
    free_list(&hub->doubts);
    hub->doubts = (struct bi_doubts) { .count = 0 };
}

const char *bi_invariants_of_doubts(const struct bi_hub *hub, size_t doubted)
{
    const struct bi_doubts *doubts = &hub->doubts;
    BI_MUST(doubts->count <= doubts->capacity, "doubts: the list is as long as its room at most");
    BI_MUST(
        (doubts->count > 0) == bi_wheel_is_armed(&doubts->timer), "doubts: the timer is armed while there are some");
    if (doubts->next > 0) {
        return NULL; /* a round is on its way */
    }
    size_t fresh = 0;
    for (size_t i = 0; i < doubts->count; i++) {
        const struct bight_transport *transport = bi_hub_find(hub, doubts->list[i].id);
        bool is_fresh = transport != NULL && !doubts->list[i].is_second;
        BI_MUST(!is_fresh || (transport->state & BI_DOUBTED), "doubts: who was noted knows");
        fresh += is_fresh;
    }
    BI_MUST(fresh == doubted, "doubts: who is doubted was noted, once");
    return NULL;
}
