/* SPDX-License-Identifier: MIT */
/* test_random.c - random bytes of a reactor: whose they are, and what is told when there are none. */
#include <errno.h>

#include <bight/sys/digest.h>
#include <bight/testing.h>
#include <bight/testing/simulation.h>

#include "fake_system.h"
#include "support.h"

static int answers[3];
static unsigned calls;

static int fake_random(struct bight_system *system, void *buffer, size_t size)
{
    (void)system;
    int answer = answers[calls++];
    if (answer == 0) {
        memset(buffer, 7, size);
    }
    return answer;
}

static void ck_random(int first, int second, int code, unsigned asked)
{
    struct fake_system fake;
    uint8_t bytes[5] = { 0 };
    struct bight_reactor *reactor = fake_reactor(&fake);
    ck_assert_ptr_nonnull(reactor);
    fake.ops.random = fake_random;
    answers[0] = first;
    answers[1] = second;
    calls = 0;
    ck_assert_int_eq(bight_random(reactor, bytes, sizeof bytes), code);
    ck_assert_uint_eq(calls, asked);
    ck_assert_uint_eq(bytes[4], code == 0 ? 7 : 0);
    ck_assert_int_eq(bight_random(reactor, NULL, 0), 0);
    ck_assert_uint_eq(calls, asked);
    bight_reactor_free(reactor);
}

START_TEST(random_bytes_come_from_the_table_and_its_failure_is_a_code)
{
    ck_random(0, -EIO, 0, 1);
    ck_random(-EINTR, 0, 0, 2);
    ck_random(-EIO, 0, BIGHT_E_SYSTEM, 1);
    ck_random(-ENOMEM, 0, BIGHT_E_OUT_OF_MEMORY, 1);
}
END_TEST

START_TEST(random_bytes_of_the_kernel_are_not_twice_the_same)
{
    uint8_t one[32] = { 0 }, other[32] = { 0 };
    struct bight_reactor *reactor = bight_reactor_new();
    ck_assert_int_eq(bight_random(reactor, one, sizeof one), 0);
    ck_assert_int_eq(bight_random(reactor, other, sizeof other), 0);
    ck_assert_mem_ne(one, other, sizeof one);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(random_bytes_of_a_simulation_follow_from_its_seed)
{
    uint8_t bytes[3][21] = { { 0 } };
    for (int i = 0; i < 3; i++) {
        struct bight_simulation *simulation = bight_simulation_new(i == 2 ? 8 : 7);
        struct bight_reactor *reactor = bight_host_reactor(bight_simulation_host(simulation, "host"));
        ck_assert_int_eq(bight_random(reactor, bytes[i], sizeof bytes[i]), 0);
        bight_reactor_free(reactor);
        bight_simulation_free(simulation);
    }
    ck_assert_mem_eq(bytes[0], bytes[1], sizeof bytes[0]);
    ck_assert_mem_ne(bytes[0], bytes[2], sizeof bytes[0]);
}
END_TEST

START_TEST(jitter_of_what_a_reactor_s_clock_times_is_drawn_from_the_table)
{
    struct fake_system fake;
    struct bight_reactor *reactor = fake_reactor(&fake);
    struct bight_clock *clock = bight_reactor_clock(reactor);
    uint64_t drawn = 0;
    fake.ops.random = fake_random;
    answers[0] = answers[1] = 0;
    calls = 0;
    ck_assert_int_eq(clock->ops->random(clock, &drawn, sizeof drawn), 0);
    ck_assert_uint_eq(drawn, UINT64_C(0x0707070707070707));
    ck_assert_uint_eq(calls, 1);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, jitter_of_what_a_reactor_s_clock_times_is_drawn_from_the_table);
    tcase_add_test(tests, random_bytes_come_from_the_table_and_its_failure_is_a_code);
    tcase_add_test(tests, random_bytes_of_the_kernel_are_not_twice_the_same);
    tcase_add_test(tests, random_bytes_of_a_simulation_follow_from_its_seed);
}

BIGHT_TEST_MAIN("random", add_tests)
