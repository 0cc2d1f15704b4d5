/* SPDX-License-Identifier: MIT */
/* look_up.c - names that threads of the reactor's pool look up (F4), and the requests that wait for them.
 *
 * All that ask for the same name meanwhile wait for the same look-up: of a slow disk they take one thread. A look-up
 * belongs to the loop until it has come home, and to its job, which may be left behind by the reactor's end. A waiter
 * is in its request's memory: the Deferred that it stands for keeps the request. */
#include <bight/memory.h>
#include <bight/sys/system.h>
#include <bight/thread.h>

#include <string.h>

#include "http/files/files.h"
#include "http/server/conditional.h"

#define KEPT_OPEN 2.0 /* seconds that a descriptor stays, at least, when nobody asks for it */

struct waiter {
    struct waiter *next, **place; /* place: what points at it; NULL: it waits no more */
    struct bight_http_request *request;
    bool is_fallback; /* for what was asked for and is not there */
    struct bight_promise promise;
};

struct bi_look_up {
    atomic_uint holds;
    struct bi_files *files;
    struct bight_reactor *reactor;
    struct waiter *waiters;
    int64_t now; /* seconds since 1970 */
    /* The job's, until it has come home. */
    int number;
    struct bi_files_found found;
    struct bi_files_key key; /* only as much of it as is needed */
};

static void drop_hold(void *context)
{
    struct bi_look_up *look_up = context;
    if (atomic_fetch_sub_explicit(&look_up->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (look_up->found.entry != NULL) {
        bi_files_entry_release(look_up->found.entry);
    }
    bi_files_release(look_up->files);
    bight_free(look_up);
}

/* ---------------------------------------------------------------------------------------------- waiters */

static const struct bight_type looked_up_type = { .name = "looked up" };

static void unlink_waiter(struct waiter *waiter)
{
    if (waiter->place != NULL) {
        *waiter->place = waiter->next;
        if (waiter->next != NULL) {
            waiter->next->place = waiter->place;
        }
        waiter->place = NULL;
    }
}

static void cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    unlink_waiter(context);
}

/* A failure is answered by whoever waits for the Deferred. */
static void answer(struct bight_result *result, void *context)
{
    const struct waiter *waiter = context;
    struct bight_http_request *request = waiter->request;
    const struct bi_look_up *look_up = bight_result_peek(result, &looked_up_type);
    if (look_up == NULL) {
        return;
    }
    bight_result_clear(result);
    if (!bight_http_request_is_open(request) || request->answer.state != BI_ANSWER_NONE) {
        return;
    }
    struct bight_deferred *more =
        bi_files_answer(look_up->files, request, &look_up->key, &look_up->found, waiter->is_fallback);
    if (more != NULL) {
        bight_result_chain(result, more);
    }
}

static struct bight_deferred *wait_for(struct bi_look_up *look_up, struct bight_http_request *request, bool is_fallback)
{
    struct waiter *waiter = (struct waiter *)(void *)bi_request_allocate(request, sizeof *waiter);
    if (waiter == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bight_deferred_new(&waiter->promise, cancel, waiter);
    if (!bight_promise_is_open(waiter->promise)) {
        return deferred; /* it has failed: no memory */
    }
    waiter->request = request;
    waiter->is_fallback = is_fallback;
    waiter->next = look_up->waiters;
    waiter->place = &look_up->waiters;
    if (waiter->next != NULL) {
        waiter->next->place = &waiter->next;
    }
    look_up->waiters = waiter;
    if (bight_deferred_add_both(deferred, answer, waiter) != BIGHT_OK) {
        unlink_waiter(waiter);
        (void)bight_errback(waiter->promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return deferred;
}

/* Whoever is told may do anything, to the others too. */
static void tell_all(struct bi_look_up *look_up, const struct bight_failure *failure)
{
    while (look_up->waiters != NULL) {
        struct waiter *waiter = look_up->waiters;
        unlink_waiter(waiter);
        if (failure != NULL) {
            (void)bight_errback(waiter->promise, bight_failure_hold((struct bight_failure *)(uintptr_t)failure));
        } else {
            (void)bight_callback(waiter->promise, &looked_up_type, look_up);
        }
    }
}

/* -------------------------------------------------------------------------------------------- its job */

static void find(struct bight_result *result, void *context)
{
    struct bi_look_up *look_up = context;
    (void)result;
    look_up->number = bi_files_find(look_up->files, &look_up->key, look_up->now, &look_up->found);
}

/* Descriptors of what nobody asks for any more keep disk space, and file systems busy. */
static void sweep(void *context)
{
    struct bi_files *files = context;
    struct bight_system *system = bight_reactor_system(files->reactor);
    int64_t now = (int64_t)(system->ops->wall_time(system) / BIGHT_NANOSECONDS_PER_SECOND);
    bi_files_cache_sweep(&files->cache, now - (int64_t)KEPT_OPEN);
    if (files->cache.descriptors > 0) {
        (void)bight_call_later(files->reactor, KEPT_OPEN, sweep, files, &files->sweeping);
    }
}

/* Without a timer descriptors stay until others need their place. */
static void keep(struct bi_look_up *look_up, struct bight_reactor *reactor)
{
    struct bi_files *files = look_up->files;
    struct bi_files_entry *entry = look_up->found.entry;
    if (entry == NULL || files->is_gone) {
        return;
    }
    entry->checked = look_up->now;
    bi_files_cache_put(&files->cache, entry);
    if (entry->file.data == NULL && !bight_timer_is_pending(files->sweeping)) {
        files->reactor = reactor;
        (void)bight_call_later(reactor, KEPT_OPEN, sweep, files, &files->sweeping);
    }
}

static struct bight_failure *failure_of(const struct bi_look_up *look_up, struct bight_result *result)
{
    if (bight_result_failure(result) != NULL) {
        return bight_result_take_failure(result);
    }
    return look_up->number == 0 ? NULL : bight_failure_from_errno(look_up->number, "a file to be served");
}

static void has_come(struct bight_result *result, void *context)
{
    struct bi_look_up *look_up = context;
    struct bight_failure *failure = failure_of(look_up, result);
    (void)bight_hash_take(&look_up->files->looking, look_up->key.text, look_up->key.size);
    if (failure == NULL) {
        keep(look_up, look_up->reactor);
    }
    tell_all(look_up, failure);
    bight_failure_release(failure);
    drop_hold(look_up);
}

/* The handler may run at once, when there is no thread or no memory for one. */
static void begin_job(struct bi_look_up *look_up)
{
    atomic_fetch_add_explicit(&look_up->holds, 1, memory_order_relaxed);
    struct bight_deferred *working = bight_defer_to_thread_full(look_up->reactor, find, look_up, drop_hold);
    if (bight_deferred_add_both(working, has_come, look_up) != BIGHT_OK) {
        struct bight_result none = { 0 };
        bight_deferred_cancel(working);
        bight_result_fail(&none, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        has_come(&none, look_up);
    }
    bight_deferred_release(working);
}

/* ------------------------------------------------------------------------------------------ beginning */

static struct bi_look_up *begin(
    struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key)
{
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    size_t size = offsetof(struct bi_look_up, key.text) + key->size + 1;
    struct bi_look_up *look_up = bight_calloc(1, size);
    if (look_up == NULL) {
        return NULL;
    }
    look_up->reactor = reactor;
    look_up->now = bi_conditional_now(request);
    look_up->key.size = key->size;
    memcpy(look_up->key.text, key->text, key->size);
    if (bight_hash_set(&files->looking, key->text, key->size, look_up) != BIGHT_OK) {
        bight_free(look_up);
        return NULL;
    }
    atomic_init(&look_up->holds, 1);
    look_up->files = bi_files_hold(files);
    return look_up;
}

struct bight_deferred *bi_files_look_up(
    struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key, bool is_fallback)
{
    struct bi_look_up *look_up = bight_hash_get(&files->looking, key->text, key->size);
    bool is_new = look_up == NULL;
    if (is_new) {
        look_up = begin(files, request, key);
    }
    if (look_up == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = wait_for(look_up, request, is_fallback);
    if (is_new) {
        begin_job(look_up);
    }
    return deferred;
}
