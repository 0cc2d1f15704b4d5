/* SPDX-License-Identifier: MIT */
/* test_failure.c - failures are counted, carry what they were given, and end in constant stack. */
#include "support.h"

#include <errno.h>
#include <pthread.h>

#include <bight/failure.h>

#include "faults.h"

enum { DEEP = 1000000 };

START_TEST(a_failure_carries_what_it_was_given)
{
    struct bight_failure *cause = bight_failure_new(BIGHT_E_SYSTEM, EIO, NULL, "disk %d", 7);
    struct bight_failure *failure = bight_failure_new_at("x.c:9", BIGHT_E_CONNECTION_LOST, 0, cause, "gone");
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(bight_failure_errno(failure), 0);
    ck_assert_str_eq(bight_failure_message(failure), "gone");
    ck_assert_str_eq(bight_failure_place(failure), "x.c:9");
    ck_assert(bight_failure_is(failure, BIGHT_E_CONNECTION));
    ck_assert(!bight_failure_is(failure, BIGHT_E_SYSTEM));
    ck_assert_uint_eq(bight_failure_cause_count(failure), 1);
    ck_assert_ptr_eq(bight_failure_cause(failure, 0), cause);
    ck_assert_ptr_null(bight_failure_cause(failure, 1));
    ck_assert_str_eq(bight_failure_message(cause), "disk 7");
    ck_assert_int_eq(bight_failure_errno(cause), EIO);
    ck_assert_ptr_nonnull(strstr(bight_failure_place(cause), "test_failure.c:"));
    bight_failure_release(failure);
}
END_TEST

START_TEST(without_a_format_the_message_is_the_code_s_text)
{
    struct bight_failure *failure = bight_failure_new(BIGHT_E_TIMED_OUT, 0, NULL, NULL);
    ck_assert_str_eq(bight_failure_message(failure), bight_error_text(BIGHT_E_TIMED_OUT));
    bight_failure_release(failure);
}
END_TEST

START_TEST(a_first_error_knows_which_of_several_it_was) /* D22 */
{
    struct bight_failure *failure = bight_failure_first_error(3, bight_failure_of(BIGHT_E_CLOSED));
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_FIRST_ERROR);
    ck_assert_uint_eq(bight_first_error_index(failure), 3);
    ck_assert_str_eq(bight_failure_message(failure), "number 3 of several failed");
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(failure, 0)), BIGHT_E_CLOSED);
    ck_assert_uint_eq(bight_first_error_index(bight_failure_cause(failure, 0)), SIZE_MAX);
    bight_failure_release(failure);
    failure = bight_failure_first_error(0, NULL);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(failure, 0)), BIGHT_E_INVALID_ARGUMENT);
    bight_failure_release(failure);
}
END_TEST

START_TEST(a_long_message_is_cut)
{
    struct bight_failure *failure = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "%02000d", 5);
    ck_assert_uint_eq(strlen(bight_failure_message(failure)), 1023);
    bight_failure_release(failure);
}
END_TEST

START_TEST(a_failure_of_errno_names_the_call_and_the_system_s_text)
{
    struct bight_failure *failure = bight_failure_from_errno(ECONNREFUSED, "connect");
    char expected[128];
    snprintf(expected, sizeof expected, "connect: %s", strerror(ECONNREFUSED));
    ck_assert_str_eq(bight_failure_message(failure), expected);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_CONNECTION_REFUSED);
    ck_assert_int_eq(bight_failure_errno(failure), ECONNREFUSED);
    bight_failure_release(failure);
}
END_TEST

START_TEST(the_shared_failure_of_a_code_may_be_held_and_released_at_will)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    struct bight_failure *failure = bight_failure_of(BIGHT_E_CANCELLED);
    ck_assert_ptr_eq(failure, bight_failure_of(BIGHT_E_CANCELLED));
    ck_assert_ptr_eq(bight_failure_hold(failure), failure);
    for (int i = 0; i < 10; i++) {
        bight_failure_release(failure);
    }
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_CANCELLED);
    ck_assert_str_eq(bight_failure_message(failure), "cancelled");
    ck_assert_str_eq(bight_failure_place(failure), "");
    ck_assert_uint_eq(bight_failure_cause_count(failure), 0);
    ck_assert_uint_eq(memory.asked, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(every_code_has_a_shared_failure)
{
#define EXPECT(name, value, parent, text) \
    ck_assert_int_eq(bight_failure_code(bight_failure_of(BIGHT_E_##name)), BIGHT_E_##name);
    BIGHT_ERROR_LIST(EXPECT)
#undef EXPECT
    ck_assert_int_eq(bight_failure_code(bight_failure_of(-12345)), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(without_memory_the_answer_is_out_of_memory_and_the_causes_are_let_go_of) /* D34 */
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 3);
    struct bight_failure *causes[2] = {
        bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "one"),
        bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "two"),
    };
    struct bight_failure *failure = bight_failure_new_many(BIGHT_E_COMPOUND, causes, 2, "both");
    ck_assert_ptr_eq(failure, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    ck_assert_int_eq(memory.out, 0);
    bight_test_fail_nth(&memory, 2);
    struct bight_failure *cause = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "one");
    failure = bight_failure_new(BIGHT_E_CONNECT, 0, cause, "it");
    ck_assert_ptr_eq(failure, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(a_failure_is_one_block_and_is_freed_with_the_last_hold)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    struct bight_failure *failure = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "message");
    ck_assert_int_eq(memory.out, 1);
    bight_failure_hold(failure);
    bight_failure_release(failure);
    ck_assert_int_eq(memory.out, 1);
    bight_failure_release(failure);
    ck_assert_int_eq(memory.out, 0);
    bight_failure_release(NULL);
    bight_set_allocator(NULL);
}
END_TEST

/* A million deep with 256 KiB of stack: recursion would need at least 32 bytes a level. */
static void *release_deep(void *context)
{
    (void)context;
    struct bight_failure *failure = NULL;
    for (int i = 0; i < DEEP; i++) {
        failure = bight_failure_new(BIGHT_E_CONNECTION_LOST, 0, failure, "x");
    }
    bight_failure_release(failure);
    return NULL;
}

static void *release_wide_and_deep(void *context)
{
    (void)context;
    struct bight_failure *failure = NULL;
    for (int i = 0; i < DEEP / 2; i++) {
        struct bight_failure *causes[2] = { bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "leaf"), failure };
        failure = bight_failure_new_many(BIGHT_E_COMPOUND, causes, failure == NULL ? 1 : 2, "x");
    }
    bight_failure_release(failure);
    return NULL;
}

static void *release_many(void *context)
{
    (void)context;
    struct bight_failure **causes = malloc(DEEP * sizeof *causes);
    for (int i = 0; i < DEEP; i++) {
        causes[i] = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "leaf");
    }
    struct bight_failure *failure = bight_failure_new_many(BIGHT_E_COMPOUND, causes, DEEP, "all of them");
    free(causes);
    ck_assert_uint_eq(bight_failure_cause_count(failure), DEEP);
    bight_failure_release(failure);
    return NULL;
}

START_TEST(a_million_causes_are_freed_in_constant_stack) /* D12 */
{
    void *(*const bodies[])(void *) = { release_deep, release_wide_and_deep, release_many };
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 256 * 1024);
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, &attributes, bodies[i], NULL), 0);
        pthread_join(thread, NULL);
        pthread_attr_destroy(&attributes);
        ck_assert_int_eq(memory.out, 0);
    }
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(a_failure_and_its_causes_are_one_line)
{
    struct bight_failure *inner = bight_failure_new_at("c.c:3", BIGHT_E_SYSTEM, 0, NULL, "bad disk");
    struct bight_failure *causes[2] = {
        bight_failure_new_at("b.c:2", BIGHT_E_UNREACHABLE, 0, inner, "no way"),
        bight_failure_of(BIGHT_E_CONNECTION_REFUSED),
    };
    struct bight_failure *failure = bight_failure_new_many_at("a.c:1", BIGHT_E_CONNECT, causes, 2, "tried");
    static const char expected[] =
        "tried [CONNECT] (a.c:1), because (no way [UNREACHABLE] (b.c:2), because bad disk [SYSTEM] (c.c:3))"
        "; and the connection was refused [CONNECTION_REFUSED]";
    char line[256];
    ck_assert_uint_eq(bight_failure_format(failure, line, sizeof line), sizeof expected - 1);
    ck_assert_str_eq(line, expected);
    ck_assert_uint_eq(bight_failure_format(failure, line, 6), sizeof expected - 1);
    ck_assert_str_eq(line, "tried");
    ck_assert_uint_eq(bight_failure_format(failure, NULL, 0), sizeof expected - 1);
    static const char described[] = "tried: (no way: bad disk); the connection was refused";
    ck_assert_uint_eq(bight_failure_describe(failure, line, sizeof line), sizeof described - 1);
    ck_assert_str_eq(line, described);
    bight_failure_release(failure);
}
END_TEST

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

START_TEST(the_root_is_what_began_it)
{
    struct bight_failure *root = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "root");
    struct bight_failure *other = bight_failure_new(BIGHT_E_CLOSED, 0, NULL, "other");
    ck_assert_ptr_eq(bight_failure_root(root), root);
    struct bight_failure *causes[] = { bight_failure_first_error(3, root), other };
    struct bight_failure *whole = bight_failure_new_many(BIGHT_E_ALL_FAILED, causes, 2, "whole");
    ck_assert_ptr_eq(bight_failure_root(whole), root);
    bight_failure_release(whole);
}
END_TEST

START_TEST(at_most_sixteen_causes_are_spelled_out)
{
    struct bight_failure *deep = NULL, *leaves[20];
    for (int i = 0; i < 20; i++) {
        deep = bight_failure_new(BIGHT_E_SYSTEM, 0, deep, "deep");
        leaves[i] = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "leaf");
    }
    struct bight_failure *wide = bight_failure_new_many(BIGHT_E_COMPOUND, leaves, 20, "top");
    char line[4096];
    bight_failure_format(deep, line, sizeof line);
    ck_assert_uint_eq(count_of(line, "deep"), 17);
    ck_assert_ptr_nonnull(strstr(line, ", because of more"));
    bight_failure_format(wide, line, sizeof line);
    ck_assert_uint_eq(count_of(line, "leaf"), 16);
    ck_assert_ptr_nonnull(strstr(line, "; and more"));
    bight_failure_release(deep);
    bight_failure_release(wide);
}
END_TEST

static void *hold_and_release(void *failure)
{
    for (int i = 0; i < 20000; i++) {
        bight_failure_release(bight_failure_hold(failure));
    }
    bight_failure_release(failure);
    return NULL;
}

START_TEST(holds_may_be_taken_and_released_in_any_thread)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    struct bight_failure *failure = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "shared by threads");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, hold_and_release, bight_failure_hold(failure));
    }
    bight_failure_release(failure);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

START_TEST(a_status_is_no_errno)
{
    struct bight_failure *failure = bight_failure_new_status(BIGHT_E_APPLICATION, 7, NULL, "ended with %d", 7);
    ck_assert_int_eq(bight_failure_status(failure), 7);
    ck_assert_int_eq(bight_failure_errno(failure), 0);
    ck_assert_str_eq(bight_failure_message(failure), "ended with 7");
    ck_assert_ptr_nonnull(strstr(bight_failure_place(failure), "test_failure.c:"));
    struct bight_failure *other = bight_failure_new(BIGHT_E_SYSTEM, EIO, failure, NULL);
    ck_assert_int_eq(bight_failure_status(other), 0);
    ck_assert_int_eq(bight_failure_status(bight_failure_root(other)), 7);
    ck_assert_int_eq(bight_failure_status(bight_failure_of(BIGHT_E_HTTP_STATUS)), 0);
    bight_failure_release(other);
}
END_TEST

START_TEST(without_memory_a_failure_has_no_status_and_its_cause_is_released)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    struct bight_failure *cause = bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "cause");
    memory.fail_nth = memory.asked + 1;
    struct bight_failure *failure = bight_failure_new_status(BIGHT_E_APPLICATION, 7, cause, NULL);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_failure_status(failure), 0);
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_status_is_no_errno);
    tcase_add_test(tests, without_memory_a_failure_has_no_status_and_its_cause_is_released);
    tcase_add_test(tests, a_failure_carries_what_it_was_given);
    tcase_add_test(tests, without_a_format_the_message_is_the_code_s_text);
    tcase_add_test(tests, a_first_error_knows_which_of_several_it_was);
    tcase_add_test(tests, a_long_message_is_cut);
    tcase_add_test(tests, a_failure_of_errno_names_the_call_and_the_system_s_text);
    tcase_add_test(tests, the_shared_failure_of_a_code_may_be_held_and_released_at_will);
    tcase_add_test(tests, every_code_has_a_shared_failure);
    tcase_add_test(tests, without_memory_the_answer_is_out_of_memory_and_the_causes_are_let_go_of);
    tcase_add_test(tests, a_failure_is_one_block_and_is_freed_with_the_last_hold);
    tcase_add_test(tests, a_million_causes_are_freed_in_constant_stack);
    tcase_add_test(tests, a_failure_and_its_causes_are_one_line);
    tcase_add_test(tests, the_root_is_what_began_it);
    tcase_add_test(tests, at_most_sixteen_causes_are_spelled_out);
    tcase_add_test(tests, holds_may_be_taken_and_released_in_any_thread);
}

BIGHT_TEST_MAIN("failure", add_tests)
