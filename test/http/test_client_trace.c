/* SPDX-License-Identifier: MIT */
/* Tests of what a client's hook hears of requests (protocols/http/client/trace.c): which steps, when, and of which
 * request. */
#include "client_support.h"

#include <bight/protocols/http_client_hooks.h>

#include <math.h>

static struct bight_http_trace last;
static bool frees_inside;
static char name[] = "mine";

/* "1.0q" is call 1, hop 0, queued; a letter for each step. */
static void note_step(const struct bight_http_trace *trace, enum bight_http_step step, void *context)
{
    ck_assert_str_eq(context, "mine");
    hear("%u.%u%c", (unsigned)trace->call, trace->hop, "qcrotsfd"[step]);
    ck_assert(!isnan(trace->at[step]));
    last = *trace;
    last.url = last.method = NULL;
    if (step == BIGHT_HTTP_STEP_DONE) {
        hear("%s %s %d%s", trace->method, trace->url, trace->status, trace->is_reused ? " again" : "");
    }
    if (frees_inside) {
        struct bight_http_client *freed = client;
        frees_inside = false;
        client = NULL;
        bight_http_client_free(freed);
        (void)snprintf(name, sizeof name, "gone");
    }
}

static struct bight_http_client_hooks hooks;
static struct peer *server;

static void begin(void)
{
    hooks = (struct bight_http_client_hooks) { .size = sizeof hooks, .step = note_step, .context = name };
    const struct bight_http_client_options options = { .size = sizeof options, .hooks = &hooks };
    frees_inside = false;
    (void)snprintf(name, sizeof name, "mine");
    begin_world(&options);
    server = add_peer("server", NULL, ANSWER(2, "Hi"));
}

START_TEST(each_step_is_told_in_order) /* C10 */
{
    begin();
    get("http://server/a", "");
    pass(1);
    ck_heard("1.0q 1.0c 1.0r 1.0o 1.0s 200 'Hi' 1.0f 1.0d GET http://server/a 200");
    ck_assert_int_eq(last.address.family, BIGHT_ADDRESS_IPV6);
    ck_assert_uint_eq(last.address.port, 80);
    ck_assert_int_eq(last.code, 0);
    ck_assert(isnan(last.at[BIGHT_HTTP_STEP_SECURED]));
    end_world();
}
END_TEST

static void answer_late(struct talk *talk, const char *request)
{
    (void)request;
    say_after(talk, 2, HEAD_200 "Content-Length: 2\r\n\r\n");
    say_after(talk, 5, "Hi");
}

START_TEST(times_are_those_of_the_steps) /* C10 */
{
    begin();
    server->script = answer_late;
    get("http://server/", "");
    pass(10);
    ck_assert_double_eq_tol(last.at[BIGHT_HTTP_STEP_FIRST_BYTE] - last.at[BIGHT_HTTP_STEP_SENT], 2, 0.1);
    ck_assert_double_eq_tol(last.at[BIGHT_HTTP_STEP_DONE] - last.at[BIGHT_HTTP_STEP_FIRST_BYTE], 3, 0.1);
    for (unsigned step = BIGHT_HTTP_STEP_CONNECTING; step <= BIGHT_HTTP_STEP_CONNECTED; step++) {
        ck_assert(last.at[step - 1] <= last.at[step]);
    }
    end_world();
}
END_TEST

START_TEST(a_kept_connection_is_told_apart) /* C10 */
{
    begin();
    get("http://server/a", "");
    pass(1);
    heard[0] = '\0';
    get("http://server/b", "");
    pass(1);
    ck_heard("2.0q 2.0s 200 'Hi' 2.0f 2.0d GET http://server/b 200 again");
    end_world();
}
END_TEST

static void redirect(struct talk *talk, const char *request)
{
    bool is_first = strncmp(request, "POST /a ", 8) == 0;
    say(talk, is_first ? "HTTP/1.1 303 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n" : ANSWER(2, "Hi"));
}

START_TEST(each_hop_has_steps_of_its_own) /* C10 */
{
    begin();
    server->script = redirect;
    note(bight_http_call_send(bight_http_call_new(client, "POST", "http://server/a")), "");
    pass(1);
    ck_heard("1.0q 1.0c 1.0r 1.0o 1.0s 1.0f 1.0d POST http://server/a 303 1.1q 1.1s 200 'Hi' "
             "1.1f 1.1d GET http://server/b 200 again");
    end_world();
}
END_TEST

START_TEST(a_failure_says_how_far_it_came) /* C10 */
{
    begin();
    get("http://server:81/", "");
    pass(1);
    ck_heard("1.0q 1.0c 1.0r ALL_FAILED 1.0d GET http://server:81/ 0");
    ck_assert_int_eq(last.code, BIGHT_E_ALL_FAILED);
    heard[0] = '\0';
    get("http://nobody/", "");
    pass(1);
    ck_heard("2.0q 2.0c NAME_NOT_FOUND 2.0d GET http://nobody/ 0");
    end_world();
}
END_TEST

START_TEST(what_is_cancelled_is_done) /* C10 */
{
    begin();
    server->answer = NULL;
    struct bight_deferred *asked = bight_http_get(client, "http://server/");
    pass(1);
    bight_deferred_cancel(asked);
    note(asked, "");
    pass(1);
    ck_heard("1.0q 1.0c 1.0r 1.0o 1.0s CANCELLED 1.0d GET http://server/ 0");
    ck_assert_int_eq(last.code, BIGHT_E_CANCELLED);
    end_world();
}
END_TEST

START_TEST(the_rest_is_told_when_the_client_is_freed) /* C10 */
{
    begin();
    get("http://server/", "");
    bight_http_client_free(client);
    client = NULL;
    ck_heard("ABANDONED 1.0q 1.0c 1.0d GET http://server/ 0");
    pass(1);
    ck_heard("");
    end_world();
}
END_TEST

START_TEST(the_client_may_be_freed_by_its_hook) /* C10 */
{
    begin();
    get("http://server/", "");
    frees_inside = true;
    pass(1);
    ck_assert_ptr_null(client);
    ck_assert_ptr_nonnull(strstr(heard, "1.0d"));
    end_world();
}
END_TEST

START_TEST(the_rest_of_a_call_that_is_over_is_told_before_its_client_is_freed) /* C10 */
{
    begin();
    struct bight_deferred *asked = bight_http_get(client, "http://server/");
    bight_deferred_cancel(asked);
    note(asked, "");
    frees_inside = true;
    pass(1);
    ck_assert_ptr_null(client);
    ck_heard("CANCELLED 1.0q 1.0c 1.0d GET http://server/ 0");
    end_world();
}
END_TEST

static void be_dead_once(struct talk *talk, const char *request)
{
    (void)request;
    if (talk->number == 1 && talk->requests > 1) {
        hang_up(talk);
    } else {
        say(talk, ANSWER(2, "Hi"));
    }
}

START_TEST(of_a_request_that_is_sent_again_no_step_is_told_behind_a_later_one) /* C10 */
{
    begin();
    server->script = be_dead_once;
    get("http://server/a", "");
    pass(1);
    heard[0] = '\0';
    get("http://server/b", "");
    pass(1);
    ck_heard("2.0q 2.0s 200 'Hi' 2.0f 2.0d GET http://server/b 200");
    ck_assert(last.at[BIGHT_HTTP_STEP_CONNECTED] <= last.at[BIGHT_HTTP_STEP_SENT]);
    end_world();
}
END_TEST

static void refuse_to_expect(struct talk *talk, const char *request)
{
    bool expects = strstr(request, "Expect:") != NULL;
    say(talk, expects ? "HTTP/1.1 417 X\r\nContent-Length: 0\r\n\r\n" : ANSWER(2, "Hi"));
}

START_TEST(what_is_sent_again_without_asking_is_one_request) /* C10, C8 */
{
    const struct bight_http_call_options options = { .size = sizeof options, .expect_from = 1, .continue_seconds = 5 };
    begin();
    server->script = refuse_to_expect;
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    ck_assert_int_eq(bight_http_call_body(call, "abc", 3, NULL), 0);
    note(bight_http_call_send(call), "");
    pass(10);
    ck_heard("1.0q 1.0c 1.0r 1.0o 1.0s 1.0f 200 'Hi' 1.0d POST http://server/ 200 again");
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, each_step_is_told_in_order);
    tcase_add_test(tests, times_are_those_of_the_steps);
    tcase_add_test(tests, a_kept_connection_is_told_apart);
    tcase_add_test(tests, each_hop_has_steps_of_its_own);
    tcase_add_test(tests, a_failure_says_how_far_it_came);
    tcase_add_test(tests, what_is_cancelled_is_done);
    tcase_add_test(tests, the_rest_is_told_when_the_client_is_freed);
    tcase_add_test(tests, the_client_may_be_freed_by_its_hook);
    tcase_add_test(tests, the_rest_of_a_call_that_is_over_is_told_before_its_client_is_freed);
    tcase_add_test(tests, of_a_request_that_is_sent_again_no_step_is_told_behind_a_later_one);
    tcase_add_test(tests, what_is_sent_again_without_asking_is_one_request);
}

BIGHT_TEST_MAIN("http_client_trace", add_tests)
