/* SPDX-License-Identifier: MIT */
/* fork.c - the guards of all locks, and what is done with them around a fork.
 *
 * One list for each line of the order, under a lock of its own that is taken before all others. The handlers are the
 * process's, registered with the first guard. What else guarded data needs in the child is its owner's. */
#include "base/fork.h"

unsigned bi_fork_count;
atomic_uint bi_forks_seen;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over `guards` */
static struct bi_link guards[BI_FORK_ORDERS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void for_all(void (*function)(struct bi_fork_guard *guard))
{
    for (int order = 0; order < BI_FORK_ORDERS; order++) {
        for (struct bi_link *link = guards[order].next; link != &guards[order]; link = link->next) {
            function(BI_CONTAINER(link, struct bi_fork_guard, link));
        }
    }
}

static void take(struct bi_fork_guard *guard)
{
    pthread_mutex_lock(guard->lock);
}

static void release(struct bi_fork_guard *guard)
{
    pthread_mutex_unlock(guard->lock);
}

static void release_in_child(struct bi_fork_guard *guard)
{
    if (guard->in_child != NULL) {
        guard->in_child(guard);
    }
    pthread_mutex_unlock(guard->lock);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
    for_all(take);
}

static void in_parent(void)
{
    atomic_fetch_add_explicit(&bi_forks_seen, 1, memory_order_relaxed);
    for_all(release);
    pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    bi_fork_count++;
    atomic_fetch_add_explicit(&bi_forks_seen, 1, memory_order_relaxed);
    for_all(release_in_child);
    pthread_mutex_unlock(&lock);
}

/* If the handlers cannot be allocated, which shows before main() or never, forks are not guarded. */
static void begin(void)
{
    for (int order = 0; order < BI_FORK_ORDERS; order++) {
        bi_list_init(&guards[order]);
    }
    (void)pthread_atfork(before_fork, in_parent, in_child);
}

void bi_fork_guard_add(struct bi_fork_guard *guard)
{
    (void)pthread_once(&once, begin);
    pthread_mutex_lock(&lock);
    bi_list_append(&guards[guard->order], &guard->link);
    pthread_mutex_unlock(&lock);
}

void bi_fork_guard_remove(struct bi_fork_guard *guard)
{
    pthread_mutex_lock(&lock);
    bi_list_remove(&guard->link);
    pthread_mutex_unlock(&lock);
}
