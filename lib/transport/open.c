/* SPDX-License-Identifier: MIT */
/* open.c - what is open on a reactor apart from its connections: ports and attempts to connect.
 *
 * The room's second attachment to a reactor. When a run ends everything in its ring is told to end, so that nothing
 * accepts or connects any more. It also keeps the spare descriptor with which a port gets rid of a connection when
 * descriptors have run out (T17), and the numbers that adopted descriptors had (E4), each once. */
#include "base/dump.h"
#include "transport/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <bight/memory.h>

#include "base/places.h"
#include "deferred/deferred.h"

struct open_hub {
    struct bi_attachment attachment;
    struct bight_reactor *reactor;
    struct bi_link open;
    int spare; /* -1: none */
    int *adopted;
    size_t adopted_count;
};

static void end_all(struct open_hub *hub)
{
    struct bi_link ending;
    bi_list_take_all(&ending, &hub->open);
    BI_LIST_EACH_TAKEN (link, &ending) {
        struct bi_open *open = BI_CONTAINER(link, struct bi_open, link);
        open->end(open);
    }
}

static bool close_spare(struct open_hub *hub)
{
    if (hub->spare < 0) {
        return false;
    }
    struct bight_system *system = hub->reactor->system;
    (void)system->ops->close(system, hub->spare);
    hub->spare = -1;
    return true;
}

static void disconnect(struct bi_attachment *attachment)
{
    end_all(BI_CONTAINER(attachment, struct open_hub, attachment));
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct open_hub *hub = BI_CONTAINER(attachment, struct open_hub, attachment);
    end_all(hub);
    close_spare(hub);
    bight_free(hub->adopted);
}

static int after_fork(struct bi_attachment *attachment)
{
    struct open_hub *hub = BI_CONTAINER(attachment, struct open_hub, attachment);
    for (struct bi_link *link = hub->open.next; link != &hub->open; link = link->next) {
        struct bi_open *open = BI_CONTAINER(link, struct bi_open, link);
        if (open->forked != NULL) {
            open->forked(open);
        }
    }
    return 0;
}

static void describe_one(struct bi_dump *dump, const struct bi_open *open)
{
    char place[BI_DUMP_PLACE_SIZE], name[BI_DUMP_NAME_SIZE], text[BIGHT_ADDRESS_TEXT_SIZE + 64] = "";
    snprintf(name, sizeof name, "open %p", (const void *)open);
    if (open->tell != NULL) {
        open->tell(open, text, sizeof text);
    }
    bi_dump_node(
        dump, name, "house", "%s%s%s", open->tell != NULL ? "port" : "attempt", bi_dump_place(open, 0, place), text);
}

/* Ports, or what is no port: attempts to connect. */
static void describe_some(struct open_hub *hub, struct bi_dump *dump, bool are_ports)
{
    size_t count = 0;
    struct bi_link *link;
    for (link = hub->open.next; link != &hub->open; link = link->next) {
        count += (BI_CONTAINER(link, struct bi_open, link)->tell != NULL) == are_ports ? 1 : 0;
    }
    bi_dump_section(dump, count, are_ports ? "port" : "attempt");
    for (link = hub->open.next; link != &hub->open; link = link->next) {
        const struct bi_open *open = BI_CONTAINER(link, const struct bi_open, link);
        if ((open->tell != NULL) == are_ports) {
            describe_one(dump, open);
        }
    }
}

static void describe(struct bi_attachment *attachment, struct bi_dump *dump)
{
    struct open_hub *hub = BI_CONTAINER(attachment, struct open_hub, attachment);
    describe_some(hub, dump, true);
    describe_some(hub, dump, false);
}

static bool open_hub(struct bi_attachment *attachment)
{
    struct open_hub *hub = BI_CONTAINER(attachment, struct open_hub, attachment);
    hub->reactor = attachment->reactor;
    hub->spare = -1;
    bi_list_init(&hub->open);
    return true;
}

static const struct bi_attachment_kind open_things = {
    .order = BI_ORDER_OPEN,
    .size = sizeof(struct open_hub),
    .open = open_hub,
    .at = { [BI_DISCONNECTING] = disconnect },
    .finish = finish_hub,
    .after_fork = after_fork,
    .describe = describe,
};

static struct open_hub *hub_in(struct bi_attachment *attachment)
{
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct open_hub, attachment);
}

static struct open_hub *find_hub(struct bight_reactor *reactor)
{
    return hub_in(bi_attachment_find(reactor, &open_things));
}

static struct open_hub *hub_of(struct bight_reactor *reactor)
{
    return hub_in(bi_attachment_of(reactor, &open_things));
}

int bi_open_join(struct bight_reactor *reactor, struct bi_open *open)
{
    struct open_hub *hub = hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (bi_reactor_is_ending(reactor)) {
        return BIGHT_E_SHUTDOWN;
    }
    bi_list_append(&hub->open, &open->link);
    if (bi_deferred_debug()) {
        bi_places_note(&(struct bi_place) { .object = open });
    }
    return 0;
}

struct bi_open *bi_open_next(struct bight_reactor *reactor, const struct bi_open *previous)
{
    const struct open_hub *hub = find_hub(reactor);
    if (hub == NULL) {
        return NULL;
    }
    struct bi_link *next = previous == NULL ? hub->open.next : previous->link.next;
    return next == &hub->open ? NULL : BI_CONTAINER(next, struct bi_open, link);
}

void bi_open_leave(struct bi_open *open)
{
    if (open->link.next != NULL) {
        bi_list_remove(&open->link);
    }
}

/* ----------------------------------------------------------------------------- the spare descriptor */

bool bi_open_spend_spare(struct bight_reactor *reactor)
{
    struct open_hub *hub = find_hub(reactor);
    return hub != NULL && close_spare(hub);
}

void bi_open_restore_spare(struct bight_reactor *reactor)
{
    struct open_hub *hub = find_hub(reactor);
    if (hub != NULL && hub->spare < 0) {
        int fd = reactor->system->ops->open(reactor->system, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
        hub->spare = fd < 0 ? -1 : fd;
    }
}

/* --------------------------------------------------------------------------------- adopted once only */

bool bi_open_was_adopted(struct bight_reactor *reactor, int fd)
{
    const struct open_hub *hub = find_hub(reactor);
    for (size_t i = 0; hub != NULL && i < hub->adopted_count; i++) {
        if (hub->adopted[i] == fd) {
            return true;
        }
    }
    return false;
}

int bi_open_adopt(struct bight_reactor *reactor, int fd)
{
    struct open_hub *hub = hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (bi_open_was_adopted(reactor, fd)) {
        return 0;
    }
    int *adopted = bight_realloc(hub->adopted, (hub->adopted_count + 1) * sizeof *adopted);
    if (adopted == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    adopted[hub->adopted_count++] = fd;
    hub->adopted = adopted;
    return 0;
}
