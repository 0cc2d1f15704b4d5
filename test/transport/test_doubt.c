/* SPDX-License-Identifier: MIT */
/* Marks in the stream: a read that was short and answered, and did not empty the kernel's buffer. */
#include <bight/memory.h>

#include "edge_support.h"

START_TEST(what_lies_behind_urgent_data_is_read_though_the_rest_was_answered) /* T2 */
{
    int fd = begin();
    seen.reply = true;
    send_all(fd, 4);
    ck_assert_int_eq(send(fd, "!", 1, MSG_OOB), 1);
    send_all(fd, 5);
    UNTIL(seen.calls == 1);
    ck_assert_uint_eq(seen.received, 4); /* else this test shows nothing */
    WAIT_UNTIL(seen.received == 9);
    close(fd);
    end();
}
END_TEST

/* Four bytes that a read gives alone, and five behind them. */
static void send_with_descriptor(int fd)
{
    char bytes[4] = "abcd", room[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec part = { bytes, sizeof bytes };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), 4);
    send_all(fd, 5);
}

START_TEST(what_lies_behind_a_descriptor_is_read_though_the_rest_was_answered) /* T2 */
{
    int fd = begin_local();
    seen.reply = true;
    send_with_descriptor(fd);
    UNTIL(seen.calls == 1);
    ck_assert_uint_eq(seen.received, 4);
    WAIT_UNTIL(seen.received == 9);
    close(fd);
    end();
}
END_TEST

START_TEST(who_sends_marks_again_is_read_to_the_end_at_once) /* T2 */
{
    int fd = begin_local();
    seen.reply = true;
    for (size_t i = 1; i <= 2; i++) {
        send_with_descriptor(fd);
        WAIT_UNTIL(seen.received == 9 * i);
    }
    send_with_descriptor(fd);
    while (seen.received == 18) {
        turn();
    }
    ck_assert_uint_eq(seen.received_in_turn, 9);
    close(fd);
    end();
}
END_TEST

START_TEST(who_is_quiet_is_looked_at_once_and_wakes_nobody_afterwards) /* T2 */
{
    int fd = begin();
    seen.reply = true;
    send_all(fd, 4);
    UNTIL(seen.received == 4);
    const struct bi_hub *hub = seen.protocol->transport->hub;
    ck_assert_uint_eq(hub->doubts.count, 1);
    WAIT_UNTIL(hub->doubts.count == 0);
    ck_assert(!bi_wheel_is_armed(&hub->doubts.timer));
    send_all(fd, 4);
    UNTIL(seen.received == 8);
    ck_assert_uint_eq(hub->doubts.count, 1); /* and then again */
    close(fd);
    end();
}
END_TEST

START_TEST(one_that_has_ended_meanwhile_is_not_looked_at) /* T3 */
{
    int fd = begin();
    seen.reply = true;
    send_all(fd, 4);
    UNTIL(seen.received == 4);
    const struct bi_hub *hub = seen.protocol->transport->hub;
    bight_transport_abort_connection(seen.protocol->transport);
    WAIT_UNTIL(hub->doubts.count == 0);
    ck_assert_int_eq(seen.lost, 1);
    close(fd);
    end();
}
END_TEST

static bool is_memory_out;

static void *allocate(void *context, size_t size)
{
    (void)context;
    return is_memory_out ? NULL : malloc(size);
}

static void *reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    return is_memory_out ? NULL : realloc(memory, size);
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

START_TEST(who_cannot_be_noted_for_want_of_memory_is_read_to_the_end_at_once) /* T2 */
{
    static const struct bight_allocator scarce = {
        .size = sizeof scarce, .allocate = allocate, .reallocate = reallocate, .release = release
    };
    ck_assert_int_eq(bight_set_allocator(&scarce), 0);
    int fd = begin_local();
    const struct bi_hub *hub = seen.protocol->transport->hub;
    seen.reply = true;
    send_all(fd, 4);
    UNTIL(seen.received == 4);
    WAIT_UNTIL(hub->doubts.count == 0);
    send_with_descriptor(fd);
    is_memory_out = true;
    while (seen.received == 4) {
        turn();
    }
    is_memory_out = false;
    ck_assert_uint_eq(seen.received_in_turn, 9);
    ck_assert_uint_eq(hub->doubts.count, 0);
    close(fd);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_lies_behind_urgent_data_is_read_though_the_rest_was_answered);
    tcase_add_test(tests, what_lies_behind_a_descriptor_is_read_though_the_rest_was_answered);
    tcase_add_test(tests, who_sends_marks_again_is_read_to_the_end_at_once);
    tcase_add_test(tests, who_is_quiet_is_looked_at_once_and_wakes_nobody_afterwards);
    tcase_add_test(tests, one_that_has_ended_meanwhile_is_not_looked_at);
    tcase_add_test(tests, who_cannot_be_noted_for_want_of_memory_is_read_to_the_end_at_once);
}

BIGHT_TEST_MAIN("doubt", add_tests)
