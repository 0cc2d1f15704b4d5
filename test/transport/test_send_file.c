/* SPDX-License-Identifier: MIT */
/* test_send_file.c - files among the output (T6, T7, T13): in order, by threads where the disk would have to be waited
 * for, through layers, and what happens to them at an end. Sockets and sendfile are in test_send_file_socket.c. */
#include "send_file_support.h"

START_TEST(a_file_is_sent_between_what_is_written_before_and_behind) /* T6 */
{
    begin(BIG);
    disk.cold = _i == 0 ? 0 : _i == 1 ? -EAGAIN : -EOPNOTSUPP;
    write_text("head");
    ck_assert_int_eq(send_part(1000, BIG - 2000), 0);
    write_text("tail");
    ck_assert_int_eq(released, 0);
    work_all();
    ck_between("head", 1000, BIG - 2000, "tail", 0);
    ck_heard("released");
    ck_assert_uint_eq(disk.read > 0, _i > 0);
    end();
}
END_TEST

START_TEST(several_files_and_texts_keep_their_order) /* T6 */
{
    begin(BIG);
    disk.cold = _i == 0 ? 0 : -EAGAIN;
    write_text("a");
    ck_assert_int_eq(send_part(0, 10), 0);
    ck_assert_int_eq(send_part(10, 0), 0);
    ck_assert_int_eq(send_part(10, 70000), 0);
    write_text("b");
    work_all();
    ck_between("a", 0, 70010, "b", 0);
    ck_heard("released released released");
    end();
}
END_TEST

START_TEST(a_file_of_no_bytes_is_only_released) /* T6 */
{
    begin(10);
    ck_assert_int_eq(send_part(10, 0), 0);
    ck_assert_int_eq(released, 0);
    settle();
    ck_heard("released");
    ck_written("", 0);
    ck_assert_uint_eq(disk.asked + disk.read, 0);
    end();
}
END_TEST

START_TEST(no_range_of_a_file_is_a_usage_error_and_nothing_is_taken)
{
    begin(10);
    ck_assert_int_eq(send_part((uint64_t)-1, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(send_part(0, (uint64_t)-5), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(send_part(INT64_MAX - 5, 6), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_send_file(transport, -1, 0, 1, let_go, &released), BIGHT_E_INVALID_ARGUMENT);
    settle();
    ck_assert_int_eq(released, 0);
    ck_assert(bight_transport_is_open(transport));
    end();
}
END_TEST

START_TEST(without_a_release_function_a_file_is_as_good)
{
    begin(10);
    ck_assert_int_eq(bight_transport_send_file(transport, file, 0, 10, NULL, NULL), 0);
    settle();
    ck_written(content, 10);
    end();
}
END_TEST

START_TEST(a_file_behind_an_end_is_not_taken) /* T9 */
{
    begin(10);
    ck_assert_int_eq(_i == 0 ? bight_transport_lose_connection(transport) : bight_transport_lose_write(transport), 0);
    ck_assert_int_eq(send_part(0, 10), BIGHT_E_CLOSED);
    settle();
    ck_assert_int_eq(released, 0);
    ck_written("", 0);
    end();
}
END_TEST

START_TEST(a_file_counts_as_queued_and_not_towards_the_limit) /* T13 */
{
    begin(BIG);
    push(_i == 0 ? "l" : "m", 0)->whole = true;
    if (_i == 0) {
        bight_layer_pop(transport->extension->top);
    }
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_transport_set_output_limit(transport, 100000), 0);
    ck_assert_int_eq(send_part(0, BIG), 0);
    ck_assert_uint_eq(bight_transport_queued(transport), BIG);
    settle();
    ck_assert_uint_eq(bight_transport_queued(transport), BIG);
    ck_assert(bight_transport_is_open(transport));
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    ck_written(content, BIG);
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    end();
}
END_TEST

static void be_paused(void *context)
{
    (void)context;
    hear("pause");
}

static void be_resumed(void *context)
{
    (void)context;
    hear("resume");
}

static const struct bight_producer_ops producer = { .pause = be_paused, .resume = be_resumed };

START_TEST(a_producer_is_paused_while_a_file_is_queued) /* T13 */
{
    begin_cold(_i == 1);
    ck_assert_int_eq(bight_transport_register_producer(transport, &producer, NULL, true), 0);
    ck_assert_int_eq(send_part(0, BIG), 0);
    settle();
    ck_heard("pause");
    work_all();
    ck_heard("resume released");
    ck_written(content, BIG);
    end();
}
END_TEST

static void send_again(void *context)
{
    (void)context;
    hear("more");
    if (bight_transport_queued(transport) == 0 && released == 0) {
        ck_assert_int_eq(send_part(0, 1000), 0);
    } else {
        ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    }
}

START_TEST(a_pull_producer_is_asked_when_a_file_has_been_sent) /* T13 */
{
    static const struct bight_producer_ops pull = { .resume = send_again };
    begin(1000);
    if (_i == 1) {
        push("l", 0);
    }
    ck_assert_int_eq(bight_transport_register_producer(transport, &pull, NULL, false), 0);
    work_all();
    ck_heard("more released more");
    ck_written(content, 1000);
    end();
}
END_TEST

START_TEST(input_waits_while_a_file_is_above_the_mark) /* T13 */
{
    begin_sending(false);
    write_text("x"); /* the marks are judged */
    settle();
    bight_string_feed_text(peer, "question");
    ck_heard("");
    work_all();
    ck_heard("data:question released");
    end();
}
END_TEST

START_TEST(lose_flushes_a_file_that_a_thread_reads) /* T7 */
{
    begin_sending(_i == 1);
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    settle();
    ck_assert(!bight_string_is_shut(peer));
    work_all();
    ck_written(content, BIG);
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard(_i == 0 ? "released lost:CONNECTION_DONE" : "released l-write-end l-end lost:CONNECTION_DONE l-freed");
    end();
}
END_TEST

START_TEST(a_half_close_comes_behind_a_file) /* T11 */
{
    begin_sending(_i == 1);
    ck_assert_int_eq(bight_transport_lose_write(transport), 0);
    work_all();
    ck_written(content, BIG);
    ck_assert(bight_string_is_shut(peer));
    ck_heard(_i == 0 ? "released write-lost" : "released l-write-end write-lost");
    end();
}
END_TEST

START_TEST(an_abort_waits_for_no_thread_and_the_file_waits_for_it) /* T10 */
{
    begin_sending(_i == 1);
    settle();
    ck_assert_uint_eq(disk.job_count, 1);
    ck_assert_int_eq(bight_transport_abort_connection(transport), 0);
    settle();
    ck_heard(_i == 0 ? "released lost:CONNECTION_ABORTED" : "released lost:CONNECTION_ABORTED l-freed");
    ck_assert_uint_eq(disk_work(), 1);
    ck_assert_uint_eq(disk.read, 0); /* it had not begun: the file was not waited for */
    settle();
    end();
}
END_TEST

static void abort_in_job(void)
{
    disk.is_working = false;
    ck_assert_int_eq(bight_transport_abort_connection(transport), 0);
    settle();
    ck_heard("lost:CONNECTION_ABORTED");
    ck_assert_int_eq(released, 0);
    disk.is_working = true;
}

static ssize_t read_and_abort(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    if (flags == 0 && transport->hub != NULL && bight_transport_is_open(transport)) {
        abort_in_job();
    }
    return disk_preadv2(system, fd, parts, count, offset, flags);
}

START_TEST(a_thread_that_reads_when_the_connection_ends_keeps_the_file) /* T6, T10 */
{
    begin_cold(false);
    ((struct bight_system_ops *)(uintptr_t)reactor->system->ops)->preadv2 = read_and_abort;
    ck_assert_int_eq(send_part(0, BIG), 0);
    settle();
    ck_assert_uint_eq(disk_work(), 1);
    ck_assert_uint_gt(disk.read, 0);
    settle();
    ck_heard("released");
    end();
}
END_TEST

START_TEST(a_file_that_has_shrunk_aborts_and_says_so) /* T6 */
{
    begin(BIG);
    disk.cold = _i == 0 ? 0 : -EAGAIN;
    if (_i == 2) {
        push("l", 0);
    }
    bight_string_set_window(peer, 1000);
    ck_assert_int_eq(send_part(0, BIG), 0);
    settle();
    ck_assert_int_eq(ftruncate(file, 500), 0);
    bight_string_set_window(peer, SIZE_MAX);
    work_all();
    ck_heard(_i == 2 ? "released lost:INCOMPLETE l-freed" : "released lost:INCOMPLETE");
    ck_assert(bight_string_was_reset(peer));
    end();
}
END_TEST

START_TEST(a_file_that_cannot_be_read_aborts_with_the_errno) /* T6 */
{
    begin_cold(false);
    disk.broken = -EIO;
    if (_i == 1) {
        push("l", 0);
    }
    write_text("x");
    ck_assert_int_eq(send_part(0, BIG), 0);
    work_all();
    ck_heard(_i == 0 ? "released lost:SYSTEM" : "released lost:SYSTEM l-freed");
    end();
}
END_TEST

START_TEST(a_pipe_is_read_as_it_comes)
{
    int ends[2];
    begin(10);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "from the pipe", 13), 13);
    ck_assert_int_eq(bight_transport_send_file(transport, ends[0], 0, 13, NULL, NULL), 0);
    write_text("!");
    work_all();
    ck_assert_str_eq(bight_string_written_text(peer), "from the pipe!");
    close(ends[0]);
    close(ends[1]);
    end();
}
END_TEST

START_TEST(a_file_passes_a_slow_reader_through_layers_in_small_parts) /* T13 */
{
    begin(1 << 20);
    disk.cold = _i == 0 ? 0 : -EAGAIN;
    push("low", 1);
    push("high", 2);
    bight_string_set_window(peer, 1000);
    write_text("head");
    ck_assert_int_eq(send_part(0, 1 << 20), 0);
    write_text("tail");
    work_all();
    ck_assert_uint_le(transport->output->queued, 100000);
    for (size_t window = 1000; window < (2 << 20); window += 50000) {
        bight_string_set_window(peer, window);
        work_all();
        ck_assert(transport->output == NULL || transport->output->queued <= 100000);
    }
    ck_between("head", 0, 1 << 20, "tail", 3);
    ck_heard("released");
    end();
}
END_TEST

START_TEST(a_layer_that_is_pushed_sends_its_own_behind_the_file) /* T19 */
{
    begin_cold(false);
    push("low", 1);
    ck_assert_int_eq(send_part(0, 1000), 0);
    settle();
    push("high", 2);
    write_text("secret");
    ck_assert_int_eq(send_part(1000, 1000), 0);
    write_text("more");
    work_all();
    size_t written;
    const uint8_t *bytes = bight_string_written(peer, &written);
    ck_assert_uint_eq(written, 2010);
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_int_eq((uint8_t)(bytes[i] + 1), content[i]);
        ck_assert_int_eq((uint8_t)(bytes[1006 + i] + 3), content[1000 + i]);
    }
    ck_assert_int_eq(bytes[1000] + 3, 's');
    ck_assert_int_eq(bytes[2006] + 3, 'm');
    end();
}
END_TEST

START_TEST(what_waits_for_a_layer_that_is_popped_goes_on_below_it)
{
    begin_cold(false);
    struct shift *low = push("low", 1);
    struct shift *high = push("high", 2);
    ck_assert_int_eq(send_part(0, BIG), 0);
    write_text("tail");
    settle();
    bight_layer_pop(&high->base);
    if (_i == 1) {
        bight_layer_pop(&low->base);
    }
    ck_assert_uint_eq(bight_transport_queued(transport), BIG + 4);
    work_all();
    ck_between("", 0, BIG, "tail", _i == 0 ? 1 : 0);
    end();
}
END_TEST

static void pop_it(struct bight_layer *layer)
{
    ((struct shift *)layer)->act_write = NULL;
    bight_layer_pop(layer);
}

START_TEST(a_layer_can_be_popped_in_its_write_of_a_file)
{
    begin(BIG);
    push("l", 0)->act_write = pop_it;
    ck_assert_int_eq(send_part(0, BIG), 0);
    write_text("tail");
    work_all();
    ck_between("", 0, BIG, "tail", 0);
    ck_heard("l-freed released");
    end();
}
END_TEST

static void fail_it(struct bight_layer *layer)
{
    bight_layer_fail(layer, bight_failure_of(BIGHT_E_APPLICATION));
}

START_TEST(a_layer_that_fails_takes_the_rest_of_a_file_with_it) /* T5 */
{
    begin(BIG);
    push("l", 0)->act_write = fail_it;
    ck_assert_int_eq(send_part(0, BIG), 0);
    work_all();
    bight_string_end(peer);
    ck_assert_int_eq(released, 1);
    end();
}
END_TEST

static void abort_it(void *context)
{
    let_go(context);
    ck_assert_int_eq(bight_transport_abort_connection(transport), 0);
}

START_TEST(a_release_function_may_abort)
{
    begin(1000);
    if (_i == 1) {
        push("l", 0);
    }
    ck_assert_int_eq(bight_transport_send_file(transport, file, 0, 1000, abort_it, &released), 0);
    write_text("x");
    work_all();
    ck_heard(_i == 0 ? "released lost:CONNECTION_ABORTED" : "released lost:CONNECTION_ABORTED l-freed");
    end();
}
END_TEST

START_TEST(a_disk_that_never_answers_runs_into_the_flush_timeout) /* T7 */
{
    begin_sending(_i == 1);
    ck_assert_int_eq(bight_transport_lose_connection(transport), 0);
    settle();
    bight_testing_advance(reactor, 31);
    settle();
    ck_heard(_i == 0 ? "released lost:TIMED_OUT" : "released lost:TIMED_OUT l-freed");
    end();
}
END_TEST

START_TEST(a_switch_of_protocols_leaves_a_file_alone) /* T23 */
{
    begin_sending(false);
    settle();
    struct bight_protocol *next = bight_protocol_new(&probe_factory);
    ck_assert_int_eq(bight_transport_switch_protocol(transport, next, NULL, 0), 0);
    work_all();
    ck_heard("replaced made released");
    ck_written(content, BIG);
    end();
}
END_TEST

START_TEST(files_of_a_reactor_that_is_freed_are_released) /* T4 */
{
    begin_sending(_i == 1);
    ck_assert_int_eq(send_part(0, BIG), 0);
    settle();
    bight_reactor_free(reactor);
    ck_assert_int_eq(released, 2);
    disk_work();
    bight_string_peer_free(peer);
    close(file);
    free(content);
}
END_TEST

/* One with memory refused. */
static bool send_with_faults(void *context)
{
    bool is_layered = context != NULL;
    bool well = true;
    int taken = 0;
    reactor = bight_testing_reactor_new();
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    disk_insert(reactor->system);
    disk.cold = -EAGAIN;
    released = 0;
    peer = bight_string_connect(reactor, &probe_factory, true);
    if (peer != NULL && (protocol = bight_string_protocol(peer)) != NULL) {
        transport = protocol->transport;
        struct shift *shift = is_layered ? make_shift("l", 0) : NULL;
        if (shift != NULL && bight_transport_push_layer(transport, &shift->base) != 0) {
            free(shift);
        }
        (void)bight_transport_write(transport, "x", 1);
        taken += send_part(0, 70000) == 0;
        (void)bight_transport_write(transport, "y", 1);
        taken += send_part(0, 10) == 0;
        (void)bight_testing_settle(reactor, 10000);
        while (disk_work() > 0) {
            (void)bight_testing_settle(reactor, 10000);
        }
        size_t written;
        (void)bight_string_written(peer, &written);
        well = bight_testing_fault_injected() || written == 70012;
    }
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    heard[0] = 0;
    return well && released == taken;
}

START_TEST(each_lack_of_memory_is_survived_and_leaves_no_gap) /* T6 */
{
    content = make_data(70000);
    file = make_file(content, 70000);
    ck_assert_uint_eq(bight_testing_with_faults(send_with_faults, _i == 0 ? NULL : &file, 0), 0);
    close(file);
    free(content);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_file_is_sent_between_what_is_written_before_and_behind, 0, 3);
    tcase_add_loop_test(tests, several_files_and_texts_keep_their_order, 0, 2);
    tcase_add_test(tests, a_file_of_no_bytes_is_only_released);
    tcase_add_test(tests, no_range_of_a_file_is_a_usage_error_and_nothing_is_taken);
    tcase_add_test(tests, without_a_release_function_a_file_is_as_good);
    tcase_add_loop_test(tests, a_file_behind_an_end_is_not_taken, 0, 2);
    tcase_add_loop_test(tests, a_file_counts_as_queued_and_not_towards_the_limit, 0, 2);
    tcase_add_loop_test(tests, a_producer_is_paused_while_a_file_is_queued, 0, 2);
    tcase_add_loop_test(tests, a_pull_producer_is_asked_when_a_file_has_been_sent, 0, 2);
    tcase_add_test(tests, input_waits_while_a_file_is_above_the_mark);
    tcase_add_loop_test(tests, lose_flushes_a_file_that_a_thread_reads, 0, 2);
    tcase_add_loop_test(tests, a_half_close_comes_behind_a_file, 0, 2);
    tcase_add_loop_test(tests, an_abort_waits_for_no_thread_and_the_file_waits_for_it, 0, 2);
    tcase_add_test(tests, a_thread_that_reads_when_the_connection_ends_keeps_the_file);
    tcase_add_loop_test(tests, a_file_that_has_shrunk_aborts_and_says_so, 0, 3);
    tcase_add_loop_test(tests, a_file_that_cannot_be_read_aborts_with_the_errno, 0, 2);
    tcase_add_test(tests, a_pipe_is_read_as_it_comes);
    tcase_add_loop_test(tests, a_file_passes_a_slow_reader_through_layers_in_small_parts, 0, 2);
    tcase_add_test(tests, a_layer_that_is_pushed_sends_its_own_behind_the_file);
    tcase_add_loop_test(tests, what_waits_for_a_layer_that_is_popped_goes_on_below_it, 0, 2);
    tcase_add_test(tests, a_layer_can_be_popped_in_its_write_of_a_file);
    tcase_add_test(tests, a_layer_that_fails_takes_the_rest_of_a_file_with_it);
    tcase_add_loop_test(tests, a_release_function_may_abort, 0, 2);
    tcase_add_loop_test(tests, a_disk_that_never_answers_runs_into_the_flush_timeout, 0, 2);
    tcase_add_test(tests, a_switch_of_protocols_leaves_a_file_alone);
    tcase_add_loop_test(tests, files_of_a_reactor_that_is_freed_are_released, 0, 2);
    tcase_add_loop_test(tests, each_lack_of_memory_is_survived_and_leaves_no_gap, 0, 2);
}

BIGHT_TEST_MAIN("send_file", add_tests)
