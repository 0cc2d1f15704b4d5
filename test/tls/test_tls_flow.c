/* SPDX-License-Identifier: MIT */
/* test_tls_flow.c - what a secure connection holds and when: gathered output, what is encrypted ahead, marks and
 * limits, pauses, lent memory. */
#include "tls_pair_support.h"

#include <bight/sys/layer.h>

/* ----------------------------------------------------------------------------- what passes below TLS */

/* A layer that looks at what TLS sends: in how many pieces, and of how many records. */
static struct {
    struct bight_layer base;
    size_t sends, records, largest, bytes;
    size_t header, left; /* bytes of the present header; bytes of its record to come */
} tap;

static void see_byte(uint8_t byte)
{
    if (tap.left > 0) {
        tap.left--;
        return;
    }
    static uint8_t header[5];
    header[tap.header++] = byte;
    if (tap.header == sizeof header) {
        tap.left = (size_t)(header[3] << 8 | header[4]);
        tap.largest = tap.left > tap.largest ? tap.left : tap.largest;
        tap.header = 0;
        tap.records++;
    }
}

static int see_sends(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    tap.sends++;
    for (size_t i = 0; i < count; i++) {
        tap.bytes += pieces[i].size;
        for (size_t at = 0; at < pieces[i].size; at++) {
            see_byte(pieces[i].data[at]);
        }
    }
    return bight_layer_send(layer, pieces, count);
}

static const struct bight_layer_ops tap_ops = { .size = sizeof tap_ops, .write = see_sends };

/* A secure connection with the tap below the server's TLS. */
static void join_tapped(void)
{
    ends[SERVER].starts_late = true;
    join();
    tap.base.ops = &tap_ops;
    ck_assert_int_eq(bight_transport_push_layer(transport_of(SERVER), &tap.base), BIGHT_OK);
    ck_assert_int_eq(start_tls(transport_of(SERVER), &ends[SERVER]), BIGHT_OK);
    pump();
    ck_heard("c:secure s:secure");
    tap.sends = tap.records = tap.largest = tap.bytes = 0;
}

/* ------------------------------------------------------------------------------------------- gathering */

static void write_pieces(struct end *end, const uint8_t *data, size_t size)
{
    static uint8_t piece[1000];
    (void)end, (void)data, (void)size;
    for (int i = 0; i < 40; i++) {
        write_to(SERVER, piece, sizeof piece);
    }
}

START_TEST(what_a_handler_writes_in_pieces_leaves_as_full_records_in_one_send) /* L11 */
{
    ends[SERVER].data = write_pieces;
    join_tapped();
    write_to(CLIENT, "go", 2);
    pump();
    ck_assert_uint_eq(ends[CLIENT].size, 40000);
    ck_assert_uint_eq(tap.sends, 1);
    ck_assert_uint_eq(tap.records, 3);
    ck_assert_uint_eq(tap.largest, 16384 + 17);
}
END_TEST

static void write_small_and_large(struct end *end, const uint8_t *data, size_t size)
{
    static uint8_t piece[30000];
    (void)end, (void)data, (void)size;
    write_to(SERVER, piece, 100);
    write_to(SERVER, piece, sizeof piece);
    write_to(SERVER, piece, 100);
}

START_TEST(small_and_large_pieces_make_full_records_together) /* L11 */
{
    ends[SERVER].data = write_small_and_large;
    join_tapped();
    write_to(CLIENT, "go", 2);
    pump();
    ck_assert_uint_eq(ends[CLIENT].size, 30200);
    ck_assert_uint_eq(tap.sends, 1);
    ck_assert_uint_eq(tap.records, 2);
}
END_TEST

START_TEST(no_more_than_64_kib_is_encrypted_ahead) /* L10 */
{
    size_t size = 1000000;
    uint8_t *data = make_data(size);
    join_tapped();
    bight_pair_set_window(pair, SERVER, 0);
    bight_transport_set_output_limit(transport_of(SERVER), SIZE_MAX);
    write_to(SERVER, data, size);
    bight_testing_settle(reactor, 100);
    ck_assert_uint_le(tap.bytes, 65536 + 16384 + 1024);
    size_t queued = bight_transport_queued(transport_of(SERVER));
    ck_assert_uint_ge(queued, size);
    ck_assert_uint_le(queued, size + 1024);
    bight_pair_set_window(pair, SERVER, SIZE_MAX);
    bight_pair_pump(pair, 0);
    ck_got(CLIENT, data, size);
    free(data);
}
END_TEST

enum { CROWD = 100 };

static struct bight_pair *crowd[CROWD];

static struct bight_transport *server_of_pair(int i)
{
    return bight_pair_protocol(crowd[i], SERVER)->transport;
}

static void write_to_all(void *context)
{
    static const uint8_t message[100] = "the same for all of them";
    (void)context;
    for (int i = 0; i < CROWD; i++) {
        ck_assert_int_eq(bight_transport_write(server_of_pair(i), message, 60), BIGHT_OK);
        ck_assert_int_eq(bight_transport_write(server_of_pair(i), message + 60, 40), BIGHT_OK);
    }
}

START_TEST(a_message_to_each_of_many_arrives_though_not_all_of_them_gather)
{
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = bight_pair_connect(reactor, &ends[SERVER].factory, &ends[CLIENT].factory);
        ck_assert(bight_pair_pump(crowd[i], 0));
    }
    heard[0] = '\0';
    struct bight_timer timer;
    ck_assert_int_eq(bight_call_later(reactor, 0, write_to_all, NULL, &timer), BIGHT_OK);
    bight_testing_advance(reactor, 0.001);
    ck_assert_uint_eq(ends[CLIENT].size, CROWD * 100);
    for (int i = 0; i < CROWD; i++) {
        ck_assert_uint_eq(bight_transport_queued(server_of_pair(i)), 0);
        bight_pair_free(crowd[i]);
    }
}
END_TEST

/* -------------------------------------------------------------------------------- limits and marks */

START_TEST(the_limit_counts_text_and_records) /* L10, T13 */
{
    uint8_t *data = make_data(1000000);
    join_securely();
    bight_pair_set_window(pair, SERVER, 0);
    bight_transport_set_output_limit(transport_of(SERVER), 300000);
    write_to(SERVER, data, 200000);
    ck_assert_int_eq(bight_transport_write(transport_of(SERVER), data, 150000), BIGHT_E_OVERFLOW);
    pump();
    ck_heard("s:OVERFLOW c:CONNECTION_LOST");
    free(data);
}
END_TEST

START_TEST(the_limit_counts_what_waits_for_the_handshake) /* L10, T13 */
{
    uint8_t *data = make_data(200000);
    ends[CLIENT].starts_late = true;
    join();
    bight_transport_set_output_limit(transport_of(SERVER), 300000);
    write_to(SERVER, data, 200000);
    ck_assert_int_eq(bight_transport_write(transport_of(SERVER), data, 150000), BIGHT_E_OVERFLOW);
    pump();
    ck_heard("s:OVERFLOW c:CONNECTION_LOST");
    free(data);
}
END_TEST

static void note_pause(void *context)
{
    (void)context;
    hear("pause");
}

static void note_resume(void *context)
{
    (void)context;
    hear("resume");
}

static void note_stop(void *context)
{
    (void)context;
}

static const struct bight_producer_ops producer = { .pause = note_pause, .resume = note_resume, .stop = note_stop };

START_TEST(a_producer_is_paused_by_text_that_waits) /* L10, T13 */
{
    uint8_t *data = make_data(200000);
    join_securely();
    bight_pair_set_window(pair, SERVER, 1000);
    ck_assert_int_eq(bight_transport_register_producer(transport_of(SERVER), &producer, NULL, true), BIGHT_OK);
    write_to(SERVER, data, 50000);
    ck_heard("");
    write_to(SERVER, data, 150000);
    ck_heard("pause");
    pump();
    ck_heard("resume");
    ck_assert_uint_eq(ends[CLIENT].size, 200000);
    bight_transport_unregister_producer(transport_of(SERVER));
    free(data);
}
END_TEST

static void write_in_pause(void *context)
{
    bool *is_written = context;
    if (!*is_written) {
        *is_written = true;
        write_to(SERVER, "<in between>", 12);
    }
}

START_TEST(a_producer_may_write_when_it_is_paused)
{
    static const struct bight_producer_ops writer = { .pause = write_in_pause, .stop = note_stop };
    bool is_written = false;
    uint8_t *data = make_data(200012);
    join_securely();
    bight_pair_set_window(pair, SERVER, 1000);
    ck_assert_int_eq(bight_transport_register_producer(transport_of(SERVER), &writer, &is_written, true), BIGHT_OK);
    write_to(SERVER, data, 200000);
    ck_assert(is_written);
    memcpy(data + 200000, "<in between>", 12);
    pump();
    ck_got(CLIENT, data, 200012);
    bight_transport_unregister_producer(transport_of(SERVER));
    free(data);
}
END_TEST

START_TEST(both_ends_echo_large_data_without_standing_still) /* T13 */
{
    size_t size = 2000000;
    uint8_t *data = make_data(size);
    ends[SERVER].data = echo;
    join_securely();
    bight_pair_set_window(pair, SERVER, 10000);
    bight_pair_set_window(pair, CLIENT, 10000);
    write_to(CLIENT, data, size);
    pump();
    ck_got(CLIENT, data, size);
    free(data);
}
END_TEST

/* ---------------------------------------------------------------------------------------- lent memory */

static int released;

static void count_release(void *context)
{
    ck_assert_ptr_eq(context, &released);
    released++;
}

static const size_t lent_sizes[] = { 1, 100, 16383, 16384, 16385, 40000, 65536, 500000 };
enum { LENT_SIZES = sizeof lent_sizes / sizeof lent_sizes[0] };

START_TEST(lent_memory_is_released_once_and_not_inside_the_write) /* T6 */
{
    size_t size = lent_sizes[_i];
    uint8_t *data = make_data(size);
    join_securely();
    bight_pair_set_window(pair, SERVER, _i % 2 == 0 ? SIZE_MAX : 100);
    ck_assert_int_eq(bight_transport_write_lent(transport_of(SERVER), data, size, count_release, &released), BIGHT_OK);
    ck_assert_int_eq(released, 0);
    pump();
    ck_assert_int_eq(released, 1);
    ck_got(CLIENT, data, size);
    free(data);
}
END_TEST

START_TEST(lent_memory_is_released_when_the_connection_ends_before) /* T6 */
{
    size_t size = lent_sizes[_i];
    uint8_t *data = make_data(size);
    join();
    ck_assert_int_eq(bight_transport_write_lent(transport_of(SERVER), data, size, count_release, &released), BIGHT_OK);
    bight_transport_abort_connection(transport_of(SERVER));
    pump();
    ck_assert_int_eq(released, 1);
    ck_got(CLIENT, data, 0);
    heard[0] = '\0';
    free(data);
}
END_TEST

START_TEST(lent_memory_is_the_callers_when_the_write_fails) /* T6 */
{
    uint8_t *data = make_data(200000);
    struct bight_bytes *bytes = bight_bytes_new(data, 200000);
    join_securely();
    bight_pair_set_window(pair, SERVER, 0);
    bight_transport_set_output_limit(transport_of(SERVER), 300000);
    ck_assert_int_eq(bight_transport_write_bytes(transport_of(SERVER), bytes), BIGHT_OK);
    ck_assert_int_eq(bight_transport_write_bytes(transport_of(SERVER), bytes), BIGHT_E_OVERFLOW);
    pump();
    bight_bytes_release(bytes); /* the last hold: a sanitizer sees it if not */
    heard[0] = '\0';
    free(data);
}
END_TEST

/* --------------------------------------------------------------------------------------------- pauses */

static void pause_once(struct end *end, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    bight_transport_pause(transport_of(end == &ends[SERVER] ? SERVER : CLIENT));
}

START_TEST(a_paused_connection_keeps_its_input_encrypted_and_stops_reading) /* L10 */
{
    size_t size = 1000000, before = 0;
    uint8_t *data = make_data(size);
    ends[SERVER].data = pause_once;
    join_securely();
    before = bight_reactor_held(reactor);
    write_to(CLIENT, data, size);
    pump();
    ck_assert_uint_le(ends[SERVER].size, 65536);
    ck_assert_uint_gt(bight_pair_under_way(pair, CLIENT), 0);
    (void)before;
    ends[SERVER].data = NULL;
    bight_transport_resume(transport_of(SERVER));
    pump();
    ck_got(SERVER, data, size);
    free(data);
}
END_TEST

START_TEST(what_a_paused_connection_keeps_is_a_record_and_not_its_text) /* L10 */
{
    uint8_t *data = make_data(1000);
    join_securely();
    size_t before = bight_reactor_held(reactor);
    bight_transport_pause(transport_of(SERVER));
    write_to(CLIENT, data, 1000);
    pump();
    ck_assert_uint_eq(bight_reactor_held(reactor) - before, 5 + 1000 + 1 + 16); /* header, text, type, tag */
    bight_transport_resume(transport_of(SERVER));
    pump();
    ck_assert_uint_eq(bight_reactor_held(reactor), before);
    ck_got(SERVER, data, 1000);
    free(data);
}
END_TEST

static void pause_and_resume_later(void *context)
{
    (void)context;
    bight_transport_resume(transport_of(SERVER));
}

static void pause_a_moment(struct end *end, const uint8_t *data, size_t size)
{
    struct bight_timer timer;
    (void)end, (void)data, (void)size;
    bight_transport_pause(transport_of(SERVER));
    ck_assert_int_eq(bight_call_later(reactor, 0.001, pause_and_resume_later, NULL, &timer), BIGHT_OK);
}

START_TEST(a_protocol_that_always_pauses_gets_everything) /* T2 */
{
    size_t size = 500000;
    uint8_t *data = make_data(size);
    ends[SERVER].data = pause_a_moment;
    join_securely();
    bight_pair_set_chunk(pair, 5000);
    write_to(CLIENT, data, size);
    bight_transport_lose_connection(transport_of(CLIENT));
    for (int i = 0; i < 1000 && bight_pair_protocol(pair, SERVER) != NULL; i++) {
        bight_testing_advance(reactor, 0.001);
    }
    ck_got(SERVER, data, size);
    ck_heard("s:end s:CONNECTION_DONE c:CONNECTION_DONE");
    free(data);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_a_handler_writes_in_pieces_leaves_as_full_records_in_one_send);
    tcase_add_test(tests, small_and_large_pieces_make_full_records_together);
    tcase_add_test(tests, no_more_than_64_kib_is_encrypted_ahead);
    tcase_add_test(tests, a_message_to_each_of_many_arrives_though_not_all_of_them_gather);
    tcase_add_test(tests, the_limit_counts_text_and_records);
    tcase_add_test(tests, the_limit_counts_what_waits_for_the_handshake);
    tcase_add_test(tests, a_producer_is_paused_by_text_that_waits);
    tcase_add_test(tests, a_producer_may_write_when_it_is_paused);
    tcase_add_test(tests, both_ends_echo_large_data_without_standing_still);
    tcase_add_loop_test(tests, lent_memory_is_released_once_and_not_inside_the_write, 0, LENT_SIZES);
    tcase_add_loop_test(tests, lent_memory_is_released_when_the_connection_ends_before, 0, LENT_SIZES);
    tcase_add_test(tests, lent_memory_is_the_callers_when_the_write_fails);
    tcase_add_test(tests, a_paused_connection_keeps_its_input_encrypted_and_stops_reading);
    tcase_add_test(tests, what_a_paused_connection_keeps_is_a_record_and_not_its_text);
    tcase_add_test(tests, a_protocol_that_always_pauses_gets_everything);
}

BIGHT_TEST_MAIN("tls_flow", add_tests)
