/* SPDX-License-Identifier: MIT */
/* test_wire.c - the classic services over the string transport. Real clients meet them in test_programs.py. */
#include <bight/protocols/wire.h>
#include <bight/testing.h>

#include <time.h>

#include "support.h"

static struct bight_reactor *reactor;
static struct bight_factory factory;

static void set_up(void)
{
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
}

static struct bight_string_peer *connect_to(const struct bight_protocol_ops *ops)
{
    factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, NULL);
    factory.protocol_ops = ops;
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory, true);
    ck_assert_ptr_nonnull(peer);
    bight_testing_settle(reactor, 10);
    return peer;
}

START_TEST(echo_gives_back_what_came_and_ends_after_the_peer)
{
    struct bight_string_peer *peer = connect_to(&bight_echo_ops);
    bight_string_feed_text(peer, "hello");
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    bight_string_feed_text(peer, " again");
    bight_string_end(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "hello again");
    ck_assert(bight_string_is_closed(peer));
    ck_assert(!bight_string_was_reset(peer));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(echo_reads_no_more_while_nobody_reads_its_answers) /* T13 */
{
    static uint8_t data[1 << 20];
    struct bight_string_peer *peer = connect_to(&bight_echo_ops);
    bight_string_set_window(peer, 0);
    size_t unread = bight_string_feed(peer, data, sizeof data);
    ck_assert_uint_gt(unread, sizeof data - 256 * 1024);
    bight_string_set_window(peer, SIZE_MAX);
    bight_testing_settle(reactor, 1000);
    size_t size;
    bight_string_written(peer, &size);
    ck_assert_uint_eq(size, sizeof data);
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(discard_reads_everything_and_says_nothing)
{
    static uint8_t data[300000];
    size_t size;
    struct bight_string_peer *peer = connect_to(&bight_discard_ops);
    ck_assert_uint_eq(bight_string_feed(peer, data, sizeof data), 0);
    bight_string_written(peer, &size);
    ck_assert_uint_eq(size, 0);
    bight_string_end(peer);
    ck_assert(bight_string_is_closed(peer));
    bight_string_peer_free(peer);
}
END_TEST

/* What was written since the peer last took something; `*position` is where in the whole stream that begins. */
static size_t check_pattern(struct bight_string_peer *peer, size_t *position)
{
    size_t size;
    const uint8_t *data = bight_string_written(peer, &size);
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++) {
        size_t line = (*position + i) / 74, column = (*position + i) % 74;
        int expected = column == 72 ? '\r' : column == 73 ? '\n' : (int)(' ' + (line + column) % 95);
        wrong += data[i] != expected;
    }
    ck_assert_uint_eq(wrong, 0);
    *position += size;
    return size;
}

START_TEST(chargen_sends_the_rotating_pattern_no_further_than_the_peer_reads) /* T13 */
{
    size_t position = 0;
    struct bight_string_peer *peer = connect_to(&bight_chargen_ops);
    ck_assert_uint_gt(check_pattern(peer, &position), 0);
    bight_string_set_window(peer, 100000);
    for (int i = 0; i < 3; i++) {
        bight_string_clear(peer);
        bight_testing_settle(reactor, 100);
        size_t written = check_pattern(peer, &position);
        ck_assert_uint_gt(written, 50000);
        ck_assert_uint_le(written, 100000);
        ck_assert_uint_lt(bight_transport_queued(bight_string_protocol(peer)->transport), 128 * 1024);
    }
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(chargen_goes_on_when_the_peer_has_shut_its_side_and_ends_with_a_reset) /* T11 */
{
    struct bight_string_peer *peer = connect_to(&bight_chargen_ops);
    bight_string_set_window(peer, 1000);
    bight_string_end(peer);
    ck_assert(!bight_string_is_closed(peer));
    bight_string_reset(peer, 0);
    ck_assert(bight_string_is_closed(peer));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(qotd_says_at_most_512_bytes_and_closes)
{
    static char longest[1000];
    size_t size;
    struct bight_string_peer *peer = connect_to(&bight_qotd_ops);
    bight_string_written(peer, &size);
    ck_assert_uint_gt(size, 10);
    ck_assert_uint_le(size, 512);
    bight_string_end(peer);
    ck_assert(bight_string_is_closed(peer));
    bight_string_peer_free(peer);

    memset(longest, 'q', sizeof longest - 1);
    factory.context = longest;
    peer = bight_string_connect(reactor, &factory, true);
    bight_testing_settle(reactor, 10);
    bight_string_written(peer, &size);
    ck_assert_uint_eq(size, 512);
    ck_assert(bight_string_is_shut(peer));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(daytime_follows_the_example_of_its_rfc)
{
    char day[16], month[16];
    int date, year, hour, minute, second, end = 0;
    struct bight_string_peer *peer = connect_to(&bight_daytime_ops);
    const char *text = bight_string_written_text(peer);
    int read = sscanf(text, "%15[A-Za-z], %15[A-Za-z] %d, %d %2d:%2d:%2d-UTC\r\n%n", day, month, &date, &year, &hour,
        &minute, &second, &end);
    ck_assert_int_eq(read, 7);
    ck_assert_uint_eq((size_t)end, strlen(text));
    ck_assert_int_ge(year, 2024);
    ck_assert(bight_string_is_shut(peer));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(time_counts_seconds_since_1900)
{
    size_t size;
    struct bight_string_peer *peer = connect_to(&bight_time_ops);
    const uint8_t *data = bight_string_written(peer, &size);
    ck_assert_uint_eq(size, 4);
    uint32_t told = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    uint32_t now = (uint32_t)((uint64_t)time(NULL) + 2208988800u);
    ck_assert_uint_le(now - told, 60);
    ck_assert(bight_string_is_shut(peer));
    bight_string_peer_free(peer);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, echo_gives_back_what_came_and_ends_after_the_peer);
    tcase_add_test(tests, echo_reads_no_more_while_nobody_reads_its_answers);
    tcase_add_test(tests, discard_reads_everything_and_says_nothing);
    tcase_add_test(tests, chargen_sends_the_rotating_pattern_no_further_than_the_peer_reads);
    tcase_add_test(tests, chargen_goes_on_when_the_peer_has_shut_its_side_and_ends_with_a_reset);
    tcase_add_test(tests, qotd_says_at_most_512_bytes_and_closes);
    tcase_add_test(tests, daytime_follows_the_example_of_its_rfc);
    tcase_add_test(tests, time_counts_seconds_since_1900);
}

BIGHT_TEST_MAIN("wire", add_tests)
