/* SPDX-License-Identifier: MIT */
/* Tests of URLs taken apart (protocols/http/message/url.h). */
#include "http/message/url.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static const char *const schemes[] = { "http", "https", "ws", "wss" };
static const char *const kinds[] = { "name", "ipv4", "ipv6" };

/* scheme|userinfo|kind host|port|path|query|fragment; `-` where a part is not there, `*` before a port of its own. */
static const char *written(const struct bi_url *url, const char *bytes)
{
    static char text[512];
    (void)snprintf(text, sizeof text, "%s|%.*s|%s %.*s|%s%u|%.*s|%.*s|%.*s", schemes[url->scheme],
        url->has_userinfo ? (int)url->userinfo.size : 1, url->has_userinfo ? bytes + url->userinfo.at : "-",
        kinds[url->host_kind], (int)url->host.size, bytes + url->host.at, url->has_port ? "*" : "", url->port,
        (int)url->path.size, bytes + url->path.at, url->has_query ? (int)url->query.size : 1,
        url->has_query ? bytes + url->query.at : "-", url->has_fragment ? (int)url->fragment.size : 1,
        url->has_fragment ? bytes + url->fragment.at : "-");
    return text;
}

static const struct {
    const char *text, *parts;
} accepted[] = {
    { "http://example.org", "http|-|name example.org|80||-|-" },
    { "https://example.org/", "https|-|name example.org|443|/|-|-" },
    { "ws://example.org/chat?room=1", "ws|-|name example.org|80|/chat|room=1|-" },
    { "wss://example.org:8443", "wss|-|name example.org|*8443||-|-" },
    { "HtTpS://Example.ORG:443/A", "https|-|name Example.ORG|*443|/A|-|-" },
    { "http://user:pa%20ss@example.org/", "http|user:pa%20ss|name example.org|80|/|-|-" },
    { "http://@example.org/", "http||name example.org|80|/|-|-" },
    { "http://a?b", "http|-|name a|80||b|-" },
    { "http://a#b", "http|-|name a|80||-|b" },
    { "http://a/?", "http|-|name a|80|/||-" },
    { "http://a/#", "http|-|name a|80|/|-|" },
    { "http://a/b?c?d/e#f?g/h", "http|-|name a|80|/b|c?d/e|f?g/h" },
    { "http://a/b@c:d", "http|-|name a|80|/b@c:d|-|-" },
    { "http://a//b/../c/./%2e%2E", "http|-|name a|80|//b/../c/./%2e%2E|-|-" },
    { "http://a/{b}|c^d`e\"<f>[]?{}|^`\"<>[]'", "http|-|name a|80|/{b}|c^d`e\"<f>[]|{}|^`\"<>[]'|-" },
    { "http://a_b-c.d~e!$&'()*+,;=/", "http|-|name a_b-c.d~e!$&'()*+,;=|80|/|-|-" },
    { "http://example.org./", "http|-|name example.org.|80|/|-|-" },
    { "http://a:/b", "http|-|name a|80|/b|-|-" },
    { "http://a:1", "http|-|name a|*1||-|-" },
    { "http://a:65535/", "http|-|name a|*65535|/|-|-" },
    { "http://a:00080/", "http|-|name a|*80|/|-|-" },
    { "http://1.2.3.4:5/", "http|-|ipv4 1.2.3.4|*5|/|-|-" },
    { "http://255.255.255.255", "http|-|ipv4 255.255.255.255|80||-|-" },
    { "http://0.0.0.0", "http|-|ipv4 0.0.0.0|80||-|-" },
    { "http://1.2.3.4.example.org", "http|-|name 1.2.3.4.example.org|80||-|-" },
    { "http://1e1", "http|-|name 1e1|80||-|-" },
    { "http://0xg", "http|-|name 0xg|80||-|-" },
    { "http://a.12b", "http|-|name a.12b|80||-|-" },
    { "http://[::1]", "http|-|ipv6 ::1|80||-|-" },
    { "http://[::]:8080/", "http|-|ipv6 ::|*8080|/|-|-" },
    { "http://u@[2001:DB8::7]:/x", "http|u|ipv6 2001:DB8::7|80|/x|-|-" },
    { "http://[1:2:3:4:5:6:7:8]", "http|-|ipv6 1:2:3:4:5:6:7:8|80||-|-" },
    { "http://[1:2:3:4:5:6:7::]", "http|-|ipv6 1:2:3:4:5:6:7::|80||-|-" },
    { "http://[::2:3:4:5:6:7:8]", "http|-|ipv6 ::2:3:4:5:6:7:8|80||-|-" },
    { "http://[1::8]", "http|-|ipv6 1::8|80||-|-" },
    { "http://[::ffff:192.0.2.1]", "http|-|ipv6 ::ffff:192.0.2.1|80||-|-" },
    { "http://[1:2:3:4:5:6:1.2.3.4]", "http|-|ipv6 1:2:3:4:5:6:1.2.3.4|80||-|-" },
};

START_TEST(a_url_is_taken_apart) /* C11 */
{
    struct bi_url url;
    size_t size = strlen(accepted[_i].text);
    struct bi_view text = { edge_copy(accepted[_i].text, size), size };
    ck_assert_msg(bi_url_parse(&url, text), "%s: %s", accepted[_i].text, url.why);
    ck_assert_str_eq(written(&url, accepted[_i].text), accepted[_i].parts);
}
END_TEST

static const struct {
    const char *text;
    uint32_t at;
    const char *why; /* how it begins */
} refused[] = {
    { "", 0, "the scheme" },
    { "http", 0, "the scheme" },
    { "/path", 0, "the scheme" },
    { "//example.org/", 0, "the scheme" },
    { "example.org", 0, "the scheme" },
    { "ftp://example.org/", 0, "the scheme" },
    { "httpx://example.org/", 0, "the scheme" },
    { "http+x://example.org/", 0, "the scheme" },
    { " http://example.org/", 0, "the scheme" },
    { "javascript:alert(1)", 0, "the scheme" },
    { "http:", 4, "`://`" },
    { "http:/a", 4, "`://`" },
    { "http:a", 4, "`://`" },
    { "http:\\\\a", 4, "`://`" },
    { "http://", 7, "there is no host" },
    { "http:///a", 7, "there is no host" },
    { "http://:80/", 7, "there is no host" },
    { "http://user@/", 12, "there is no host" },
    { "http://?a", 7, "there is no host" },
    /* Bytes that must not stand where they do. */
    { "http://a b/", 8, "a space" },
    { "http://a\tb/", 8, "a control" },
    { "http://a\r\nb/", 8, "a control" },
    { "http://a\\b/", 8, "a backslash" },
    { "http://good.example\\@evil.example/", 19, "a backslash" },
    { "http://\xc3\xa9/", 7, "a byte that is not ASCII" },
    { "http://%61/", 7, "a host must not have escapes" },
    { "http://a%2eb/", 8, "a host must not have escapes" },
    { "http://127.0.0.1%00.example.org/", 16, "a host must not have escapes" },
    { "http://a<b>/", 8, "a character" },
    { "http://a@b@c/", 10, "a character" },
    { "http://a[b/", 8, "a character" },
    { "http://a]b/", 8, "a character" },
    { "http://us er@a/", 9, "a space" },
    { "http://us%2@a/", 9, "a character" },
    { "http://us[er@a/", 9, "a character" },
    { "http://a/b c", 10, "a space" },
    { "http://a/\x01", 9, "a control" },
    { "http://a/\x7f", 9, "a control" },
    { "http://a/b\\c", 10, "a backslash" },
    { "http://a/\xff", 9, "a byte that is not ASCII" },
    { "http://a/%", 9, "two hexadecimal" },
    { "http://a/%4", 9, "two hexadecimal" },
    { "http://a/%4g", 9, "two hexadecimal" },
    { "http://a/?b=%zz", 12, "two hexadecimal" },
    { "http://a/? ", 10, "a space" },
    { "http://a/?b\\", 11, "a backslash" },
    { "http://a/#b c", 11, "a space" },
    { "http://a/#%a", 10, "two hexadecimal" },
    { "http://a/#b#c", 11, "a second `#`" },
    { "ws://a/#b", 7, "the URL of a WebSocket" },
    { "wss://a#", 7, "the URL of a WebSocket" },
    /* Ports. */
    { "http://a:0/", 9, "a port" },
    { "http://a:65536/", 9, "a port" },
    { "http://a:4294967377/", 9, "a port" },
    { "http://a:99999999999999999999/", 9, "a port" },
    { "http://a:-1/", 9, "a character" },
    { "http://a:8o/", 10, "a character" },
    { "http://a:80:80/", 11, "a character" },
    { "http://a: 80/", 9, "a space" },
    { "http://a:80 /", 11, "a space" },
    /* Numbers that resolvers take for addresses. */
    { "http://1/", 7, "a host that is a number" },
    { "http://2130706433/", 7, "a host that is a number" },
    { "http://127.1/", 7, "a host that is a number" },
    { "http://127.0.1/", 7, "a host that is a number" },
    { "http://0177.0.0.1/", 7, "a host that is a number" },
    { "http://127.0.0.01/", 7, "a host that is a number" },
    { "http://0x7f.0.0.1/", 7, "a host that is a number" },
    { "http://0x7F000001/", 7, "a host that is a number" },
    { "http://0x/", 7, "a host that is a number" },
    { "http://127.0.0.0X1/", 7, "a host that is a number" },
    { "http://127.0.0.1./", 7, "a host that is a number" },
    { "http://127.0.0.1../", 7, "a host that is a number" },
    { "http://1.2.3.256/", 7, "a host that is a number" },
    { "http://1.2.3.4.5/", 7, "a host that is a number" },
    { "http://.1/", 7, "a host that is a number" },
    { "http://example.1/", 7, "a host that is a number" },
    { "http://999999999999999999999/", 7, "a host that is a number" },
    /* In brackets. */
    { "http://[::1", 7, "a bracket" },
    { "http://[::1/]", 7, "a bracket" },
    { "http://[]/", 8, "what is in brackets" },
    { "http://[1.2.3.4]/", 8, "what is in brackets" },
    { "http://[a]/", 8, "what is in brackets" },
    { "http://[v1.a]/", 8, "what is in brackets" },
    { "http://[:]/", 8, "what is in brackets" },
    { "http://[:1]/", 8, "what is in brackets" },
    { "http://[1:]/", 8, "what is in brackets" },
    { "http://[:::]/", 8, "what is in brackets" },
    { "http://[1:::2]/", 8, "what is in brackets" },
    { "http://[1::2::3]/", 8, "what is in brackets" },
    { "http://[12345::]/", 8, "what is in brackets" },
    { "http://[1:2:3:4:5:6:7]/", 8, "what is in brackets" },
    { "http://[1:2:3:4:5:6:7:8:9]/", 8, "what is in brackets" },
    { "http://[1:2:3:4:5:6:7:8::]/", 8, "what is in brackets" },
    { "http://[::1:2:3:4:5:6:7:8]/", 8, "what is in brackets" },
    { "http://[::1.2.3]/", 8, "what is in brackets" },
    { "http://[::1.2.3.4:5]/", 8, "what is in brackets" },
    { "http://[::1.2.3.04]/", 8, "what is in brackets" },
    { "http://[1:2:3:4:5:6:7:1.2.3.4]/", 8, "what is in brackets" },
    { "http://[1.2.3.4::]/", 8, "what is in brackets" },
    { "http://[fe80::1%25eth0]/", 15, "a zone" },
    { "http://[fe80::1%eth0]/", 15, "a zone" },
    { "http://[::1]a/", 12, "a character" },
    { "http://[::1] /", 12, "a space" },
    { "http://[[::1]]/", 8, "what is in brackets" },
};

START_TEST(what_is_refused_has_a_place_and_a_reason) /* C11 */
{
    struct bi_url url;
    size_t size = strlen(refused[_i].text);
    struct bi_view text = { edge_copy(refused[_i].text, size), size };
    ck_assert_msg(!bi_url_parse(&url, text), "%s", refused[_i].text);
    ck_assert_msg(url.bad_at == refused[_i].at, "%s: at %u: %s", refused[_i].text, url.bad_at, url.why);
    ck_assert_msg(strncmp(url.why, refused[_i].why, strlen(refused[_i].why)) == 0, "%s: %s", refused[_i].text, url.why);
}
END_TEST

START_TEST(every_cut_is_read_within_its_bounds) /* H1 */
{
    for (size_t size = 0; size < strlen(accepted[_i].text); size++) {
        struct bi_url url;
        struct bi_view text = { edge_copy(accepted[_i].text, size), size };
        if (!bi_url_parse(&url, text)) {
            ck_assert_uint_le(url.bad_at, size);
            ck_assert_ptr_nonnull(url.why);
        }
    }
}
END_TEST

START_TEST(a_nul_is_a_control_character) /* C11 */
{
    struct bi_url url;
    ck_assert(!bi_url_parse(&url, (struct bi_view) { edge_copy("http://a\0b/", 11), 11 }));
    ck_assert_uint_eq(url.bad_at, 8);
    ck_assert(!bi_url_parse(&url, (struct bi_view) { edge_copy("http://a/\0", 10), 10 }));
    ck_assert_uint_eq(url.bad_at, 9);
}
END_TEST

START_TEST(a_url_has_a_limit)
{
    static char text[BI_URL_LIMIT + 1];
    struct bi_url url;
    memset(text, 'a', sizeof text);
    memcpy(text, "http://", 7);
    ck_assert(bi_url_parse(&url, (struct bi_view) { (uint8_t *)text, BI_URL_LIMIT }));
    ck_assert(!bi_url_parse(&url, (struct bi_view) { (uint8_t *)text, BI_URL_LIMIT + 1 }));
    ck_assert_uint_eq(url.bad_at, BI_URL_LIMIT);
}
END_TEST

static void add_tests(TCase *tests)
{
    int accepted_count = (int)(sizeof accepted / sizeof *accepted);
    tcase_add_loop_test(tests, a_url_is_taken_apart, 0, accepted_count);
    tcase_add_loop_test(tests, every_cut_is_read_within_its_bounds, 0, accepted_count);
    tcase_add_loop_test(tests, what_is_refused_has_a_place_and_a_reason, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, a_nul_is_a_control_character);
    tcase_add_test(tests, a_url_has_a_limit);
}

BIGHT_TEST_MAIN("http_url", add_tests)
