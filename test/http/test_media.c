/* SPDX-License-Identifier: MIT */
/* Tests of media types (protocols/http/message/media.h). */
#include "http/message/media.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static struct bi_view view(const char *text)
{
    return (struct bi_view) { edge_copy(text, strlen(text)), strlen(text) };
}

static const struct {
    const char *text, *read; /* NULL: none */
} types[] = {
    { "text/html", "text/html" },
    { "text/html;charset=utf-8", "text/html [charset=utf-8]" },
    { "Text/HTML;Charset=\"utf-8\"", "Text/HTML [Charset=utf-8]" },
    { "text/html; charset=\"utf-8\"", "text/html [charset=utf-8]" },
    { "a/b ;\tc=d ; e=f", "a/b [c=d][e=f]" },
    { "a/b;", "a/b" },
    { "a/b ; ;; c=d;", "a/b [c=d]" },
    { "a/b ", "a/b" },
    { "a/b;c=\"\"", "a/b [c=]" },
    { "a/b;c=\"d;e=f\";g=h", "a/b [c=d;e=f][g=h]" },
    { "a/b;c=\"\\\"\\\\\\d\"", "a/b [c=\"\\d]" },
    { "application/vnd.api+json;profile=\"http://x/y\"", "application/vnd.api+json [profile=http://x/y]" },
    { "", NULL },
    { "text", NULL },
    { "text/", NULL },
    { "/html", NULL },
    { " text/html", NULL },
    { "text /html", NULL },
    { "text/ html", NULL },
    { "text/html/x", NULL },
    { "text/html, text/plain", NULL },
    { "text/html charset=utf-8", NULL },
    { "text/html;charset", NULL },
    { "text/html;charset=", NULL },
    { "text/html;=utf-8", NULL },
    { "text/html;charset =utf-8", NULL },
    { "text/html;charset= utf-8", NULL },
    { "text/html;charset=utf-8 x", NULL },
    { "text/html;charset=\"utf-8", NULL },
    { "text/html;charset=\"utf-8\"x", NULL },
    { "text/html;charset=\"utf-8\"x=y", NULL },
    { "text/html;charset='utf 8'", NULL },
    { "text/html;a=b,c=d", NULL },
};

/* All of it, as one text. */
static const char *written(const struct bi_media_type *media)
{
    static char text[256];
    struct bi_view rest = media->parameters;
    struct bi_parameter parameter;
    size_t size = (size_t)snprintf(text, sizeof text, "%.*s/%.*s", (int)media->type.size, (const char *)media->type.at,
        (int)media->subtype.size, (const char *)media->subtype.at);
    const char *space = " ";
    while (bi_parameter_next(&rest, &parameter) == BI_PARAMETER_NEXT) {
        uint8_t value[64];
        size_t value_size = bi_unquote(parameter.value, value, sizeof value);
        size += (size_t)snprintf(text + size, sizeof text - size, "%s[%.*s=%.*s]", space, (int)parameter.name.size,
            (const char *)parameter.name.at, (int)value_size, (const char *)value);
        space = "";
    }
    return text;
}

START_TEST(a_media_type_has_two_names_and_parameters) /* A4 */
{
    struct bi_media_type media;
    bool is_media = bi_media_parse(view(types[_i].text), &media);
    ck_assert_int_eq(is_media, types[_i].read != NULL);
    if (is_media) {
        ck_assert_str_eq(written(&media), types[_i].read);
    }
}
END_TEST

START_TEST(every_cut_of_a_media_type_is_read_within_its_bounds) /* H1 */
{
    for (size_t size = 0; size <= strlen(types[_i].text); size++) {
        struct bi_media_type media;
        struct bi_parameter parameter;
        struct bi_view text = { edge_copy(types[_i].text, size), size };
        if (bi_media_parse(text, &media)) {
            ck_assert_ptr_eq(media.parameters.at + media.parameters.size, text.at + size);
            (void)bi_media_parameter(&media, "charset", &parameter);
        }
    }
}
END_TEST

START_TEST(names_have_no_case_and_have_to_be_whole)
{
    struct bi_media_type media;
    ck_assert(bi_media_parse(view("Application/JSON; charset=utf-8"), &media));
    ck_assert(bi_media_is(&media, "application/json"));
    ck_assert(!bi_media_is(&media, "application/jso"));
    ck_assert(!bi_media_is(&media, "application/jsonx"));
    ck_assert(!bi_media_is(&media, "application"));
    ck_assert(!bi_media_is(&media, "applicationjson"));
    ck_assert(!bi_media_is(&media, ""));
}
END_TEST

START_TEST(the_first_parameter_of_a_name_counts)
{
    struct bi_media_type media;
    struct bi_parameter parameter;
    ck_assert(bi_media_parse(view("multipart/form-data; BOUNDARY=one; boundary=two"), &media));
    ck_assert(bi_media_parameter(&media, "boundary", &parameter));
    ck_assert(bi_view_equal(parameter.value, bi_view_of("one")));
    ck_assert(!bi_media_parameter(&media, "bound", &parameter));
}
END_TEST

static const struct {
    const char *text, *charset;
} charsets[] = {
    { "text/html", "" },
    { "text/html;charset=UTF-8", "utf-8" },
    { "text/html;CHARSET=\"Utf\\-8\"", "utf-8" },
    { "text/html;charset=\"\"", "" },
    { "text/html;x=y; charset=latin1; charset=utf-8", "latin1" },
};

START_TEST(a_charset_is_told_in_lower_case)
{
    uint8_t buffer[16] = { 0 };
    struct bi_media_type media;
    ck_assert(bi_media_parse(view(charsets[_i].text), &media));
    ck_assert_uint_eq(bi_media_charset(&media, buffer, sizeof buffer), strlen(charsets[_i].charset));
    ck_assert_str_eq((char *)buffer, charsets[_i].charset);
    memset(buffer, '#', sizeof buffer);
    ck_assert_uint_eq(bi_media_charset(&media, buffer, 1), strlen(charsets[_i].charset));
    ck_assert_int_eq(buffer[1], '#');
}
END_TEST

START_TEST(values_are_equal_whatever_their_quoting_and_case)
{
    ck_assert(bi_parameter_value_equal(view("UTF\\-8"), bi_view_of("utf-8")));
    ck_assert(bi_parameter_value_equal(view("\\a\\b"), bi_view_of("ab")));
    ck_assert(!bi_parameter_value_equal(view("utf-8"), bi_view_of("utf-")));
    ck_assert(!bi_parameter_value_equal(view("utf"), bi_view_of("utf-8")));
    ck_assert(bi_parameter_value_equal(view(""), bi_view_of("")));
    ck_assert(!bi_parameter_value_equal(view(""), bi_view_of("a")));
}
END_TEST

static void add_tests(TCase *tests)
{
    int count = (int)(sizeof types / sizeof *types);
    tcase_add_loop_test(tests, a_media_type_has_two_names_and_parameters, 0, count);
    tcase_add_loop_test(tests, every_cut_of_a_media_type_is_read_within_its_bounds, 0, count);
    tcase_add_test(tests, names_have_no_case_and_have_to_be_whole);
    tcase_add_test(tests, the_first_parameter_of_a_name_counts);
    tcase_add_loop_test(tests, a_charset_is_told_in_lower_case, 0, (int)(sizeof charsets / sizeof *charsets));
    tcase_add_test(tests, values_are_equal_whatever_their_quoting_and_case);
}

BIGHT_TEST_MAIN("http_media", add_tests)
