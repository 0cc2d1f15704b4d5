/* SPDX-License-Identifier: MIT */
/* Tests of what handlers may do to their own request, to others, to the site and the reactor: each is legal, or a usage
 * error, and never worse. */
#include <bight/scope.h>

#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define AT(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

typedef void (*misdeed)(struct bight_http_request *request);

static misdeed deed;
static struct bight_http_request *kept;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void do_deed(struct bight_http_request *request, void *context)
{
    (void)context;
    deed(request);
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void begin(misdeed function)
{
    deed = function;
    kept = NULL;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/do", do_deed);
    add_route("/keep", keep);
    connect_peer();
}

/* ------------------------------------------------------------------------------------- its own answer */

static void answer_twice(struct bight_http_request *request)
{
    ck_assert_int_eq(bight_http_respond_text(request, 200, "once"), 0);
    ck_assert_int_eq(bight_http_respond_text(request, 500, "twice"), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_write(request, "x", 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_finish(request), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_set(request, "A", "b"), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_error(request, 500, NULL), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_redirect(request, 303, "/"), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_upgrade(request, "x", NULL), BIGHT_E_OUT_OF_MEMORY);
    bight_http_respond_abort(request); /* nothing is left to abort */
}

static void answer_nothing(struct bight_http_request *request)
{
    (void)request;
}

static void abort_it(struct bight_http_request *request)
{
    bight_http_respond_abort(request);
    ck_assert_int_eq(bight_http_respond_text(request, 200, "late"), BIGHT_E_CLOSED);
    ck_assert(!bight_http_request_is_open(request));
    bight_http_respond_abort(request);
}

static void lose_it(struct bight_http_request *request)
{
    (void)bight_transport_lose_connection(bight_http_request_transport(request));
    ck_assert_int_eq(bight_http_respond_text(request, 200, "late"), BIGHT_E_CLOSED);
}

static void write_too_much(struct bight_http_request *request)
{
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, 3), 0);
    ck_assert_int_eq(bight_http_respond_write(request, "abcd", 4), BIGHT_E_TOO_LONG);
    ck_assert_int_eq(bight_http_respond_finish(request), BIGHT_E_CLOSED);
}

static void write_too_little(struct bight_http_request *request)
{
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, 3), 0);
    ck_assert_int_eq(bight_http_respond_write(request, "ab", 2), 0);
    ck_assert_int_eq(bight_http_respond_finish(request), BIGHT_E_INCOMPLETE);
}

static void begin_and_leave(struct bight_http_request *request)
{
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), 0);
    ck_assert_int_eq(bight_http_respond_write(request, "ab", 2), 0);
}

static void answer_with_no_status(struct bight_http_request *request)
{
    ck_assert_int_eq(bight_http_respond_text(request, 100, "x"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_text(request, 600, "x"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond(request, 200, "a\r\nB: c", "x", 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_redirect(request, 303, "//evil"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_set(request, "Content-Length", "5"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_set(request, "A b", "5"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_set(request, "", "5"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_set(request, "A", "b\r\nC: d"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond_add(request, "A", "b\nC: d"), BIGHT_E_INVALID_ARGUMENT);
}

START_TEST(a_handler_that_does_something_strange_harms_nobody) /* A2, H6 */
{
    static const struct {
        misdeed function;
        size_t usage_errors;
        const char *status; /* NULL: reset */
        bool goes_on;
    } rows[] = {
        { answer_twice, 7, "200 OK", true },
        { answer_nothing, 0, "500 Internal Server Error", true },
        { abort_it, 0, NULL, false },
        { lose_it, 0, NULL, false },
        { write_too_much, 1, NULL, false },
        { write_too_little, 1, NULL, false },
        { begin_and_leave, 0, NULL, false },
        { answer_with_no_status, 9, "500 Internal Server Error", true },
    };
    char line[64];
    begin(rows[_i].function);
    const char *answer = say(AT("/do") GET);
    ck_assert_uint_eq(usage_errors, rows[_i].usage_errors);
    if (rows[_i].status != NULL) {
        (void)snprintf(line, sizeof line, "HTTP/1.1 %s", rows[_i].status);
        ck_assert(has_line(answer, line));
    }
    ck_assert_int_eq(strstr(answer, "Hello") != NULL, rows[_i].goes_on);
    ck_assert_int_eq(is_over() || bight_string_was_reset(peer), !rows[_i].goes_on);
    end_site();
}
END_TEST

START_TEST(a_request_that_is_kept_beyond_its_answer_keeps_its_head) /* A1 */
{
    begin(NULL);
    say("GET /keep?q=1 HTTP/1.1\r\nHost: first\r\nA: the first\r\n\r\n");
    struct bight_http_request *first = kept;
    (void)bight_http_respond_text(first, 200, "first");
    settle();
    say("GET /keep?q=2 HTTP/1.1\r\nHost: other\r\nA: another one\r\n\r\n");
    ck_assert_str_eq(bight_http_request_field(first, "A"), "the first");
    ck_assert_str_eq(bight_http_request_path(first), "/keep");
    ck_assert_str_eq(bight_http_request_query_string(first), "q=1");
    ck_assert_str_eq(bight_http_request_host(first), "first");
    bight_http_request_release(first);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

static void answer_and_keep(struct bight_http_request *request)
{
    kept = bight_http_request_hold(request);
    (void)bight_http_respond_text(request, 200, "kept");
}

static void abort_and_keep(struct bight_http_request *request)
{
    kept = bight_http_request_hold(request);
    bight_http_respond_abort(request);
}

START_TEST(so_does_one_that_was_answered_or_aborted_in_its_handler) /* A1 */
{
    begin(_i == 0 ? answer_and_keep : abort_and_keep);
    say("GET /do HTTP/1.1\r\nHost: x\r\nA: the first\r\n\r\n");
    if (_i == 1) {
        bight_string_peer_free(peer);
        connect_peer();
    }
    say("GET / HTTP/1.1\r\nHost: y\r\nB: another one\r\n\r\n");
    ck_assert_str_eq(bight_http_request_field(kept, "A"), "the first");
    ck_assert_str_eq(bight_http_request_path(kept), "/do");
    ck_assert_ptr_null(bight_http_request_transport(kept));
    bight_http_request_release(kept);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------- its owner */

static void note_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    ++*(size_t *)context;
}

START_TEST(an_owner_that_was_asked_for_before_the_answer_may_be_tied_to_behind_it) /* D32, A3 */
{
    size_t cancelled = 0;
    struct bight_promise promise;
    begin(NULL);
    say(AT("/keep"));
    struct bight_owner *owner = bight_http_request_owner(kept);
    (void)bight_http_respond_text(kept, 200, "kept");
    struct bight_deferred *late = bight_deferred_new(&promise, note_cancel, &cancelled);
    (void)bight_deferred_tie(late, owner);
    ck_assert_uint_eq(cancelled, 1);
    bight_deferred_release(late);
    ck_assert_ptr_eq(bight_http_request_owner(kept), owner);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------ others, and the rest */

START_TEST(a_handler_may_answer_or_abort_the_request_of_another_connection) /* H4 */
{
    struct bight_http_request *first;
    begin(_i == 0 ? answer_nothing : answer_and_keep);
    struct bight_string_peer *one = peer;
    say(AT("/keep") GET);
    first = kept;
    connect_peer();
    say(GET);
    if (_i == 0) {
        (void)bight_http_respond_text(first, 200, "first");
    } else {
        bight_http_respond_abort(first);
    }
    bight_http_request_release(first);
    settle();
    ck_assert_int_eq(strstr(bight_string_written_text(one), "first") != NULL, _i == 0);
    ck_assert_int_eq(strstr(bight_string_written_text(one), "Hello") != NULL, _i == 0);
    bight_string_peer_free(one);
    end_site();
}
END_TEST

static void free_site(struct bight_http_request *request)
{
    bight_http_site_free(site);
    site = NULL;
    ck_assert_ptr_null(bight_http_request_parameter(request, "id"));
    (void)bight_http_respond_text(request, 200, "freed");
}

static void free_site_and_leave(struct bight_http_request *request)
{
    (void)request;
    bight_http_site_free(site);
    site = NULL;
}

START_TEST(a_handler_may_free_the_site) /* A5 */
{
    begin(_i == 0 ? free_site : free_site_and_leave);
    const char *answer = say(AT("/do") GET GET);
    ck_assert(has_line(answer, _i == 0 ? "HTTP/1.1 200 OK" : "HTTP/1.1 500 Internal Server Error"));
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 503"), 1);
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_site_may_be_freed_while_a_request_is_kept) /* A1, A5 */
{
    begin(NULL);
    say(AT("/keep"));
    bight_http_site_free(site);
    site = NULL;
    (void)bight_http_respond_text(kept, 200, "kept");
    settle();
    ck_assert_str_eq(body_of(take_answer()), "kept");
    (void)bight_http_request_owner(kept);
    end_site();
    ck_assert_str_eq(bight_http_request_path(kept), "/keep");
    ck_assert_ptr_nonnull(bight_http_request_owner(kept));
    bight_http_request_release(kept);
}
END_TEST

START_TEST(a_request_may_outlive_its_reactor) /* A1 */
{
    begin(NULL);
    say(AT("/keep"));
    if (_i == 0) {
        bight_string_peer_free(peer);
        peer = NULL;
    } else {
        (void)bight_http_request_owner(kept);
    }
    bight_reactor_free(reactor);
    struct bight_promise promise;
    bight_deferred_release(
        bight_deferred_tie(bight_deferred_new(&promise, NULL, NULL), bight_http_request_owner(kept)));
    ck_assert(!bight_promise_is_open(promise));
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "late"), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    bight_http_site_free(site);
    bight_string_peer_free(peer);
}
END_TEST

static void stop_reactor(struct bight_http_request *request)
{
    (void)bight_reactor_stop(bight_http_request_reactor(request));
    (void)bight_http_respond_text(request, 200, "stopping");
}

static void ask_later(void *context)
{
    (void)bight_string_feed_text(context, AT("/do"));
}

START_TEST(a_handler_may_stop_the_reactor) /* R3 */
{
    begin(stop_reactor);
    (void)bight_call_later(reactor, 1, ask_later, peer, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_ptr_nonnull(strstr(bight_string_written_text(peer), "stopping"));
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------ error pages */

static misdeed page_deed;

static void make_page(struct bight_http_request *request, int status, const char *message, void *context)
{
    (void)status;
    (void)message;
    (void)context;
    page_deed(request);
}

static void ask_for_another_page(struct bight_http_request *request)
{
    (void)bight_http_respond_error(request, 404, "again");
}

static void hold_and_release(struct bight_http_request *request)
{
    bight_http_request_release(bight_http_request_hold(request));
}

START_TEST(a_page_that_does_not_answer_or_asks_for_a_page_is_replaced_by_a_plain_one) /* A5 */
{
    static const misdeed deeds[] = { ask_for_another_page, answer_nothing, hold_and_release };
    begin(NULL);
    page_deed = deeds[_i];
    bight_http_site_set_error(site, make_page, NULL);
    ck_assert(has_line(say(AT("/nowhere")), "HTTP/1.1 404 Not Found"));
    end_site();
}
END_TEST

START_TEST(a_page_may_do_anything_else) /* A5 */
{
    static const misdeed deeds[] = { abort_it, lose_it, free_site, stop_reactor, answer_twice, begin_and_leave };
    begin(NULL);
    page_deed = deeds[_i];
    bight_http_site_set_error(site, make_page, NULL);
    say(AT("/nowhere") GET);
    end_site();
}
END_TEST

/* -------------------------------------------------------------------------------- callbacks of the body */

static misdeed body_deed;
static char body_slot;
static size_t body_calls;

static void do_body_deed(struct bight_http_request *request)
{
    if (body_calls++ == 0) {
        body_deed(request);
    }
}

static bool body_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)data;
    (void)size;
    (void)context;
    if (body_slot == 'd') {
        do_body_deed(request);
    }
    return true;
}

static void body_end(struct bight_http_request *request, void *context)
{
    (void)context;
    if (body_slot == 'e') {
        do_body_deed(request);
    }
}

static void body_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)failure;
    (void)context;
    if (body_slot == 'f') {
        do_body_deed(request);
    }
}

static void has_come(struct bight_result *result, void *context)
{
    do_body_deed(context);
    bight_result_discard(result);
}

/* Again: a usage error, but for one that is read. */
static void use_body(struct bight_http_request *request)
{
    static const struct bight_http_consumer consumer = {
        .size = sizeof consumer, .data = body_data, .end = body_end, .failed = body_failed
    };
    if (body_slot == 'c' || body_slot == 'r') {
        struct bight_deferred *deferred =
            body_slot == 'c' ? bight_http_request_collect(request, 0) : bight_http_request_read(request, 0);
        ck_assert_int_eq(bight_deferred_add_both(deferred, has_come, request), 0);
        bight_deferred_release(deferred);
    } else {
        int code = bight_http_request_consume(request, 0, &consumer, NULL);
        ck_assert_int_eq(code, body_calls == 0 ? BIGHT_OK : BIGHT_E_USAGE);
    }
}

START_TEST(callbacks_of_a_body_may_do_anything) /* A4, T22 */
{
    static const misdeed deeds[] = {
        answer_twice,
        answer_nothing,
        abort_it,
        lose_it,
        write_too_much,
        begin_and_leave,
        free_site,
        stop_reactor,
        answer_with_no_status,
        use_body,
    };
    static const char slots[] = "defcr";
    size_t count = sizeof deeds / sizeof *deeds;
    body_slot = slots[(size_t)_i / count / 2];
    body_deed = deeds[(size_t)_i / 2 % count];
    body_calls = 0;
    begin(use_body);
    if (_i % 2 == 0) {
        say(POST("/do", "Content-Length: 6\r\n") "abc");
        say("def" GET);
    } else {
        say(POST("/do", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n");
        say("3\r\ndef\r\nx" GET);
    }
    bight_testing_advance(reactor, 20);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_handler_that_does_something_strange_harms_nobody, 0, 8);
    tcase_add_test(tests, a_request_that_is_kept_beyond_its_answer_keeps_its_head);
    tcase_add_loop_test(tests, so_does_one_that_was_answered_or_aborted_in_its_handler, 0, 2);
    tcase_add_test(tests, an_owner_that_was_asked_for_before_the_answer_may_be_tied_to_behind_it);
    tcase_add_loop_test(tests, a_handler_may_answer_or_abort_the_request_of_another_connection, 0, 2);
    tcase_add_loop_test(tests, a_handler_may_free_the_site, 0, 2);
    tcase_add_test(tests, a_site_may_be_freed_while_a_request_is_kept);
    tcase_add_loop_test(tests, a_request_may_outlive_its_reactor, 0, 2);
    tcase_add_test(tests, a_handler_may_stop_the_reactor);
    tcase_add_loop_test(tests, a_page_that_does_not_answer_or_asks_for_a_page_is_replaced_by_a_plain_one, 0, 3);
    tcase_add_loop_test(tests, a_page_may_do_anything_else, 0, 6);
    tcase_add_loop_test(tests, callbacks_of_a_body_may_do_anything, 0, 100);
}

BIGHT_TEST_MAIN("http_handlers", add_tests)
