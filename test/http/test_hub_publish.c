/* SPDX-License-Identifier: MIT */
/* Tests of publishing to a hub: the store, the order in which messages become known, and listeners that do things. */
#include "hub_support.h"

/* ------------------------------------------------------------------------------------------- a store */

#define MAX_KEPT 10

static struct bight_promise keeping[MAX_KEPT];
static const struct bight_http_hub_message *kept[MAX_KEPT];
static size_t kept_count;
static bool keeps_at_once, frees_hub;

static struct bight_deferred *keep(const struct bight_http_hub_message *message, void *context)
{
    (void)context;
    note("keep:", bight_http_hub_message_text(message, NULL));
    if (frees_hub) {
        bight_http_hub_free(hub);
        hub = NULL;
    }
    if (keeps_at_once) {
        return NULL;
    }
    kept[kept_count] = message;
    return bight_deferred_new(&keeping[kept_count++], NULL, NULL);
}

static const struct bight_http_hub_store store = { .size = sizeof store, .keep = keep };

static void begin_stored(void)
{
    kept_count = 0;
    keeps_at_once = frees_hub = false;
    hub_options.store = &store;
    begin_hub();
    (void)listen_as("a:", NULL);
    settle();
}

static void has_kept(size_t which)
{
    ck_assert_int_eq(bight_callback(keeping[which], NULL, NULL), 0);
}

START_TEST(nobody_is_told_of_what_is_not_kept_yet) /* W9 */
{
    begin_stored();
    publish("1");
    ck_noted("keep:1 ");
    ck_assert_str_eq(bight_http_hub_message_topic(kept[0]), "t");
    ck_assert_str_eq(bight_http_hub_message_id(kept[0]), "e-1");
    ck_assert_uint_eq(bight_http_hub_message_number(kept[0]), 1);
    has_kept(0);
    ck_noted("a:1 e-1! ");
    end_hub();
}
END_TEST

START_TEST(messages_become_known_in_order_however_the_store_answers) /* W9 */
{
    begin_stored();
    publish("1");
    publish("2");
    publish("3");
    (void)take_notes();
    has_kept(2);
    ck_noted("");
    has_kept(1);
    ck_noted("");
    has_kept(0);
    ck_noted("a:1 e-1! a:2 e-2! a:3 e-3! ");
    end_hub();
}
END_TEST

START_TEST(what_could_not_be_kept_nobody_gets) /* W9 */
{
    begin_stored();
    publish("1");
    publish("2");
    (void)take_notes();
    has_kept(1);
    (void)bight_errback(keeping[0], bight_failure_of(BIGHT_E_SYSTEM));
    ck_noted("SYSTEM! a:2 e-2! ");
    (void)listen_as("b:", "e-0");
    settle();
    ck_noted("b:2 ");
    end_hub();
}
END_TEST

START_TEST(a_store_may_keep_at_once) /* W9 */
{
    begin_stored();
    keeps_at_once = true;
    publish("1");
    ck_noted("keep:1 a:1 e-1! ");
    end_hub();
}
END_TEST

START_TEST(a_message_is_the_stores_until_it_answers_also_when_the_hub_has_gone) /* W9 */
{
    begin_stored();
    publish("1");
    publish("2");
    (void)take_notes();
    bight_http_hub_free(hub);
    hub = NULL;
    ck_noted("CLOSED! CLOSED! a:ended ");
    ck_assert_str_eq(bight_http_hub_message_text(kept[0], NULL), "1");
    ck_assert_str_eq(bight_http_hub_message_topic(kept[1]), "t");
    has_kept(1);
    (void)bight_errback(keeping[0], bight_failure_of(BIGHT_E_SYSTEM));
    ck_noted("");
    end_hub();
}
END_TEST

START_TEST(whoever_stops_waiting_does_not_stop_the_message) /* W9 */
{
    begin_stored();
    struct bight_deferred *published = publish_to("t", "1");
    bight_deferred_cancel(published);
    bight_deferred_release(published);
    ck_noted("keep:1 CANCELLED! ");
    has_kept(0);
    ck_noted("a:1 ");
    end_hub();
}
END_TEST

START_TEST(what_is_restored_is_as_if_it_had_been_published) /* W9 */
{
    begin_hub();
    ck_assert_int_eq(bight_http_hub_restore(hub, "t", 5, "five", 4), 0);
    ck_assert_int_eq(bight_http_hub_restore(hub, "t", 7, "seven", 5), 0);
    ck_assert_int_eq(bight_http_hub_restore(hub, "t", 7, "again", 5), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 0);
    publish("eight");
    ck_noted("e-8! ");
    (void)listen_as("a:", "e-5");
    (void)listen_as("b:", "e-6");
    settle();
    ck_noted("a:seven a:eight b:seven b:eight ");
    ck_assert_int_eq(bight_http_hub_restore(hub, "t", UINT64_MAX, "x", 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_hub_restore(hub, "t", 999999999999999999, "x", 1), 0);
    publish("no id can hold it");
    ck_noted("b:x a:x OVERFLOW! ");
    end_hub();
}
END_TEST

/* ------------------------------------------------------------------------------------------- listeners that act */

static struct bight_http_hub_subscription *victim;

static bool act(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    const char *text = bight_http_hub_message_text(message, NULL);
    (void)note_message(subscription, message, context);
    if (strcmp(text, "answer") == 0) {
        publish("answered");
    } else if (strcmp(text, "leave") == 0) {
        bight_http_hub_unsubscribe(subscription);
    } else if (strcmp(text, "push") == 0) {
        bight_http_hub_unsubscribe(victim);
    } else if (strcmp(text, "free") == 0) {
        bight_http_hub_free(hub);
        hub = NULL;
    } else if (strcmp(text, "refuse") == 0) {
        bight_http_hub_unsubscribe(subscription);
        return false;
    }
    ck_assert_str_eq(bight_http_hub_message_text(message, NULL), text);
    return true;
}

static const struct bight_http_hub_listener acting = {
    .size = sizeof acting, .message = act, .gap = note_gap, .ended = note_end
};

/* It is told between the others: the last who came is told first. */
static void begin_acting(void)
{
    static char name[] = "x:";
    begin_hub();
    victim = listen_as("a:", NULL);
    struct bight_http_hub_subscription *actor = bight_http_hub_subscribe(hub, "t", NULL, &acting, name, NULL);
    ck_assert_ptr_nonnull(actor);
    (void)listen_as("b:", NULL);
    settle();
}

START_TEST(a_message_that_answers_another_comes_behind_it_for_everybody) /* W9 */
{
    begin_acting();
    publish("answer");
    ck_noted("b:answer x:answer a:answer b:answered x:answered a:answered e-2! e-1! ");
    end_hub();
}
END_TEST

static const struct {
    const char *text, *told;
} acts[] = {
    { "leave", "b:leave x:leave a:leave e-1! b:next a:next e-2! " },
    { "refuse", "b:refuse x:refuse a:refuse e-1! b:next a:next e-2! " },
    { "push", "b:push x:push e-1! b:next x:next e-2! " },
};

START_TEST(listeners_may_leave_while_they_are_told_and_make_others_leave) /* W9 */
{
    begin_acting();
    publish(acts[_i].text);
    publish("next");
    ck_noted(acts[_i].told);
    end_hub();
}
END_TEST

START_TEST(a_listener_may_free_the_hub) /* W9 */
{
    begin_acting();
    publish("free");
    ck_noted("b:free x:free b:ended x:ended a:ended e-1! ");
    end_hub();
}
END_TEST

START_TEST(a_listener_that_comes_back_may_free_the_hub_too) /* W9 */
{
    static char name[] = "x:";
    begin_hub();
    publish("free");
    publish("next");
    (void)take_notes();
    ck_assert_ptr_nonnull(bight_http_hub_subscribe(hub, "t", "e-0", &acting, name, NULL));
    (void)listen_as("a:", "e-0");
    settle();
    ck_noted("x:free a:ended x:ended ");
    end_hub();
}
END_TEST

static void free_the_hub(struct bight_result *result, void *context)
{
    note_outcome(result, context);
    bight_http_hub_free(hub);
    hub = NULL;
}

START_TEST(whoever_published_may_free_the_hub) /* W9 */
{
    begin_stored();
    struct bight_deferred *published = bight_http_hub_publish(hub, "t", "1", 1);
    (void)bight_deferred_add_both(published, free_the_hub, NULL);
    bight_deferred_release(published);
    publish("2");
    has_kept(1);
    has_kept(0);
    ck_noted("keep:1 keep:2 a:1 e-1! CLOSED! a:ended ");
    end_hub();
}
END_TEST

START_TEST(a_store_may_free_the_hub) /* W9 */
{
    begin_stored();
    frees_hub = true;
    keeps_at_once = _i == 0;
    publish("1");
    ck_noted("keep:1 a:ended CLOSED! ");
    if (!keeps_at_once) {
        has_kept(0);
    }
    end_hub();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, nobody_is_told_of_what_is_not_kept_yet);
    tcase_add_test(tests, messages_become_known_in_order_however_the_store_answers);
    tcase_add_test(tests, what_could_not_be_kept_nobody_gets);
    tcase_add_test(tests, a_store_may_keep_at_once);
    tcase_add_test(tests, a_message_is_the_stores_until_it_answers_also_when_the_hub_has_gone);
    tcase_add_test(tests, whoever_stops_waiting_does_not_stop_the_message);
    tcase_add_test(tests, what_is_restored_is_as_if_it_had_been_published);
    tcase_add_test(tests, a_message_that_answers_another_comes_behind_it_for_everybody);
    tcase_add_loop_test(
        tests, listeners_may_leave_while_they_are_told_and_make_others_leave, 0, sizeof acts / sizeof *acts);
    tcase_add_test(tests, a_listener_may_free_the_hub);
    tcase_add_test(tests, a_listener_that_comes_back_may_free_the_hub_too);
    tcase_add_test(tests, whoever_published_may_free_the_hub);
    tcase_add_loop_test(tests, a_store_may_free_the_hub, 0, 2);
}

BIGHT_TEST_MAIN("http_hub_publish", add_tests)
