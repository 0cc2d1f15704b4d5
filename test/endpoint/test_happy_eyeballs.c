/* SPDX-License-Identifier: MIT */
/* The race for the addresses of a name, as RFC 8305 has it (E5). */
#include "connect_support.h"

/* ---------------------------------------------------------------------------------------- many addresses */

static void check_order(const char *expected)
{
    char order[MAX_ATTEMPTS + 1] = "";
    for (size_t i = 0; i < attempt_count; i++) {
        const char *text = attempts[i].address;
        order[i] = text[0] == '[' ? text[strlen("[2001:db8::")] : text[strlen("192.0.2.")];
    }
    ck_assert_str_eq(order, expected);
}

struct order {
    const char *answered, *tried;
};
static const struct order orders[] = { { "abc123", "a1b2c3" }, { "123abc", "1a2b3c" }, { "ab1cd", "a1bcd" },
    { "1", "1" }, { "12", "12" }, { "a12345", "a12345" }, { "a1b2", "a1b2" } };

START_TEST(families_take_turns_beginning_with_the_first_answers) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name(orders[_i].answered);
    for (int i = 0; i < 8; i++) {
        advance(0.25);
    }
    check_order(orders[_i].tried);
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_next_attempt_begins_after_a_quarter_of_a_second) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1b");
    check_order("a");
    advance(0.249999999);
    check_order("a");
    advance(0.000000001);
    check_order("a1");
    advance(0.25);
    check_order("a1b");
    ck_assert(!is_closed(0)); /* they run on side by side */
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_next_attempt_begins_at_once_when_one_fails) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1b2");
    decide(0, ECONNREFUSED);
    check_order("a1");
    advance(0.2);
    decide(1, ENETUNREACH);
    check_order("a1b");
    advance(0.249); /* the head start counts from the latest attempt */
    check_order("a1b");
    advance(0.001);
    check_order("a1b2");
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_first_success_wins_and_the_others_are_closed) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1b2");
    advance(0.25);
    advance(0.25);
    check_order("a1b");
    decide(1, 0);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_eq(outcome.value, seen.last);
    ck_assert_int_eq(seen.peer.family, BIGHT_ADDRESS_IPV4);
    ck_assert(is_closed(0));
    ck_assert(!is_closed(1));
    ck_assert(is_closed(2));
    advance(60);
    check_order("a1b");
    ck_assert_int_eq(seen.made, 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(two_that_succeed_in_one_turn_make_one_connection) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1");
    advance(0.25);
    drain(&attempts[0]);
    decide(1, 0);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(is_closed(0) + is_closed(1), 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(when_all_fail_one_failure_lists_them) /* E5 */
{
    begin();
    at_once[1] = -ENETUNREACH;
    struct bight_deferred *deferred = connect_by_name("a1b");
    decide(0, ECONNREFUSED);
    check_order("a1b");
    ck_assert_int_eq(outcome.fired, 0);
    decide(2, ETIMEDOUT);
    ck_assert_int_eq(outcome.code, BIGHT_E_ALL_FAILED);
    char text[200];
    (void)bight_failure_describe(outcome.failure, text, sizeof text);
    ck_assert_str_eq(text, "cannot connect to example.org: [2001:db8::a]:80: refused; 192.0.2.1:80: unreachable; "
                           "[2001:db8::b]:80: no answer");
    ck_assert_uint_eq(bight_failure_cause_count(outcome.failure), 3);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 0)), BIGHT_E_CONNECTION_REFUSED);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 1)), BIGHT_E_UNREACHABLE);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 2)), BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert_str_eq(bight_failure_message(bight_failure_cause(outcome.failure, 0)), "[2001:db8::a]:80: refused");
    bight_deferred_release(deferred);
    end();
}
END_TEST

/* ---------------------------------------------------------------------------------------- may_connect */

static const char *refused; /* the last characters of addresses */
static struct bight_deferred *cancelled_inside;
static char asked[MAX_ATTEMPTS];

static bool may_connect(struct bight_factory *factory, const struct bight_address *address)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    (void)factory;
    bight_address_format(address, text, sizeof text);
    char last = text[0] == '[' ? text[strlen("[2001:db8::")] : text[strlen("192.0.2.")];
    asked[strlen(asked)] = last;
    if (cancelled_inside != NULL) {
        bight_deferred_cancel(cancelled_inside);
        cancelled_inside = NULL;
    }
    return strchr(refused, last) == NULL;
}

static struct bight_factory_ops asking_ops;

static void begin_asking(const char *no)
{
    begin();
    refused = no;
    memset(asked, 0, sizeof asked);
    asking_ops = probe_factory_ops;
    asking_ops.may_connect = may_connect;
    probe_factory.ops = &asking_ops;
}

START_TEST(an_address_that_is_refused_is_not_connected_to) /* E5 */
{
    begin_asking("a2");
    struct bight_deferred *deferred = connect_by_name("a1b2");
    check_order("1");
    advance(0.25);
    check_order("1b");
    advance(0.25);
    decide(0, ECONNREFUSED);
    decide(1, ECONNREFUSED);
    ck_assert_str_eq(asked, "a1b2");
    ck_assert_int_eq(outcome.code, BIGHT_E_ALL_FAILED);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 0)), BIGHT_E_ADDRESS_REFUSED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(when_all_addresses_are_refused_the_failure_says_so) /* E5 */
{
    char text[200];
    begin_asking("a1");
    struct bight_deferred *deferred = connect_by_name("a1");
    ck_assert_int_eq(outcome.code, BIGHT_E_ADDRESS_REFUSED);
    (void)bight_failure_describe(outcome.failure, text, sizeof text);
    ck_assert_str_eq(text, "cannot connect to example.org: [2001:db8::a]:80: not allowed by the program; 192.0.2.1:80: "
                           "not allowed by the program");
    ck_assert_uint_eq(attempt_count, 0);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_literal_may_be_refused) /* E5 */
{
    char text[200];
    begin_asking("1");
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_ADDRESS_REFUSED);
    (void)bight_failure_describe(outcome.failure, text, sizeof text);
    ck_assert_str_eq(text, "cannot connect to 192.0.2.1:80: not allowed by the program");
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(whoever_is_asked_may_cancel) /* E5 */
{
    begin_asking("");
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    net_turn(&net, 2);
    cancelled_inside = deferred;
    answer("a1");
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_CANCELLED);
    ck_assert_uint_eq(attempt_count, 0);
    ck_assert_str_eq(asked, "a");
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_timeout_covers_look_up_and_all_attempts) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80:timeout=2");
    net_turn(&net, 2);
    advance(1.5);
    answer("a1");
    net_turn(&net, 2);
    decide(0, ECONNREFUSED);
    advance(0.499);
    ck_assert_int_eq(outcome.fired, 0);
    advance(0.001);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert_uint_eq(bight_failure_cause_count(outcome.failure), 1);
    ck_assert(is_closed(1));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_name_with_a_thousand_addresses_has_a_limit) /* E5 */
{
    char many[1001];
    begin();
    memset(many, '1', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        at_once[i] = -ECONNREFUSED;
    }
    struct bight_deferred *deferred = connect_by_name(many);
    ck_assert_uint_eq(attempt_count, 32);
    ck_assert_int_eq(outcome.code, BIGHT_E_ALL_FAILED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_failed_look_up_is_the_failure) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    net_turn(&net, 2);
    bight_errback(resolver.promise, bight_failure_of(BIGHT_E_NAME_NOT_FOUND));
    ck_assert_int_eq(outcome.code, BIGHT_E_NAME_NOT_FOUND);
    bight_deferred_release(deferred);
    end();
    ck_assert_int_eq(net.log_count, 0);
}
END_TEST

START_TEST(brackets_hold_literals_only) /* E6 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:[example.org]:80");
    ck_assert_int_eq(outcome.code, BIGHT_E_BAD_VALUE);
    ck_assert_str_eq(bight_failure_message(outcome.failure),
        "cannot connect to \"tcp:[example.org]:80\": column 5: brackets are "
        "for IPv6 addresses, not for \"[example.org]\"");
    bight_deferred_release(deferred);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, families_take_turns_beginning_with_the_first_answers, 0, 7);
    tcase_add_test(tests, the_next_attempt_begins_after_a_quarter_of_a_second);
    tcase_add_test(tests, the_next_attempt_begins_at_once_when_one_fails);
    tcase_add_test(tests, the_first_success_wins_and_the_others_are_closed);
    tcase_add_test(tests, two_that_succeed_in_one_turn_make_one_connection);
    tcase_add_test(tests, when_all_fail_one_failure_lists_them);
    tcase_add_test(tests, an_address_that_is_refused_is_not_connected_to);
    tcase_add_test(tests, when_all_addresses_are_refused_the_failure_says_so);
    tcase_add_test(tests, a_literal_may_be_refused);
    tcase_add_test(tests, whoever_is_asked_may_cancel);
    tcase_add_test(tests, the_timeout_covers_look_up_and_all_attempts);
    tcase_add_test(tests, a_name_with_a_thousand_addresses_has_a_limit);
    tcase_add_test(tests, a_failed_look_up_is_the_failure);
    tcase_add_test(tests, brackets_hold_literals_only);
}

BIGHT_TEST_MAIN("race", add_tests)
