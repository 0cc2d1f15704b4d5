/* SPDX-License-Identifier: MIT */
/* test_format.c - writing as printf prints: bight_transport_writef, and room with a text in it. */
#include <wchar.h>

#include <bight/log.h>
#include <bight/sys/output.h>

#include "transport_support.h"

static char *letters(size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    return text;
}

static void answer_in_parts(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    ck_assert_int_eq(bight_transport_writef(p->transport, "%s is %d ", "one", 1), 0);
    ck_assert_int_eq(bight_transport_write(p->transport, "two ", 4), 0);
    ck_assert_int_eq(bight_transport_writef(p->transport, "%.2f", 3.0), 0);
    ck_assert_str_eq(bight_string_written_text(peer), "");
}

START_TEST(what_is_formatted_in_a_handler_is_sent_behind_it_in_order) /* T6 */
{
    on.data = answer_in_parts;
    set_up();
    bight_string_feed_text(peer, "x");
    ck_assert_str_eq(bight_string_written_text(peer), "one is 1 two 3.00");
    tear_down();
}
END_TEST

START_TEST(a_text_of_any_size_is_written_whole) /* T6 */
{
    static const size_t sizes[] = { 0, 1, 254, 255, 256, 257, 639, 640, 4096, 16239, 16240, 65536, (1 << 20) - 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *text = letters(sizes[i]);
        set_up();
        ck_assert_int_eq(bight_transport_writef(transport, "%s", text), 0);
        settle();
        ck_written(text, sizes[i]);
        tear_down();
        heard[0] = '\0';
        free(text);
    }
}
END_TEST

START_TEST(too_long_a_text_is_refused_and_the_connection_goes_on)
{
    char *text = letters(1 << 20);
    set_up();
    ck_assert_int_eq(bight_transport_writef(transport, "%s", text), BIGHT_E_TOO_LONG);
    ck_assert_int_eq(bight_transport_writef(transport, "after"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "after");
    tear_down();
    free(text);
}
END_TEST

START_TEST(what_printf_cannot_print_is_refused_and_the_connection_goes_on)
{
    set_up();
    ck_assert_int_eq(bight_transport_writef(transport, "before %lc", (wint_t)0x7fffffff), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    ck_assert_int_eq(bight_transport_writef(transport, "after"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "after");
    tear_down();
}
END_TEST

START_TEST(after_closing_nothing_is_written) /* T3, T9 */
{
    set_up();
    bight_protocol_hold(protocol);
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    ck_assert_int_eq(bight_transport_writef(transport, "late"), BIGHT_E_CLOSED);
    settle();
    ck_assert_int_eq(bight_transport_writef(transport, "later"), BIGHT_E_CLOSED);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    bight_protocol_release(protocol);
    tear_down();
}
END_TEST

START_TEST(an_open_reservation_stays_as_it_is)
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    uint8_t *room = bight_transport_reserve(transport, 10);
    ck_assert_ptr_nonnull(room);
    ck_assert_int_eq(bight_transport_writef(transport, "lost"), BIGHT_E_USAGE);
    memcpy(room, "kept", 4);
    ck_assert_int_eq(bight_transport_commit(transport, 4), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "kept");
    tear_down();
}
END_TEST

__attribute__((format(printf, 3, 4))) static int frame(struct bight_transport *to, size_t more, const char *format, ...)
{
    char *text;
    size_t size;
    va_list arguments;
    va_start(arguments, format);
    int code = bight_transport_reserve_format(to, more, &text, &size, format, arguments);
    va_end(arguments);
    if (code == 0) {
        memset(text + size, '.', more);
        code = bight_transport_commit(to, size + more);
    }
    return code;
}

START_TEST(behind_a_text_there_is_the_room_that_was_asked_for)
{
    static const size_t sizes[] = { 0, 254, 255, 256, 700 }, room[] = { 0, 1, 2, 300 };
    for (size_t i = 0; i < 20; i++) {
        size_t size = sizes[i / 4], more = room[i % 4], all;
        char *text = letters(size);
        set_up();
        ck_assert_int_eq(frame(transport, more, "%s", text), 0);
        settle();
        const uint8_t *sent = bight_string_written(peer, &all);
        ck_assert_uint_eq(all, size + more);
        ck_assert(more == 0 || sent[all - 1] == '.');
        ck_assert(size == 0 || sent[size - 1] == 'x');
        tear_down();
        heard[0] = '\0';
        free(text);
    }
    set_up();
    ck_assert_int_eq(frame(transport, SIZE_MAX, "x"), BIGHT_E_TOO_LONG);
    tear_down();
}
END_TEST

static void answer(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    char *text = letters(1000);
    (void)data;
    (void)size;
    ck_assert_int_eq(bight_transport_writef(p->transport, "%d: short", 1), 0);
    ck_assert_int_eq(bight_transport_writef(p->transport, "%s", text), 0);
    free(text);
}

START_TEST(in_steady_state_formatting_allocates_nothing)
{
    bight_testing_count_allocations(true);
    on.data = answer;
    set_up();
    for (int round = 0; round < 20; round++) {
        if (round == 10) {
            bight_testing_count_allocations(true);
        }
        bight_string_feed_text(peer, "x");
        settle();
        bight_string_clear(peer);
    }
    ck_assert_uint_eq(bight_testing_allocation_count(), 0);
    tear_down();
}
END_TEST

static bool write_without_memory(void *context)
{
    char *text = letters(20000);
    (void)context;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    bool is_right = true;
    if (protocol != NULL) {
        bight_protocol_hold(protocol);
        int code = bight_transport_writef(protocol->transport, "short");
        int next = bight_transport_writef(protocol->transport, "%s", text);
        bool failed = code == BIGHT_E_OUT_OF_MEMORY || next == BIGHT_E_OUT_OF_MEMORY;
        settle();
        size_t all;
        bight_string_written(peer, &all);
        is_right = failed ? !bight_transport_is_open(protocol->transport) && strstr(heard, "lost:OUT_OF_MEMORY") != NULL
                          : code == 0 && next == 0 && (all == 20005 || strstr(heard, "lost:OUT_OF_MEMORY") != NULL);
        bight_protocol_release(protocol);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    free(text);
    return is_right;
}

START_TEST(without_memory_the_connection_is_aborted_as_by_a_write) /* T6, D34 */
{
    ck_assert_uint_eq(bight_testing_with_faults(write_without_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_formatted_in_a_handler_is_sent_behind_it_in_order);
    tcase_add_test(tests, a_text_of_any_size_is_written_whole);
    tcase_add_test(tests, too_long_a_text_is_refused_and_the_connection_goes_on);
    tcase_add_test(tests, what_printf_cannot_print_is_refused_and_the_connection_goes_on);
    tcase_add_test(tests, after_closing_nothing_is_written);
    tcase_add_test(tests, an_open_reservation_stays_as_it_is);
    tcase_add_test(tests, behind_a_text_there_is_the_room_that_was_asked_for);
    tcase_add_test(tests, in_steady_state_formatting_allocates_nothing);
    tcase_add_test(tests, without_memory_the_connection_is_aborted_as_by_a_write);
}

BIGHT_TEST_MAIN("format", add_tests)
