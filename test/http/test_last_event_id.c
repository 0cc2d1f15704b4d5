/* SPDX-License-Identifier: MIT */
/* Tests of what a client says it got last (protocols/http/events/last_event_id.c). */
#include "site_support.h"

static char id[512]; /* "-": none */

static void note_id(struct bight_http_request *request, void *context)
{
    const char *last = bight_http_request_last_event_id(request);
    (void)context;
    (void)snprintf(id, sizeof id, "%s", last != NULL ? last : "-");
    (void)bight_http_respond_empty(request, 204);
}

static const char *told(const char *query, const char *fields)
{
    char request[2048];
    (void)snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, fields);
    (void)snprintf(id, sizeof id, "not asked");
    say(request);
    return id;
}

static void begin(void)
{
    begin_site(NULL);
    add_route("/", note_id);
    connect_peer();
}

START_TEST(a_client_says_what_it_got_last) /* A13 */
{
    begin();
    ck_assert_str_eq(told("", ""), "-");
    ck_assert_str_eq(told("", "Last-Event-ID: 7\r\n"), "7");
    ck_assert_str_eq(told("", "last-event-id:  caf\xc3\xa9 \r\n"), "caf\xc3\xa9");
    ck_assert_str_eq(told("", "Last-Event-ID:\r\n"), "-");
    ck_assert_str_eq(told("", "Last-Event-ID: 1\r\nLast-Event-ID: 2\r\n"), "1");
    end_site();
}
END_TEST

START_TEST(a_page_may_say_it_in_the_query) /* A13 */
{
    begin();
    ck_assert_str_eq(told("?lastEventId=7", ""), "7");
    ck_assert_str_eq(told("?a=b&lastEventId=a%20b", ""), "a b");
    ck_assert_str_eq(told("?lastEventId=7", "Last-Event-ID: 9\r\n"), "9"); /* it is newer */
    ck_assert_str_eq(told("?lastEventId=7", "Last-Event-ID: \xff\r\n"), "-");
    ck_assert_str_eq(told("?lastEventId=", ""), "-");
    ck_assert_str_eq(told("?lastEventID=7", ""), "-");
    end_site();
}
END_TEST

START_TEST(what_no_event_has_as_its_id_is_not_told) /* A13 */
{
    char field[600], query[600];
    begin();
    ck_assert_str_eq(told("?lastEventId=a%0ab", ""), "-");
    ck_assert_str_eq(told("?lastEventId=a%0d", ""), "-");
    ck_assert_str_eq(told("?lastEventId=a%00", ""), "-");
    ck_assert_str_eq(told("?lastEventId=%c3", ""), "-");
    ck_assert_str_eq(told("?lastEventId=%c3%a9", ""), "\xc3\xa9");
    for (size_t size = 255; size < 259; size++) {
        (void)snprintf(field, sizeof field, "Last-Event-ID: %0*d\r\n", (int)size, 1);
        (void)snprintf(query, sizeof query, "?lastEventId=%0*d", (int)size, 1);
        ck_assert_uint_eq(strlen(told("", field)), size <= 256 ? size : 1);
        ck_assert_uint_eq(strlen(told(query, "")), size <= 256 ? size : 1);
    }
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_client_says_what_it_got_last);
    tcase_add_test(tests, a_page_may_say_it_in_the_query);
    tcase_add_test(tests, what_no_event_has_as_its_id_is_not_told);
}

BIGHT_TEST_MAIN("http_last_event_id", add_tests)
