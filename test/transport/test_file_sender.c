/* SPDX-License-Identifier: MIT */
/* test_file_sender.c - the Deferred of a file that is sent: when it fires, with what, and who closes the descriptor.
 * How files are sent is in test_send_file.c. */
#include <bight/testing/trial.h>

#include <fcntl.h>

#include "send_file_support.h"

static int own; /* the descriptor that the sender takes */
static struct bight_deferred *sending;

static bool is_closed(int fd)
{
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static void send_own(uint64_t offset, uint64_t size)
{
    own = dup(file);
    ck_assert_int_ge(own, 0);
    sending = bight_send_file(transport, own, offset, size);
}

static void ck_sent(uint64_t size)
{
    void *value = bight_expect_value(sending, &bight_type_integer);
    ck_assert_uint_eq((uint64_t)bight_integer_value(value), size);
    ck_assert(is_closed(own));
    bight_deferred_release(sending);
}

static void ck_failed(int code)
{
    struct bight_failure *failure = bight_expect_failure(sending, code);
    ck_assert_ptr_nonnull(failure);
    bight_failure_release(failure);
    ck_assert(is_closed(own));
    bight_deferred_release(sending);
}

START_TEST(the_deferred_fires_when_all_has_been_sent)
{
    begin(BIG);
    disk.cold = _i == 0 ? 0 : -EAGAIN;
    if (_i == 2) {
        push("l", 0);
    }
    write_text("head");
    send_own(1000, BIG - 2000);
    ck_assert(bight_expect_no_result(sending));
    work_all();
    ck_between("head", 1000, BIG - 2000, "", 0);
    ck_sent(BIG - 2000);
    end();
}
END_TEST

START_TEST(a_file_of_no_bytes_has_been_sent_too)
{
    begin(10);
    send_own(10, 0);
    ck_assert(bight_expect_no_result(sending));
    settle();
    ck_sent(0);
    end();
}
END_TEST

START_TEST(a_loss_after_which_output_is_flushed_is_none_for_the_file) /* T7 */
{
    begin(BIG);
    send_own(0, BIG);
    bight_transport_lose_connection(transport);
    work_all();
    ck_sent(BIG);
    end();
}
END_TEST

START_TEST(a_connection_that_ends_before_fails_it) /* T10 */
{
    begin(BIG);
    if (_i == 1) {
        push("l", 0);
    }
    bight_string_set_window(peer, 1000);
    send_own(0, BIG);
    settle();
    ck_assert(bight_expect_no_result(sending));
    bight_transport_abort_connection(transport);
    work_all();
    ck_failed(BIGHT_E_CLOSED);
    end();
}
END_TEST

static ssize_t read_and_abort(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    if (flags == 0 && transport->hub != NULL && bight_transport_is_open(transport)) {
        disk.is_working = false;
        ck_assert_int_eq(bight_transport_abort_connection(transport), 0);
        settle();
        ck_assert(!is_closed(own));
        disk.is_working = true;
    }
    return disk_preadv2(system, fd, parts, count, offset, flags);
}

START_TEST(a_descriptor_stays_open_while_a_thread_reads)
{
    begin_cold(false);
    ((struct bight_system_ops *)(uintptr_t)reactor->system->ops)->preadv2 = read_and_abort;
    send_own(0, BIG);
    settle();
    ck_assert_uint_eq(disk_work(), 1);
    settle();
    ck_failed(BIGHT_E_CLOSED);
    end();
}
END_TEST

START_TEST(cancelling_ends_the_connection_since_a_stream_has_no_gap) /* D14 */
{
    begin(BIG);
    bight_string_set_window(peer, 1000);
    send_own(0, BIG);
    settle();
    bight_deferred_cancel(sending);
    ck_assert(!bight_transport_is_open(transport));
    work_all();
    ck_failed(BIGHT_E_CANCELLED);
    end();
}
END_TEST

START_TEST(a_cancel_after_the_last_byte_ends_nothing) /* D14 */
{
    begin(10);
    send_own(0, 10);
    while (bight_transport_queued(transport) > 0) {
        (void)bi_reactor_turn(reactor, false);
    }
    bight_deferred_cancel(sending);
    ck_assert(bight_transport_is_open(transport));
    settle();
    bight_deferred_release(sending);
    ck_assert(is_closed(own));
    end();
}
END_TEST

START_TEST(a_reactor_that_is_freed_fails_it) /* T4 */
{
    begin(BIG);
    bight_string_set_window(peer, 1000);
    send_own(0, BIG);
    settle();
    bight_reactor_free(reactor);
    ck_failed(BIGHT_E_CLOSED);
    bight_string_peer_free(peer);
    close(file);
    free(content);
}
END_TEST

START_TEST(what_cannot_be_sent_is_closed_all_the_same)
{
    begin(10);
    own = dup(file);
    if (_i == 0) {
        sending = bight_send_file(transport, own, (uint64_t)-1, 1);
        ck_failed(BIGHT_E_INVALID_ARGUMENT);
    } else {
        bight_transport_abort_connection(transport);
        sending = bight_send_file(transport, own, 0, 1);
        ck_failed(BIGHT_E_CLOSED);
    }
    end();
}
END_TEST

static bool send_with_faults(void *context)
{
    (void)context;
    bool well = true;
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    struct bight_protocol *near = peer == NULL ? NULL : bight_string_protocol(peer);
    if (near != NULL) {
        own = dup(file);
        sending = bight_send_file(near->transport, own, 0, 70000);
        (void)bight_testing_settle(reactor, 10000);
        well = is_closed(own);
        struct bight_result *result = bight_deferred_result(sending);
        well = well && result != NULL && (bight_testing_fault_injected() || result->type == &bight_type_integer);
        if (result != NULL) {
            bight_result_discard(result);
        }
        bight_deferred_release(sending);
    }
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    heard[0] = 0;
    return well;
}

START_TEST(each_lack_of_memory_is_survived_and_closes_the_descriptor)
{
    content = make_data(70000);
    file = make_file(content, 70000);
    ck_assert_uint_eq(bight_testing_with_faults(send_with_faults, NULL, 0), 0);
    close(file);
    free(content);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, the_deferred_fires_when_all_has_been_sent, 0, 3);
    tcase_add_test(tests, a_file_of_no_bytes_has_been_sent_too);
    tcase_add_test(tests, a_loss_after_which_output_is_flushed_is_none_for_the_file);
    tcase_add_loop_test(tests, a_connection_that_ends_before_fails_it, 0, 2);
    tcase_add_test(tests, a_descriptor_stays_open_while_a_thread_reads);
    tcase_add_test(tests, cancelling_ends_the_connection_since_a_stream_has_no_gap);
    tcase_add_test(tests, a_cancel_after_the_last_byte_ends_nothing);
    tcase_add_test(tests, a_reactor_that_is_freed_fails_it);
    tcase_add_loop_test(tests, what_cannot_be_sent_is_closed_all_the_same, 0, 2);
    tcase_add_test(tests, each_lack_of_memory_is_survived_and_closes_the_descriptor);
}

BIGHT_TEST_MAIN("file_sender", add_tests)
