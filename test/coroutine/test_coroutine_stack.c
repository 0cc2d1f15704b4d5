/* SPDX-License-Identifier: MIT */
/* The stacks of coroutines: how large, how many, kept and given back, out of mappings and out of memory. */
#include "coroutine_support.h"
#include "coroutine/annotate.h"

#include <bight/testing.h>

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <sys/wait.h>
#include <unistd.h>

static struct bight_coroutine_options options = { .size = sizeof options };

static void set_options(void)
{
    ck_assert_int_eq(bight_coroutine_set_options(reactor, &options), 0);
}

static size_t pooled(void)
{
    struct bight_coroutine_figures figures = { .size = sizeof figures };
    (void)bight_coroutine_read_figures(reactor, &figures);
    return figures.pooled;
}

static size_t alive(void)
{
    struct bight_coroutine_figures figures = { .size = sizeof figures };
    (void)bight_coroutine_read_figures(reactor, &figures);
    return figures.coroutines;
}

/* ------------------------------------------------------------------------------------- a table of calls */

static struct bight_system_ops fake_ops;
static struct bight_system fake = { &fake_ops };
static int map_result, unmap_result, maps, unmaps;

static int fake_map(struct bight_system *system, size_t size, size_t guard, void **memory)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    maps++;
    return map_result != 0 ? map_result : real->ops->map_stack(real, size, guard, memory);
}

static int fake_unmap(struct bight_system *system, void *memory, size_t size)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    unmaps++;
    return unmap_result != 0 ? unmap_result : real->ops->unmap_stack(real, memory, size);
}

static void begin_with_fake(int count)
{
    begin_coroutines(count);
    bight_reactor_free(reactor);
    fake_ops = *bight_system_real()->ops;
    fake_ops.map_stack = fake_map;
    fake_ops.unmap_stack = fake_unmap;
    struct bight_reactor_options with_fake = { .size = sizeof with_fake, .system = &fake };
    reactor = bight_reactor_new_full(&with_fake);
}

/* ------------------------------------------------------------------------------------------ keeping */

static void do_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void spawn_parked(int count)
{
    for (int i = 0; i < count; i++) {
        bight_deferred_release(spawn_await(deferreds[i]));
    }
}

static void fire_parked(int count)
{
    for (int i = 0; i < count; i++) {
        fire(promises[i], i);
    }
}

START_TEST(a_stack_is_used_again) /* D35 */
{
    begin_with_fake(0);
    for (int i = 0; i < 10; i++) {
        bight_deferred_release(bight_spawn(reactor, do_nothing, NULL));
        ck_assert_uint_eq(pooled(), 1);
    }
    ck_assert_int_eq(maps, 1);
    end_coroutines();
    ck_assert_int_eq(unmaps, 1);
}
END_TEST

START_TEST(no_more_are_kept_than_the_limit_says) /* D35 */
{
    begin_with_fake(6);
    options.pool_limit = 4;
    set_options();
    spawn_parked(6);
    ck_assert_uint_eq(alive(), 6);
    ck_assert_uint_eq(pooled(), 0);
    fire_parked(6);
    ck_assert_uint_eq(alive(), 0);
    ck_assert_uint_eq(pooled(), 4);
    ck_assert_int_eq(unmaps, 2);
    options.pool_limit = 1;
    set_options();
    ck_assert_uint_eq(pooled(), 1);
    end_coroutines();
    ck_assert_int_eq(unmaps, 6);
}
END_TEST

START_TEST(stacks_of_another_size_are_not_used_again) /* D35 */
{
    begin_with_fake(2);
    spawn_parked(2);
    fire(promises[0], 0);
    options.stack_size = 64 << 10;
    set_options();
    ck_assert_uint_eq(pooled(), 0);
    fire(promises[1], 1); /* still on a stack as they were */
    ck_assert_uint_eq(pooled(), 0);
    ck_assert_int_eq(unmaps, 2);
    bight_deferred_release(bight_spawn(reactor, do_nothing, NULL));
    ck_assert_uint_eq(pooled(), 1);
    ck_assert_int_eq(maps, 3);
    end_coroutines();
    ck_assert_int_eq(unmaps, 3);
}
END_TEST

START_TEST(what_the_kernel_does_not_unmap_is_kept) /* D35 */
{
    begin_with_fake(3);
    spawn_parked(3);
    options.pool_limit = 1;
    set_options();
    unmap_result = -ENOMEM;
    fire_parked(3);
    ck_assert_uint_eq(pooled(), 3);
    options.stack_size = 64 << 10;
    set_options();
    bight_deferred_release(bight_spawn(reactor, do_nothing, NULL)); /* past those of the other size */
    ck_assert_int_eq(maps, 4);
    bight_deferred_release(bight_spawn(reactor, do_nothing, NULL));
    ck_assert_int_eq(maps, 4);
    unmap_result = 0;
    unmaps = 0;
    end_coroutines();
    ck_assert_int_eq(unmaps, 4);
}
END_TEST

/* ------------------------------------------------------------------------------------------- limits */

START_TEST(options_outside_their_range_are_refused) /* D35 */
{
    begin_coroutines(0);
    options.stack_size = 1000;
    ck_assert_int_eq(bight_coroutine_set_options(reactor, &options), BIGHT_E_INVALID_ARGUMENT);
    options.stack_size = SIZE_MAX;
    ck_assert_int_eq(bight_coroutine_set_options(reactor, &options), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(usage_errors, 2);
    usage_errors = 0;
    ck_assert_uint_eq(alive() + pooled(), 0); /* there has been none */
    end_coroutines();
}
END_TEST

START_TEST(no_more_run_at_once_than_the_limit_says) /* D35, D33 */
{
    begin_coroutines(2);
    options.limit = 2;
    set_options();
    spawn_parked(2);
    struct bight_deferred *third = bight_spawn_full(reactor, do_nothing, NAME("context"), released);
    ck_trace("in in ~context ");
    release_failed(third, BIGHT_E_LIMIT);
    fire(promises[0], 1);
    bight_deferred_release(bight_spawn(reactor, do_nothing, NULL));
    fire(promises[1], 1);
    end_coroutines();
}
END_TEST

START_TEST(out_of_mappings_the_failure_names_the_kernels_limit) /* D35, D33 */
{
    char limit[32] = { 0 };
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(limit, sizeof limit, file));
    fclose(file);
    limit[strcspn(limit, "\n")] = '\0';
    begin_with_fake(1);
    spawn_parked(1);
    map_result = -ENOMEM;
    struct bight_deferred *outer = bight_spawn_full(reactor, do_nothing, NAME("context"), released);
    ck_trace("in ~context ");
    const char *message = bight_failure_message(bight_result_failure(bight_deferred_result(outer)));
    ck_assert_msg(strstr(message, "there are 1 of 256 KiB") != NULL, "%s", message);
    ck_assert_msg(strstr(message, "vm.max_map_count") != NULL, "%s", message);
    ck_assert_msg(strstr(message, limit) != NULL, "%s", message);
    release_failed(outer, BIGHT_E_TOO_MANY_STACKS);
    map_result = 0;
    fire(promises[0], 1); /* those that are there go on */
    bight_deferred_release(bight_spawn(reactor, do_nothing, NULL));
    end_coroutines();
}
END_TEST

START_TEST(another_failure_of_mapping_is_told_as_it_is) /* D35 */
{
    begin_with_fake(0);
    map_result = -EAGAIN;
    struct bight_deferred *outer = bight_spawn(reactor, do_nothing, NULL);
    ck_assert_int_eq(bight_failure_errno(bight_result_failure(bight_deferred_result(outer))), EAGAIN);
    release_failed(outer, bight_error_from_errno(EAGAIN));
    end_coroutines();
}
END_TEST

/* -------------------------------------------------------------------------------------- address space */

static size_t count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    size_t lines = 0;
    ck_assert_ptr_nonnull(file);
    for (int c = getc(file); c != EOF; c = getc(file)) {
        lines += c == '\n' ? 1 : 0;
    }
    fclose(file);
    return lines;
}

#if BI_FIBERS_OF_ASAN || BI_FIBERS_OF_TSAN
enum { PARKED = 200 }; /* sanitizers keep much for each stack */
#else
enum { PARKED = 20000 };
#endif

static struct bight_promise parked[PARKED];

static void park(struct bight_result *result, void *context)
{
    (void)bight_await(bight_deferred_new(context, NULL, NULL), result);
}

static void park_all(void)
{
    for (size_t i = 0; i < PARKED; i++) {
        bight_deferred_release(bight_spawn(reactor, park, &parked[i]));
    }
    ck_assert_uint_eq(alive(), PARKED);
}

static void wake_all(void)
{
    for (size_t i = 0; i < PARKED; i++) {
        fire(parked[i], 1);
    }
}

START_TEST(without_guard_pages_stacks_share_mappings) /* D35 */
{
    begin_coroutines(0);
    options.no_guard_pages = true;
    set_options();
    size_t before = count_mappings();
    park_all();
#if !BI_FIBERS_OF_ASAN && !BI_FIBERS_OF_TSAN
    ck_assert_uint_lt(count_mappings() - before, 100);
#else
    (void)before;
#endif
    wake_all();
    end_coroutines();
}
END_TEST

#if !BI_FIBERS_OF_ASAN && !BI_FIBERS_OF_TSAN
static size_t resident_kilobytes(void)
{
    unsigned long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return resident * ((size_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* With guard pages and, at _i 1, without. All that they take is counted, not the stacks alone. */
START_TEST(a_parked_coroutine_touches_little) /* D35 */
{
    begin_coroutines(0);
    options.no_guard_pages = _i == 1;
    set_options();
    size_t before = resident_kilobytes();
    park_all();
    size_t each = (resident_kilobytes() - before) * 1024 / PARKED;
    ck_assert_msg(each <= 12 * 1024, "%zu bytes each", each);
    wake_all();
    end_coroutines();
}
END_TEST
#endif

static void touch_the_guard(struct bight_result *result, void *context)
{
    volatile char here = 0;
    (void)result;
    (void)context;
    for (volatile char *at = &here;; at -= 64) {
        *at = 1;
    }
}

/* In a process of its own, which must not get away with it; what a sanitizer says of it goes nowhere. */
START_TEST(an_overflow_hits_the_guard_page) /* D35 */
{
    begin_coroutines(0);
    pid_t child = fork();
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        bight_deferred_release(bight_spawn(reactor, touch_the_guard, NULL));
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    end_coroutines();
}
END_TEST

static void use_much(struct bight_result *result, void *context)
{
    char text[4096];
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found = NULL;
    (void)context;
    snprintf(text, sizeof text, "%.200f %s %p", sqrt(2), "text", (void *)text);
    ck_assert_int_eq(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    freeaddrinfo(found);
    bight_result_set(result, &bight_type_integer, bight_integer(text[0]));
}

START_TEST(the_usual_stack_is_enough_for_the_c_librarys_deeper_functions) /* D35 */
{
    begin_coroutines(0);
    release_with(bight_spawn(reactor, use_much, NULL), '1');
    end_coroutines();
}
END_TEST

static void compute(struct bight_result *result, void *context)
{
    double sum = 1.0, factor = 1.5;
    (void)context;
    for (int i = 0; i < 4; i++) {
        (void)bight_await(deferreds[i], result);
        sum = sum * factor + (double)bight_integer_value(result->value);
    }
    bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)(sum * 1000)));
}

START_TEST(what_a_body_computes_survives_its_awaits) /* D35 */
{
    begin_coroutines(4);
    struct bight_deferred *outer = bight_spawn(reactor, compute, NULL);
    double other = 3.0;
    for (int i = 0; i < 4; i++) {
        fire(promises[i], i);
        other = other * 0.5 + i;
    }
    double sum = 1.0;
    for (int i = 0; i < 4; i++) {
        sum = sum * 1.5 + i;
    }
    ck_assert(other == 3.0 * 0.0625 + 0.25 + 1.0 + 3.0);
    release_with(outer, (int)(sum * 1000));
    end_coroutines();
}
END_TEST

/* ------------------------------------------------------------------------------------------- faults */

static void use_coroutines(struct bight_result *result, void *context)
{
    struct bight_promise promise;
    (void)context;
    if (bight_await(bight_spawn(reactor, park, &promise), result) != 0) {
        return;
    }
    (void)bight_await(bight_succeed(&bight_type_integer, bight_integer(3)), result);
}

static bool spawn_in_need(struct bight_system *system)
{
    struct bight_reactor_options with = { .size = sizeof with, .system = system };
    bight_log_set_observer(record, NULL);
    reactor = bight_reactor_new_full(&with);
    if (reactor == NULL) {
        return true;
    }
    options.pool_limit = 1;
    (void)bight_coroutine_set_options(reactor, &options);
    int releases = traced != 0;
    struct bight_deferred *outer = bight_spawn(reactor, use_coroutines, NULL);
    struct bight_deferred *other = bight_spawn_full(reactor, do_nothing, NAME("x"), released);
    bight_deferred_cancel(outer);
    bool good = bight_deferred_has_fired(outer) && bight_deferred_has_fired(other) && releases == 0 && traced == 3;
    traced = 0;
    bight_deferred_release(outer);
    bight_deferred_release(other);
    bight_reactor_free(reactor);
    return good;
}

static bool spawn_without_memory(void *context)
{
    (void)context;
    return spawn_in_need(NULL);
}

START_TEST(each_allocation_may_fail) /* D34 */
{
    ck_assert_uint_eq(bight_testing_with_faults(spawn_without_memory, NULL, 0), 0);
}
END_TEST

static bool spawn_with_faults(void *context)
{
    struct bight_faulty_system faulty;
    (void)context;
    bight_faulty_system_init(&faulty, NULL);
    return spawn_in_need(&faulty.system);
}

START_TEST(each_mapping_may_fail) /* D35 */
{
    const char *const calls[] = { "map_stack", "unmap_stack", "open", "read", "close" };
    struct bight_system_fault_options only = { .size = sizeof only, .only = calls[_i] };
    ck_assert_uint_eq(bight_testing_with_system_faults(spawn_with_faults, NULL, &only), 0);
    ck_assert_uint_ge(bight_testing_system_fault_runs(), _i < 2 ? 3 : 1);
}
END_TEST

#if BI_FIBERS_OF_ASAN
static int map_where_a_stack_was(struct bight_system *system, size_t size, size_t guard, void **memory)
{
    int result = fake_map(system, size, guard, memory);
    __asan_poison_memory_region((char *)*memory + guard, size - guard);
    return result;
}

static void fill_an_array(struct bight_result *result, void *context)
{
    unsigned char array[8192];
    (void)context;
    memset(array, 7, sizeof array);
    bight_result_set(result, &bight_type_integer, bight_integer(array[_Alignof(int)]));
}

START_TEST(a_stack_where_another_was_is_clean_to_address_sanitizer) /* D35 */
{
    begin_with_fake(0);
    fake_ops.map_stack = map_where_a_stack_was;
    bight_deferred_release(bight_spawn(reactor, fill_an_array, NULL));
    end_coroutines();
}
END_TEST
#endif

static void add_tests(TCase *tests)
{
#if BI_FIBERS_OF_ASAN
    tcase_add_test(tests, a_stack_where_another_was_is_clean_to_address_sanitizer);
#endif
    tcase_add_test(tests, a_stack_is_used_again);
    tcase_add_test(tests, no_more_are_kept_than_the_limit_says);
    tcase_add_test(tests, stacks_of_another_size_are_not_used_again);
    tcase_add_test(tests, what_the_kernel_does_not_unmap_is_kept);
    tcase_add_test(tests, options_outside_their_range_are_refused);
    tcase_add_test(tests, no_more_run_at_once_than_the_limit_says);
    tcase_add_test(tests, out_of_mappings_the_failure_names_the_kernels_limit);
    tcase_add_test(tests, another_failure_of_mapping_is_told_as_it_is);
    tcase_add_test(tests, without_guard_pages_stacks_share_mappings);
#if !BI_FIBERS_OF_ASAN && !BI_FIBERS_OF_TSAN
    tcase_add_loop_test(tests, a_parked_coroutine_touches_little, 0, 2);
#endif
    tcase_add_test(tests, an_overflow_hits_the_guard_page);
    tcase_add_test(tests, the_usual_stack_is_enough_for_the_c_librarys_deeper_functions);
    tcase_add_test(tests, what_a_body_computes_survives_its_awaits);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_loop_test(tests, each_mapping_may_fail, 0, 5);
}

BIGHT_TEST_MAIN("coroutine_stack", add_tests)
