/* SPDX-License-Identifier: MIT */
/* test_attachment.c - what hangs on a reactor is notified of its moments, in the order of rooms (R3, R13). */
#include "reactor/attachment.h"

#include "faults.h"
#include "heard.h"
#include "reactor/reactor.h"
#include "reactor_support.h"

static bool may_open = true;

static const char *name_of(const struct bi_attachment *attachment)
{
    return attachment->kind->order == BI_ORDER_DUMP ? "high" : "low";
}

static bool open_one(struct bi_attachment *attachment)
{
    ck_assert_ptr_eq(attachment->reactor, reactor);
    hear("open:%s", name_of(attachment));
    return may_open;
}

static void begin_one(struct bi_attachment *attachment)
{
    hear("begin:%s", name_of(attachment));
}

static void disconnect_one(struct bi_attachment *attachment)
{
    hear("disconnecting:%s", name_of(attachment));
}

static void have_disconnected(struct bi_attachment *attachment)
{
    hear("disconnected:%s", name_of(attachment));
}

static void end_one(struct bi_attachment *attachment)
{
    hear("end:%s", name_of(attachment));
}

static void finish_one(struct bi_attachment *attachment)
{
    hear("finish:%s", name_of(attachment));
}

static int follow_fork(struct bi_attachment *attachment)
{
    hear("fork:%s", name_of(attachment));
    return attachment->kind->order == BI_ORDER_DUMP ? BIGHT_E_NOT_SUPPORTED : BIGHT_E_CLOSED;
}

#define HEARS_ALL                                                                 \
    .size = sizeof(struct bi_attachment), .open = open_one, .finish = finish_one, \
    .at = { [BI_RUN_BEGINS] = begin_one,                                          \
        [BI_DISCONNECTING] = disconnect_one,                                      \
        [BI_DISCONNECTED] = have_disconnected,                                    \
        [BI_RUN_ENDS] = end_one }

static const struct bi_attachment_kind high = { .order = BI_ORDER_DUMP, HEARS_ALL };
static const struct bi_attachment_kind low = { .order = BI_ORDER_COROUTINES, HEARS_ALL };
static const struct bi_attachment_kind deaf = { .order = BI_ORDER_OPEN, .size = sizeof(struct bi_attachment) };
static const struct bi_attachment_kind forking_high = {
    .order = BI_ORDER_DUMP, .size = sizeof(struct bi_attachment), .after_fork = follow_fork
};
static const struct bi_attachment_kind forking_low = {
    .order = BI_ORDER_THREADS, .size = sizeof(struct bi_attachment), .after_fork = follow_fork
};

static void stop(void *context)
{
    (void)context;
    hear("stop");
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

START_TEST(an_attachment_is_made_once_and_found_again) /* R3 */
{
    ck_assert_ptr_null(bi_attachment_find(reactor, &low));
    struct bi_attachment *made = bi_attachment_of(reactor, &low);
    ck_assert_ptr_nonnull(made);
    ck_assert_ptr_eq(bi_attachment_of(reactor, &low), made);
    ck_assert_ptr_eq(bi_attachment_find(reactor, &low), made);
    ck_assert_ptr_null(bi_attachment_find(reactor, &high));
    ck_heard("open:low");
}
END_TEST

START_TEST(attachments_hear_of_a_run_and_of_the_end_in_the_order_of_rooms) /* R3 */
{
    bi_attachment_of(reactor, &low);
    bi_attachment_of(reactor, &deaf);
    bi_attachment_of(reactor, &high);
    heard[0] = '\0';
    bight_call_when_running(reactor, stop, NULL);
    bight_reactor_run(reactor);
    ck_heard("begin:high begin:low stop disconnecting:high disconnecting:low disconnected:high disconnected:low "
             "end:high end:low");
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_heard("disconnecting:high disconnecting:low disconnected:high disconnected:low finish:high finish:low");
}
END_TEST

START_TEST(a_dropped_attachment_hears_of_nothing_more) /* R3 */
{
    bi_attachment_of(reactor, &high);
    struct bi_attachment *dropped = bi_attachment_of(reactor, &low);
    heard[0] = '\0';
    bi_attachment_drop(dropped);
    ck_heard("finish:low");
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_heard("disconnecting:high disconnected:high finish:high");
}
END_TEST

START_TEST(an_attachment_that_does_not_open_is_not_there) /* D33 */
{
    struct bight_test_memory memory;
    may_open = false;
    ck_assert_ptr_null(bi_attachment_of(reactor, &low));
    ck_assert_ptr_null(bi_attachment_find(reactor, &low));
    ck_heard("open:low");
    bight_test_fail_nth(&memory, 1);
    ck_assert_ptr_null(bi_attachment_of(reactor, &low));
    bight_set_allocator(NULL);
    ck_heard("");
}
END_TEST

START_TEST(after_a_fork_all_are_told_and_the_first_complaint_is_given) /* R13 */
{
    bi_attachment_of(reactor, &forking_low);
    bi_attachment_of(reactor, &deaf);
    bi_attachment_of(reactor, &forking_high);
    ck_assert_int_eq(bight_reactor_after_fork(reactor), BIGHT_E_NOT_SUPPORTED);
    ck_heard("fork:high fork:low");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_attachment_is_made_once_and_found_again);
    tcase_add_test(tests, attachments_hear_of_a_run_and_of_the_end_in_the_order_of_rooms);
    tcase_add_test(tests, a_dropped_attachment_hears_of_nothing_more);
    tcase_add_test(tests, an_attachment_that_does_not_open_is_not_there);
    tcase_add_test(tests, after_a_fork_all_are_told_and_the_first_complaint_is_given);
}

BIGHT_TEST_MAIN("attachment", add_tests)
