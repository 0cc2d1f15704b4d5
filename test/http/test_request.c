/* SPDX-License-Identifier: MIT */
/* Tests of what a request says of itself (A1: protocols/http/server/request.c, site/target.c), of its attachments, its
 * owner and the client that goes (A3), and of its routes (A5: site/handlers.c, page.c). */
#include <bight/memory.h>

#include "site_support.h"

static struct bight_http_request *kept;
static int destroyed, gone;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void begin(void)
{
    destroyed = gone = 0;
    begin_site(NULL);
    add_route("/", say_hello);
    add_route("/keep", keep);
    add_route("/keep/{one}/{rest...}", keep);
    connect_peer();
}

/* Answers what is kept, and lets it go. */
static void end_kept(void)
{
    (void)bight_http_respond_empty(kept, 204);
    bight_http_request_release(kept);
    settle();
    bight_string_clear(peer);
}

/* ------------------------------------------------------------------------------------------- what it says */

#define MANY                                                                                             \
    "PROPFIND /keep/a%2Fb/c%20d/e?x=1&y=a+b%26&x=2&nul=%00&empty HTTP/1.1\r\nHost: EXAMPLE.org:8080\r\n" \
    "X-One:  first \r\nAccept: text/html\r\nx-one: second\r\nX-Empty:\r\nCookie: a=1; b=\"two\"; a=3\r\n\r\n"

struct facts {
    const char *method, *path, *query_string, *x, *y, *empty, *one, *rest, *host, *field, *accept, *nothing, *a, *b;
};

static void look(struct bight_http_request *request, struct facts *facts)
{
    *facts = (struct facts) {
        .method = bight_http_request_method(request),
        .path = bight_http_request_path(request),
        .query_string = bight_http_request_query_string(request),
        .x = bight_http_request_query(request, "x"),
        .y = bight_http_request_query(request, "y"),
        .empty = bight_http_request_query(request, "empty"),
        .one = bight_http_request_parameter(request, "one"),
        .rest = bight_http_request_parameter(request, "rest"),
        .host = bight_http_request_host(request),
        .field = bight_http_request_field(request, "X-ONE"),
        .accept = bight_http_request_field(request, "accept"),
        .nothing = bight_http_request_field(request, "x-empty"),
        .a = bight_http_request_cookie(request, "a"),
        .b = bight_http_request_cookie(request, "b"),
    };
}

static void check(const struct facts *facts)
{
    ck_assert_str_eq(facts->method, "PROPFIND");
    ck_assert_str_eq(facts->path, "/keep/a%2Fb/c d/e");
    ck_assert_str_eq(facts->query_string, "x=1&y=a+b%26&x=2&nul=%00&empty");
    ck_assert_str_eq(facts->x, "1");
    ck_assert_str_eq(facts->y, "a b&");
    ck_assert_str_eq(facts->empty, "");
    ck_assert_str_eq(facts->one, "a/b");
    ck_assert_str_eq(facts->rest, "c d/e");
    ck_assert_str_eq(facts->host, "example.org");
    ck_assert_str_eq(facts->field, "first");
    ck_assert_str_eq(facts->accept, "text/html");
    ck_assert_str_eq(facts->nothing, "");
    ck_assert_str_eq(facts->a, "1");
    ck_assert_str_eq(facts->b, "\"two\"");
}

static void check_absent(struct bight_http_request *request)
{
    ck_assert_ptr_null(bight_http_request_query(request, "z"));
    ck_assert_ptr_null(bight_http_request_query(request, "nul"));
    ck_assert_ptr_null(bight_http_request_parameter(request, "two"));
    ck_assert_ptr_null(bight_http_request_parameter(request, "on"));
    ck_assert_ptr_null(bight_http_request_field(request, "X"));
    ck_assert_ptr_null(bight_http_request_field(request, ""));
    ck_assert_ptr_null(bight_http_request_field_raw(request, "Authorization").data);
    ck_assert_ptr_null(bight_http_request_cookie(request, "c"));
    ck_assert_ptr_null(bight_http_request_trailer(request, "x-one"));
}

static struct facts inside;

static void look_and_keep(struct bight_http_request *request, void *context)
{
    (void)context;
    look(request, &inside);
    check(&inside);
    check_absent(request);
    struct bight_http_view raw = bight_http_request_field_raw(request, "x-ONE");
    ck_assert_uint_eq(raw.size, 5);
    ck_assert_int_eq(memcmp(raw.data, "first", 5), 0);
    raw = bight_http_request_target_raw(request);
    ck_assert_int_eq(strncmp(raw.data, "/keep/a%2Fb/c%20d/e?x=1&y=a+b%26&x=2&nul=%00&empty HTTP", raw.size + 5), 0);
    ck_assert_int_eq(bight_http_request_minor_version(request), 1);
    ck_assert(!bight_http_request_upgrades(request));
    ck_assert(!bight_http_request_is_secure(request));
    ck_assert_ptr_eq(bight_http_request_reactor(request), reactor);
    kept = bight_http_request_hold(request);
}

START_TEST(texts_of_a_request_stay_where_they_are_as_long_as_it_does) /* A1 */
{
    begin();
    add_route("PROPFIND /keep/{one}/{rest...}", look_and_keep);
    if (_i == 0) {
        say(MANY);
    } else {
        (void)bight_string_feed_chunked(peer, MANY, strlen(MANY), (size_t)_i);
    }
    say("garbage that takes the place of the head in the receive buffer, where it may have been");
    check(&inside);
    struct facts again;
    look(kept, &again);
    check(&again);
    check_absent(kept);
    ck_assert_ptr_eq(again.path, inside.path);
    ck_assert_ptr_eq(again.field, inside.field);
    ck_assert_ptr_eq(again.rest, inside.rest);
    ck_assert_ptr_eq(again.host, inside.host);
    (void)bight_http_respond_empty(kept, 204);
    bight_string_reset(peer, 0);
    settle();
    check(&inside);
    look(kept, &again);
    check(&again);
    ck_assert_ptr_null(bight_http_request_transport(kept));
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(what_is_asked_for_behind_the_handler_first_is_the_same) /* A1 */
{
    begin();
    struct facts facts;
    say(MANY);
    say("garbage that takes the place of the head in the receive buffer, where it may have been");
    look(kept, &facts);
    check(&facts);
    check_absent(kept);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(releasing_no_request_does_nothing) /* A1 */
{
    bight_http_request_release(NULL);
}
END_TEST

START_TEST(fields_come_in_their_order) /* A1 */
{
    static const char *const rows[][2] = { { "host", "EXAMPLE.org:8080" }, { "x-one", "first" },
        { "accept", "text/html" }, { "x-one", "second" }, { "x-empty", "" }, { "cookie", "a=1; b=\"two\"; a=3" } };
    begin();
    say(MANY);
    size_t cursor = 0, count = 0;
    const char *name, *value;
    while (bight_http_request_next_field(kept, &cursor, &name, &value)) {
        ck_assert_int_eq(strcasecmp(name, rows[count][0]), 0);
        ck_assert_str_eq(value, rows[count][1]);
        count++;
    }
    ck_assert_uint_eq(count, 6);
    ck_assert(!bight_http_request_next_field(kept, &cursor, NULL, NULL));
    cursor = 3;
    ck_assert(bight_http_request_next_field(kept, &cursor, NULL, &value));
    ck_assert_str_eq(value, "second");
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_request_with_nothing_says_nothing) /* A1 */
{
    begin();
    say("GET /keep HTTP/1.0\r\n\r\n");
    ck_assert_ptr_null(bight_http_request_host(kept));
    ck_assert_ptr_null(bight_http_request_query_string(kept));
    ck_assert_ptr_null(bight_http_request_query(kept, "x"));
    ck_assert_ptr_null(bight_http_request_parameter(kept, "one"));
    ck_assert_ptr_null(bight_http_request_cookie(kept, "a"));
    ck_assert_ptr_null(bight_http_request_field(kept, "Host"));
    ck_assert_int_eq(bight_http_request_minor_version(kept), 0);
    ck_assert_int_eq(bight_http_request_content_length(kept), 0);
    size_t cursor = 0;
    ck_assert(!bight_http_request_next_field(kept, &cursor, NULL, NULL));
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(a_path_is_decoded_once_or_refused) /* A1 */
{
    static const struct {
        const char *target, *status, *one, *rest;
    } rows[] = {
        { "/keep/a/b", "204", "a", "b" },
        { "/keep/%61/%62/c", "204", "a", "b/c" },
        { "/keep/%2561/b", "204", "%61", "b" },
        { "/keep/a%5Cb/c", "204", "a\\b", "c" },
        { "/keep/a+b/c?", "204", "a+b", "c" },
        { "/keep/a/b/", "204", "a", "b/" },
        { "/keep/a/", "204", "a", "" },
        { "http://x/keep/a/b", "204", "a", "b" },
        { "/keep/a/b%2Fc", "404", NULL, NULL },
        { "/keep/a/b%5Cc", "404", NULL, NULL },
        { "/keep/./b", "400", NULL, NULL },
        { "/keep/%2e%2E/b", "400", NULL, NULL },
        { "/keep//b", "400", NULL, NULL },
        { "/keep/%/b", "400", NULL, NULL },
        { "/keep/%0g/b", "400", NULL, NULL },
        { "/keep/%00/b", "400", NULL, NULL },
    };
    char text[256];
    begin();
    kept = NULL;
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[_i].target);
    say(text);
    if (kept != NULL) {
        ck_assert_str_eq(bight_http_request_parameter(kept, "one"), rows[_i].one);
        ck_assert_str_eq(bight_http_request_parameter(kept, "rest"), rows[_i].rest);
        (void)bight_http_respond_empty(kept, 204);
        bight_http_request_release(kept);
        settle();
    }
    ck_assert_int_eq(strncmp(take_answer() + strlen("HTTP/1.1 "), rows[_i].status, 3), 0);
    end_site();
}
END_TEST

START_TEST(parameters_outlive_what_becomes_of_the_routes) /* A1, A5 */
{
    char pattern[64];
    begin();
    say("GET /keep/a%20b/c HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(pattern, sizeof pattern, "/keep/{one}/%d/{two}", i);
        add_route(pattern, keep);
    }
    ck_assert_str_eq(bight_http_request_parameter(kept, "one"), "a b");
    bight_http_site_free(site);
    ck_assert_str_eq(bight_http_request_parameter(kept, "one"), "a b");
    ck_assert_str_eq(bight_http_request_parameter(kept, "rest"), "c");
    (void)bight_http_respond_text(kept, 200, "answered yet");
    bight_http_request_release(kept);
    settle();
    ck_assert_str_eq(body_of(take_answer()), "answered yet");
    site = NULL;
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------- attachments */

static void count_destroyed(void *value)
{
    (void)value;
    destroyed++;
}

static const struct bight_type counted = { .name = "counted", .destroy = count_destroyed };
static const struct bight_type plain = { .name = "plain" };

START_TEST(a_value_stays_with_its_request_and_goes_with_it) /* A1 */
{
    static int values[3];
    begin();
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_null(bight_http_request_attached(kept, &counted));
    ck_assert_int_eq(bight_http_request_attach(kept, &counted, &values[0]), 0);
    ck_assert_int_eq(bight_http_request_attach(kept, &plain, &values[1]), 0);
    ck_assert_ptr_eq(bight_http_request_attached(kept, &counted), &values[0]);
    ck_assert_ptr_eq(bight_http_request_attached(kept, &plain), &values[1]);
    ck_assert_int_eq(bight_http_request_attach(kept, &counted, &values[0]), 0);
    ck_assert_int_eq(destroyed, 0); /* it is the same one */
    ck_assert_int_eq(bight_http_request_attach(kept, &counted, &values[2]), 0);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_int_eq(bight_http_request_attach(kept, &counted, NULL), 0);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_ptr_null(bight_http_request_attached(kept, &counted));
    ck_assert_int_eq(bight_http_request_attach(kept, &counted, &values[0]), 0);
    end_kept();
    ck_assert_int_eq(destroyed, 3);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------------ the client goes */

static void count_gone(struct bight_http_request *request, void *context)
{
    ck_assert_ptr_eq(context, &gone);
    ck_assert_ptr_eq(request, kept);
    ck_assert(!bight_http_request_is_open(request));
    gone++;
}

static int cancels;

static void count_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    cancels++;
}

static void check_closed(struct bight_http_request *request)
{
    struct bight_address address;
    struct bight_http_response *response = bight_http_response_new(200);
    struct bight_protocol *protocol = bight_protocol_new(bight_http_site_factory(site));
    ck_assert_int_eq(bight_http_respond_text(request, 200, "late"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_empty(request, 204), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_redirect(request, 303, "/"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_error(request, 404, NULL), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_failure(request, bight_failure_of(BIGHT_E_LIMIT)), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_response(request, response), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_write(request, "a", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_writef(request, "%d", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_finish(request), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_set(request, "A", "b"), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_later(request, bight_succeed(NULL, NULL)), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_respond_upgrade(request, "x", protocol), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_http_request_peer(request, &address), BIGHT_E_CLOSED);
    bight_http_respond_abort(request);
    bight_http_respond_close(request);
    bight_http_response_release(response);
}

START_TEST(when_the_client_goes_what_was_tied_is_cancelled_and_all_calls_are_closed) /* A3 */
{
    struct bight_promise promise;
    begin();
    cancels = 0;
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_http_request_set_gone(kept, count_gone, &gone);
    struct bight_deferred *tied =
        bight_deferred_tie(bight_deferred_new(&promise, count_cancel, NULL), bight_http_request_owner(kept));
    if (_i == 0) {
        bight_string_reset(peer, 0);
    } else {
        bight_string_end(peer);
    }
    ck_assert_int_eq(gone, 1);
    ck_assert_int_eq(cancels, 1);
    check_closed(kept);
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    bight_failure_release(bight_result_take_failure(bight_deferred_result(tied)));
    bight_deferred_release(tied);
    struct bight_deferred *late =
        bight_deferred_tie(bight_deferred_new(&promise, count_cancel, NULL), bight_http_request_owner(kept));
    ck_assert_int_eq(cancels, 2);
    bight_failure_release(bight_result_take_failure(bight_deferred_result(late)));
    bight_deferred_release(late);
    bight_http_request_release(kept);
    ck_assert_int_eq(gone, 1);
    ck_assert_uint_eq(other_errors, 0);
    end_site();
}
END_TEST

START_TEST(the_hook_is_not_called_behind_the_answer_but_the_owner_ends) /* A3 */
{
    struct bight_promise promise;
    begin();
    cancels = 0;
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_http_request_set_gone(kept, count_gone, &gone);
    struct bight_deferred *tied =
        bight_deferred_tie(bight_deferred_new(&promise, count_cancel, NULL), bight_http_request_owner(kept));
    (void)bight_http_respond_empty(kept, 204);
    ck_assert_int_eq(cancels, 1);
    bight_string_reset(peer, 0);
    ck_assert_int_eq(gone, 0);
    bight_failure_release(bight_result_take_failure(bight_deferred_result(tied)));
    bight_deferred_release(tied);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------------- routes */

START_TEST(a_path_without_its_method_or_handler_is_told_so) /* A5 */
{
    static const struct {
        const char *request, *status, *line, *body;
    } rows[] = {
        { "GET /none", "404 Not Found", NULL, "404 Not Found\n" },
        { "POST /get", "405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS", "405 Method Not Allowed\n" },
        { "DELETE /two", "405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS, PUT", "405 Method Not Allowed\n" },
        { "OPTIONS /get", "204 No Content", "Allow: GET, HEAD, OPTIONS", "" },
        { "OPTIONS *", "204 No Content", NULL, "" },
        { "HEAD /get", "200 OK", "Content-Length: 5", "" },
        { "HEAD /none", "404 Not Found", NULL, "" },
        { "GET /dir", "308 Permanent Redirect", "Location: /dir/", "" },
        { "GET /dir?a=%20b/..", "308 Permanent Redirect", "Location: /dir/?a=%20b/..", "" },
        { "GET /get/", "308 Permanent Redirect", "Location: /get", "" },
        { "POST /get/", "404 Not Found", NULL, NULL },
        { "GET /dir/", "200 OK", NULL, "Hello" },
        { "CONNECT x:80", "501 Not Implemented", NULL, NULL },
        { "GET /%2F%2Fevil.org/%2e%2e", "400 Bad Request", NULL, NULL },
    };
    char text[256], line[64];
    begin();
    add_route("GET /get", say_hello);
    add_route("GET /two", say_hello);
    add_route("PUT /two", say_hello);
    add_route("GET /dir/", say_hello);
    (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[_i].request,
        strncmp(rows[_i].request, "CONNECT", 7) == 0 ? "x:80" : "evil.org");
    const char *answer = say(text);
    (void)snprintf(line, sizeof line, "HTTP/1.1 %s\r\n", rows[_i].status);
    ck_assert_msg(strncmp(answer, line, strlen(line)) == 0, "%s", answer);
    ck_assert_msg(rows[_i].line == NULL || has_line(answer, rows[_i].line), "%s", answer);
    ck_assert(rows[_i].body == NULL || strcmp(body_of(answer), rows[_i].body) == 0);
    ck_assert_ptr_null(strstr(answer, "evil"));
    end_site();
}
END_TEST

START_TEST(redirects_of_slashes_can_be_turned_off) /* A5 */
{
    static const struct bight_http_site_options options = { .size = sizeof options, .no_slash_redirects = true };
    begin_site(&options);
    add_route("GET /dir/", say_hello);
    connect_peer();
    ck_assert(has_line(say("GET /dir HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 404 Not Found"));
    end_site();
}
END_TEST

static void show_page(struct bight_http_request *request, int status, const char *message, void *context)
{
    char text[128];
    ck_assert_str_eq(context, "pages");
    (void)snprintf(text, sizeof text, "<h1>%d %s</h1>", status, message != NULL ? message : "-");
    (void)bight_http_respond_html(request, status, text);
}

static void fail_conflict(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_error(request, 409, "short and stout");
}

START_TEST(pages_of_errors_are_the_programs) /* A5 */
{
    static char context[] = "pages";
    begin();
    add_route("GET /get", say_hello);
    add_route("/conflict", fail_conflict);
    bight_http_site_set_error(site, show_page, context);
    ck_assert_str_eq(body_of(say("GET /none HTTP/1.1\r\nHost: x\r\n\r\n")), "<h1>404 -</h1>");
    bight_string_clear(peer);
    const char *answer = say("POST /get HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(body_of(answer), "<h1>405 -</h1>");
    ck_assert(has_line(answer, "Allow: GET, HEAD, OPTIONS"));
    bight_string_clear(peer);
    ck_assert_str_eq(body_of(say("GET /conflict HTTP/1.1\r\nHost: x\r\n\r\n")), "<h1>409 short and stout</h1>");
    bight_string_clear(peer);
    bight_http_site_set_error(site, NULL, NULL);
    ck_assert_str_eq(body_of(say("GET /conflict HTTP/1.1\r\nHost: x\r\n\r\n")), "409 Conflict\nshort and stout\n");
    end_site();
}
END_TEST

START_TEST(a_site_with_a_route_that_could_not_be_added_fails_to_serve) /* A5 */
{
    static const char *const broken[] = { "GET", "/a/{}", "/{rest...}/b", "/" };
    begin();
    ck_assert_int_ne(bight_http_route(site, broken[_i], say_hello, NULL), 0);
    struct bight_factory *factory = bight_http_site_factory(site);
    struct bight_failure *failure = factory->ops->check(factory);
    ck_assert_ptr_nonnull(failure);
    ck_assert_int_eq(bight_error_exit_status(bight_failure_code(failure)), 78);
    bight_failure_release(failure);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, texts_of_a_request_stay_where_they_are_as_long_as_it_does, 0, 3);
    tcase_add_test(tests, what_is_asked_for_behind_the_handler_first_is_the_same);
    tcase_add_test(tests, releasing_no_request_does_nothing);
    tcase_add_test(tests, fields_come_in_their_order);
    tcase_add_test(tests, a_request_with_nothing_says_nothing);
    tcase_add_loop_test(tests, a_path_is_decoded_once_or_refused, 0, 16);
    tcase_add_test(tests, parameters_outlive_what_becomes_of_the_routes);
    tcase_add_test(tests, a_value_stays_with_its_request_and_goes_with_it);
    tcase_add_loop_test(tests, when_the_client_goes_what_was_tied_is_cancelled_and_all_calls_are_closed, 0, 2);
    tcase_add_test(tests, the_hook_is_not_called_behind_the_answer_but_the_owner_ends);
    tcase_add_loop_test(tests, a_path_without_its_method_or_handler_is_told_so, 0, 14);
    tcase_add_test(tests, redirects_of_slashes_can_be_turned_off);
    tcase_add_test(tests, pages_of_errors_are_the_programs);
    tcase_add_loop_test(tests, a_site_with_a_route_that_could_not_be_added_fails_to_serve, 0, 4);
}

BIGHT_TEST_MAIN("http_request", add_tests)
