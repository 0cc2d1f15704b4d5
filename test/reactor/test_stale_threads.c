/* SPDX-License-Identifier: MIT */
/* test_stale_threads.c - names of slots that have gone, asked in one thread while another takes the slots again, and
 * their number read meanwhile. Above all for ThreadSanitizer. */
#include <pthread.h>
#include <unistd.h>

#include <bight/sys/loop.h>
#include <bight/reactor.h>

#include "deferred/deferred.h"
#include "support.h"

#define TIMES 20000

static void run_thread(void *(*function)(void *), void *context)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, function, context), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---------------------------------------------------------------------------------------- promises */

static void *make_stale_promise(void *context)
{
    struct bight_promise *promise = context;
    struct bight_deferred *deferred = bight_deferred_new(promise, NULL, NULL);
    (void)bight_callback(*promise, NULL, NULL);
    bight_deferred_release(deferred);
    return NULL;
}

static void *make_many_promises(void *context)
{
    struct bight_promise promise;
    for (int i = 0; i < TIMES; i++) {
        make_stale_promise(&promise);
    }
    return context;
}

START_TEST(a_stale_promise_is_asked_while_another_thread_has_its_slot) /* D4 */
{
    struct bight_promise stale;
    pthread_t thread;
    run_thread(make_stale_promise, &stale);
    ck_assert_int_eq(pthread_create(&thread, NULL, make_many_promises, NULL), 0);
    for (int i = 0; i < TIMES; i++) {
        ck_assert(!bight_promise_is_open(stale));
        ck_assert_int_eq(bight_callback(stale, NULL, NULL), BIGHT_E_STALE);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(deferreds_are_counted_while_other_threads_make_and_free_them) /* G1 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, make_many_promises, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        size_t count = bi_deferred_count();
        ck_assert_uint_ge(count, 1);
        ck_assert_uint_le(count, 2);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(bi_deferred_count(), 1);
    (void)bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
    ck_assert_uint_eq(bi_deferred_count(), 0);
}
END_TEST

static void *release_it(void *context)
{
    bight_deferred_release(context);
    return NULL;
}

START_TEST(a_deferred_that_ends_in_another_thread_is_counted_once) /* G1 */
{
    struct bight_deferred *deferred = bight_succeed(NULL, NULL);
    ck_assert_uint_eq(bi_deferred_count(), 1);
    run_thread(release_it, deferred);
    ck_assert_uint_eq(bi_deferred_count(), 0);
    run_thread(release_it, bight_succeed(NULL, NULL));
    ck_assert_uint_eq(bi_deferred_count(), 0);
}
END_TEST

/* ----------------------------------------------------------------------------------------- watches */

static int ends[2];

static void ready(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context;
}

static void *make_stale_watches(void *context)
{
    struct bight_foreign_watch *watch = context;
    struct bight_reactor *reactor = bight_reactor_new();
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(bight_watch_descriptor(reactor, ends[0], BIGHT_READABLE, ready, NULL, NULL, watch), 0);
        ck_assert_int_eq(bight_unwatch_descriptor(*watch), 0);
    }
    bight_reactor_free(reactor);
    return NULL;
}

START_TEST(a_stale_watch_is_given_up_while_another_thread_has_its_slot) /* R1 */
{
    struct bight_foreign_watch stale, others;
    pthread_t thread;
    ck_assert_int_eq(pipe(ends), 0);
    run_thread(make_stale_watches, &stale);
    ck_assert_int_eq(pthread_create(&thread, NULL, make_stale_watches, &others), 0);
    for (int i = 0; i < TIMES; i++) {
        ck_assert_int_eq(bight_unwatch_descriptor(stale), BIGHT_E_STALE);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_stale_promise_is_asked_while_another_thread_has_its_slot);
    tcase_add_test(tests, deferreds_are_counted_while_other_threads_make_and_free_them);
    tcase_add_test(tests, a_deferred_that_ends_in_another_thread_is_counted_once);
    tcase_add_test(tests, a_stale_watch_is_given_up_while_another_thread_has_its_slot);
}

BIGHT_TEST_MAIN("stale threads", add_tests)
