/* SPDX-License-Identifier: MIT */
/* Tests of a hub (protocols/http/hub/): who is told what, what is kept, and gaps. */
#include "hub_support.h"

START_TEST(what_is_published_is_told_to_all_who_listen) /* W9 */
{
    begin_hub();
    (void)listen_as("a:", NULL);
    (void)listen_as("b:", NULL);
    settle();
    publish("one");
    ck_noted("b:one a:one e-1! ");
    publish("two");
    ck_noted("b:two a:two e-2! ");
    end_hub();
    ck_noted("b:ended a:ended ");
}
END_TEST

START_TEST(nobody_is_told_inside_the_call_that_subscribes) /* W9 */
{
    begin_hub();
    publish("one");
    (void)listen_as("a:", "e-0");
    publish("two");
    ck_noted("e-1! e-2! ");
    settle();
    ck_noted("a:one a:two ");
    end_hub();
}
END_TEST

START_TEST(topics_know_nothing_of_each_other) /* W9 */
{
    begin_hub();
    (void)listen_as("a:", NULL);
    settle();
    bight_deferred_release(publish_to("other", "x"));
    ck_noted("e-1! ");
    end_hub();
}
END_TEST

START_TEST(who_comes_back_gets_what_he_has_missed) /* W9 */
{
    static const char *const after[] = { "e-0", "e-1", "e-2", "e-3", NULL };
    static const char *const told[] = { "a:1 a:2 a:3 ", "a:2 a:3 ", "a:3 ", "", "" };
    begin_hub();
    publish("1");
    publish("2");
    publish("3");
    (void)take_notes();
    (void)listen_as("a:", after[_i]);
    settle();
    ck_noted(told[_i]);
    publish("4");
    ck_noted("a:4 e-4! ");
    end_hub();
}
END_TEST

/* What was never an id of this hub's, and what has not been yet. */
START_TEST(whose_id_is_not_known_is_told_of_a_gap_and_all_that_is_kept) /* W9 */
{
    static const char *const ids[] = { "f-1", "e-3", "e-", "e", "", "e-01", "e--1", "e-1x", "ee-1", "E-1",
        "e-99999999999999999999", "-1", "e-+1", "e- 1" };
    begin_hub();
    publish("1");
    publish("2");
    (void)take_notes();
    (void)listen_as("a:", ids[_i]);
    settle();
    ck_noted("gap:e-0 a:1 a:2 ");
    end_hub();
}
END_TEST

START_TEST(what_is_not_kept_any_more_is_a_gap) /* W9 */
{
    hub_options.max_messages = 2;
    begin_hub();
    publish("1");
    publish("2");
    publish("3");
    (void)take_notes();
    (void)listen_as("a:", "e-0");
    (void)listen_as("b:", "e-1");
    settle();
    ck_noted("gap:e-1 a:2 a:3 b:2 b:3 ");
    end_hub();
}
END_TEST

START_TEST(the_bytes_that_are_kept_have_a_limit) /* W9 */
{
    static char large[1000];
    memset(large, 'x', sizeof large - 1);
    hub_options.max_bytes = 3 * 1063;
    begin_hub();
    for (int i = 0; i < 4; i++) {
        bight_deferred_release(bight_http_hub_publish(hub, "t", large, sizeof large - 1));
    }
    publish("5");
    (void)take_notes();
    (void)listen_as("", "e-0");
    settle();
    ck_assert_uint_eq(strlen(noted), strlen("gap:e-2 ") + 2 * sizeof large + strlen("5 "));
    end_hub();
}
END_TEST

START_TEST(what_is_larger_than_all_that_is_kept_is_told_all_the_same) /* W9 */
{
    hub_options.max_bytes = 10;
    begin_hub();
    (void)listen_as("a:", NULL);
    settle();
    publish("x");
    ck_noted("a:x e-1! ");
    (void)listen_as("b:", "e-0");
    settle();
    ck_noted("gap:e-1 ");
    end_hub();
}
END_TEST

START_TEST(a_new_hub_is_another_epoch) /* W9 */
{
    begin_hub();
    struct bight_http_hub *one = bight_http_hub_new(reactor, NULL), *other = bight_http_hub_new(reactor, NULL);
    ck_assert_uint_eq(strlen(bight_http_hub_epoch(one)), 16);
    ck_assert_str_ne(bight_http_hub_epoch(one), bight_http_hub_epoch(other));
    bight_http_hub_free(one);
    bight_http_hub_free(other);
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- age */

static const struct {
    double seconds;
    const char *told;
} ages[] = {
    { 0, "a:1 " },
    { 599, "a:1 " },
    { 601, "gap:e-1 " },
};

START_TEST(a_topic_that_nobody_uses_ends_and_is_a_gap_then) /* W9 */
{
    begin_hub();
    publish("1");
    bight_testing_advance(reactor, ages[_i].seconds);
    (void)take_notes();
    (void)listen_as("a:", "e-0");
    settle();
    ck_noted(ages[_i].told);
    end_hub();
}
END_TEST

START_TEST(a_topic_with_a_listener_does_not_end) /* W9 */
{
    begin_hub();
    publish("1");
    struct bight_http_hub_subscription *listener = listen_as("a:", NULL);
    bight_testing_advance(reactor, 10000);
    bight_http_hub_unsubscribe(listener);
    bight_testing_advance(reactor, 599);
    (void)take_notes();
    (void)listen_as("b:", "e-0");
    settle();
    ck_noted("b:1 ");
    end_hub();
}
END_TEST

START_TEST(a_topic_without_a_message_ends_with_its_last_listener) /* W9 */
{
    hub_options.max_topics = 1;
    begin_hub();
    struct bight_http_hub_subscription *listener = listen_as("a:", NULL);
    bight_deferred_release(publish_to("other", "x"));
    ck_noted("LIMIT! ");
    bight_http_hub_unsubscribe(listener);
    bight_deferred_release(publish_to("other", "x"));
    ck_noted("e-1! ");
    int code;
    ck_assert_ptr_null(bight_http_hub_subscribe(hub, "t", NULL, &noting, NULL, &code));
    ck_assert_int_eq(code, BIGHT_E_LIMIT);
    bight_testing_advance(reactor, 601);
    (void)listen_as("a:", NULL);
    end_hub();
}
END_TEST

/* Who names what was before it cannot be told that he has missed nothing. */
START_TEST(a_topic_that_has_come_again_has_a_gap_before_it) /* W9 */
{
    begin_hub();
    publish("1");
    bight_testing_advance(reactor, 601);
    publish("2");
    (void)take_notes();
    (void)listen_as("a:", "e-0");
    (void)listen_as("b:", "e-1");
    settle();
    ck_noted("gap:e-1 a:2 b:2 ");
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- slow listeners */

static struct bight_http_hub_subscription *slow;
static bool has_room;

static bool take_if_there_is_room(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    return has_room && note_message(subscription, message, context);
}

static bool take_gap_if_there_is_room(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    return has_room && note_gap(subscription, id, context);
}

static const struct bight_http_hub_listener slow_listener = {
    .size = sizeof slow_listener, .message = take_if_there_is_room, .gap = take_gap_if_there_is_room
};

static void listen_slowly(const char *after)
{
    static char name[] = "s:";
    int code;
    has_room = false;
    slow = bight_http_hub_subscribe(hub, "t", after, &slow_listener, name, &code);
    ck_assert_int_eq(code, 0);
    settle();
}

static void take_again(void)
{
    has_room = true;
    bight_http_hub_resume(slow);
    ck_noted("");
    settle();
}

START_TEST(who_is_slow_gets_all_when_he_resumes_and_holds_nobody_up) /* W5, W9 */
{
    begin_hub();
    (void)listen_as("a:", NULL);
    listen_slowly(NULL);
    publish("1");
    publish("2");
    ck_noted("a:1 e-1! a:2 e-2! ");
    take_again();
    ck_noted("s:1 s:2 ");
    publish("3");
    ck_noted("s:3 a:3 e-3! ");
    end_hub();
}
END_TEST

START_TEST(who_is_too_slow_is_told_of_a_gap) /* W5, W9 */
{
    hub_options.max_messages = 2;
    begin_hub();
    listen_slowly(NULL);
    for (int i = 0; i < 5; i++) {
        publish("x");
    }
    (void)take_notes();
    take_again();
    ck_noted("gap:e-3 s:x s:x ");
    end_hub();
}
END_TEST

START_TEST(a_gap_that_was_not_taken_is_told_again) /* W5, W9 */
{
    begin_hub();
    publish("1");
    listen_slowly("other-1");
    publish("2");
    (void)take_notes();
    take_again();
    ck_noted("gap:e-0 s:1 s:2 ");
    bight_http_hub_resume(slow); /* of one that goes on: nothing */
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- what is refused */

static const struct {
    const char *topic, *text;
    size_t size;
    int code;
} refused[] = {
    { "", "x", 1, BIGHT_E_INVALID_ARGUMENT },
    { "a\nb", "x", 1, BIGHT_E_INVALID_ARGUMENT },
    { "a\x7f", "x", 1, BIGHT_E_INVALID_ARGUMENT },
    { "\xff", "x", 1, BIGHT_E_INVALID_ARGUMENT },
    { "t", "\xc3", 1, BIGHT_E_INVALID_ARGUMENT },
    { "t", "", 101, BIGHT_E_TOO_LONG },
    { "t", "", 0, 0 },
    { "t\xc3\xa9 x", "\xc3\xa9", 2, 0 },
};

START_TEST(what_no_listener_could_get_is_refused) /* W9 */
{
    hub_options.max_message = 100;
    begin_hub();
    struct bight_deferred *published =
        bight_http_hub_publish(hub, refused[_i].topic, refused[_i].text, refused[_i].size);
    const struct bight_failure *failure = bight_result_failure(bight_deferred_result(published));
    ck_assert_int_eq(failure != NULL ? bight_failure_code(failure) : 0, refused[_i].code);
    bight_deferred_release(published);
    end_hub();
}
END_TEST

START_TEST(a_topic_has_a_longest_name) /* W9 */
{
    char name[BIGHT_HTTP_HUB_TOPIC_SIZE + 2];
    begin_hub();
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    bight_deferred_release(publish_to(name, "x"));
    ck_noted("INVALID_ARGUMENT! ");
    bight_deferred_release(publish_to(name + 1, "x"));
    ck_noted("e-1! ");
    end_hub();
}
END_TEST

START_TEST(options_that_cannot_be_are_a_usage_error) /* W9 */
{
    static const struct bight_http_hub_store no_store = { .size = sizeof no_store };
    const struct bight_http_hub_options wrong[] = { { .size = sizeof wrong[0], .max_age = -1 },
        { .size = sizeof wrong[0], .epoch = "" }, { .size = sizeof wrong[0], .epoch = "a-b" },
        { .size = sizeof wrong[0], .epoch = "123456789012345678901234567890123" },
        { .size = sizeof wrong[0], .store = &no_store } };
    begin_hub();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_ptr_null(bight_http_hub_new(reactor, &wrong[i]));
        ck_assert_uint_eq(usage_errors, i + 1);
    }
    end_hub();
}
END_TEST

START_TEST(a_hub_that_could_not_be_made_says_so_when_it_is_used) /* W9 */
{
    int code;
    begin_hub();
    ck_assert_ptr_null(bight_http_hub_subscribe(NULL, "t", NULL, &noting, NULL, &code));
    ck_assert_int_eq(code, BIGHT_E_OUT_OF_MEMORY);
    struct bight_deferred *published = bight_http_hub_publish(NULL, "t", "x", 1);
    ck_assert(bight_failure_is(bight_result_failure(bight_deferred_result(published)), BIGHT_E_OUT_OF_MEMORY));
    bight_deferred_release(published);
    ck_assert_int_eq(bight_http_hub_restore(NULL, "t", 1, "x", 1), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_ptr_null(bight_http_hub_epoch(NULL));
    bight_http_hub_free(NULL);
    bight_http_hub_unsubscribe(NULL);
    bight_http_hub_resume(NULL);
    end_hub();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_published_is_told_to_all_who_listen);
    tcase_add_test(tests, nobody_is_told_inside_the_call_that_subscribes);
    tcase_add_test(tests, topics_know_nothing_of_each_other);
    tcase_add_loop_test(tests, who_comes_back_gets_what_he_has_missed, 0, 5);
    tcase_add_loop_test(tests, whose_id_is_not_known_is_told_of_a_gap_and_all_that_is_kept, 0, 14);
    tcase_add_test(tests, what_is_not_kept_any_more_is_a_gap);
    tcase_add_test(tests, the_bytes_that_are_kept_have_a_limit);
    tcase_add_test(tests, what_is_larger_than_all_that_is_kept_is_told_all_the_same);
    tcase_add_test(tests, a_new_hub_is_another_epoch);
    tcase_add_loop_test(tests, a_topic_that_nobody_uses_ends_and_is_a_gap_then, 0, sizeof ages / sizeof *ages);
    tcase_add_test(tests, a_topic_with_a_listener_does_not_end);
    tcase_add_test(tests, a_topic_without_a_message_ends_with_its_last_listener);
    tcase_add_test(tests, a_topic_that_has_come_again_has_a_gap_before_it);
    tcase_add_test(tests, who_is_slow_gets_all_when_he_resumes_and_holds_nobody_up);
    tcase_add_test(tests, who_is_too_slow_is_told_of_a_gap);
    tcase_add_test(tests, a_gap_that_was_not_taken_is_told_again);
    tcase_add_loop_test(tests, what_no_listener_could_get_is_refused, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tests, a_topic_has_a_longest_name);
    tcase_add_test(tests, options_that_cannot_be_are_a_usage_error);
    tcase_add_test(tests, a_hub_that_could_not_be_made_says_so_when_it_is_used);
}

BIGHT_TEST_MAIN("http_hub", add_tests)
