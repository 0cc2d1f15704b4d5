/* SPDX-License-Identifier: MIT */
/* list.h - an intrusive doubly linked ring: a head and links embedded in what is listed. */
#ifndef BI_BASE_LIST_H
#define BI_BASE_LIST_H

#include <bight/macros.h>

struct bi_link {
    struct bi_link *next, *previous;
};

static inline void bi_list_init(struct bi_link *head)
{
    head->next = head->previous = head;
}

static inline bool bi_list_is_empty(const struct bi_link *head)
{
    return head->next == head;
}

static inline void bi_list_append(struct bi_link *head, struct bi_link *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* The link is left pointing at itself: removing it again does nothing. */
static inline void bi_list_remove(struct bi_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = link->previous = link;
}

/* Takes the whole of `from` into the empty `to`, so that handlers may change `from` while `to` is walked. */
static inline void bi_list_take_all(struct bi_link *to, struct bi_link *from)
{
    bi_list_init(to);
    if (!bi_list_is_empty(from)) {
        *to = *from;
        to->next->previous = to->previous->next = to;
        bi_list_init(from);
    }
}

/* The object that embeds `link` as `member`. */
#define BI_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#endif
