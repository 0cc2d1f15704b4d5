/* SPDX-License-Identifier: MIT */
/* test_scope_debug.c - debug mode's warnings of what tries to outlive its scope. */
#include "scope_support.h"

static char warnings[8192];
static int warning_count;

/* One line for each warning, with the name of this file left out of the places. */
static void record_warning(const struct bight_log_event *event, void *context)
{
    record(event, context);
    if (event->level != BIGHT_LOG_WARNING) {
        return;
    }
    ck_assert_str_eq(event->system, "scope");
    ck_assert_ptr_nonnull(strstr(event->place, __FILE__));
    size_t length = strlen(warnings);
    snprintf(warnings + length, sizeof(warnings) - length, "%s\n", event->message);
    warning_count++;
}

static const char *place_of_member(const struct bight_scope_member *member)
{
    return ((const struct member *)member)->name;
}

static const struct bight_scope_member_ops named_ops = { asked_to_close, asked_to_abort, "thing", place_of_member };

static void set_up_debug(void)
{
    bight_log_set_observer(record_warning, NULL);
    bight_deferred_set_debug(true);
    scope = bight_scope_new(&test_clock.base);
    ck_assert_ptr_nonnull(scope);
}

static void tear_down_debug(void)
{
    bight_scope_free(scope);
    ck_assert_uint_eq(timers_pending(), 0);
}

static void expect(const char *text)
{
    ck_assert_msg(strstr(warnings, text) != NULL, "\"%s\" is not in:\n%s", text, warnings);
}

static void expect_count(int count)
{
    ck_assert_msg(warning_count == count, "%d warnings:\n%s", warning_count, warnings);
}

/* `text` with a place of this file. */
static void expect_place(const char *text, int line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s (made at %s:%d)", text, __FILE__, line);
    expect(whole);
}

START_TEST(what_is_left_at_the_deadline_is_named_with_its_place) /* D37 */
{
    struct bight_promise promise;
    struct member slow = { .name = "slow.c:1", .leaves = 'l' }, plain = { .name = "plain", .leaves = 'l' };
    struct bight_deferred *tied = bight_deferred_new(&promise, NULL, NULL);
    const int line = __LINE__ - 1;
    bight_deferred_add_errback(tied, cleared, NULL);
    bight_deferred_pause(tied);
    bight_deferred_tie(tied, bight_scope_owner(scope));
    bight_scope_join(scope, &slow.base, &named_ops);
    bight_scope_join(scope, &plain.base, &member_ops);
    bight_deferred_release(bight_scope_close(scope, 5));
    expect_count(0);
    advance(5);
    expect_count(3);
    expect_place("left in a scope whose time is up: a Deferred", line);
    expect("left in a scope whose time is up: a thing (made at slow.c:1)");
    expect("left in a scope whose time is up: a member (made at an unknown place)");
    bight_deferred_unpause(tied);
    bight_deferred_release(tied);
    bight_scope_leave(&slow.base);
    bight_scope_leave(&plain.base);
    expect_count(3);
}
END_TEST

START_TEST(what_ends_in_time_is_not_named) /* D37 */
{
    struct member quick = { .name = "quick", .leaves = 'c' }, slow = { .name = "slow", .leaves = 'l' };
    bight_scope_join(scope, &quick.base, &named_ops);
    bight_scope_join(scope, &slow.base, &named_ops);
    bight_scope_call_later(scope, 1, note_timer, NAME("x"), NULL, NULL);
    bight_deferred_release(bight_scope_close(scope, 5));
    advance(4);
    bight_scope_leave(&slow.base);
    advance(1);
    expect_count(0);
}
END_TEST

START_TEST(what_is_there_when_the_scope_is_freed_is_named) /* D37 */
{
    struct member slow = { .name = "slow.c:1", .leaves = 'a' };
    bight_scope_join(scope, &slow.base, &named_ops);
    bight_scope_call_later(scope, 1, note_timer, NAME("x"), NULL, NULL);
    const int line = __LINE__ - 1;
    bight_scope_free(scope);
    scope = NULL;
    expect_count(2);
    expect("left in a scope that is freed: a thing (made at slow.c:1)");
    expect_place("left in a scope that is freed: a call", line);
}
END_TEST

START_TEST(a_scope_inside_speaks_for_itself) /* D37 */
{
    struct bight_scope *inner = bight_scope_new_inside(scope);
    struct member slow = { .name = "slow.c:1", .leaves = 'a' };
    bight_scope_join(inner, &slow.base, &named_ops);
    bight_deferred_release(bight_scope_close(scope, 5));
    advance(5);
    expect_count(1);
    expect("left in a scope whose time is up: a thing (made at slow.c:1)");
    bight_scope_free(inner);
    expect_count(1);
}
END_TEST

START_TEST(what_is_started_after_the_close_is_named) /* D37 */
{
    struct bight_promise promise;
    struct member late = { .name = "late.c:7", .leaves = 'c' };
    struct bight_scope *other = bight_scope_new(&test_clock.base);
    bight_deferred_release(bight_scope_close(scope, 5));
    ck_assert_int_eq(bight_scope_join(scope, &late.base, &named_ops), BIGHT_E_CANCELLED);
    expect("started in a scope that is closing: a thing (made at late.c:7)");
    bight_scope_call_later(scope, 1, note_timer, NAME("x"), NULL, NULL);
    expect_place("started in a scope that is closing: a call", __LINE__ - 1);
    struct bight_deferred *tied = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_tie(tied, bight_scope_owner(scope));
    release_failed(tied, BIGHT_E_CANCELLED);
    expect("started in a scope that is closing: a Deferred (made at ");
    bight_scope_join_scope(other, scope);
    bight_scope_free(bight_scope_new_inside(scope));
    expect_count(5);
    bight_scope_free(other);
}
END_TEST

START_TEST(the_list_has_an_end) /* D37 */
{
    static struct member members[20];
    for (int i = 0; i < 20; i++) {
        members[i] = (struct member) { .name = "x", .leaves = 'a' };
        bight_scope_join(scope, &members[i].base, &member_ops);
    }
    bight_scope_free(scope);
    scope = NULL;
    expect_count(17);
    expect("left in a scope that is freed: 4 more");
}
END_TEST

START_TEST(without_debug_mode_nothing_is_said) /* D37 */
{
    struct member slow = { .name = "slow", .leaves = 'a' };
    bight_deferred_set_debug(false);
    bight_scope_join(scope, &slow.base, &named_ops);
    bight_deferred_release(bight_scope_close(scope, 5));
    bight_scope_call_later(scope, 1, note_timer, NAME("x"), NULL, NULL);
    advance(5);
    expect_count(0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_debug, tear_down_debug);
    tcase_add_test(tests, what_is_left_at_the_deadline_is_named_with_its_place);
    tcase_add_test(tests, what_ends_in_time_is_not_named);
    tcase_add_test(tests, what_is_there_when_the_scope_is_freed_is_named);
    tcase_add_test(tests, a_scope_inside_speaks_for_itself);
    tcase_add_test(tests, what_is_started_after_the_close_is_named);
    tcase_add_test(tests, the_list_has_an_end);
    tcase_add_test(tests, without_debug_mode_nothing_is_said);
}

BIGHT_TEST_MAIN("scope debug", add_tests)
