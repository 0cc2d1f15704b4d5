/* SPDX-License-Identifier: MIT */
/* Tests of JSON where there is no jansson (protocols/http/server/json_none.c): it is not supported, and says so. */
#include "site_support.h"

static int code;

static void note(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    ck_assert_ptr_nonnull(failure);
    code = bight_failure_code(failure);
    (void)bight_http_respond_failure(context, failure);
}

static void read_json(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *reading = bight_http_request_json(request, 0);
    ck_assert_int_eq(bight_deferred_add_both(reading, note, request), 0);
    bight_deferred_release(reading);
}

static void write_json(struct bight_http_request *request, void *context)
{
    (void)context;
    code = bight_http_respond_json(request, 200, NULL);
}

START_TEST(json_is_not_supported) /* A11 */
{
    ck_assert(!bight_http_has_json());
    begin_site(NULL);
    add_route("/read", read_json);
    add_route("/write", write_json);
    connect_peer();
    ck_assert(has_line(say("GET /read HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_int_eq(code, BIGHT_E_NOT_SUPPORTED);
    bight_string_clear(peer);
    ck_assert(has_line(say("GET /write HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_int_eq(code, BIGHT_E_NOT_SUPPORTED);
    struct bight_http_response *response = bight_http_response_new(200);
    ck_assert_int_eq(bight_http_response_take_json(response, NULL), BIGHT_E_NOT_SUPPORTED);
    bight_http_response_release(response);
    ck_assert_uint_eq(usage_errors, 3);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, json_is_not_supported);
}

BIGHT_TEST_MAIN("http_json_none", add_tests)
