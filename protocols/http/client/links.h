/* SPDX-License-Identifier: MIT */
/* links.h - rings of things that link themselves: put in, taken out, moved, without an allocation. */
#ifndef BI_HTTP_LINKS_H
#define BI_HTTP_LINKS_H

#include <stdbool.h>
#include <stddef.h>

/* A member of what is linked; or the ring itself, whose first member is its `next`. Zeroed: in no ring. */
struct bi_link {
    struct bi_link *next, *previous;
};

/* The struct of `type` that has `link` for its `member`. */
#define BI_LINKED(type, member, link) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void bi_ring_init(struct bi_link *ring)
{
    ring->next = ring->previous = ring;
}

static inline bool bi_ring_is_empty(const struct bi_link *ring)
{
    return ring->next == ring;
}

static inline bool bi_link_is_in(const struct bi_link *link)
{
    return link->next != NULL;
}

/* Of one that is in no ring: behind `place`, which is another link or the ring. */
static inline void bi_ring_insert(struct bi_link *place, struct bi_link *link)
{
    link->next = place->next;
    link->previous = place;
    place->next->previous = link;
    place->next = link;
}

static inline void bi_ring_append(struct bi_link *ring, struct bi_link *link)
{
    bi_ring_insert(ring->previous, link);
}

/* Of one in no ring, too. */
static inline void bi_link_remove(struct bi_link *link)
{
    if (link->next != NULL) {
        link->next->previous = link->previous;
        link->previous->next = link->next;
        link->next = link->previous = NULL;
    }
}

#endif
