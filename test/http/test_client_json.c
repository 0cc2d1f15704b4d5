/* SPDX-License-Identifier: MIT */
/* Tests of bodies of calls that are JSON, where there is jansson. */
#include <bight/protocols/http_client_bodies.h>

#include <jansson.h>

#include "client_support.h"

START_TEST(a_value_of_json_is_a_body) /* C8 */
{
    begin_world(NULL);
    struct peer *server = add_peer("server", NULL, ANSWER(5, "Hello"));
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://server/");
    ck_assert_int_eq(bight_http_call_body_json(call, json_pack("{s:i}", "a", 1)), 0);
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_str_eq(strstr(server->last, "\r\n\r\n") + 4, "{\"a\":1}");
    ck_assert_ptr_nonnull(strstr(server->last, "Content-Type: application/json\r\n"));
    end_world();
}
END_TEST

START_TEST(what_is_no_json_fails_the_call) /* C8 */
{
    begin_world(NULL);
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://server/");
    ck_assert_int_eq(bight_http_call_body_json(NULL, json_object()), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_call_body_json(call, NULL), BIGHT_E_OUT_OF_MEMORY);
    note(bight_http_call_send(call), "");
    ck_heard("OUT_OF_MEMORY");
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_value_of_json_is_a_body);
    tcase_add_test(tests, what_is_no_json_fails_the_call);
}

BIGHT_TEST_MAIN("http_client_json", add_tests)
