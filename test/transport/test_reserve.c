/* SPDX-License-Identifier: MIT */
/* test_reserve.c - output that is composed where it is sent from (bight/sys/output.h): T6, T9 and T13 hold for it as
 * for what is written. */
#include <errno.h>

#include <bight/log.h>
#include <bight/sys/output.h>

#include "transport_support.h"

static const uint8_t *source; /* what is composed; the part that has been */
static size_t composed;

/* Reserves `reserved` bytes, fills `size` and commits them; the commit's code. */
static int compose(struct bight_transport *to, size_t reserved, size_t size)
{
    uint8_t *room = bight_transport_reserve(to, reserved);
    if (room == NULL) {
        return bight_transport_commit(to, size);
    }
    memset(room, 0xee, reserved);
    if (size > 0) {
        memcpy(room, source + composed, size);
    }
    int code = bight_transport_commit(to, size);
    composed += code == 0 ? size : 0;
    return code;
}

static int compose_text(struct bight_transport *to, const char *text)
{
    source = (const uint8_t *)text;
    composed = 0;
    return compose(to, strlen(text) + 100, strlen(text));
}

static void answer(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    source = data;
    composed = 0;
    ck_assert_int_eq(compose(p->transport, size, size), 0);
}

static void answer_in_parts(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    ck_assert_int_eq(compose_text(p->transport, "one "), 0);
    ck_assert_int_eq(bight_transport_write(p->transport, "two ", 4), 0);
    ck_assert_int_eq(compose_text(p->transport, "three"), 0);
    ck_assert_str_eq(bight_string_written_text(peer), "");
}

START_TEST(what_is_composed_in_a_handler_is_sent_behind_it) /* T6 */
{
    on.data = answer_in_parts;
    set_up();
    bight_string_feed_text(peer, "x");
    ck_assert_str_eq(bight_string_written_text(peer), "one two three");
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    tear_down();
}
END_TEST

START_TEST(what_is_composed_outside_a_handler_is_sent_on_the_next_turn) /* T6 */
{
    set_up();
    ck_assert_int_eq(compose_text(transport, "hello"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    tear_down();
}
END_TEST

START_TEST(an_echo_by_room_is_an_echo) /* T6 */
{
    static const size_t sizes[] = { 1, 639, 640, 641, 4095, 4096, 16239, 16240, 16241, 65536 };
    on.data = answer;
    set_up();
    uint8_t *data = make_data(65536);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bight_string_clear(peer);
        ck_assert_uint_eq(bight_string_feed(peer, data, sizes[i]), 0);
        settle();
        ck_written(data, sizes[i]);
    }
    free(data);
    tear_down();
}
END_TEST

/* Writes the data by rooms, sequences and plain writes of all sizes in turn. */
static void write_all(const uint8_t *data, size_t size)
{
    static const size_t sizes[] = { 1, 20, 700, 5000, 16240, 20000, 100000, 3, 300 };
    size_t at = 0;
    source = data;
    for (size_t i = 0; at < size; i++) {
        size_t part = sizes[i % 9] < size - at ? sizes[i % 9] : size - at;
        composed = at;
        int code = i % 4 == 3 ? bight_transport_write(transport, data + at, part)
                              : compose(transport, part + sizes[(i / 2) % 9], part);
        ck_assert_int_eq(code, 0);
        at += part;
    }
}

static void write_all_in_handler(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    write_all(source, 1000000);
}

START_TEST(rooms_and_writes_keep_their_order_whatever_their_size) /* T6 */
{
    set_up();
    uint8_t *data = make_data(1000000);
    write_all(data, 1000000);
    settle();
    ck_written(data, 1000000);
    bight_string_clear(peer);
    on.data = write_all_in_handler;
    bight_string_feed_text(peer, "x");
    settle();
    ck_written(data, 1000000);
    free(data);
    tear_down();
}
END_TEST

START_TEST(a_narrow_window_changes_no_byte_of_what_is_composed) /* T6 */
{
    set_up();
    uint8_t *data = make_data(1000000);
    bight_string_set_window(peer, 0);
    write_all(data, 1000000);
    settle();
    ck_assert_uint_eq(bight_transport_queued(transport), 1000000);
    for (size_t window = 777; bight_transport_queued(transport) > 0; window += 7777) {
        bight_string_set_window(peer, window);
        settle();
    }
    ck_written(data, 1000000);
    free(data);
    tear_down();
}
END_TEST

START_TEST(committing_nothing_takes_nothing_and_the_room_is_there_for_the_next) /* T6 */
{
    set_up();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(compose(transport, 100, 0), 0);
        ck_assert_int_eq(compose(transport, 20000, 0), 0);
        ck_assert_int_eq(compose(transport, 0, 0), 0);
        ck_assert_uint_eq(bight_transport_queued(transport), 0);
    }
    settle();
    ck_written("", 0);
    ck_assert_int_eq(compose_text(transport, "a"), 0);
    ck_assert_int_eq(compose(transport, 100, 0), 0);
    ck_assert_int_eq(compose(transport, 20000, 0), 0);
    ck_assert_int_eq(compose_text(transport, "b"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "ab");
    tear_down();
}
END_TEST

static void reserve_much_and_need_little(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)size;
    for (int i = 0; i < 1000; i++) {
        source = data;
        composed = 0;
        ck_assert_int_eq(compose(p->transport, 16000, 1), 0);
        composed = 0;
        ck_assert_int_eq(compose(p->transport, 60000, 1), 0);
    }
}

START_TEST(many_that_reserve_much_and_need_little_go_out_as_one) /* T6 */
{
    on.data = reserve_much_and_need_little;
    set_up();
    bight_string_feed_text(peer, "x");
    settle();
    size_t written;
    (void)bight_string_written(peer, &written);
    ck_assert_uint_eq(written, 2000);
    tear_down();
}
END_TEST

START_TEST(only_what_is_committed_counts) /* T13 */
{
    set_up();
    uint8_t *data = make_data(100);
    source = data;
    composed = 0;
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_transport_set_output_limit(transport, 100), 0);
    ck_assert_int_eq(compose(transport, 50000, 60), 0);
    settle();
    ck_assert_uint_eq(bight_transport_queued(transport), 60);
    ck_assert_int_eq(compose(transport, 600, 40), 0);
    ck_assert_uint_eq(bight_transport_queued(transport), 100);
    ck_assert_int_eq(compose(transport, 200, 0), 0);
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    ck_written(data, 100);
    free(data);
    tear_down();
}
END_TEST

START_TEST(a_commit_past_the_cap_aborts_with_overflow) /* T6, T13 */
{
    static const size_t reserved[] = { 11, 1000, 50000 };
    for (size_t i = 0; i < 3; i++) {
        set_up();
        bight_string_set_window(peer, 0);
        ck_assert_int_eq(bight_transport_set_output_limit(transport, 10), 0);
        source = (const uint8_t *)"0123456789a";
        composed = 0;
        ck_assert_int_eq(compose(transport, reserved[i], 11), BIGHT_E_OVERFLOW);
        ck_assert_int_eq(compose(transport, 1, 1), BIGHT_E_CLOSED);
        settle();
        ck_heard("lost:OVERFLOW");
        tear_down();
    }
}
END_TEST

static void hear_pause(void *context)
{
    (void)context;
    hear("pause");
}

static void hear_resume(void *context)
{
    (void)context;
    hear("resume");
}

static const struct bight_producer_ops told_ops = { .pause = hear_pause, .resume = hear_resume };

START_TEST(a_producer_hears_of_marks_by_what_is_committed) /* T13 */
{
    set_up();
    source = (const uint8_t *)"0123456789";
    composed = 0;
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_transport_set_watermarks(transport, 2, 5), 0);
    ck_assert_int_eq(bight_transport_register_producer(transport, &told_ops, NULL, true), 0);
    ck_assert_int_eq(compose(transport, 20000, 5), 0);
    settle();
    ck_heard("");
    ck_assert_int_eq(compose(transport, 20000, 1), 0);
    ck_heard("pause");
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    ck_heard("resume");
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    ck_assert_int_eq(compose(transport, 10, 4), 0); /* T9 */
    ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    ck_assert_int_eq(compose(transport, 10, 0), BIGHT_E_CLOSED);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "0123456789");
    tear_down();
}
END_TEST

static void commit_nothing(void *context)
{
    hear("resume");
    ck_assert_int_eq(compose(context, 100, 0), 0);
}

START_TEST(a_pull_producer_that_commits_nothing_is_not_asked_again) /* T13 */
{
    static const struct bight_producer_ops pulled = { .resume = commit_nothing };
    set_up();
    ck_assert_int_eq(bight_transport_register_producer(transport, &pulled, transport, false), 0);
    settle();
    ck_heard("resume");
    ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    tear_down();
}
END_TEST

static void compose_in_release(void *context)
{
    size_t reserved = *(size_t *)context;
    ck_assert_int_eq(compose(transport, reserved, 0), 0);
    if (reserved > 100) {
        ck_assert_int_eq(compose_text(transport, " world"), 0);
    }
    ck_assert_int_eq(compose(transport, reserved, 0), 0);
}

START_TEST(a_release_function_may_compose_or_not) /* T6 */
{
    static size_t reserved[] = { 100, 5000, 50000 };
    set_up();
    for (size_t i = 0; i < 3; i++) {
        bight_string_clear(peer);
        ck_assert_int_eq(bight_transport_write_lent(transport, "hello", 5, compose_in_release, &reserved[i]), 0);
        settle();
        ck_assert_str_eq(bight_string_written_text(peer), reserved[i] > 100 ? "hello world" : "hello");
        ck_assert_uint_eq(bight_transport_queued(transport), 0);
    }
    tear_down();
}
END_TEST

START_TEST(what_is_composed_while_paused_is_sent) /* T2 */
{
    set_up();
    ck_assert_int_eq(bight_transport_pause(transport), 0);
    ck_assert_int_eq(compose_text(transport, "hello"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    tear_down();
}
END_TEST

static void reserve_at_the_end(struct bight_protocol *p)
{
    ck_assert_ptr_null(bight_transport_reserve(p->transport, 10));
    ck_assert_int_eq(bight_transport_commit(p->transport, 10), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_commit(p->transport, 0), BIGHT_E_CLOSED);
}

START_TEST(there_is_no_room_after_the_end_and_the_commit_says_closed) /* T3, T9 */
{
    on.lost = reserve_at_the_end;
    set_up();
    ck_assert_int_eq(compose_text(transport, "hello"), 0);
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    reserve_at_the_end(protocol);
    bight_protocol_hold(protocol);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    bight_string_end(peer);
    settle();
    ck_heard("lost:CONNECTION_DONE");
    reserve_at_the_end(protocol);
    bight_protocol_release(protocol);
    tear_down();
}
END_TEST

static bool compose_all(void)
{
    static const size_t reserved[] = { 10, 10000, 16000, 50000, 700000 };
    bool is_whole = true;
    source = (const uint8_t *)"0123456789";
    composed = 0;
    for (size_t i = 0; i < 5; i++) {
        int code = compose(transport, reserved[i], 2);
        ck_assert(code == 0 || code == BIGHT_E_OUT_OF_MEMORY || (!is_whole && code == BIGHT_E_CLOSED));
        is_whole = is_whole && code == 0;
    }
    settle();
    if (is_whole) {
        ck_assert_str_eq(bight_string_written_text(peer), "0123456789");
    }
    return is_whole;
}

static int has_layer;

static bool with_faults(void *context)
{
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    transport = protocol == NULL ? NULL : protocol->transport;
    heard[0] = '\0';
    if (context != NULL && transport != NULL && !push_extra_layer(transport, 't')) {
        transport = NULL;
    }
    bool is_whole = transport != NULL && compose_all();
    if (transport != NULL && !is_whole) {
        ck_heard("lost:OUT_OF_MEMORY");
    }
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    heard[0] = '\0';
    return true;
}

START_TEST(without_memory_for_room_the_connection_is_aborted_and_nothing_leaks) /* T6 */
{
    ck_assert_uint_eq(bight_testing_with_faults(with_faults, NULL, 0), 0);
    ck_assert_uint_eq(bight_testing_with_faults(with_faults, &has_layer, 0), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------- misuse */

static char said[512];
static int complaints;

static void listen_in(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level == BIGHT_LOG_ERROR && strcmp(event->system, "usage") == 0) {
        complaints++;
        snprintf(said, sizeof said, "%s", event->message);
    }
}

#define ck_said(text)                 \
    do {                              \
        ck_assert_str_eq(said, text); \
        said[0] = '\0';               \
    } while (0)

static void begin(void)
{
    bight_log_set_observer(listen_in, NULL);
    set_up();
}

START_TEST(a_write_before_the_commit_takes_nothing) /* T6 */
{
    begin();
    struct iovec part = { (char *)"x", 1 };
    int released = 0;
    uint8_t *room = bight_transport_reserve(transport, 10);
    memcpy(room, "hello", 5);
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_transport_write_sequence(transport, &part, 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_transport_write_lent(transport, "x", 1, count_release, &released), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_transport_send_file(transport, 0, 0, 1, count_release, &released), BIGHT_E_USAGE);
    ck_assert_ptr_null(bight_transport_reserve(transport, 10));
    ck_said("bight_transport_reserve before bight_transport_commit: output of this connection is reserved [USAGE]");
    ck_assert_int_eq(complaints, 5);
    ck_assert_int_eq(bight_transport_commit(transport, 5), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    ck_assert_int_eq(released, 0);
    tear_down();
}
END_TEST

START_TEST(a_commit_without_room_or_of_more_takes_nothing) /* T6 */
{
    static const size_t sizes[] = { 10, 20000 };
    begin();
    ck_assert_int_eq(bight_transport_commit(transport, 0), BIGHT_E_USAGE);
    ck_said("bight_transport_commit: nothing is reserved [USAGE]");
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(bight_transport_reserve(transport, sizes[i]));
        ck_assert_int_eq(bight_transport_commit(transport, sizes[i] + 1), BIGHT_E_INVALID_ARGUMENT);
    }
    ck_said("bight_transport_commit: 20001 bytes are more than the 20000 that were reserved [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_transport_commit(transport, 1), BIGHT_E_USAGE);
    ck_assert_int_eq(compose_text(transport, "hello"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    tear_down();
}
END_TEST

START_TEST(more_than_the_most_is_a_mistake_that_the_commit_tells) /* T6 */
{
    begin();
    uint8_t *room = bight_transport_reserve(transport, BIGHT_MAX_RESERVE);
    ck_assert_ptr_nonnull(room);
    memset(room, 'x', BIGHT_MAX_RESERVE);
    ck_assert_int_eq(bight_transport_commit(transport, BIGHT_MAX_RESERVE), 0);
    ck_assert_ptr_null(bight_transport_reserve(transport, BIGHT_MAX_RESERVE + 1));
    ck_said("bight_transport_reserve: 1048577 bytes are more than BIGHT_MAX_RESERVE [INVALID_ARGUMENT]");
    ck_assert_int_eq(bight_transport_commit(transport, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_commit(transport, 1), BIGHT_E_USAGE);
    settle();
    size_t written;
    (void)bight_string_written(peer, &written);
    ck_assert_uint_eq(written, BIGHT_MAX_RESERVE);
    tear_down();
}
END_TEST

static void forget(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    ck_assert_int_eq(bight_transport_write(p->transport, "kept", 4), 0);
    ck_assert_ptr_nonnull(bight_transport_reserve(p->transport, size == 1 ? 10 : 20000));
}

START_TEST(what_is_forgotten_is_said_and_in_nobodys_way) /* T6 */
{
    begin();
    on.data = forget;
    for (size_t size = 1; size < 3; size++) {
        bight_string_clear(peer);
        bight_string_feed(peer, "xx", size);
        settle();
        ck_assert_str_eq(bight_string_written_text(peer), "kept");
        ck_assert_int_eq(complaints, getenv("BIGHT_TEST_LAYERS") == NULL ? (int)size : complaints);
        ck_assert_int_eq(bight_transport_commit(transport, 1), BIGHT_E_USAGE);
        complaints--;
    }
    on.data = NULL;
    ck_assert_int_eq(compose_text(transport, "more"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "keptmore");
    tear_down();
}
END_TEST

START_TEST(what_is_reserved_when_the_connection_ends_goes_with_it) /* T4 */
{
    static const size_t sizes[] = { 10, 20000 };
    for (size_t i = 0; i < 2; i++) {
        begin();
        ck_assert_ptr_nonnull(bight_transport_reserve(transport, sizes[i]));
        bight_string_reset(peer, ECONNRESET);
        settle();
        ck_heard("lost:CONNECTION_LOST");
        tear_down();
        begin();
        ck_assert_ptr_nonnull(bight_transport_reserve(transport, sizes[i]));
        tear_down();
        ck_heard("lost:CONNECTION_LOST");
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_composed_in_a_handler_is_sent_behind_it);
    tcase_add_test(tests, what_is_composed_outside_a_handler_is_sent_on_the_next_turn);
    tcase_add_test(tests, an_echo_by_room_is_an_echo);
    tcase_add_test(tests, rooms_and_writes_keep_their_order_whatever_their_size);
    tcase_add_test(tests, a_narrow_window_changes_no_byte_of_what_is_composed);
    tcase_add_test(tests, committing_nothing_takes_nothing_and_the_room_is_there_for_the_next);
    tcase_add_test(tests, many_that_reserve_much_and_need_little_go_out_as_one);
    tcase_add_test(tests, only_what_is_committed_counts);
    tcase_add_test(tests, a_commit_past_the_cap_aborts_with_overflow);
    tcase_add_test(tests, a_producer_hears_of_marks_by_what_is_committed);
    tcase_add_test(tests, a_pull_producer_that_commits_nothing_is_not_asked_again);
    tcase_add_test(tests, a_release_function_may_compose_or_not);
    tcase_add_test(tests, what_is_composed_while_paused_is_sent);
    tcase_add_test(tests, there_is_no_room_after_the_end_and_the_commit_says_closed);
    tcase_add_test(tests, without_memory_for_room_the_connection_is_aborted_and_nothing_leaks);
    tcase_add_test(tests, a_write_before_the_commit_takes_nothing);
    tcase_add_test(tests, a_commit_without_room_or_of_more_takes_nothing);
    tcase_add_test(tests, more_than_the_most_is_a_mistake_that_the_commit_tells);
    tcase_add_test(tests, what_is_forgotten_is_said_and_in_nobodys_way);
    tcase_add_test(tests, what_is_reserved_when_the_connection_ends_goes_with_it);
}

BIGHT_TEST_MAIN("reserve", add_tests)
