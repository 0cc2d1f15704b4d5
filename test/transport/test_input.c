/* SPDX-License-Identifier: MIT */
/* test_input.c - the buffer for input: order, growth, searching, giving back, with and when out of memory; going on
 * later.
 */
#include <bight/error.h>
#include <bight/memory.h>
#include <bight/testing.h>

#include "support.h"
#include "transport/input.h"

static struct bight_input *input;

static const char *held(void)
{
    static char text[256];
    size_t size = bi_input_size(input);
    ck_assert_uint_lt(size, sizeof text);
    memcpy(text, size == 0 ? (const uint8_t *)"" : bi_input_bytes(input), size);
    text[size] = '\0';
    return text;
}

static int append(const char *text)
{
    return bi_input_append(&input, text, strlen(text));
}

START_TEST(what_is_held_comes_in_the_order_of_coming)
{
    ck_assert_int_eq(append("one "), 0);
    ck_assert_int_eq(append("two "), 0);
    ck_assert_int_eq(bi_input_prepend(&input, "none ", 5), 0);
    ck_assert_str_eq(held(), "none one two ");
    bi_input_consume(&input, 9);
    ck_assert_int_eq(append("three"), 0);
    ck_assert_str_eq(held(), "two three");
    bi_input_drop(&input);
}
END_TEST

START_TEST(nothing_held_takes_no_memory)
{
    ck_assert_int_eq(append(""), 0);
    ck_assert_int_eq(bi_input_prepend(&input, NULL, 0), 0);
    ck_assert_int_eq(bi_input_reserve(&input, 0, 0), 0);
    ck_assert_ptr_null(input);
    ck_assert_uint_eq(bi_input_size(input), 0);
    ck_assert_ptr_null(bi_input_bytes(input));
    ck_assert_int_eq(append("x"), 0);
    bi_input_consume(&input, 1);
    ck_assert_ptr_null(input);
    ck_assert_int_eq(bi_input_give_back(&input, NULL), 0);
    ck_assert_ptr_null(input);
    bi_input_drop(&input);
}
END_TEST

START_TEST(what_is_left_goes_before_what_has_come_meanwhile)
{
    ck_assert_int_eq(append("consumed left "), 0);
    struct bight_input *taken = bi_input_take(&input);
    ck_assert_ptr_null(input);
    bi_input_consume(&taken, 9);
    ck_assert_int_eq(append("new"), 0);
    ck_assert_int_eq(bi_input_give_back(&input, taken), 0);
    ck_assert_str_eq(held(), "left new");
    bi_input_drop(&input);
}
END_TEST

START_TEST(with_nothing_new_what_is_left_is_given_back_as_it_is)
{
    ck_assert_int_eq(append("consumed left"), 0);
    struct bight_input *taken = bi_input_take(&input), *block = taken;
    bi_input_consume(&taken, 9);
    ck_assert_int_eq(bi_input_give_back(&input, taken), 0);
    ck_assert_ptr_eq(input, block);
    ck_assert_str_eq(held(), "left");
    bi_input_drop(&input);
}
END_TEST

START_TEST(what_was_reserved_does_not_fail)
{
    ck_assert_int_eq(append("middle"), 0);
    ck_assert_int_eq(bi_input_reserve(&input, 300, 500), 0);
    struct bight_input *block = input;
    static const char many[500] = "";
    ck_assert_int_eq(bi_input_prepend(&input, many, 300), 0);
    ck_assert_int_eq(bi_input_append(&input, many, 500), 0);
    ck_assert_ptr_eq(input, block);
    ck_assert_uint_eq(bi_input_size(input), 806);
    ck_assert_int_eq(memcmp(bi_input_bytes(input) + 300, "middle", 6), 0);
    bi_input_drop(&input);
}
END_TEST

START_TEST(sizes_that_no_memory_has_are_refused)
{
    ck_assert_int_eq(append("x"), 0);
    ck_assert_int_eq(bi_input_reserve(&input, SIZE_MAX, 0), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bi_input_reserve(&input, 0, SIZE_MAX), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bi_input_reserve(&input, 1, SIZE_MAX), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_str_eq(held(), "x");
    bi_input_drop(&input);
}
END_TEST

/* -------------------------------------------------------------------------------------- what it costs */

START_TEST(bytes_that_come_one_by_one_are_moved_a_few_times_in_all)
{
    unsigned blocks = 0;
    for (size_t i = 0; i < 1000000; i++) {
        const struct bight_input *before = input;
        ck_assert_int_eq(append("x"), 0);
        blocks += input != before || input->end == 1;
    }
    ck_assert_uint_le(blocks, 20);
    ck_assert_uint_le(input->room, 2000000);
    bi_input_drop(&input);
}
END_TEST

/* The block of a queue whose bytes come and go does not grow, and moves what it holds once for as many as have gone. */
START_TEST(who_consumes_as_much_as_comes_stays_in_its_block)
{
    ck_assert_int_eq(append("0123456789"), 0);
    const struct bight_input *block = input;
    unsigned moves = 0;
    for (size_t i = 0; i < 10000; i++) {
        size_t start = input->start;
        ck_assert_int_eq(append("x"), 0);
        moves += input->start < start;
        bi_input_consume(&input, 1);
        ck_assert_ptr_eq(input, block);
    }
    ck_assert_uint_eq(bi_input_size(input), 10);
    ck_assert_uint_gt(moves, 0);
    ck_assert_uint_le(moves, 10000 / 10);
    bi_input_drop(&input);
}
END_TEST

/* ------------------------------------------------------------------------------------------ searching */

START_TEST(a_separator_ends_where_its_last_byte_is)
{
    const uint8_t *data = (const uint8_t *)"ab--cd--";
    ck_assert_uint_eq(bi_input_find(data, 8, 0, "--", 2), 4);
    ck_assert_uint_eq(bi_input_find(data, 8, 2, "--", 2), 4);
    ck_assert_uint_eq(bi_input_find(data, 8, 3, "--", 2), 8);
    ck_assert_uint_eq(bi_input_find(data, 7, 3, "--", 2), 0);
    ck_assert_uint_eq(bi_input_find(data, 8, 7, "--", 2), 0);
    ck_assert_uint_eq(bi_input_find(data, 1, 0, "--", 2), 0);
    ck_assert_uint_eq(bi_input_find(data, 8, 0, "d", 1), 6);
    ck_assert_uint_eq(bi_input_find(data, 8, 0, "x", 1), 0);
    ck_assert_uint_eq(bi_input_find(NULL, 0, 0, "x", 1), 0);
}
END_TEST

START_TEST(a_search_goes_on_where_it_stopped_however_the_bytes_are_cut)
{
    const char *text = "a-b-c-- -";
    for (size_t i = 0; text[i] != '\0'; i++) {
        ck_assert_int_eq(bi_input_append(&input, text + i, 1), 0);
        ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "--", 2), i < 6 ? 0 : 7);
        ck_assert_uint_eq(input->searched, i < 6 ? i : 5);
    }
    bi_input_drop(&input);
}
END_TEST

START_TEST(a_search_sees_no_more_than_its_limit)
{
    ck_assert_int_eq(append("abc\n"), 0);
    ck_assert_uint_eq(bi_input_search(input, 3, "\n", 1), 0);
    ck_assert_uint_eq(bi_input_search(input, 4, "\n", 1), 4);
    bi_input_drop(&input);
}
END_TEST

START_TEST(a_search_begins_anew_after_any_change_at_the_front)
{
    ck_assert_int_eq(append("a\nb"), 0);
    ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "\r", 1), 0);
    bi_input_search_anew(input);
    ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "\n", 1), 2);
    ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "\r", 1), 0);
    ck_assert_int_eq(bi_input_prepend(&input, "\r", 1), 0);
    ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "\r", 1), 1);
    ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "x", 1), 0);
    bi_input_consume(&input, 1);
    ck_assert_uint_eq(bi_input_search(input, SIZE_MAX, "a", 1), 1);
    bi_input_drop(&input);
    bi_input_search_anew(input);
}
END_TEST

/* ---------------------------------------------------------------------- against a model, when out of memory */

enum { STEPS = 120, MOST = 65536 };

static uint8_t model[MOST];
static size_t model_size;
static uint8_t next_byte;

static uint32_t chance_state;

static uint32_t chance(void)
{
    chance_state = chance_state * 1664525 + 1013904223;
    return chance_state >> 8;
}

static bool is_as_the_model(void)
{
    size_t size = bi_input_size(input);
    return size == model_size && (input == NULL) == (size == 0) &&
           (size == 0 || memcmp(bi_input_bytes(input), model, size) == 0);
}

static const uint8_t *some_bytes(size_t size)
{
    static uint8_t bytes[300];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = next_byte++;
    }
    return bytes;
}

static int step(void)
{
    size_t size = chance() % 300, part = model_size == 0 ? 0 : chance() % (model_size + 1);
    const uint8_t *bytes = some_bytes(size);
    struct bight_input *taken = NULL;
    int code = 0;
    switch (chance() % 5) {
    case 0:
    case 1: /* behind */
        code = bi_input_append(&input, bytes, size);
        memcpy(model + model_size, bytes, code == 0 ? size : 0);
        model_size += code == 0 ? size : 0;
        break;
    case 2: /* before */
        code = bi_input_prepend(&input, bytes, size);
        memmove(model + (code == 0 ? size : 0), model, model_size);
        memcpy(model, bytes, code == 0 ? size : 0);
        model_size += code == 0 ? size : 0;
        break;
    case 3: /* away */
        if (input != NULL) {
            bi_input_consume(&input, part);
            model_size -= part;
            memmove(model, model + part, model_size);
        }
        break;
    default: /* taken out, and the rest given back */
        taken = bi_input_take(&input);
        if (bi_input_append(&input, bytes, size) != 0) {
            size = 0;
        }
        code = bi_input_give_back(&input, taken);
        if (code != 0) {
            model_size = 0;
        }
        memcpy(model + model_size, bytes, size);
        model_size += size;
    }
    return code;
}

static bool walk(void *context)
{
    bool good = true;
    (void)context;
    chance_state = 1;
    model_size = 0;
    for (unsigned i = 0; i < STEPS && good; i++) {
        int code = step();
        good = is_as_the_model() && (code == 0 || (code == BIGHT_E_OUT_OF_MEMORY && bight_testing_fault_injected()));
    }
    bi_input_drop(&input);
    return good;
}

START_TEST(whatever_is_done_is_what_a_plain_array_does_and_a_failure_changes_nothing)
{
    ck_assert_uint_eq(bight_testing_with_faults(walk, NULL, 0), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------- later */

static unsigned gone_on, left;

static void go_on(void *context)
{
    (void)context;
    gone_on++;
}

static void leave(void *context)
{
    left++;
    bight_protocol_release(context);
}

static const struct bight_protocol_ops no_ops = { .data_received = NULL };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &no_ops);

START_TEST(what_is_put_off_goes_on_in_a_later_turn_and_holds_its_protocol)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory, true);
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert_int_eq(bi_input_go_on_later(protocol, go_on, leave), 0);
    ck_assert_uint_eq(gone_on, 0);
    bight_testing_settle(reactor, 10);
    ck_assert_uint_eq(gone_on, 1);
    ck_assert_uint_eq(left, 1);
    ck_assert_int_eq(bi_input_go_on_later(protocol, go_on, leave), 0);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(gone_on, 1);
    ck_assert_uint_eq(left, 2);
    bight_string_peer_free(peer);
}
END_TEST

static bool put_off(void *context)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    struct bight_string_peer *peer = reactor == NULL ? NULL : bight_string_connect(reactor, &factory, true);
    bool good = true;
    (void)context;
    if (peer != NULL) {
        gone_on = left = 0;
        int code = bi_input_go_on_later(bight_string_protocol(peer), go_on, leave);
        bight_testing_settle(reactor, 10);
        good = code == 0 ? gone_on == 1 && left == 1 : code == BIGHT_E_OUT_OF_MEMORY && gone_on + left == 0;
        bight_string_peer_free(peer);
    }
    bight_reactor_free(reactor);
    return good;
}

START_TEST(without_memory_nothing_is_put_off_and_nothing_held)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_eq(bight_testing_with_faults(put_off, NULL, 0), 0);
    ck_assert_uint_eq(factory.connections, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_held_comes_in_the_order_of_coming);
    tcase_add_test(tests, nothing_held_takes_no_memory);
    tcase_add_test(tests, what_is_left_goes_before_what_has_come_meanwhile);
    tcase_add_test(tests, with_nothing_new_what_is_left_is_given_back_as_it_is);
    tcase_add_test(tests, what_was_reserved_does_not_fail);
    tcase_add_test(tests, sizes_that_no_memory_has_are_refused);
    tcase_add_test(tests, bytes_that_come_one_by_one_are_moved_a_few_times_in_all);
    tcase_add_test(tests, who_consumes_as_much_as_comes_stays_in_its_block);
    tcase_add_test(tests, a_separator_ends_where_its_last_byte_is);
    tcase_add_test(tests, a_search_goes_on_where_it_stopped_however_the_bytes_are_cut);
    tcase_add_test(tests, a_search_sees_no_more_than_its_limit);
    tcase_add_test(tests, a_search_begins_anew_after_any_change_at_the_front);
    tcase_add_test(tests, whatever_is_done_is_what_a_plain_array_does_and_a_failure_changes_nothing);
    tcase_add_test(tests, what_is_put_off_goes_on_in_a_later_turn_and_holds_its_protocol);
    tcase_add_test(tests, without_memory_nothing_is_put_off_and_nothing_held);
}

BIGHT_TEST_MAIN("input", add_tests)
