/* SPDX-License-Identifier: MIT */
/* test_settings.c - what can be set can be read, with the type and unit with which it is set. That each setter of the
 * public headers has a getter is test/house/check_getters.py's; those of connections are pinned in
 * test_transport_settings.c, of scopes in test_scope.c, of thread pools in test_thread_pool_join.c. */
#include "support.h"

#include <math.h>

#include <bight/bight.h>
#include <bight/debug.h>
#include <bight/figures.h>
#include <bight/memory.h>
#include <bight/sys/layer.h>
#include <bight/sys/resolver.h>
#include <bight/task.h>
#include <bight/testing.h>

static struct bight_reactor *reactor;

static void set_up(void)
{
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
}

static void observe(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

START_TEST(the_log_s_observer_and_level)
{
    int mine;
    void *context = &mine;
    ck_assert(bight_log_get_observer(&context) == NULL);
    ck_assert_ptr_null(context);
    bight_log_set_observer(observe, &mine);
    ck_assert(bight_log_get_observer(&context) == observe);
    ck_assert_ptr_eq(context, &mine);
    ck_assert(bight_log_get_observer(NULL) == observe);
    bight_log_set_observer(bight_log_get_observer(NULL), NULL);
    bight_log_set_observer(NULL, &mine);
    ck_assert(bight_log_get_observer(&context) == NULL);
    ck_assert_ptr_null(context);
    bight_log_set_level(BIGHT_LOG_ERROR);
    ck_assert_int_eq(bight_log_get_level(), BIGHT_LOG_ERROR);
}
END_TEST

static bool never(void *context)
{
    (void)context;
    return false;
}

START_TEST(the_allocator)
{
    struct bight_allocator before = { .size = sizeof before }, mine, now = { .size = sizeof now };
    ck_assert_int_eq(bight_get_allocator(&before), 0);
    ck_assert(before.allocate != NULL && before.reallocate != NULL && before.release != NULL);
    mine = before;
    mine.permit = never;
    mine.context = &now;
    ck_assert_int_eq(bight_set_allocator(&mine), 0);
    ck_assert_int_eq(bight_get_allocator(&now), 0);
    ck_assert_mem_eq(&now, &mine, sizeof now);
    ck_assert_int_eq(bight_set_allocator(&before), 0);
    now.size = 0;
    ck_assert_int_eq(bight_get_allocator(&now), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(debug_mode) /* D19 */
{
    bight_deferred_set_debug(true);
    ck_assert(bight_deferred_get_debug());
    bight_deferred_set_debug(false);
    ck_assert(!bight_deferred_get_debug());
}
END_TEST

START_TEST(the_file_for_keys)
{
    ck_assert_ptr_null(bight_endpoint_get_keylog());
    bight_endpoint_set_keylog("/keys");
    ck_assert_str_eq(bight_endpoint_get_keylog(), "/keys");
}
END_TEST

static struct bight_deferred *nothing(struct bight_looping_call *call, void *context)
{
    (void)call;
    (void)context;
    return NULL;
}

START_TEST(jitter_and_slices)
{
    struct bight_looping_call *call = bight_looping_call_new(bight_reactor_clock(reactor), nothing, NULL);
    struct bight_cooperator *cooperator = bight_cooperator_new(bight_reactor_clock(reactor));
    ck_assert_double_eq(bight_looping_call_get_jitter(call), 0);
    ck_assert_int_eq(bight_looping_call_set_jitter(call, 0.25, 3), 0);
    ck_assert_double_eq(bight_looping_call_get_jitter(call), 0.25);
    ck_assert_double_eq(bight_cooperator_get_slice(cooperator), 0.01);
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, 0.5), 0);
    ck_assert_double_eq(bight_cooperator_get_slice(cooperator), 0.5);
    ck_assert_int_eq(bight_cooperator_set_slice(cooperator, INFINITY), 0);
    ck_assert_double_eq(bight_cooperator_get_slice(cooperator), INFINITY);
    bight_cooperator_free(cooperator);
    bight_looping_call_free(call);
}
END_TEST

START_TEST(what_is_measured_of_a_reactor) /* G2 G3 G4 */
{
    ck_assert(!bight_reactor_get_timing(reactor)); /* it has a table of its own */
    ck_assert_double_eq(bight_reactor_get_block_limit(reactor), 0);
    ck_assert_int_eq(bight_reactor_set_block_limit(reactor, 0.5), 0);
    ck_assert_double_eq(bight_reactor_get_block_limit(reactor), 0.5);
    ck_assert(bight_reactor_get_timing(reactor));
    ck_assert_int_eq(bight_reactor_set_block_limit(reactor, INFINITY), 0);
    ck_assert_double_eq(bight_reactor_get_block_limit(reactor), 0);
    bight_reactor_set_timing(reactor, false);
    ck_assert(!bight_reactor_get_timing(reactor));
    ck_assert_double_eq(bight_reactor_get_watchdog(reactor), 0);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, 1000), 0);
    ck_assert_double_eq(bight_reactor_get_watchdog(reactor), 1000);
    ck_assert_int_eq(bight_reactor_set_watchdog(reactor, 0), 0);
    ck_assert_double_eq(bight_reactor_get_watchdog(reactor), 0);
}
END_TEST

static struct bight_deferred *resolve(struct bight_resolver *resolver, const char *name, uint16_t port)
{
    (void)resolver;
    (void)name;
    (void)port;
    return bight_fail(bight_failure_of(BIGHT_E_NAME_NOT_FOUND));
}

static void stays(struct bight_resolver *resolver)
{
    (void)resolver;
}

START_TEST(a_reactor_s_resolver) /* E5 */
{
    static const struct bight_resolver_ops ops = { .size = sizeof ops, .resolve = resolve, .free = stays };
    struct bight_resolver mine = { .ops = &ops };
    ck_assert_ptr_null(bight_reactor_get_resolver(reactor));
    ck_assert_int_eq(bight_reactor_set_resolver(reactor, &mine), 0);
    ck_assert_ptr_eq(bight_reactor_get_resolver(reactor), &mine);
    ck_assert_int_eq(bight_reactor_set_resolver(reactor, NULL), 0);
    ck_assert_ptr_null(bight_reactor_get_resolver(reactor));
    struct bight_deferred *deferred = bight_resolve(reactor, "127.0.0.1", 1);
    ck_assert_ptr_null(bight_reactor_get_resolver(reactor)); /* the built-in one may be there by now */
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(options_of_coroutines)
{
    struct bight_coroutine_options options = { .size = sizeof options };
    ck_assert_int_eq(bight_coroutine_get_options(reactor, &options), 0);
    ck_assert_uint_eq(options.stack_size, 256 << 10);
    ck_assert(!options.no_guard_pages);
    ck_assert_uint_eq(options.pool_limit, 64);
    ck_assert_uint_eq(options.limit, 0);
    options = (struct bight_coroutine_options) { sizeof options, 128 << 10, true, 3, 7 };
    ck_assert_int_eq(bight_coroutine_set_options(reactor, &options), 0);
    struct bight_coroutine_options now = { .size = sizeof now };
    ck_assert_int_eq(bight_coroutine_get_options(reactor, &now), 0);
    ck_assert_uint_eq(now.stack_size, 128 << 10);
    ck_assert(now.no_guard_pages);
    ck_assert_uint_eq(now.pool_limit, 3);
    ck_assert_uint_eq(now.limit, 7);
}
END_TEST

START_TEST(a_semaphore_s_limit) /* D29 */
{
    struct bight_semaphore *semaphore = bight_semaphore_new(2);
    ck_assert_int_eq(bight_semaphore_limit(semaphore), 2);
    ck_assert(bight_semaphore_try_acquire(semaphore));
    ck_assert_int_eq(bight_semaphore_resize(semaphore, 5), 0);
    ck_assert_int_eq(bight_semaphore_limit(semaphore), 5);
    bight_semaphore_free(semaphore);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_log_s_observer_and_level);
    tcase_add_test(tests, the_allocator);
    tcase_add_test(tests, debug_mode);
    tcase_add_test(tests, the_file_for_keys);
    tcase_add_test(tests, jitter_and_slices);
    tcase_add_test(tests, what_is_measured_of_a_reactor);
    tcase_add_test(tests, a_reactor_s_resolver);
    tcase_add_test(tests, options_of_coroutines);
    tcase_add_test(tests, a_semaphore_s_limit);
}

BIGHT_TEST_MAIN("settings", add_tests)
