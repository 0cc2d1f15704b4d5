/* SPDX-License-Identifier: MIT */
/* test_common.c - what many connections are sent (bight/sys/output.h): it comes to each in order with all else, whether
 * the short way does or not, and nobody's waiting changes what others get. */
#include <bight/bytes.h>
#include <bight/sys/output.h>

#include "transport_support.h"

#define MANY 3

static struct bight_string_peer *peers[MANY];

static struct bight_transport *nth(size_t n)
{
    return bight_string_protocol(peers[n])->transport;
}

static void begin(void)
{
    set_up();
    peers[0] = peer;
    for (size_t i = 1; i < MANY; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, true);
        ck_assert_ptr_nonnull(peers[i]);
    }
    ck_heard("made made");
}

static void end(void)
{
    bight_reactor_free(reactor);
    for (size_t i = 0; i < MANY; i++) {
        bight_string_peer_free(peers[i]);
    }
    ck_assert_uint_eq(probe_factory.connections, 0);
}

static struct bight_bytes *make(const char *text)
{
    struct bight_bytes *bytes = bight_bytes_new(text, strlen(text));
    ck_assert_ptr_nonnull(bytes);
    return bytes;
}

/* As programs use it; true: by the short way. */
static bool send_one(struct bight_transport *to, struct bight_bytes *bytes)
{
    bool is_taken = bight_transport_write_common(to, bytes, SIZE_MAX);
    if (!is_taken) {
        ck_assert_int_eq(bight_transport_write_bytes(to, bytes), 0);
    }
    return is_taken;
}

/* Whether it went the short way everywhere. */
static bool send_all(const char *text)
{
    struct bight_bytes *bytes = make(text);
    bool is_taken = true;
    for (size_t i = 0; i < MANY; i++) {
        is_taken = send_one(nth(i), bytes) && is_taken;
    }
    bight_bytes_release(bytes);
    return is_taken;
}

static void ck_got(size_t n, const char *text)
{
    settle();
    ck_assert_str_eq(bight_string_written_text(peers[n]), text);
    ck_assert_uint_eq(bight_transport_queued(nth(n)), 0);
    bight_string_clear(peers[n]);
}

START_TEST(what_many_are_sent_goes_the_short_way_and_comes_to_each_in_order) /* T6 */
{
    begin();
    ck_assert(send_all("one "));
    ck_assert(send_all("two "));
    ck_assert(send_all("three"));
    ck_assert_uint_eq(bight_transport_queued(nth(1)), 13);
    for (size_t i = 0; i < MANY; i++) {
        ck_got(i, "one two three");
    }
    ck_assert(send_all("again"));
    ck_got(0, "again");
    end();
}
END_TEST

START_TEST(what_one_is_written_comes_between) /* T6 */
{
    begin();
    ck_assert(send_all("a"));
    ck_assert_int_eq(bight_transport_write(nth(1), "-", 1), 0);
    ck_assert(!send_all("b"));
    uint8_t *room = bight_transport_reserve(nth(1), 10);
    ck_assert_ptr_nonnull(room);
    room[0] = '=';
    struct bight_bytes *bytes = make("x");
    ck_assert(!bight_transport_write_common(nth(1), bytes, SIZE_MAX));
    bight_bytes_release(bytes);
    ck_assert_int_eq(bight_transport_commit(nth(1), 1), 0);
    ck_assert(!send_all("c"));
    ck_got(0, "abc");
    ck_got(1, "a-b=c");
    ck_got(2, "abc");
    end();
}
END_TEST

START_TEST(who_is_left_out_once_gets_what_comes_behind) /* T6 */
{
    begin();
    ck_assert(send_all("a"));
    struct bight_bytes *bytes = make("b");
    ck_assert(send_one(nth(0), bytes));
    bight_bytes_release(bytes);
    ck_assert(!send_all("c"));
    ck_got(0, "abc");
    ck_got(1, "ac");
    end();
}
END_TEST

START_TEST(bytes_that_come_where_others_lay_are_themselves) /* T6 */
{
    begin();
    for (int i = 0; i < 20; i++) {
        char text[] = { (char)('a' + i), '\0' };
        ck_assert(send_all(text));
    }
    ck_got(2, "abcdefghijklmnopqrst");
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ waiting */

START_TEST(who_waits_gets_his_own_whatever_others_get_meanwhile) /* T6, T13 */
{
    static char text[1001], wanted[40 * 1000 + 1];
    begin();
    bight_string_set_window(peers[1], 1500);
    for (size_t i = 0; i < 40; i++) {
        memset(text, 'a' + (int)(i % 26), 1000);
        memset(wanted + i * 1000, text[0], 1000);
        (void)send_all(text);
        if (i % 3 == 2) {
            settle();
        }
    }
    settle();
    ck_assert_uint_eq(bight_transport_queued(nth(1)), 38500);
    ck_got(0, wanted);
    bight_string_set_window(peers[1], SIZE_MAX);
    ck_got(1, wanted);
    ck_assert(send_all("and all is as before"));
    ck_got(1, "and all is as before");
    end();
}
END_TEST

START_TEST(a_turn_may_have_more_than_a_block) /* T6 */
{
    static char text[4001], wanted[30 * 4000 + 1];
    begin();
    for (size_t i = 0; i < 30; i++) {
        memset(text, 'a' + (int)(i % 26), 4000);
        memset(wanted + i * 4000, text[0], 4000);
        (void)send_all(text);
    }
    ck_got(0, wanted);
    ck_got(2, wanted);
    end();
}
END_TEST

START_TEST(one_that_ends_takes_nothing_from_the_others) /* T4 */
{
    begin();
    ck_assert(send_all("a"));
    ck_assert_int_eq(bight_transport_abort_connection(nth(1)), 0);
    struct bight_bytes *bytes = make("b");
    ck_assert(!bight_transport_write_common(nth(1), bytes, SIZE_MAX));
    ck_assert_int_eq(bight_transport_write_bytes(nth(1), bytes), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_lose_connection(nth(2)), 0);
    ck_assert(!bight_transport_write_common(nth(2), bytes, SIZE_MAX));
    ck_assert(send_one(nth(0), bytes));
    bight_bytes_release(bytes);
    settle();
    ck_assert_str_eq(bight_string_written_text(peers[0]), "ab");
    ck_assert_str_eq(bight_string_written_text(peers[1]), "");
    ck_assert_str_eq(bight_string_written_text(peers[2]), "a");
    end();
}
END_TEST

/* --------------------------------------------------------------------------------- when it does not do */

static void let_go(void *context)
{
    (void)context;
    hear("released");
}

START_TEST(what_is_large_lent_or_nothing_goes_the_usual_way) /* T6 */
{
    static char text[4097];
    static const size_t sizes[] = { 0, 1, 4095, 4096 };
    begin();
    for (size_t i = 0; i < 4; i++) {
        struct bight_bytes *bytes = bight_bytes_new(text, sizes[i]);
        ck_assert_int_eq(bight_transport_write_common(nth(0), bytes, SIZE_MAX), i == 1 || i == 2);
        bight_bytes_release(bytes);
    }
    struct bight_bytes *lent = bight_bytes_new_lent("hello", 5, let_go, NULL);
    ck_assert(!bight_transport_write_common(nth(1), lent, SIZE_MAX));
    bight_bytes_release(lent);
    ck_heard("released");
    end();
}
END_TEST

START_TEST(no_more_than_the_most_may_wait) /* T13 */
{
    begin();
    struct bight_bytes *bytes = make("12345");
    ck_assert(bight_transport_write_common(nth(0), bytes, 0));
    ck_assert(!bight_transport_write_common(nth(0), bytes, 4));
    ck_assert(bight_transport_write_common(nth(1), bytes, 0));
    bight_bytes_release(bytes);
    bytes = make("67");
    ck_assert(!bight_transport_write_common(nth(0), bytes, 4));
    ck_assert(bight_transport_write_common(nth(0), bytes, 5));
    ck_assert(bight_transport_write_common(nth(1), bytes, 5));
    bight_bytes_release(bytes);
    ck_got(0, "1234567");
    ck_got(1, "1234567");
    end();
}
END_TEST

START_TEST(the_limit_of_output_holds) /* T13 */
{
    begin();
    ck_assert_int_eq(bight_transport_set_output_limit(nth(0), 8), 0);
    ck_assert(send_all("12345"));
    struct bight_bytes *bytes = make("6789");
    ck_assert(!bight_transport_write_common(nth(0), bytes, SIZE_MAX));
    bight_bytes_release(bytes);
    bytes = make("123456789");
    ck_assert_int_eq(bight_transport_set_output_limit(nth(1), 8), 0);
    settle();
    ck_assert(!bight_transport_write_common(nth(1), bytes, SIZE_MAX));
    bight_string_set_window(peers[1], 0);
    ck_assert_int_eq(bight_transport_write_bytes(nth(1), bytes), BIGHT_E_OVERFLOW);
    bight_bytes_release(bytes);
    end();
}
END_TEST

/* What was sent comes whole, or the connection ends. */
static bool with_faults(void *context)
{
    (void)context;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    peer = reactor != NULL ? bight_string_connect(reactor, &probe_factory, true) : NULL;
    struct bight_string_peer *other = reactor != NULL ? bight_string_connect(reactor, &probe_factory, true) : NULL;
    struct bight_bytes *bytes[] = { bight_bytes_new("hello ", 6), bight_bytes_new("world", 5) };
    struct bight_string_peer *all[] = { peer, other };
    bool is_right = true;
    for (size_t i = 0; i < 2; i++) {
        struct bight_protocol *to = all[i] != NULL ? bight_string_protocol(all[i]) : NULL;
        for (size_t n = 0; to != NULL && n < 2 && bytes[n] != NULL; n++) {
            if (!bight_transport_write_common(to->transport, bytes[n], SIZE_MAX)) {
                (void)bight_transport_write_bytes(to->transport, bytes[n]);
            }
        }
    }
    bight_bytes_release(bytes[0]);
    bight_bytes_release(bytes[1]);
    if (reactor != NULL) {
        (void)bight_testing_settle(reactor, 1000);
    }
    bight_reactor_free(reactor);
    for (size_t i = 0; i < 2; i++) {
        const char *text = all[i] != NULL ? bight_string_written_text(all[i]) : NULL;
        is_right = is_right &&
                   (text == NULL || strncmp("hello world", text, strlen(text)) == 0 || bight_testing_fault_injected());
        bight_string_peer_free(all[i]);
    }
    return is_right;
}

START_TEST(without_memory_it_is_sent_whole_or_the_connection_ends) /* T6 */
{
    ck_assert_uint_eq(bight_testing_with_faults(with_faults, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_many_are_sent_goes_the_short_way_and_comes_to_each_in_order);
    tcase_add_test(tests, what_one_is_written_comes_between);
    tcase_add_test(tests, who_is_left_out_once_gets_what_comes_behind);
    tcase_add_test(tests, bytes_that_come_where_others_lay_are_themselves);
    tcase_add_test(tests, who_waits_gets_his_own_whatever_others_get_meanwhile);
    tcase_add_test(tests, a_turn_may_have_more_than_a_block);
    tcase_add_test(tests, one_that_ends_takes_nothing_from_the_others);
    tcase_add_test(tests, what_is_large_lent_or_nothing_goes_the_usual_way);
    tcase_add_test(tests, no_more_than_the_most_may_wait);
    tcase_add_test(tests, the_limit_of_output_holds);
    tcase_add_test(tests, without_memory_it_is_sent_whole_or_the_connection_ends);
}

BIGHT_TEST_MAIN("common", add_tests)
