/* SPDX-License-Identifier: MIT */
/* Tests of sessions in a store of the program's (protocols/http/session): one that is slow, fails, never answers; asked
 * before the handler or by it; and who leaves meanwhile. What sessions are for is test_session.c's. */
#include "http/session/session.h"
#include "site_support.h"

#define ID "AAAAAAAAAAAAAAAAAAAAAA"

enum { NOW, LATER, FAILS };

/* What the store does next, and what it has been asked. */
static struct {
    int load, save, remove; /* NOW, LATER, FAILS */
    int loads, saves, removes, cancels;
    struct bight_promise loading, saving, removing;
    struct bight_bytes *kept; /* of the last save; what is loaded */
} store;

static void count_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    store.cancels++;
}

/* In place of what it would return now. */
static struct bight_deferred *later(int how, struct bight_promise *promise)
{
    return how == LATER ? bight_deferred_new(promise, count_cancel, NULL)
                        : bight_fail(bight_failure_of(BIGHT_E_SYSTEM));
}

static struct bight_deferred *load(struct bight_reactor *on, const char *id, void *context)
{
    (void)on;
    (void)id;
    (void)context;
    store.loads++;
    return store.load != NOW    ? later(store.load, &store.loading)
           : store.kept == NULL ? bight_succeed(NULL, NULL)
                                : bight_succeed(&bight_type_bytes, bight_bytes_hold(store.kept));
}

static struct bight_deferred *save(
    struct bight_reactor *on, const char *id, struct bight_bytes *bytes, double seconds, bool is_new, void *context)
{
    (void)on;
    (void)id;
    (void)seconds;
    (void)is_new;
    (void)context;
    store.saves++;
    bight_bytes_release(store.kept);
    store.kept = bight_bytes_hold(bytes);
    return store.save != NOW ? later(store.save, &store.saving) : bight_succeed(NULL, NULL);
}

static struct bight_deferred *forget(struct bight_reactor *on, const char *id, void *context)
{
    (void)on;
    (void)id;
    (void)context;
    store.removes++;
    return store.remove != NOW ? later(store.remove, &store.removing) : bight_succeed(NULL, NULL);
}

static const struct bight_http_session_store_ops store_ops = {
    .size = sizeof store_ops, .load = load, .save = save, .remove = forget
};

/* ------------------------------------------------------------------------------------------- the site */

static void release_request(void *request)
{
    bight_http_request_release(request);
}

static void tell_user(struct bight_http_request *request, void *context)
{
    const char *user = bight_http_session_get(request, "user");
    (void)context;
    (void)bight_http_respond_text(request, 200, user != NULL ? user : "nobody");
}

static void tell_no_user(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "for all");
}

static void log_in(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_session_renew(request);
    (void)bight_http_session_set(request, "user", "ann");
    (void)bight_http_respond_text(request, 200, "in");
}

/* Answers when the Deferred has fired: as the handler, or with the failure. */
static void then(struct bight_http_request *request, struct bight_deferred *deferred, bight_handler handler)
{
    (void)bight_deferred_add_both_full(deferred, handler, bight_http_request_hold(request), release_request);
    bight_deferred_release(deferred);
}

/* False: it has failed, and that has been answered. */
static bool is_well(struct bight_result *result, struct bight_http_request *request)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(request, failure);
    }
    return failure == NULL;
}

static void answer_in_time(struct bight_result *result, void *context)
{
    if (is_well(result, context)) {
        (void)bight_http_respond_text(context, 200, "saved");
    }
}

static void log_in_and_wait(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_session_renew(request);
    (void)bight_http_session_set(request, "user", "ann");
    then(request, bight_http_session_save(request), answer_in_time);
}

static void log_out_and_wait(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_session_end(request);
    then(request, bight_http_session_save(request), answer_in_time);
}

static void has_user(struct bight_result *result, void *context)
{
    if (is_well(result, context)) {
        tell_user(context, NULL);
    }
}

static void load_and_tell(struct bight_http_request *request, void *context)
{
    (void)context;
    then(request, bight_http_session_load(request), has_user);
}

static void drop(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_discard(result);
}

/* Asks twice, and needs the second. */
static void load_twice(struct bight_http_request *request, void *context)
{
    struct bight_deferred *first = bight_http_session_load(request);
    (void)context;
    (void)bight_deferred_add_both(first, drop, NULL);
    bight_deferred_release(first);
    then(request, bight_http_session_load(request), has_user);
}

static const struct {
    const char *pattern;
    bight_http_handler handler;
} routes[] = { { "/who", tell_user }, { "/all", tell_no_user }, { "/in", log_in }, { "/in/saved", log_in_and_wait },
    { "/out", log_out_and_wait }, { "/load", load_and_tell }, { "/load/twice", load_twice } };

static int set_up(bool on_demand)
{
    const struct bight_http_session_options options = {
        .size = sizeof options, .store = &store_ops, .on_demand = on_demand
    };
    const struct bight_http_limits_options limits = { .size = sizeof limits, .seconds = 50 };
    int code = bight_http_use_limits(site, &limits);
    code = code == 0 ? bight_http_use_sessions(site, &options) : code;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = bight_http_route(site, routes[i].pattern, routes[i].handler, NULL);
    }
    return code;
}

static void begin(bool on_demand)
{
    memset(&store, 0, sizeof store);
    begin_site(NULL);
    ck_assert_int_eq(set_up(on_demand), 0);
    connect_peer();
}

static void end(void)
{
    end_site();
    bight_bytes_release(store.kept);
    store.kept = NULL;
}

#define WITHOUT(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK(target) "GET " target " HTTP/1.1\r\nHost: x\r\nCookie: session=" ID "\r\n\r\n"

static const char *ask(const char *request)
{
    say(request);
    settle();
    return take_answer();
}

/* The store has a session, whose cookie is any: it has no other. */
static void begin_known(void)
{
    begin(false);
    ck_assert_str_eq(body_of(ask(WITHOUT("/in"))), "in");
    store.saves = 0;
}

/* --------------------------------------------------------------------------------------- before handlers */

START_TEST(a_load_that_nobody_waits_for_is_cancelled) /* A9, A3 */
{
    begin(false);
    store.load = LATER;
    ck_assert_str_eq(ask(ASK("/who")), "");
    ck_assert_int_eq(store.loads, 1);
    if (_i == 0) { /* the client leaves */
        bight_string_reset(peer, 0);
        settle();
    } else if (_i == 1) { /* the time is over */
        bight_testing_advance(reactor, 51);
        ck_assert(has_line(take_answer(), "HTTP/1.1 503 Service Unavailable"));
    } else if (_i == 2) { /* the reactor goes */
        end();
        ck_assert_int_eq(store.cancels, 1);
        return;
    } else { /* the site goes */
        bight_http_site_free(site);
        site = NULL;
        bight_string_reset(peer, 0);
        settle();
    }
    ck_assert_int_eq(store.cancels, 1);
    end();
}
END_TEST

START_TEST(one_without_a_cookie_costs_the_store_nothing) /* A9 */
{
    begin(false);
    ck_assert_str_eq(body_of(ask(WITHOUT("/who"))), "nobody");
    ck_assert_int_eq(store.loads, 0);
    end();
}
END_TEST

START_TEST(the_next_request_waits_behind_the_one_whose_session_is_loaded) /* A9, H1 */
{
    begin(false);
    store.load = LATER;
    ck_assert_str_eq(ask(ASK("/who") WITHOUT("/all")), "");
    ck_assert_int_eq(bight_callback(store.loading, NULL, NULL), 0);
    settle();
    const char *answer = take_answer();
    ck_assert_ptr_nonnull(strstr(answer, "nobodyHTTP/1.1 200 OK"));
    end();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- saving */

START_TEST(an_answer_does_not_wait_for_its_session_to_be_saved) /* A9 */
{
    begin_known();
    store.save = store.remove = _i == 0 ? LATER : FAILS;
    const char *answer = ask(ASK("/in"));
    ck_assert_str_eq(body_of(answer), "in");
    ck_assert_ptr_nonnull(strstr(answer, "Set-Cookie: session="));
    ck_assert_int_eq(store.saves + store.removes, 2);
    if (_i == 0) {
        bight_string_reset(peer, 0);
        settle();
        ck_assert_int_eq(store.cancels, 0); /* what was answered is kept */
        ck_assert_int_eq(bight_callback(store.saving, NULL, NULL), 0);
        ck_assert_int_eq(bight_errback(store.removing, bight_failure_of(BIGHT_E_CANCELLED)), 0);
    }
    ck_assert_uint_eq(other_errors, _i == 0 ? 1 : 2);
    end();
}
END_TEST

START_TEST(a_handler_may_wait_until_its_session_is_saved) /* A9 */
{
    begin(false);
    store.save = LATER;
    ck_assert_str_eq(ask(ASK("/in/saved")), "");
    ck_assert_int_eq(store.saves, 1);
    if (_i == 0) {
        ck_assert_int_eq(bight_callback(store.saving, NULL, NULL), 0);
        settle();
        const char *answer = take_answer();
        ck_assert_str_eq(body_of(answer), "saved");
        ck_assert_uint_eq(count_of(answer, "Set-Cookie: session="), 1);
        ck_assert_int_eq(store.saves, 1);
        ck_assert_str_eq(body_of(ask(ASK("/who"))), "ann");
    } else if (_i == 1) {
        ck_assert_int_eq(bight_errback(store.saving, bight_failure_of(BIGHT_E_SYSTEM)), 0);
        settle();
        ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    } else { /* it is not the request's alone */
        bight_string_reset(peer, 0);
        settle();
        ck_assert_int_eq(bight_callback(store.saving, NULL, NULL), 0);
    }
    end();
}
END_TEST

START_TEST(a_handler_may_wait_until_its_session_has_ended) /* A9 */
{
    begin_known();
    store.remove = LATER;
    ck_assert_str_eq(ask(ASK("/out")), "");
    ck_assert_int_eq(bight_callback(store.removing, NULL, NULL), 0);
    settle();
    const char *answer = take_answer();
    ck_assert_str_eq(body_of(answer), "saved");
    ck_assert_uint_eq(count_of(answer, "Max-Age=0"), 1);
    ck_assert_int_eq(store.removes, 1);
    end();
}
END_TEST

/* --------------------------------------------------------------------------------------------- on demand */

START_TEST(on_demand_the_store_is_asked_by_who_needs_it) /* A9 */
{
    begin(true);
    ck_assert_str_eq(body_of(ask(ASK("/in"))), "in"); /* a usage error for each: it is not loaded */
    ck_assert_uint_eq(usage_errors, 2);
    ck_assert_str_eq(body_of(ask(WITHOUT("/in"))), "in");
    ck_assert_str_eq(body_of(ask(ASK("/all"))), "for all");
    ck_assert_int_eq(store.loads, 0);
    ck_assert_str_eq(body_of(ask(ASK("/load"))), "ann");
    ck_assert_str_eq(body_of(ask(WITHOUT("/load"))), "nobody");
    ck_assert_int_eq(store.loads, 1);
    ck_assert_uint_eq(usage_errors, 2);
    ck_assert_str_eq(body_of(ask(ASK("/who"))), "nobody");
    ck_assert_uint_eq(usage_errors, 3);
    end();
}
END_TEST

START_TEST(two_that_ask_wait_for_one_load) /* A9 */
{
    begin(true);
    store.load = LATER;
    ck_assert_str_eq(ask(ASK("/load/twice")), "");
    ck_assert_int_eq(store.loads, 1);
    if (_i == 0) {
        ck_assert_int_eq(bight_callback(store.loading, NULL, NULL), 0);
    } else {
        ck_assert_int_eq(bight_errback(store.loading, bight_failure_of(BIGHT_E_SYSTEM)), 0);
    }
    settle();
    ck_assert(has_line(take_answer(), _i == 0 ? "HTTP/1.1 200 OK" : "HTTP/1.1 500 Internal Server Error"));
    end();
}
END_TEST

static void has_failed(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_SYSTEM);
    bight_result_discard(result);
    store.load = NOW;
    load_and_tell(request, NULL);
    bight_http_request_release(request);
}

static void load_again(struct bight_http_request *request, void *context)
{
    struct bight_deferred *loading = bight_http_session_load(bight_http_request_hold(request));
    (void)context;
    (void)bight_deferred_add_both(loading, has_failed, request);
    bight_deferred_release(loading);
}

START_TEST(what_could_not_be_loaded_may_be_tried_again) /* A9 */
{
    begin(true);
    add_route("/again", load_again);
    store.load = FAILS;
    ck_assert_str_eq(body_of(ask(ASK("/again"))), "nobody");
    ck_assert_int_eq(store.loads, 2);
    end();
}
END_TEST

START_TEST(who_waits_is_told_that_the_request_is_over) /* A9, A3 */
{
    begin(true);
    store.load = LATER;
    ck_assert_str_eq(ask(ASK("/load")), "");
    bight_string_reset(peer, 0);
    settle();
    ck_assert_int_eq(store.cancels, 1);
    end();
}
END_TEST

START_TEST(without_sessions_there_is_none_to_load) /* A9 */
{
    begin_site(NULL);
    add_route("/load", load_and_tell);
    connect_peer();
    ck_assert(has_line(ask(ASK("/load")), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- mounts */

START_TEST(a_mounted_site_shares_the_sessions_around_it) /* A9 */
{
    begin_known();
    struct bight_http_site *around = site, *mounted = site = bight_http_site_new();
    ck_assert_int_eq(set_up(false), 0);
    site = around;
    ck_assert_int_eq(bight_http_mount(site, "/sub", mounted), 0);
    const char *answer = ask(ASK("/sub/in"));
    ck_assert_uint_eq(count_of(answer, "Set-Cookie"), 1);
    ck_assert_int_eq(store.saves, 1);
    ck_assert_int_eq(store.removes, 1);
    ck_assert_str_eq(body_of(ask(ASK("/sub/who"))), "ann");
    ck_assert_int_eq(store.loads, 2);
    end();
    bight_http_site_free(mounted);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- memory */

#define SCRIPTS (sizeof scripts / sizeof *scripts)
#define ON_DEMAND 4 /* this one, and those behind it, load by themselves */

static const char *const scripts[] = { ASK("/who"), ASK("/in"), ASK("/in/saved"), ASK("/out"), ASK("/load/twice"),
    ASK("/load") };

static void fire_all(void)
{
    (void)bight_callback(store.loading, NULL, NULL);
    (void)bight_callback(store.saving, NULL, NULL);
    (void)bight_callback(store.removing, NULL, NULL);
}

/* One after the other, each answered by a store that takes its time, or not. */
static bool play(void *context)
{
    int kind = *(const int *)context;
    bool good = true;
    memset(&store, 0, sizeof store);
    store.load = store.save = store.remove = kind & 1 ? LATER : NOW;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = reactor != NULL && set_up((kind & 2) != 0) == 0
               ? bight_string_connect(reactor, bight_http_site_factory(site), true)
               : NULL;
    for (size_t i = 0, first = kind & 2 ? ON_DEMAND : 0; peer != NULL && first + i < SCRIPTS; i++) {
        (void)bight_string_feed_text(peer, scripts[first + i]);
        fire_all();
        (void)bight_testing_settle(reactor, 100);
        fire_all();
        good = good && (bight_testing_fault_injected() || count_of(bight_string_written_text(peer), "200 OK") == i + 1);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    bight_bytes_release(store.kept);
    store.kept = NULL;
    peer = NULL;
    return good;
}

START_TEST(every_allocation_of_a_session_may_fail) /* A9 */
{
    int kind = _i;
    bight_log_set_observer(count_errors, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(play, &kind, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_load_that_nobody_waits_for_is_cancelled, 0, 4);
    tcase_add_test(tests, one_without_a_cookie_costs_the_store_nothing);
    tcase_add_test(tests, the_next_request_waits_behind_the_one_whose_session_is_loaded);
    tcase_add_loop_test(tests, an_answer_does_not_wait_for_its_session_to_be_saved, 0, 2);
    tcase_add_loop_test(tests, a_handler_may_wait_until_its_session_is_saved, 0, 3);
    tcase_add_test(tests, a_handler_may_wait_until_its_session_has_ended);
    tcase_add_test(tests, on_demand_the_store_is_asked_by_who_needs_it);
    tcase_add_loop_test(tests, two_that_ask_wait_for_one_load, 0, 2);
    tcase_add_test(tests, what_could_not_be_loaded_may_be_tried_again);
    tcase_add_test(tests, who_waits_is_told_that_the_request_is_over);
    tcase_add_test(tests, without_sessions_there_is_none_to_load);
    tcase_add_test(tests, a_mounted_site_shares_the_sessions_around_it);
    tcase_add_loop_test(tests, every_allocation_of_a_session_may_fail, 0, 4);
}

BIGHT_TEST_MAIN("http_session_store", add_tests)
