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

/* Takes the first out; NULL: there is none. */
static inline struct bi_link *bi_list_take_first(struct bi_link *head)
{
    struct bi_link *first = head->next;
    if (first == head) {
        return NULL;
    }
    bi_list_remove(first);
    return first;
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

/* BI_LIST_EACH_NOW's: the first of `left` goes back into the list; NULL: there is none left. */
static inline struct bi_link *bi_list_put_back_first(struct bi_link *left, struct bi_link *list)
{
    struct bi_link *first = bi_list_take_first(left);
    if (first != NULL) {
        bi_list_append(list, first);
    }
    return first;
}

static inline struct bi_link *bi_list_begin_each(struct bi_link *left, struct bi_link *list)
{
    bi_list_take_all(left, list);
    return bi_list_put_back_first(left, list);
}

/* A loop over those that are in a list now, in order, for statements that call handlers. Any member may leave
 * meanwhile, by bi_list_remove: one whose turn has not come has none. A newcomer is in the list afterwards, before
 * those whose turn comes later, and has none either. The loop is not to be left early: some would stay out of the
 * list. */
#define BI_LIST_EACH_NOW(link, list)                                                               \
    for (struct bi_link link##_left, *link = bi_list_begin_each(&link##_left, list); link != NULL; \
         link = bi_list_put_back_first(&link##_left, list))

/* A loop that takes each out before its turn, until the list is empty: newcomers have theirs too. */
#define BI_LIST_EACH_TAKEN(link, list) for (struct bi_link * link; (link = bi_list_take_first(list)) != NULL;)

/* The object that embeds `link` as `member`. */
#define BI_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#endif
