/* SPDX-License-Identifier: MIT */
/* Tests of an access log's lines (protocols/http/middleware/access_line.c): what they say, what is escaped. */
#include "http/middleware/access_line.h"

#include "support.h"

#define TIME "30/Nov/2026:03:44:46 +0000"
#define DEFAULT(text, other) ((text) != NULL ? bi_view_of(text) : (struct bi_view) { (const uint8_t *)(other), 0 })

static char line[65536];

static const char *written(const struct bi_access_entry *entry, enum bight_http_log_format format)
{
    size_t size = bi_access_line_write(entry, format, line);
    ck_assert_uint_le(size, bi_access_line_room(entry));
    ck_assert_int_eq(line[size - 1], '\n');
    line[size - 1] = '\0';
    return line;
}

/* One that says as little as it can, but for what the rows below set. */
static struct bi_access_entry usual(void)
{
    return (struct bi_access_entry) {
        .address = bi_view_of("192.0.2.1"),
        .method = bi_view_of("GET"),
        .target = bi_view_of("/a?b=c"),
        .time = TIME,
        .minor = 1,
        .status = 200,
        .bytes = 5,
        .seconds = 1.2345,
    };
}

static const struct {
    const char *user, *target, *referer, *agent, *line;
} combined[] = {
    { NULL, "/", NULL, NULL, "192.0.2.1 - - [" TIME "] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"" },
    { "ada", "/", "https://a.example/?x", "curl/8",
        "192.0.2.1 - ada [" TIME "] \"GET / HTTP/1.1\" 200 5 \"https://a.example/?x\" \"curl/8\"" },
    { "a da\n", "/\"", "\\", "\x1b[31m\x7f\xc3\xa4",
        "192.0.2.1 - a\\x20da\\x0A [" TIME "] \"GET /\\x22 HTTP/1.1\" 200 5 \"\\x5C\" \"\\x1B[31m\\x7F\\xC3\\xA4\"" },
    { "", "/\t", "", "a b", "192.0.2.1 - - [" TIME "] \"GET /\\x09 HTTP/1.1\" 200 5 \"-\" \"a b\"" },
};

START_TEST(a_combined_line_is_nginxs_and_apaches) /* A6 */
{
    struct bi_access_entry entry = usual();
    entry.user = DEFAULT(combined[_i].user, NULL);
    entry.target = bi_view_of(combined[_i].target);
    entry.referer = DEFAULT(combined[_i].referer, NULL);
    entry.agent = DEFAULT(combined[_i].agent, NULL);
    ck_assert_str_eq(written(&entry, BIGHT_HTTP_LOG_COMBINED), combined[_i].line);
}
END_TEST

/* Eight at a time are looked at. */
START_TEST(a_byte_is_escaped_wherever_it_stands) /* A6 */
{
    char text[20], wanted[32], found[64];
    for (size_t at = 0; at < sizeof text - 1; at++) {
        struct bi_access_entry entry = usual();
        memset(text, 'z', sizeof text);
        text[at] = (char)_i;
        bool is_plain = _i >= ' ' && _i < 0x7f && _i != '"' && _i != '\\';
        (void)snprintf(wanted, sizeof wanted, is_plain ? "%.*s%c%.*s" : "%.*s\\x%02X%.*s", (int)at,
            "zzzzzzzzzzzzzzzzzzzz", _i, (int)(sizeof text - 1 - at), "zzzzzzzzzzzzzzzzzzzz");
        entry.agent = (struct bi_view) { (const uint8_t *)text, sizeof text };
        (void)snprintf(found, sizeof found, " \"%s\"", wanted);
        ck_assert_ptr_nonnull(strstr(written(&entry, BIGHT_HTTP_LOG_COMBINED), found));
    }
}
END_TEST

START_TEST(a_combined_line_can_say_more_at_its_end) /* A6 */
{
    struct bi_access_entry entry = usual();
    entry.with_seconds = entry.with_id = entry.with_pattern = true;
    ck_assert_ptr_nonnull(strstr(written(&entry, BIGHT_HTTP_LOG_COMBINED), "\"-\" \"-\" 1.235 - \"-\""));
    entry.id = bi_view_of("4711");
    entry.pattern = bi_view_of("GET /{name}");
    ck_assert_ptr_nonnull(strstr(written(&entry, BIGHT_HTTP_LOG_COMBINED), " 1.235 4711 \"GET /{name}\""));
}
END_TEST

START_TEST(a_request_that_has_been_lost_has_a_line) /* A6 */
{
    struct bi_access_entry entry = usual();
    entry.method = entry.target = entry.address = (struct bi_view) { NULL, 0 };
    ck_assert_str_eq(written(&entry, BIGHT_HTTP_LOG_COMBINED), "- - - [" TIME "] \"-\" 200 5 \"-\" \"-\"");
    ck_assert_str_eq(written(&entry, BIGHT_HTTP_LOG_JSON), "{\"time\":\"" TIME "\",\"status\":200,\"bytes\":5}");
}
END_TEST

START_TEST(queries_can_be_left_out) /* A6 */
{
    struct bi_access_entry entry = usual();
    entry.without_query = true;
    entry.referer = bi_view_of("https://a.example/b?token=1");
    ck_assert_ptr_nonnull(strstr(written(&entry, BIGHT_HTTP_LOG_COMBINED), "\"GET /a HTTP/1.1\" 200 5 "
                                                                           "\"https://a.example/b\""));
    ck_assert_ptr_null(strstr(written(&entry, BIGHT_HTTP_LOG_JSON), "token"));
}
END_TEST

START_TEST(a_json_line_is_an_object) /* A6 */
{
    struct bi_access_entry entry = usual();
    entry.with_seconds = entry.with_id = entry.with_pattern = true;
    entry.user = bi_view_of("ada");
    entry.referer = bi_view_of("r");
    entry.agent = bi_view_of("a");
    entry.id = bi_view_of("i");
    entry.pattern = bi_view_of("p");
    ck_assert_str_eq(written(&entry, BIGHT_HTTP_LOG_JSON),
        "{\"time\":\"" TIME "\",\"address\":\"192.0.2.1\",\"user\":\"ada\",\"method\":\"GET\",\"target\":\"/a?b=c\","
        "\"version\":\"1.1\",\"status\":200,\"bytes\":5,\"referer\":\"r\",\"user_agent\":\"a\",\"seconds\":1.235,"
        "\"request_id\":\"i\",\"pattern\":\"p\"}");
}
END_TEST

#define NONE "\xef\xbf\xbd"

static const struct {
    const char *bytes, *string;
} strings[] = {
    { "plain", "plain" },
    { "\"\\", "\\\"\\\\" },
    { "\n\t\x1b\x7f", "\\u000a\\u0009\\u001b\\u007f" },
    { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "\xc2\x9b", "\\u009b" }, /* a terminal's CSI */
    { "\xc2\xa0", "\xc2\xa0" },
    { "\xff", NONE },
    { "\xc0\xaf", NONE NONE },                   /* longer than it needs to be */
    { "\xe0\x80\xaf", NONE NONE NONE },          /* likewise */
    { "\xed\xa0\x80", NONE NONE NONE },          /* half of a pair */
    { "\xf4\x90\x80\x80", NONE NONE NONE NONE }, /* beyond the last */
    { "\xe2\x82", NONE NONE },                   /* cut */
    { "\xe2\x82x", NONE NONE "x" },
};

START_TEST(a_json_string_is_utf_8_whatever_came) /* A6 */
{
    char wanted[256];
    struct bi_access_entry entry = usual();
    entry.agent = bi_view_of(strings[_i].bytes);
    (void)snprintf(wanted, sizeof wanted, "\"user_agent\":\"%s\"}", strings[_i].string);
    ck_assert_ptr_nonnull(strstr(written(&entry, BIGHT_HTTP_LOG_JSON), wanted));
}
END_TEST

START_TEST(the_longest_line_fits_its_room) /* A6 */
{
    static uint8_t many[10000];
    struct bi_view all = { many, sizeof many };
    memset(many, _i, sizeof many);
    struct bi_access_entry entry = {
        .address = all,
        .user = all,
        .method = all,
        .target = all,
        .referer = all,
        .agent = all,
        .id = all,
        .pattern = all,
        .time = TIME,
        .minor = 1,
        .status = 999,
        .bytes = UINT64_MAX,
        .seconds = 1e300,
        .with_seconds = true,
        .with_id = true,
        .with_pattern = true,
    };
    ck_assert_uint_le(bi_access_line_room(&entry), sizeof line);
    (void)written(&entry, BIGHT_HTTP_LOG_COMBINED);
    (void)written(&entry, BIGHT_HTTP_LOG_JSON);
}
END_TEST

START_TEST(the_time_is_utc) /* A6 */
{
    char text[BI_ACCESS_TIME];
    bi_access_time(text, BIGHT_HTTP_LOG_COMBINED, 1796010286);
    ck_assert_str_eq(text, "30/Nov/2026:03:44:46 +0000");
    bi_access_time(text, BIGHT_HTTP_LOG_JSON, 1796010286);
    ck_assert_str_eq(text, "2026-11-30T03:44:46Z");
    bi_access_time(text, BIGHT_HTTP_LOG_JSON, 0);
    ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_combined_line_is_nginxs_and_apaches, 0, (int)(sizeof combined / sizeof *combined));
    tcase_add_loop_test(tests, a_byte_is_escaped_wherever_it_stands, 0, 256);
    tcase_add_test(tests, a_combined_line_can_say_more_at_its_end);
    tcase_add_test(tests, a_request_that_has_been_lost_has_a_line);
    tcase_add_test(tests, queries_can_be_left_out);
    tcase_add_test(tests, a_json_line_is_an_object);
    tcase_add_loop_test(tests, a_json_string_is_utf_8_whatever_came, 0, (int)(sizeof strings / sizeof *strings));
    tcase_add_loop_test(tests, the_longest_line_fits_its_room, 0, 256);
    tcase_add_test(tests, the_time_is_utc);
}

BIGHT_TEST_MAIN("http_access_line", add_tests)
