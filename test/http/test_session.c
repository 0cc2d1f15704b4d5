/* SPDX-License-Identifier: MIT */
/* Tests of sessions (protocols/http/session): in memory, in a store of the program's, in signed cookies; what a client
 * says, and what it must not get by it. */
#include "http/session/session.h"
#include "site_support.h"

static const char first_key[] = "0123456789abcdef0123456789abcdef", second_key[] = "abcdefghijklmnopqrstuvwxyz012345";
static char cookie[5000]; /* "session=...", that the client has */

static void set_user(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_session_set(request, "user", bight_http_request_query(request, "user")), 0);
    (void)bight_http_respond_text(request, 200, "set");
}

static void get_user(struct bight_http_request *request, void *context)
{
    const char *user = bight_http_session_get(request, "user");
    (void)context;
    (void)bight_http_respond_text(request, 200, user != NULL ? user : "nobody");
}

static void log_in(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_session_renew(request), 0);
    ck_assert_int_eq(bight_http_session_set(request, "user", "root"), 0);
    (void)bight_http_respond_text(request, 200, "in");
}

static void log_out(struct bight_http_request *request, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_http_session_end(request), 0);
    (void)bight_http_respond_text(request, 200, "out");
}

static void begin_with(const struct bight_http_session_options *options)
{
    cookie[0] = '\0';
    begin_site(NULL);
    ck_assert_int_eq(bight_http_use_sessions(site, options), 0);
    add_route("/set", set_user);
    add_route("/get", get_user);
    add_route("/in", log_in);
    add_route("/out", log_out);
    connect_peer();
}

/* Asks with the cookie, and keeps the one that is set. */
static const char *ask(const char *target)
{
    char request[6000];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n", target,
        cookie[0] != '\0' ? "Cookie: " : "", cookie, cookie[0] != '\0' ? "\r\n" : "");
    say(request);
    const char *answer = take_answer(), *set = strstr(answer, "Set-Cookie: ");
    if (set != NULL) {
        (void)snprintf(cookie, sizeof cookie, "%.*s", (int)strcspn(set + 12, ";\r"), set + 12);
    }
    return answer;
}

static const char *body(const char *target)
{
    return body_of(ask(target));
}

START_TEST(a_session_is_begun_when_something_is_set) /* A9 */
{
    begin_with(NULL);
    ck_assert_ptr_null(strstr(ask("/get"), "Set-Cookie"));
    const char *answer = ask("/set?user=ann");
    ck_assert_ptr_nonnull(strstr(answer, "Set-Cookie: session="));
    ck_assert_ptr_nonnull(strstr(answer, "Path=/"));
    ck_assert_ptr_nonnull(strstr(answer, "HttpOnly"));
    ck_assert_ptr_nonnull(strstr(answer, "SameSite=Lax"));
    ck_assert_uint_eq(strlen(cookie), strlen("session=") + BI_SESSION_ID);
    answer = ask("/get");
    ck_assert_str_eq(body_of(answer), "ann");
    ck_assert_ptr_null(strstr(answer, "Set-Cookie"));
    cookie[0] = '\0';
    ck_assert_str_eq(body("/get"), "nobody");
    end_site();
}
END_TEST

START_TEST(an_id_that_a_client_invents_is_never_adopted) /* A9 */
{
    begin_with(NULL);
    (void)snprintf(cookie, sizeof cookie, "session=AAAAAAAAAAAAAAAAAAAAAA");
    (void)ask("/set?user=ann");
    ck_assert_str_ne(cookie, "session=AAAAAAAAAAAAAAAAAAAAAA");
    ck_assert_str_eq(body("/get"), "ann");
    (void)snprintf(cookie, sizeof cookie, "session=AAAAAAAAAAAAAAAAAAAAAA");
    ck_assert_str_eq(body("/get"), "nobody");
    ck_assert_uint_eq(usage_errors + other_errors, 0); /* what a peer says is no mistake of the program's */
    end_site();
}
END_TEST

START_TEST(a_login_renews_the_id_and_voids_the_old_one) /* A9 */
{
    char before[sizeof cookie];
    begin_with(NULL);
    (void)ask("/set?user=guest");
    (void)snprintf(before, sizeof before, "%s", cookie);
    (void)ask("/in");
    ck_assert_str_ne(cookie, before);
    ck_assert_str_eq(body("/get"), "root");
    (void)snprintf(cookie, sizeof cookie, "%s", before);
    ck_assert_str_eq(body("/get"), "nobody");
    end_site();
}
END_TEST

static struct bight_http_request *held;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    held = bight_http_request_hold(request);
}

START_TEST(a_request_under_way_does_not_bring_the_old_one_back) /* A9 */
{
    char before[sizeof cookie];
    begin_with(NULL);
    add_route("/keep", keep);
    (void)ask("/set?user=guest");
    (void)snprintf(before, sizeof before, "%s", cookie);
    (void)ask("/keep");
    struct bight_string_peer *former = peer;
    connect_peer();
    (void)ask("/in");
    ck_assert_int_eq(bight_http_session_set(held, "user", "late"), 0);
    ck_assert_int_eq(bight_http_respond_text(held, 200, "late"), 0);
    bight_http_request_release(held);
    ck_assert_str_eq(body("/get"), "root");
    (void)snprintf(cookie, sizeof cookie, "%s", before);
    ck_assert_str_eq(body("/get"), "nobody");
    bight_string_peer_free(former);
    end_site();
}
END_TEST

START_TEST(an_end_is_forgotten_on_both_sides) /* A9 */
{
    char before[sizeof cookie];
    begin_with(NULL);
    (void)ask("/in");
    (void)snprintf(before, sizeof before, "%s", cookie);
    ck_assert_ptr_nonnull(strstr(ask("/out"), "Max-Age=0"));
    (void)snprintf(cookie, sizeof cookie, "%s", before);
    ck_assert_str_eq(body("/get"), "nobody");
    end_site();
}
END_TEST

static void come_back_after(double seconds)
{
    bight_string_peer_free(peer);
    bight_testing_advance(reactor, seconds);
    connect_peer();
}

START_TEST(it_expires_when_idle_and_in_any_case) /* A9 */
{
    const struct bight_http_session_key key = { first_key, 32 };
    const struct bight_http_session_options options = { .size = sizeof options,
        .idle_seconds = 100,
        .absolute_seconds = 300,
        .keys = _i == 0 ? NULL : &key,
        .key_count = 1 };
    begin_with(&options);
    (void)ask("/set?user=ann");
    for (int i = 0; i < 3; i++) {
        come_back_after(90); /* asking keeps it */
        ck_assert_str_eq(body("/get"), "ann");
    }
    come_back_after(40); /* 310 in all */
    ck_assert_str_eq(body("/get"), "nobody");
    (void)ask("/set?user=bob");
    come_back_after(101);
    ck_assert_str_eq(body("/get"), "nobody");
    end_site();
}
END_TEST

START_TEST(memory_is_bounded_and_the_oldest_goes) /* A9 */
{
    const struct bight_http_session_options options = { .size = sizeof options, .entries = 2 };
    char first[sizeof cookie], second[sizeof cookie];
    begin_with(&options);
    (void)ask("/set?user=1");
    (void)snprintf(first, sizeof first, "%s", cookie);
    cookie[0] = '\0';
    (void)ask("/set?user=2");
    (void)snprintf(second, sizeof second, "%s", cookie);
    (void)snprintf(cookie, sizeof cookie, "%s", first);
    ck_assert_str_eq(body("/get"), "1"); /* used last */
    cookie[0] = '\0';
    (void)ask("/set?user=3");
    ck_assert_str_eq(body("/get"), "3");
    (void)snprintf(cookie, sizeof cookie, "%s", first);
    ck_assert_str_eq(body("/get"), "1");
    (void)snprintf(cookie, sizeof cookie, "%s", second);
    ck_assert_str_eq(body("/get"), "nobody");
    end_site();
}
END_TEST

/* -------------------------------------------------------------------------------------------- signed ones */

START_TEST(a_signed_session_is_in_its_cookie_and_cannot_be_changed) /* A9 */
{
    const struct bight_http_session_key keys[] = { { first_key, 32 } };
    const struct bight_http_session_options options = { .size = sizeof options, .keys = keys, .key_count = 1 };
    begin_with(&options);
    (void)ask("/set?user=ann");
    ck_assert_str_eq(body("/get"), "ann");
    char good[sizeof cookie];
    (void)snprintf(good, sizeof good, "%s", cookie);
    for (size_t i = strlen("session="); i < strlen(good); i++) {
        (void)snprintf(cookie, sizeof cookie, "%s", good);
        cookie[i] = cookie[i] == 'B' ? 'C' : 'B';
        ck_assert_str_eq(body("/get"), "nobody");
    }
    (void)snprintf(cookie, sizeof cookie, "%s", good);
    ck_assert_str_eq(body("/get"), "ann");
    end_site();
}
END_TEST

START_TEST(keys_can_be_changed) /* A9 */
{
    const struct bight_http_session_key old[] = { { first_key, 32 } },
                                        both[] = { { second_key, 32 }, { first_key, 32 } },
                                        new[] = { { second_key, 32 } };
    struct bight_http_session_options options = { .size = sizeof options, .keys = old, .key_count = 1 };
    char kept[sizeof cookie];
    begin_with(&options);
    (void)ask("/set?user=ann");
    (void)snprintf(kept, sizeof kept, "%s", cookie);
    end_site();
    options.keys = both;
    options.key_count = 2;
    begin_with(&options);
    (void)snprintf(cookie, sizeof cookie, "%s", kept);
    ck_assert_str_eq(body("/get"), "ann");
    (void)ask("/set?user=bob"); /* signed with the new one */
    (void)snprintf(kept, sizeof kept, "%s", cookie);
    end_site();
    options.keys = new;
    options.key_count = 1;
    begin_with(&options);
    (void)snprintf(cookie, sizeof cookie, "%s", kept);
    ck_assert_str_eq(body("/get"), "bob");
    end_site();
}
END_TEST

static void set_much(struct bight_http_request *request, void *context)
{
    static char value[70000];
    (void)context;
    memset(value, 'v', 2700);
    ck_assert_int_eq(bight_http_session_set(request, "much", value), 0);
    ck_assert_int_eq(bight_http_session_set(request, "more", value), BIGHT_E_TOO_LONG);
    ck_assert_int_eq(bight_http_session_set(request, "much", value), 0); /* in its place */
    ck_assert_int_eq(bight_http_session_set(request, "", "x"), BIGHT_E_INVALID_ARGUMENT);
    (void)bight_http_respond_text(request, 200, "much");
    ck_assert_int_eq(bight_http_session_set(request, "late", "x"), BIGHT_E_USAGE);
}

START_TEST(a_session_has_a_limit) /* A9 */
{
    const struct bight_http_session_key keys[] = { { first_key, 32 } };
    const struct bight_http_session_options options = { .size = sizeof options, .keys = keys, .key_count = 1 };
    begin_with(&options);
    add_route("/much", set_much);
    const char *answer = ask("/much");
    ck_assert_ptr_nonnull(strstr(answer, "Set-Cookie"));
    ck_assert_uint_le(strlen(cookie), 4096);
    end_site();
}
END_TEST

/* -------------------------------------------------------------------------------------- a store of one's own */

static struct bight_promise loading;

static struct bight_deferred *load_later(struct bight_reactor *on, const char *id, void *context)
{
    (void)on;
    (void)id;
    (void)context;
    return bight_deferred_new(&loading, NULL, NULL);
}

static struct bight_deferred *save_badly(
    struct bight_reactor *on, const char *id, struct bight_bytes *bytes, double seconds, bool is_new, void *context)
{
    (void)on;
    (void)id;
    (void)bytes;
    (void)seconds;
    (void)is_new;
    (void)context;
    return bight_fail(bight_failure_of(BIGHT_E_SYSTEM));
}

static struct bight_deferred *remove_none(struct bight_reactor *on, const char *id, void *context)
{
    (void)on;
    (void)id;
    (void)context;
    return bight_succeed(NULL, NULL);
}

static const struct bight_http_session_store_ops slow_ops = {
    .size = sizeof slow_ops, .load = load_later, .save = save_badly, .remove = remove_none
};

START_TEST(a_request_waits_for_its_session) /* A9 */
{
    const struct bight_http_session_options options = { .size = sizeof options, .store = &slow_ops };
    begin_with(&options);
    (void)snprintf(cookie, sizeof cookie, "session=AAAAAAAAAAAAAAAAAAAAAA");
    ck_assert_str_eq(ask("/get"), "");
    if (_i == 0) {
        ck_assert_int_eq(bight_callback(loading, NULL, NULL), 0);
        settle();
        ck_assert_str_eq(body_of(take_answer()), "nobody");
    } else if (_i == 1) {
        ck_assert_int_eq(bight_errback(loading, bight_failure_of(BIGHT_E_SYSTEM)), 0);
        settle();
        ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    } else {
        bight_string_reset(peer, 0); /* nobody wants it any more */
        ck_assert_int_ne(bight_callback(loading, NULL, NULL), 0);
        settle();
    }
    end_site();
}
END_TEST

START_TEST(what_cannot_be_saved_is_logged) /* A9 */
{
    const struct bight_http_session_options options = { .size = sizeof options, .store = &slow_ops };
    begin_with(&options);
    (void)ask("/set?user=ann");
    ck_assert_uint_eq(other_errors, 1);
    end_site();
}
END_TEST

START_TEST(options_that_cannot_be_are_refused) /* A9 */
{
    const struct bight_http_session_key weak = { first_key, 16 };
    const struct bight_http_session_options rows[] = {
        { .size = sizeof rows[0], .keys = &weak, .key_count = 1 },
        { .size = sizeof rows[0], .keys = &weak },
        { .size = sizeof rows[0], .name = "a b" },
        { .size = sizeof rows[0], .name = "__Host-x" },
        { .size = sizeof rows[0], .idle_seconds = -1 },
    };
    begin_site(NULL);
    ck_assert_int_eq(bight_http_use_sessions(site, &rows[_i]), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

START_TEST(behind_a_proxy_the_cookie_is_as_through_tls) /* A9 */
{
    const struct bight_http_session_options options = { .size = sizeof options, .secure = true };
    begin_with(&options);
    const char *answer = ask("/set?user=ann");
    ck_assert_ptr_nonnull(strstr(answer, "Set-Cookie: __Host-session="));
    ck_assert_ptr_nonnull(strstr(answer, "Secure"));
    ck_assert_str_eq(body("/get"), "ann");
    (void)memmove(cookie, cookie + strlen("__Host-"), strlen(cookie)); /* which others could set */
    ck_assert_str_eq(body("/get"), "nobody");
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- memory */

static bool play(void *context)
{
    const struct bight_http_session_key key = { first_key, 32 };
    const struct bight_http_session_options options = { .size = sizeof options, .keys = &key, .key_count = 1 };
    bool is_signed = *(const int *)context == 1, good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    if (reactor != NULL && bight_http_use_sessions(site, is_signed ? &options : NULL) == 0 &&
        bight_http_route(site, "/in", get_user, NULL) == 0) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        (void)bight_string_feed_text(
            peer, "GET /in HTTP/1.1\r\nHost: x\r\nCookie: session=AAAAAAAAAAAAAAAAAAAAAA\r\n\r\n");
        good = bight_testing_fault_injected() || strstr(bight_string_written_text(peer), "nobody") != NULL;
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    return good;
}

START_TEST(every_allocation_may_fail) /* A9 */
{
    int kind = _i;
    bight_log_set_observer(count_errors, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(play, &kind, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_session_is_begun_when_something_is_set);
    tcase_add_test(tests, an_id_that_a_client_invents_is_never_adopted);
    tcase_add_test(tests, a_login_renews_the_id_and_voids_the_old_one);
    tcase_add_test(tests, a_request_under_way_does_not_bring_the_old_one_back);
    tcase_add_test(tests, an_end_is_forgotten_on_both_sides);
    tcase_add_loop_test(tests, it_expires_when_idle_and_in_any_case, 0, 2);
    tcase_add_test(tests, memory_is_bounded_and_the_oldest_goes);
    tcase_add_test(tests, a_signed_session_is_in_its_cookie_and_cannot_be_changed);
    tcase_add_test(tests, keys_can_be_changed);
    tcase_add_test(tests, a_session_has_a_limit);
    tcase_add_loop_test(tests, a_request_waits_for_its_session, 0, 3);
    tcase_add_test(tests, what_cannot_be_saved_is_logged);
    tcase_add_loop_test(tests, options_that_cannot_be_are_refused, 0, 5);
    tcase_add_test(tests, behind_a_proxy_the_cookie_is_as_through_tls);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, 2);
}

BIGHT_TEST_MAIN("http_session", add_tests)
