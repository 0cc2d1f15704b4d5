/* SPDX-License-Identifier: MIT */
/* Tests of forms as they come (protocols/http/server/form_reader.c): what the consumer is told in which order, how it
 * stops and resumes, and that it may do anything. */
#include "form_support.h"

enum deed {
    NOTHING,
    REFUSE_PART,  /* it is not wanted */
    PAUSE,        /* no more for now */
    PAUSE_RESUME, /* the same, and resumes at once */
    ANSWER,       /* inside data */
    ABORT,
    FREE_SITE,
    ANSWER_PART, /* inside part */
    ANSWER_END,  /* inside part_end */
};

static char told[4096];
static enum deed deed;
static int code, failed;
static struct bight_http_request *reading;
static struct bight_http_form_options options;

static void tell(const char *text, size_t size)
{
    size_t there = strlen(told);
    ck_assert_uint_lt(there + size, sizeof told);
    memcpy(told + there, text, size);
    told[there + size] = '\0';
}

static void tell_text(const char *text)
{
    tell(text != NULL ? text : "NULL", strlen(text != NULL ? text : "NULL"));
}

static void do_deed(struct bight_http_request *request)
{
    if (deed == ANSWER || deed == ANSWER_PART || deed == ANSWER_END) {
        (void)bight_http_respond_text(request, 202, "early");
    } else if (deed == ABORT) {
        bight_http_respond_abort(request);
    } else if (deed == FREE_SITE) {
        bight_http_site_free(site);
        site = NULL;
    } else if (deed == PAUSE_RESUME) {
        bight_http_request_resume(request);
    }
}

static bool part(struct bight_http_request *request, const struct bight_http_part *head, void *context)
{
    ck_assert_ptr_eq(context, told);
    tell_text("<");
    tell_text(bight_http_part_name(head));
    if (bight_http_part_label(head) != NULL) {
        tell_text("=");
        tell_text(bight_http_part_label(head));
    }
    tell_text(bight_http_part_type(head));
    tell_text(bight_http_part_field(head, "x-extra") != NULL ? bight_http_part_field(head, "x-extra") : "");
    tell_text(">");
    if (deed == ANSWER_PART) {
        do_deed(request);
    }
    return deed != REFUSE_PART;
}

static bool data(struct bight_http_request *request, const uint8_t *bytes, size_t size, void *context)
{
    (void)context;
    ck_assert_uint_gt(size, 0);
    ck_assert_uint_le(size, 65536);
    tell((const char *)bytes, size);
    if (deed != ANSWER_PART && deed != ANSWER_END) {
        do_deed(request);
    }
    return deed != PAUSE && deed != PAUSE_RESUME;
}

static void part_end(struct bight_http_request *request, void *context)
{
    (void)context;
    tell_text(";");
    if (deed == ANSWER_END) {
        do_deed(request);
    }
}

static void has_ended(struct bight_http_request *request, void *context)
{
    (void)context;
    tell_text("END");
    (void)bight_http_respond_text(request, 200, "whole");
}

static void has_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    (void)context;
    tell_text("FAILED");
    failed = bight_failure_code(failure);
}

static const struct bight_http_form_consumer consumer = {
    .size = sizeof consumer,
    .part = part,
    .data = data,
    .part_end = part_end,
    .end = has_ended,
    .failed = has_failed,
};

static void read_multipart(struct bight_http_request *request, void *context)
{
    (void)context;
    reading = request;
    code = bight_http_request_multipart(request, &consumer, told);
    ck_assert_str_eq(told, ""); /* nothing is called inside */
}

static void read_urlencoded(struct bight_http_request *request, void *context)
{
    (void)context;
    reading = request;
    code = bight_http_request_urlencoded(request, &consumer, told);
    ck_assert_str_eq(told, "");
}

static void read_either(struct bight_http_request *request, void *context)
{
    (void)context;
    reading = request;
    code = bight_http_request_consume_form(request, &options, &consumer, told);
}

static void read_silently(struct bight_http_request *request, void *context)
{
    static const struct bight_http_form_consumer silent = { .size = sizeof silent };
    (void)context;
    code = bight_http_request_consume_form(request, NULL, &silent, NULL);
    ck_assert_int_eq(bight_http_request_multipart(request, &consumer, told), BIGHT_E_USAGE);
}

static void begin(void)
{
    told[0] = '\0';
    deed = NOTHING;
    code = failed = 0;
    options = (struct bight_http_form_options) { .size = sizeof options };
    begin_site(NULL);
    add_route("/multipart", read_multipart);
    add_route("/urlencoded", read_urlencoded);
    add_route("/either", read_either);
    add_route("/silent", read_silently);
    connect_peer();
}

static const char body[] = FIELD("a", "1") FILE_PART("f", "../x", "text/plain",
    "2\r\n-") "--b\r\nX-Extra: extra\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n" END;

/* ------------------------------------------------------------------------------------------------- order */

START_TEST(a_consumer_is_told_of_each_part_in_order) /* A11 */
{
    begin();
    for (size_t piece = 1; piece < sizeof body; piece++) {
        told[0] = '\0';
        send_body(_i == 0 ? "/multipart" : "/either", MULTIPART, body, sizeof body - 1, piece);
        ck_assert_str_eq(told, "<a>1;<f=xtext/plain>2\r\n-;<bextra>;END");
        ck_assert(has_line(take_answer(), "HTTP/1.1 200 OK"));
    }
    end_site();
}
END_TEST

START_TEST(urlencoded_fields_are_parts) /* A11 */
{
    static const char fields[] = "a=1&b=%41+&c&%00=2";
    begin();
    for (size_t piece = 1; piece < sizeof fields; piece++) {
        told[0] = '\0';
        send_body(_i == 0 ? "/urlencoded" : "/either", URLENCODED, fields, sizeof fields - 1, piece);
        ck_assert_str_eq(told, "<a>1;<b>A ;<c>;<NULL>2;END");
        ck_assert(has_line(take_answer(), "HTTP/1.1 200 OK"));
    }
    end_site();
}
END_TEST

START_TEST(of_a_part_that_is_not_wanted_nothing_is_told) /* A11 */
{
    begin();
    deed = REFUSE_PART;
    send_text("/multipart", MULTIPART, body);
    ck_assert_str_eq(told, "<a><f=xtext/plain><bextra>END");
    told[0] = '\0';
    send_text("/urlencoded", URLENCODED, "a=1&b=2");
    ck_assert_str_eq(told, "<a><b>END");
    end_site();
}
END_TEST

START_TEST(slots_may_be_empty_and_a_body_is_read_once) /* A11 */
{
    begin();
    send_text("/silent", MULTIPART, body);
    ck_assert_int_eq(code, 0);
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error")); /* nobody has answered */
    send_text("/silent", MULTIPART, "nonsense");
    ck_assert(has_line(take_answer(), "HTTP/1.1 400 Bad Request"));
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------------- flow */

/* All in one piece: what is not wanted yet stays with the connection. */
START_TEST(a_consumer_that_wants_no_more_gets_none_until_it_resumes) /* A11 */
{
    begin();
    deed = PAUSE;
    if (_i == 0) {
        send_text("/multipart", MULTIPART, body);
    } else {
        char request[1024];
        (void)snprintf(request, sizeof request,
            "POST /multipart HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART
            "\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
            strlen(body), body);
        say(request);
    }
    settle();
    ck_assert_str_eq(told, "<a>1");
    bight_testing_advance(reactor, 100); /* and nobody is blamed */
    ck_assert_str_eq(told, "<a>1");
    bight_http_request_resume(reading);
    settle();
    ck_assert_ptr_nonnull(strstr(told, "<a>1;<f=xtext/plain>2"));
    deed = NOTHING;
    bight_http_request_resume(reading);
    settle();
    ck_assert_str_eq(told, "<a>1;<f=xtext/plain>2\r\n-;<bextra>;END");
    end_site();
}
END_TEST

START_TEST(a_pause_in_bytes_that_might_have_been_a_boundary_is_one) /* A11 */
{
    static const char tricky[] = FILE_PART("f", "x", "t", "\r\n-\r\n--\r\n--a\r\r\n") END;
    begin();
    for (size_t piece = 1; piece < sizeof tricky; piece++) {
        told[0] = '\0';
        deed = PAUSE;
        send_body("/multipart", MULTIPART, tricky, sizeof tricky - 1, piece);
        for (int i = 0; i < 100; i++) {
            bight_http_request_resume(reading);
            settle();
        }
        ck_assert_str_eq(told, "<f=xt>\r\n-\r\n--\r\n--a\r\r\n;END");
    }
    end_site();
}
END_TEST

START_TEST(a_resume_inside_is_not_lost) /* A11 */
{
    begin();
    for (size_t piece = 1; piece < sizeof body; piece += 3) {
        told[0] = '\0';
        deed = PAUSE_RESUME;
        send_body("/multipart", MULTIPART, body, sizeof body - 1, piece);
        settle();
        ck_assert_str_eq(told, "<a>1;<f=xtext/plain>2\r\n-;<bextra>;END");
    }
    told[0] = '\0';
    send_text("/urlencoded", URLENCODED, "a=1&b=2");
    settle();
    ck_assert_str_eq(told, "<a>1;<b>2;END");
    end_site();
}
END_TEST

START_TEST(urlencoded_fields_wait_too_but_for_the_last) /* A11 */
{
    begin();
    deed = PAUSE;
    send_text("/urlencoded", URLENCODED, "a=1&b=2&c=3");
    settle();
    ck_assert_str_eq(told, "<a>1;");
    bight_http_request_resume(reading);
    settle();
    ck_assert_str_eq(told, "<a>1;<b>2;");
    bight_http_request_resume(reading);
    settle();
    ck_assert_str_eq(told, "<a>1;<b>2;<c>3;END");
    end_site();
}
END_TEST

/* --------------------------------------------------------------------------------------------------- ends */

START_TEST(the_first_error_ends_a_form) /* A11 */
{
    begin();
    send_text("/multipart", MULTIPART, FIELD("a", "1") "--bx\r\n" END);
    ck_assert_str_eq(told, "<a>1FAILED");
    ck_assert_int_eq(failed, BIGHT_E_SYNTAX);
    ck_assert(has_line(take_answer(), "HTTP/1.1 400 Bad Request"));
    end_site();
}
END_TEST

START_TEST(a_form_of_another_kind_is_told_of_later) /* A11 */
{
    begin();
    send_text(_i == 0 ? "/multipart" : "/urlencoded", _i == 0 ? URLENCODED : MULTIPART, _i == 0 ? "a=1" : body);
    settle();
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(told, "FAILED");
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 415 Unsupported Media Type"));
    ck_assert(has_line(answer, _i == 0 ? "Accept: multipart/form-data" : "Accept: " URLENCODED));
    end_site();
}
END_TEST

START_TEST(a_client_that_leaves_is_told_of) /* A3, A11 */
{
    begin();
    say("POST /multipart HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART
        "\r\nContent-Length: 1000\r\n\r\n" FIELD("a", "1"));
    bight_string_reset(peer, 0);
    ck_assert_str_eq(told, "<a>1FAILED");
    ck_assert_int_eq(failed, BIGHT_E_CLOSED);
    end_site();
}
END_TEST

START_TEST(a_consumer_may_do_anything) /* A2, A11 */
{
    static const enum deed deeds[] = { ANSWER, ABORT, FREE_SITE, ANSWER_PART, ANSWER_END };
    for (size_t piece = 1; piece < sizeof body; piece += 50) {
        begin();
        deed = deeds[_i];
        send_body("/multipart", MULTIPART, body, sizeof body - 1, piece);
        settle();
        if (deed == FREE_SITE) {
            ck_assert_ptr_nonnull(strstr(told, "END"));
        } else {
            ck_assert_ptr_nonnull(strstr(told, "FAILED"));
            ck_assert_ptr_null(strstr(told, "END"));
            ck_assert_uint_eq(count_of(told, "FAILED"), 1);
            ck_assert_int_eq(strncmp(told + strlen(told) - 6, "FAILED", 6), 0);
        }
        end_site();
        begin();
        deed = deeds[_i];
        send_body("/urlencoded", URLENCODED, "a=1&b=2&c=3", 11, piece);
        settle();
        ck_assert_uint_eq(count_of(told, "FAILED") + count_of(told, "END"), 1);
        end_site();
    }
}
END_TEST

/* One allocation after the other fails; what was told is the beginning of all. */
static bool read_without_memory(void *context)
{
    bool good = true;
    told[0] = '\0';
    deed = NOTHING;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && bight_http_route(site, "/either", read_either, NULL) == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        const char *text = context;
        send_body("/either", *text == '-' ? MULTIPART : URLENCODED, text, strlen(text), 11);
        settle();
        good = strstr(told, "END") != NULL || bight_testing_fault_injected();
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(every_allocation_of_a_form_that_comes_may_fail) /* A11, T6 */
{
    static char bodies[2][sizeof body] = { "a=1&b=%41%42%43&c" };
    memcpy(bodies[1], body, sizeof body);
    options = (struct bight_http_form_options) { .size = sizeof options };
    ck_assert_uint_eq(bight_testing_with_faults(read_without_memory, bodies[_i], 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_consumer_is_told_of_each_part_in_order, 0, 2);
    tcase_add_loop_test(tests, urlencoded_fields_are_parts, 0, 2);
    tcase_add_test(tests, of_a_part_that_is_not_wanted_nothing_is_told);
    tcase_add_test(tests, slots_may_be_empty_and_a_body_is_read_once);
    tcase_add_loop_test(tests, a_consumer_that_wants_no_more_gets_none_until_it_resumes, 0, 2);
    tcase_add_test(tests, a_pause_in_bytes_that_might_have_been_a_boundary_is_one);
    tcase_add_test(tests, a_resume_inside_is_not_lost);
    tcase_add_test(tests, urlencoded_fields_wait_too_but_for_the_last);
    tcase_add_test(tests, the_first_error_ends_a_form);
    tcase_add_loop_test(tests, a_form_of_another_kind_is_told_of_later, 0, 2);
    tcase_add_test(tests, a_client_that_leaves_is_told_of);
    tcase_add_loop_test(tests, a_consumer_may_do_anything, 0, 5);
    tcase_add_loop_test(tests, every_allocation_of_a_form_that_comes_may_fail, 0, 2);
}

BIGHT_TEST_MAIN("http_form_stream", add_tests)
