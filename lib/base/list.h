/* SPDX-License-Identifier: MIT */
/* list.h - an intrusive doubly linked ring: a head and links embedded in what is listed. */
#ifndef BIGHT_BASE_LIST_H
#define BIGHT_BASE_LIST_H

#include <bight/macros.h>

struct bight_link {
    struct bight_link *next, *previous;
};

static inline void bight_list_init(struct bight_link *head)
{
    head->next = head->previous = head;
}

static inline bool bight_list_is_empty(const struct bight_link *head)
{
    return head->next == head;
}

static inline void bight_list_append(struct bight_link *head, struct bight_link *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* The link is left pointing at itself: removing it again does nothing. */
static inline void bight_list_remove(struct bight_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = link->previous = link;
}

/* Takes the whole of `from` into the empty `to`, so that handlers may change `from` while `to` is walked. */
static inline void bight_list_take_all(struct bight_link *to, struct bight_link *from)
{
    bight_list_init(to);
    if (!bight_list_is_empty(from)) {
        *to = *from;
        to->next->previous = to->previous->next = to;
        bight_list_init(from);
    }
}

/* The object that embeds `link` as `member`. */
#define BIGHT_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#endif
