/* SPDX-License-Identifier: MIT */
/* queue_support.h - the queue that a test is about, and what is done to it. */
#ifndef BIGHT_TEST_QUEUE_SUPPORT_H
#define BIGHT_TEST_QUEUE_SUPPORT_H

#include "sync_support.h"

static struct bight_queue *queue;

static inline void set_up(void)
{
    begin();
    queue = bight_queue_new(NULL);
    ck_assert_ptr_nonnull(queue);
}

static inline void tear_down(void)
{
    bight_queue_free(queue);
}

/* Another queue instead. */
static inline void use(size_t size_limit, size_t backlog_limit, enum bight_queue_order order)
{
    bight_queue_free(queue);
    queue = bight_queue_new(
        &(struct bight_queue_options) { sizeof(struct bight_queue_options), size_limit, backlog_limit, order });
    ck_assert_ptr_nonnull(queue);
}

static inline int put(int number)
{
    return bight_queue_put(queue, &bight_type_integer, bight_integer(number));
}

static inline struct bight_deferred *put_later(int number)
{
    return bight_queue_put_later(queue, &bight_type_integer, bight_integer(number));
}

static inline void get_as(const char *name)
{
    listen_to(bight_queue_get(queue), name);
}

#endif
