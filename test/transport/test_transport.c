/* SPDX-License-Identifier: MIT */
/* test_transport.c - the facade: how a connection begins, delivers, writes and is known by (T1 to T6). */
#include "transport/transport.h"

#include "transport_support.h"

static void write_hello(struct bight_protocol *p)
{
    ck_assert_ptr_nonnull(p->transport);
    ck_assert_ptr_eq(bight_transport_protocol(p->transport), p);
    ck_assert_int_eq(bight_transport_write(p->transport, "hello", 5), 0);
}

START_TEST(connection_made_comes_first_and_once_with_the_transport_set) /* T1 */
{
    on.made = write_hello;
    set_up();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    bight_string_feed_text(peer, "x");
    ck_heard("data:x");
    tear_down();
    ck_heard("lost:CONNECTION_LOST");
}
END_TEST

START_TEST(data_is_echoed_in_any_chunking) /* T2 */
{
    on.data = echo;
    set_up();
    bight_string_feed_text(peer, "abc");
    bight_string_feed_chunked(peer, "defg", 4, 1);
    ck_heard("data:abc data:d data:e data:f data:g");
    ck_assert_str_eq(bight_string_written_text(peer), "abcdefg");
    tear_down();
}
END_TEST

START_TEST(more_than_64_KiB_come_in_pieces_of_at_most_that) /* T2 */
{
    set_up();
    uint8_t *data = make_data(200000);
    ck_assert_uint_eq(bight_string_feed(peer, data, 200000), 0);
    ck_heard("data[65536] data[65536] data[65536] data[3392]");
    free(data);
    tear_down();
}
END_TEST

static void pause_it(struct bight_protocol *p)
{
    ck_assert_int_eq(bight_transport_pause(p->transport), 0);
}

START_TEST(pause_in_connection_made_holds_all_data_back) /* T2 */
{
    on.made = pause_it;
    set_up();
    bight_string_feed_text(peer, "abc");
    ck_heard("");
    ck_assert_int_eq(bight_transport_resume(transport), 0);
    ck_heard("");
    settle();
    ck_heard("data:abc");
    tear_down();
}
END_TEST

static void pause_on_data(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    pause_it(p);
}

START_TEST(pause_in_data_received_takes_effect_at_once) /* T2 */
{
    on.data = pause_on_data;
    set_up();
    bight_string_feed_chunked(peer, "abc", 3, 1);
    ck_heard("data:a");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:b");
    on.data = NULL;
    bight_transport_resume(transport);
    bight_transport_resume(transport);
    settle();
    ck_heard("data:c");
    tear_down();
}
END_TEST

START_TEST(eof_while_paused_comes_after_the_data) /* T12 */
{
    on.made = pause_it;
    set_up();
    bight_string_feed_text(peer, "abc");
    bight_string_end(peer);
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:abc read-lost lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

static void use_everything(struct bight_protocol *p)
{
    struct bight_transport *t = p->transport;
    struct bight_address address;
    static const struct bight_producer_ops no_ops;
    struct iovec part = { (char *)"x", 1 };
    struct bight_bytes *bytes = bight_bytes_new("x", 1);
    int released = 0;
    ck_assert_int_eq(bight_transport_write(t, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_write_sequence(t, &part, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_write_bytes(t, bytes), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_write_lent(t, "x", 1, count_release, &released), BIGHT_E_CLOSED);
    ck_assert_int_eq(released, 0);
    bight_bytes_release(bytes);
    ck_assert_int_eq(bight_transport_lose_connection(t), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_abort_connection(t), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_lose_write(t), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_pause(t), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_resume(t), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_register_producer(t, &no_ops, NULL, true), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_unregister_producer(t), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_watermarks(t, 1, 2), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_backpressure(t, true), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_output_limit(t, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_idle_timeout(t, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_total_timeout(t, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_flush_timeout(t, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_linger(t, 1, 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_peer(t, &address), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_host(t, &address), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_nodelay(t, true), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_set_keepalive(t, true), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_switch_protocol(t, NULL, NULL, 0), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_descriptor(t), -1);
    ck_assert_uint_eq(bight_transport_id(t), 0);
    ck_assert_uint_eq(bight_transport_queued(t), 0);
    ck_assert(!bight_transport_is_open(t));
}

START_TEST(every_call_answers_closed_from_connection_lost_on) /* T3 */
{
    on.lost = use_everything;
    set_up();
    bight_protocol_hold(protocol);
    bight_string_end(peer);
    ck_heard("read-lost lost:CONNECTION_DONE");
    use_everything(protocol);
    ck_assert_ptr_null(bight_string_protocol(peer));
    bight_protocol_release(protocol);
    tear_down();
}
END_TEST

START_TEST(a_hold_outlives_the_reactor) /* T3 */
{
    set_up();
    bight_protocol_hold(protocol);
    tear_down();
    ck_heard("lost:CONNECTION_LOST");
    use_everything(protocol);
    bight_protocol_release(protocol);
}
END_TEST

static uint64_t known_id;

static void look_up(struct bight_protocol *p)
{
    (void)p;
    ck_assert_ptr_null(bight_transport_find(reactor, known_id));
}

START_TEST(an_id_finds_the_transport_until_connection_lost) /* T3 */
{
    on.lost = look_up;
    set_up();
    known_id = bight_transport_id(transport);
    ck_assert_uint_ne(known_id, 0);
    ck_assert_ptr_eq(bight_transport_find(reactor, known_id), transport);
    ck_assert_ptr_null(bight_transport_find(reactor, known_id + 1));
    ck_assert_ptr_null(bight_transport_find(reactor, 0));
    bight_transport_abort_connection(transport);
    ck_assert_ptr_eq(bight_transport_find(reactor, known_id), transport);
    settle();
    ck_assert_ptr_null(bight_transport_find(reactor, known_id));
    tear_down();
}
END_TEST

START_TEST(ids_are_not_reused) /* T3 */
{
    enum { ROUNDS = 1000 };
    static uint64_t ids[ROUNDS];
    set_up();
    for (int i = 0; i < ROUNDS; i++) {
        struct bight_string_peer *other = bight_string_connect(reactor, &probe_factory, true);
        ids[i] = bight_transport_id(bight_string_protocol(other)->transport);
        for (int j = 0; j < i; j++) {
            ck_assert_uint_ne(ids[i], ids[j]);
        }
        bight_string_peer_free(other);
    }
    tear_down();
}
END_TEST

START_TEST(a_slot_whose_generations_are_used_up_is_not_used_again) /* T3 */
{
    set_up();
    struct bight_string_peer *other = bight_string_connect(reactor, &probe_factory, true);
    struct bight_transport *last = bight_string_protocol(other)->transport;
    last->id = (uint64_t)(UINT32_MAX - 1) << 32 | (uint32_t)last->id;
    uint64_t id = last->id;
    ck_assert_ptr_eq(bight_transport_find(reactor, id), last);
    bight_string_peer_free(other);
    ck_assert_ptr_null(bight_transport_find(reactor, id));
    ck_assert_ptr_null(bight_transport_find(reactor, id + (UINT64_C(1) << 32)));
    other = bight_string_connect(reactor, &probe_factory, true);
    ck_assert_ptr_ne(bight_string_protocol(other)->transport, last);
    ck_assert_uint_ne(bight_transport_id(bight_string_protocol(other)->transport), 0);
    bight_string_peer_free(other);
    tear_down();
}
END_TEST

static int compare_ids(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

START_TEST(a_thousand_connections_come_and_go_and_no_id_comes_twice) /* T3 */
{
    enum { MANY = 1000, ROUNDS = 3 };
    static struct bight_string_peer *peers[MANY];
    static uint64_t ids[MANY * ROUNDS];
    on.data = echo;
    set_up();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MANY; i++) {
            peers[i] = bight_string_connect(reactor, &probe_factory, true);
            ids[round * MANY + i] = bight_transport_id(bight_string_protocol(peers[i])->transport);
            bight_string_feed_text(peers[i], "x");
            ck_assert_str_eq(bight_string_written_text(peers[i]), "x");
        }
        for (int i = 0; i < MANY; i++) {
            bight_string_peer_free(peers[(i * 7) % MANY]);
            peers[(i * 7) % MANY] = NULL;
        }
        ck_assert_uint_eq(probe_factory.connections, 1);
        heard[0] = '\0';
    }
    qsort(ids, MANY * ROUNDS, sizeof *ids, compare_ids);
    for (int i = 1; i < MANY * ROUNDS; i++) {
        ck_assert_uint_ne(ids[i - 1], ids[i]);
        ck_assert_ptr_null(bight_transport_find(reactor, ids[i]));
    }
    tear_down();
}
END_TEST

START_TEST(a_reset_is_connection_lost_with_the_errno) /* T5 */
{
    set_up();
    bight_string_reset(peer, 0);
    ck_heard("lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(writes_keep_their_order_whatever_their_size) /* T6 */
{
    set_up();
    uint8_t *data = make_data(100000);
    size_t sizes[] = { 1, 100, 5000, 3, 20000, 4096, 4095, 0, 16384, 50000 };
    size_t sent = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && sent + sizes[i] <= 100000; i++) {
        ck_assert_int_eq(bight_transport_write(transport, data + sent, sizes[i]), 0);
        sent += sizes[i];
    }
    settle();
    ck_written(data, sent);
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    free(data);
    tear_down();
}
END_TEST

START_TEST(a_narrow_window_changes_no_byte) /* T6 */
{
    static uint8_t got[300000];
    size_t taken = 0;
    set_up();
    uint8_t *data = make_data(sizeof got);
    bight_string_set_window(peer, 1000);
    for (size_t at = 0; at < sizeof got; at += 30000) {
        ck_assert_int_eq(bight_transport_write(transport, data + at, 30000), 0);
    }
    ck_assert_uint_eq(bight_transport_queued(transport), sizeof got - 1000);
    while (taken < sizeof got) {
        size_t size;
        const uint8_t *bytes = bight_string_written(peer, &size);
        ck_assert_uint_gt(size, 0);
        memcpy(got + taken, bytes, size);
        taken += size;
        bight_string_clear(peer);
    }
    ck_assert_mem_eq(got, data, sizeof got);
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    free(data);
    tear_down();
}
END_TEST

START_TEST(small_writes_of_a_handler_are_sent_behind_it) /* T6 */
{
    set_up();
    bight_transport_write(transport, "a", 1);
    bight_transport_write(transport, "b", 1);
    ck_assert_uint_eq(bight_transport_queued(transport), 2);
    ck_assert_str_eq(bight_string_written_text(peer), "");
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "ab");
    tear_down();
}
END_TEST

START_TEST(a_sequence_goes_out_as_one) /* T6 */
{
    struct iovec parts[40];
    char expected[41] = "";
    set_up();
    for (int i = 0; i < 40; i++) {
        parts[i] = (struct iovec) { (char *)"x", i % 3 == 0 ? 0 : 1 };
        strcat(expected, i % 3 == 0 ? "" : "x");
    }
    ck_assert_int_eq(bight_transport_write_sequence(transport, parts, 40), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), expected);
    tear_down();
}
END_TEST

START_TEST(lent_memory_is_released_once_and_not_inside_the_call) /* T6, D33 */
{
    int released = 0;
    set_up();
    uint8_t *data = make_data(20000);
    ck_assert_int_eq(bight_transport_write_lent(transport, data, 20000, count_release, &released), 0);
    ck_assert_int_eq(released, 0);
    ck_assert_int_eq(bight_transport_write_lent(transport, data, 10, count_release, &released), 0);
    ck_assert_int_eq(bight_transport_write_lent(transport, data, 0, count_release, &released), 0);
    ck_assert_int_eq(released, 0);
    settle();
    ck_assert_int_eq(released, 3);
    free(data);
    tear_down();
    ck_assert_int_eq(released, 3);
}
END_TEST

START_TEST(lent_memory_is_released_when_the_connection_is_aborted) /* T6, T10 */
{
    int released = 0;
    set_up();
    uint8_t *data = make_data(20000);
    bight_string_set_window(peer, 100);
    ck_assert_int_eq(bight_transport_write_lent(transport, data, 20000, count_release, &released), 0);
    ck_assert_int_eq(bight_transport_write_lent(transport, data, 20000, count_release, &released), 0);
    settle();
    ck_assert_int_eq(released, 0);
    bight_transport_abort_connection(transport);
    ck_assert_int_eq(released, 0);
    settle();
    ck_assert_int_eq(released, 2);
    free(data);
    tear_down();
}
END_TEST

START_TEST(counted_bytes_are_sent_by_reference_and_let_go_of) /* T6 */
{
    int released = 0;
    set_up();
    uint8_t *data = make_data(5000);
    struct bight_bytes *bytes = bight_bytes_new_lent(data, 5000, count_release, &released);
    ck_assert_int_eq(bight_transport_write_bytes(transport, bytes), 0);
    bight_bytes_release(bytes);
    ck_assert_int_eq(released, 0);
    settle();
    ck_assert_int_eq(released, 1);
    ck_written(data, 5000);
    free(data);
    tear_down();
}
END_TEST

START_TEST(a_write_past_the_cap_aborts_with_overflow) /* T6, T13 */
{
    set_up();
    ck_assert_int_eq(bight_transport_set_output_limit(transport, 10000), 0);
    bight_string_set_window(peer, 0);
    uint8_t *data = make_data(10000);
    ck_assert_int_eq(bight_transport_write(transport, data, 10000), 0);
    settle();
    ck_assert_int_eq(bight_transport_write(transport, data, 1), BIGHT_E_OVERFLOW);
    ck_assert_int_eq(bight_transport_write(transport, data, 1), BIGHT_E_CLOSED);
    ck_heard("");
    settle();
    ck_heard("lost:OVERFLOW");
    ck_assert(bight_string_was_reset(peer));
    free(data);
    tear_down();
}
END_TEST

START_TEST(lent_memory_does_not_count_towards_the_cap) /* T13 */
{
    int released = 0;
    set_up();
    bight_transport_set_output_limit(transport, 1000);
    bight_string_set_window(peer, 0);
    uint8_t *data = make_data(50000);
    ck_assert_int_eq(bight_transport_write_lent(transport, data, 50000, count_release, &released), 0);
    ck_assert_uint_eq(bight_transport_queued(transport), 50000);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_assert_int_eq(released, 1);
    ck_written(data, 50000);
    free(data);
    tear_down();
}
END_TEST

START_TEST(a_counted_write_past_the_cap_takes_nothing) /* T6, T13 */
{
    set_up();
    struct bight_bytes *bytes = bight_bytes_new("0123456789", 10);
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_transport_set_output_limit(transport, 5), 0);
    int code = bight_transport_write_bytes(transport, bytes);
    ck_assert_int_eq(code, BIGHT_E_OVERFLOW);
    bight_bytes_release(bytes);
    settle();
    ck_heard("lost:OVERFLOW");
    tear_down();
}
END_TEST

START_TEST(a_sequence_of_impossible_size_is_refused) /* T6 */
{
    set_up();
    const struct iovec parts[] = { { (void *)(uintptr_t) "a", 1 }, { (void *)(uintptr_t) "b", SIZE_MAX / 2 } };
    ck_assert_int_ne(bight_transport_write_sequence(transport, parts, 2), 0);
    settle();
    ck_written("", 0);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_counted_write_past_the_cap_takes_nothing);
    tcase_add_test(tests, a_sequence_of_impossible_size_is_refused);
    tcase_add_test(tests, connection_made_comes_first_and_once_with_the_transport_set);
    tcase_add_test(tests, data_is_echoed_in_any_chunking);
    tcase_add_test(tests, more_than_64_KiB_come_in_pieces_of_at_most_that);
    tcase_add_test(tests, pause_in_connection_made_holds_all_data_back);
    tcase_add_test(tests, pause_in_data_received_takes_effect_at_once);
    tcase_add_test(tests, eof_while_paused_comes_after_the_data);
    tcase_add_test(tests, every_call_answers_closed_from_connection_lost_on);
    tcase_add_test(tests, a_hold_outlives_the_reactor);
    tcase_add_test(tests, an_id_finds_the_transport_until_connection_lost);
    tcase_add_test(tests, ids_are_not_reused);
    tcase_add_test(tests, a_slot_whose_generations_are_used_up_is_not_used_again);
    tcase_add_test(tests, a_thousand_connections_come_and_go_and_no_id_comes_twice);
    tcase_add_test(tests, a_reset_is_connection_lost_with_the_errno);
    tcase_add_test(tests, writes_keep_their_order_whatever_their_size);
    tcase_add_test(tests, a_narrow_window_changes_no_byte);
    tcase_add_test(tests, small_writes_of_a_handler_are_sent_behind_it);
    tcase_add_test(tests, a_sequence_goes_out_as_one);
    tcase_add_test(tests, lent_memory_is_released_once_and_not_inside_the_call);
    tcase_add_test(tests, lent_memory_is_released_when_the_connection_is_aborted);
    tcase_add_test(tests, counted_bytes_are_sent_by_reference_and_let_go_of);
    tcase_add_test(tests, a_write_past_the_cap_aborts_with_overflow);
    tcase_add_test(tests, lent_memory_does_not_count_towards_the_cap);
}

BIGHT_TEST_MAIN("transport", add_tests)
