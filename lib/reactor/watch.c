/* SPDX-License-Identifier: MIT */
/* watch.c - descriptors that are not bight's, watched for a program.
 *
 * The handle names a slot of a slab, which outlives the watch, so a stale one is told apart. What the loop needs is
 * allocated apart, since only the loop knows its size. A watch that is removed by its own function stays until
 * that has returned.
 *
 * A program may close a descriptor that is watched. The kernel forgets the watch then, in silence; libevent still
 * counts it, and would not ask the kernel again for the next watch of that number, which would never fire. So what else
 * is watched by the same number is looked at: what was another file is taken out, and the rest is asked for again.
 * Eventfds and their like are all one file to the kernel, and only asked for again.
 *
 * What bight opens itself may get such a number, too, and is added in the middle of accepting or connecting, where no
 * release of the program's may run: the watch is put aside then, and still has to be unwatched by the program. */
#include <bight/memory.h>
#include <string.h>

#include "base/places.h"
#include "base/slab.h"
#include "deferred/deferred.h"
#include "reactor/state.h"

struct foreign_watch {
    struct bi_link link; /* in state->foreign */
    struct bight_reactor *reactor;
    struct watch_slot *slot;
    const char *place;    /* where it was asked for */
    uint64_t identity[2]; /* of what the number stood for; 0: not known */
    int fd;               /* -1: put aside, its number is another's */
    bool running;
    bool removed;
    void (*function)(int fd, short what, void *context);
    void *context;
    bight_release_function release;
    _Alignas(max_align_t) unsigned char watch[]; /* the loop's */
};

struct watch_slot {
    uint64_t generation; /* as in struct bi_slot */
    struct foreign_watch *watch;
};

static struct bi_slab_kind watch_slot_kind = { "foreign watch", sizeof(struct watch_slot), NULL };
static _Thread_local struct bi_slab watch_slots = { .kind = &watch_slot_kind };

static inline struct bight_watch *watch_of(struct foreign_watch *foreign)
{
    return (struct bight_watch *)(void *)foreign->watch;
}

static void free_watch(struct foreign_watch *foreign)
{
    if (foreign->release != NULL) {
        foreign->release(foreign->context);
    }
    bight_free(foreign);
}

static void ready(int fd, short what, void *context)
{
    struct foreign_watch *foreign = context;
    struct bight_reactor *reactor = foreign->reactor;
    foreign->running = true;
    bi_reactor_enter_for(reactor, "descriptor", foreign->slot, foreign->slot->generation);
    foreign->function(fd, what, foreign->context);
    foreign->running = false;
    if (foreign->removed) {
        free_watch(foreign);
    }
    bi_reactor_leave(reactor);
}

static void unwatch(struct foreign_watch *foreign)
{
    struct bight_loop *loop = foreign->reactor->loop;
    loop->ops->watch_remove(loop, watch_of(foreign));
    bi_list_remove(&foreign->link);
    bi_slab_give(&watch_slots, foreign->slot);
    foreign->removed = true;
    if (!foreign->running) {
        free_watch(foreign);
    }
}

/* --------------------------------------------------------------------------- numbers that are used again */

static void identify(struct bight_reactor *reactor, int fd, uint64_t identity[2])
{
    struct bight_system *system = reactor->system;
    if (system->ops->file_identity == NULL || system->ops->file_identity(system, fd, identity) < 0) {
        identity[0] = identity[1] = 0;
    }
}

static bool is_known(const uint64_t identity[2])
{
    return (identity[0] | identity[1]) != 0;
}

/* The next watch after `link` of this number; NULL: there is none. */
static struct foreign_watch *next_of_number(struct bight_reactor *reactor, struct bi_link *link, int fd)
{
    struct bi_link *all = &reactor->state->foreign;
    for (link = link->next; link != all; link = link->next) {
        struct foreign_watch *each = BI_CONTAINER(link, struct foreign_watch, link);
        if (each->fd == fd) {
            return each;
        }
    }
    return NULL;
}

static bool is_another_file(const struct foreign_watch *old, const uint64_t identity[2])
{
    return is_known(old->identity) && is_known(identity) && memcmp(old->identity, identity, sizeof old->identity) != 0;
}

static void take_out_closed(const char *place, struct foreign_watch *new)
{
    struct bight_reactor *reactor = new->reactor;
    struct bi_link *all = &reactor->state->foreign;
    struct foreign_watch *each = next_of_number(reactor, all, new->fd);
    while (each != NULL) {
        if (!is_another_file(each, new->identity)) {
            each = next_of_number(reactor, &each->link, new->fd);
            continue;
        }
        (void)bi_usage_error(BIGHT_E_USAGE, place,
            "bight_watch_descriptor: descriptor %d was closed while it was watched (since %s) and is another file "
            "now; unwatch before closing",
            new->fd, each->place);
        unwatch(each); /* which may call the program */
        each = next_of_number(reactor, all, new->fd);
    }
}

static void put_aside_closed(struct bight_reactor *reactor, int fd)
{
    uint64_t identity[2];
    struct bi_link *all = &reactor->state->foreign;
    identify(reactor, fd, identity);
    struct foreign_watch *each = next_of_number(reactor, all, fd);
    while (each != NULL) {
        struct foreign_watch *next = next_of_number(reactor, &each->link, fd);
        if (is_another_file(each, identity)) {
            reactor->loop->ops->watch_remove(reactor->loop, watch_of(each));
            each->fd = -1;
            (void)bi_usage_error(BIGHT_E_USAGE, each->place,
                "bight_watch_descriptor: descriptor %d was closed while it was watched and is one of bight's own now; "
                "unwatch before closing",
                fd);
        }
        each = next;
    }
}

/* Adds `watch` of `fd`, and those that are there asking the kernel for all of them again. 0 or a code. */
static int add_anew(struct bight_reactor *reactor, struct bight_watch *watch, int fd)
{
    struct bight_loop *loop = reactor->loop;
    struct bi_link *all = &reactor->state->foreign;
    struct foreign_watch *each;
    for (each = next_of_number(reactor, all, fd); each != NULL; each = next_of_number(reactor, &each->link, fd)) {
        loop->ops->watch_remove(loop, watch_of(each));
    }
    int code = loop->ops->watch_add(loop, watch);
    for (each = next_of_number(reactor, all, fd); each != NULL; each = next_of_number(reactor, &each->link, fd)) {
        (void)loop->ops->watch_add(loop, watch_of(each));
    }
    return code;
}

/* Bits of numbers that are no longer watched are cleared when one has misled a caller. */
static uint64_t collect_numbers(struct bight_reactor *reactor)
{
    uint64_t numbers = 0;
    struct bi_link *all = &reactor->state->foreign;
    for (struct bi_link *link = all->next; link != all; link = link->next) {
        const struct foreign_watch *each = BI_CONTAINER(link, struct foreign_watch, link);
        numbers |= each->fd >= 0 ? bi_number_bit(each->fd) : 0;
    }
    return numbers;
}

int bi_reactor_add_watch_among_foreign(struct bight_reactor *reactor, struct bight_watch *watch, int fd)
{
    reactor->foreign_numbers = collect_numbers(reactor);
    if (next_of_number(reactor, &reactor->state->foreign, fd) == NULL) {
        return reactor->loop->ops->watch_add(reactor->loop, watch);
    }
    put_aside_closed(reactor, fd);
    return add_anew(reactor, watch, fd);
}

/* --------------------------------------------------------------------------------------------- watching */

int bight_watch_descriptor_at(const char *place, struct bight_reactor *reactor, int fd, short what,
    void (*function)(int fd, short what, void *context), void *context, bight_release_function release,
    struct bight_foreign_watch *watch)
{
    const struct bight_loop_ops *ops = reactor->loop->ops;
    int code = bi_reactor_check_use_at(place, reactor, "bight_watch_descriptor");
    if (code != 0) {
        return code;
    }
    bool is_waited_for = what != 0 && (what & ~(BIGHT_READABLE | BIGHT_WRITABLE)) == 0;
    if (fd < 0 || !is_waited_for || function == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_watch_descriptor: %s",
            fd < 0             ? "the descriptor is negative"
            : function == NULL ? "there is no function"
                               : "what to wait for is neither READABLE nor WRITABLE nor both");
    }
    struct watch_slot *slot = bi_slab_take(&watch_slots);
    if (slot == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    code = BIGHT_E_OUT_OF_MEMORY;
    struct foreign_watch *foreign = bight_calloc(1, sizeof *foreign + ops->watch_size);
    if (foreign == NULL) {
        goto failed;
    }
    foreign->reactor = reactor;
    foreign->slot = slot;
    foreign->place = place;
    foreign->fd = fd;
    foreign->function = function;
    foreign->context = context;
    foreign->release = release;
    slot->watch = foreign;
    ops->watch_init(reactor->loop, watch_of(foreign), fd, what, ready, foreign);
    identify(reactor, fd, foreign->identity);
    take_out_closed(place, foreign);
    code = add_anew(reactor, watch_of(foreign), fd);
    if (code != 0) {
        goto failed;
    }
    bi_list_append(&reactor->state->foreign, &foreign->link);
    reactor->foreign_numbers |= bi_number_bit(fd);
    if (bi_deferred_debug()) {
        bi_places_note(&(struct bi_place) {
            .object = slot, .generation = slot->generation, .kind = "watch", .place = place, .is_slot = true });
    }
    if (watch != NULL) {
        *watch = (struct bight_foreign_watch) { slot, slot->generation };
    }
    return 0;

failed:
    bight_free(foreign);
    bi_slab_give(&watch_slots, slot);
    return code;
}

int bight_unwatch_descriptor(struct bight_foreign_watch watch)
{
    struct watch_slot *slot = watch.slot;
    if (slot == NULL || !bi_slot_is_current(slot, watch.generation)) {
        return BIGHT_E_STALE;
    }
    if (bi_reactor_check_thread(slot->watch->reactor, "bight_unwatch_descriptor") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    unwatch(slot->watch);
    return 0;
}

void bi_reactor_drop_watches(struct bight_reactor *reactor)
{
    struct bi_link *foreign = &reactor->state->foreign;
    while (!bi_list_is_empty(foreign)) {
        unwatch(BI_CONTAINER(foreign->next, struct foreign_watch, link));
    }
}
