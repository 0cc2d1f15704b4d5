/* SPDX-License-Identifier: MIT */
/* Tests of text in pages (protocols/http/server/escaped.c): what a visitor wrote stays text. */
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include "site_support.h"

static const char *shown;
static int code;

static void show(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_begin(request, 200, "text/html; charset=utf-8", -1);
    code = bight_http_respond_write_escaped(request, shown);
    (void)bight_http_respond_finish(request);
}

/* What the page is when it shows `text`, which a browser would turn into `text` again. */
static struct bight_http_response *page_of(const char *text)
{
    shown = text;
    struct bight_deferred *asked = bight_http_testing_get(site, "/");
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    bight_deferred_release(asked);
    return response;
}

static void begin(void)
{
    begin_site(NULL);
    add_route("/", show);
}

static const struct {
    const char *text, *page;
} shows[] = {
    { "", "" },
    { "plain", "plain" },
    { "<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" },
    { "a & b &amp; \"c\"", "a &amp; b &amp;amp; &#34;c&#34;" },
    { "\xc3\xa9\n\t", "\xc3\xa9\n\t" },
};

START_TEST(what_would_be_markup_is_escaped) /* H6 */
{
    begin();
    struct bight_http_response *response = page_of(shows[_i].text);
    ck_assert_str_eq(bight_http_testing_text(response), shows[_i].page);
    ck_assert_int_eq(code, 0);
    bight_http_response_release(response);
    end_site();
}
END_TEST

/* As a browser reads it. */
static void unescape(char *text)
{
    static const char *const escapes[] = { "&amp;", "&lt;", "&gt;", "&#34;", "&#39;" };
    char *to = text;
    for (const char *at = text; *at != '\0';) {
        size_t which = 0;
        while (which < 5 && strncmp(at, escapes[which], strlen(escapes[which])) != 0) {
            which++;
        }
        *to++ = which < 5 ? "&<>\"'"[which] : *at;
        at += which < 5 ? strlen(escapes[which]) : 1;
    }
    *to = '\0';
}

START_TEST(texts_of_any_length_come_through) /* H6 */
{
    static char text[3001], page[16000];
    begin();
    for (size_t size = 0; size < sizeof text - 1; size += size < 1000 || size > 1050 ? 97 : 1) {
        for (size_t i = 0; i < size; i++) {
            text[i] = "a&<b>\"'"[(i * 7 + size) % 7];
        }
        text[size] = '\0';
        struct bight_http_response *response = page_of(text);
        (void)snprintf(page, sizeof page, "%s", bight_http_testing_text(response));
        ck_assert_ptr_null(strpbrk(page, "<>\"'"));
        unescape(page);
        ck_assert_str_eq(page, text);
        bight_http_response_release(response);
    }
    end_site();
}
END_TEST

static void show_too_early(struct bight_http_request *request, void *context)
{
    (void)context;
    code = bight_http_respond_write_escaped(request, shown);
    (void)bight_http_respond_text(request, 200, "");
}

START_TEST(it_is_a_piece_of_an_answer_that_has_been_begun) /* A2 */
{
    begin();
    add_route("/early", show_too_early);
    (void)connect_peer();
    shown = _i == 0 ? "text" : "";
    (void)say("GET /early HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(code, BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_would_be_markup_is_escaped, 0, (int)(sizeof shows / sizeof *shows));
    tcase_add_test(tests, texts_of_any_length_come_through);
    tcase_add_loop_test(tests, it_is_a_piece_of_an_answer_that_has_been_begun, 0, 2);
}

BIGHT_TEST_MAIN("http_escaped", add_tests)
