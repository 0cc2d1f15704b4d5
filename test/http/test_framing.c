/* SPDX-License-Identifier: MIT */
/* Tests of what a head decides (protocols/http/message/framing.h): rows of heads and decisions. */
#include "http/message/framing.h"

#include "heads.h"
#include "support.h"

static void describe_span(char *text, const char *name, const uint8_t *bytes, struct bi_span span)
{
    describe(text, " %s=%.*s", name, (int)span.size, bytes + span.at);
}

static void describe_target(char *text, const struct bi_framing *framing, const uint8_t *bytes)
{
    static const char *const kinds[] = { "origin", "absolute", "authority", "asterisk" };
    describe(text, "%s", kinds[framing->target_kind]);
    describe_span(text, "host", bytes, framing->authority);
    describe_span(text, "path", bytes, framing->path);
    if (framing->has_query) {
        describe_span(text, "query", bytes, framing->query);
    }
}

static void describe_framing(char *text, const struct bi_framing *framing)
{
    static const char *const bodies[] = { "none", "length", "chunked", "until close" };
    describe(text, "%s%s", framing->tolerated ? "~" : "", bodies[framing->body]);
    if (framing->has_length) {
        describe(text, " %llu", (unsigned long long)framing->length);
    }
    describe(text, "%s%s%s", framing->keeps_alive ? ", kept" : "", framing->expects_continue ? ", continue" : "",
        framing->upgrades ? ", upgrade" : "");
}

enum part {
    TARGET,
    BODY,
};

/* `asked`: the request's method, of responses. */
static void check_once(
    const struct row *row, enum bi_head_kind kind, enum part part, enum bi_method asked, struct bi_known_host *known)
{
    char text[DESCRIPTION] = "";
    struct bi_head head;
    struct bi_framing framing;
    size_t size = strlen(row->bytes);
    const uint8_t *bytes = edge_copy(row->bytes, size);
    begin_head(&head, kind, &usual_limits);
    head.known_host = known;
    ck_assert_msg(bi_head_parse(&head, bytes, size) == BI_HEAD_WHOLE, "%s: %s", row->bytes, head.why);
    memset(&framing, 0xa5, sizeof framing);
    bool fine = kind == BI_HEAD_REQUEST ? bi_framing_of_request(&framing, &head, bytes)
                                        : bi_framing_of_response(&framing, &head, bytes, asked);
    if (!fine) {
        describe(text, "%u %s", framing.status, framing.why);
    } else if (part == TARGET) {
        describe_target(text, &framing, bytes);
    } else {
        describe_framing(text, &framing);
    }
    ck_assert_msg(strcmp(text, row->result) == 0, "%s\nis\n%s\nnot\n%s", row->bytes, text, row->result);
}

/* Whether the host is remembered, and is the one that came before, makes no difference. */
static void check(const struct row *row, enum bi_head_kind kind, enum part part, enum bi_method asked)
{
    struct bi_known_host known = { .size = 0 };
    check_once(row, kind, part, asked, NULL);
    check_once(row, kind, part, asked, &known);
    check_once(row, kind, part, asked, &known);
}

#define CHECK(rows, kind, part, asked)                      \
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) \
    check(&rows[i], kind, part, asked)

/* Requests: from the field behind Host on. */
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"
#define OLD "POST / HTTP/1.0\r\n"
#define END "\r\n\r\n"
#define LENGTH "400 a Content-Length that is not one decimal number below 2^63"
#define CODING "501 a transfer coding other than a single `chunked`"

static const struct row bodies[] = {
    { POST "\r\n", "none, kept" },
    { POST "Content-Length: 0" END, "none 0, kept" },
    { POST "Content-Length: 5" END, "length 5, kept" },
    { POST "Content-Length: 0005" END, "length 5, kept" },
    { POST "content-length: 9223372036854775807" END, "length 9223372036854775807, kept" },
    { POST "Content-Length: 9223372036854775808" END, LENGTH },
    { POST "Content-Length: 18446744073709551616" END, LENGTH },
    { POST "Content-Length: 99999999999999999999999999999999" END, LENGTH },
    { POST "Content-Length:" END, LENGTH },
    { POST "Content-Length: +5" END, LENGTH },
    { POST "Content-Length: -5" END, LENGTH },
    { POST "Content-Length: 5, 5" END, LENGTH },
    { POST "Content-Length: 5,5" END, LENGTH },
    { POST "Content-Length: 5," END, LENGTH },
    { POST "Content-Length: 5 5" END, LENGTH },
    { POST "Content-Length: 0x5" END, LENGTH },
    { POST "Content-Length: 5_0" END, LENGTH },
    { POST "Content-Length: 5.0" END, LENGTH },
    { POST "Content-Length: 5e1" END, LENGTH },
    { POST "Content-Length: \"5\"" END, LENGTH },
    { POST "Content-Length: \xb5" END, LENGTH },
    { POST "Content-Length: 5\r\nContent-Length: 5" END, "400 Content-Length twice" },
    { POST "Content-Length: 5\r\ncontent-length: 6" END, "400 Content-Length twice" },
    { POST "Transfer-Encoding: chunked" END, "chunked, kept" },
    { POST "TRANSFER-encoding: \t cHunKed\t " END, "chunked, kept" },
    { POST "Transfer-Encoding: chunked\r\nContent-Length: 5" END, "400 Transfer-Encoding with Content-Length" },
    { POST "Content-Length: 0\r\nTransfer-Encoding: chunked" END, "400 Transfer-Encoding with Content-Length" },
    { POST "Content-Length: 5\r\nTransfer-Encoding: identity" END, "400 Transfer-Encoding with Content-Length" },
    { OLD "Transfer-Encoding: chunked" END, "400 Transfer-Encoding in HTTP/1.0" },
    { POST "Transfer-Encoding: gzip" END, CODING },
    { POST "Transfer-Encoding: gzip, chunked" END, CODING },
    { POST "Transfer-Encoding: chunked, gzip" END, CODING },
    { POST "Transfer-Encoding: chunked, chunked" END, CODING },
    { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END, CODING },
    { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity" END, CODING },
    { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding:" END, CODING },
    { POST "Transfer-Encoding: identity" END, CODING },
    { POST "Transfer-Encoding: xchunked" END, CODING },
    { POST "Transfer-Encoding: chunkedx" END, CODING },
    { POST "Transfer-Encoding: chunke" END, CODING },
    { POST "Transfer-Encoding: 'chunked'" END, CODING },
    { POST "Transfer-Encoding: \"chunked\"" END, CODING },
    { POST "Transfer-Encoding: chunked;q=1" END, CODING },
    { POST "Transfer-Encoding: ,chunked" END, CODING },
    { POST "Transfer-Encoding: chunked," END, CODING },
    { POST "Transfer-Encoding: chunk ed" END, CODING },
    { POST "Transfer-Encoding:" END, CODING },
    { OLD "\r\n", "none" },
    { OLD "Content-Length: 5" END, "length 5" },
};

START_TEST(a_head_says_where_its_body_ends_or_is_refused) /* H2, H8 */
{
    CHECK(bodies, BI_HEAD_REQUEST, BODY, BI_METHOD_OTHER);
}
END_TEST

START_TEST(no_method_changes_where_a_body_ends) /* H8 */
{
    static const char *const methods[] = { "GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "BREW" };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char bytes[200];
        snprintf(bytes, sizeof bytes, "%s / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", methods[i]);
        check(&(struct row) { bytes, "length 5, kept", 0 }, BI_HEAD_REQUEST, BODY, BI_METHOD_OTHER);
        snprintf(bytes, sizeof bytes, "%s / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", methods[i]);
        check(&(struct row) { bytes, "chunked, kept", 0 }, BI_HEAD_REQUEST, BODY, BI_METHOD_OTHER);
    }
}
END_TEST

static const struct row connections[] = {
    { POST "Connection: close" END, "none" },
    { POST "Connection: CLOSE" END, "none" },
    { POST "Connection: keep-alive" END, "none, kept" },
    { POST "Connection: close, te" END, "none" },
    { POST "Connection: te,close" END, "none" },
    { POST "Connection: te\r\nConnection: close" END, "none" },
    { POST "Connection: ,, \t,close\t ,," END, "none" },
    { POST "Connection: keep-alive, close" END, "none" },
    { POST "Connection: closed, xclose, clos" END, "none, kept" },
    { POST "Connection: \"close\"" END, "none, kept" },
    { POST "Connection:" END, "none, kept" },
    { OLD "Connection: keep-alive" END, "none, kept" },
    { OLD "Connection: Keep-Alive, te" END, "none, kept" },
    { OLD "Connection: keep-alive\r\nConnection: close" END, "none" },
    { OLD "Keep-Alive: 5" END, "none" },
    { POST "Connection: upgrade\r\nUpgrade: websocket" END, "none, kept, upgrade" },
    { POST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket" END, "none, kept, upgrade" },
    { POST "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 0" END, "none 0, kept, upgrade" },
    { POST "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1" END, "length 1, kept" },
    { POST "Connection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked" END, "chunked, kept" },
    { POST "Upgrade: websocket" END, "none, kept" },
    { POST "Connection: upgrade" END, "none, kept" },
    { OLD "Connection: upgrade\r\nUpgrade: websocket" END, "none" },
};

START_TEST(connection_is_a_list_over_all_its_fields) /* H5, A14 */
{
    CHECK(connections, BI_HEAD_REQUEST, BODY, BI_METHOD_OTHER);
}
END_TEST

#define SIZED POST "Content-Length: 5\r\n"
#define EXPECT "417 an Expect other than 100-continue"

static const struct row expectations[] = {
    { SIZED "Expect: 100-continue" END, "length 5, kept, continue" },
    { SIZED "Expect: 100-Continue" END, "length 5, kept, continue" },
    { POST "Expect: 100-continue\r\nTransfer-Encoding: chunked" END, "chunked, kept, continue" },
    { SIZED "Expect: 100-continue\r\nExpect: 100-continue" END, "length 5, kept, continue" },
    { POST "Expect: 100-continue" END, "none, kept" },
    { SIZED "Expect: 100-continue, x" END, EXPECT },
    { SIZED "Expect: 100-continue\r\nExpect: x" END, EXPECT },
    { SIZED "Expect: 100-continue;x" END, EXPECT },
    { SIZED "Expect: 100" END, EXPECT },
    { SIZED "Expect: y 100-continue" END, EXPECT },
    { SIZED "Expect:" END, "417 an empty Expect" },
    { OLD "Content-Length: 5\r\nExpect: 100-continue" END, "length 5" },
    { OLD "Expect: x" END, "none" },
};

START_TEST(only_100_continue_can_be_expected) /* H5 */
{
    CHECK(expectations, BI_HEAD_REQUEST, BODY, BI_METHOD_OTHER);
}
END_TEST

#define GET(target, host) target " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define HOST "400 a Host that is not a host and perhaps a port"
#define DIFFERS "400 a target whose authority differs from Host"
#define AUTHORITY "400 a target whose authority is not a host and perhaps a port"
#define FORM "400 a target in no form that HTTP knows"

static const struct row hosts[] = {
    { GET("GET /", "x"), "origin host=x path=/" },
    { GET("GET /", "x:"), "origin host=x: path=/" },
    { GET("GET /", "x:80"), "origin host=x:80 path=/" },
    { GET("GET /", "a-b.c_d~e!$&'()*+,;=9"), "origin host=a-b.c_d~e!$&'()*+,;=9 path=/" },
    { GET("GET /", "127.0.0.1:65535"), "origin host=127.0.0.1:65535 path=/" },
    { GET("GET /", "[::1]"), "origin host=[::1] path=/" },
    { GET("GET /", "[::1]:8080"), "origin host=[::1]:8080 path=/" },
    { GET("GET /", "[2001:DB8::ffff:1.2.3.4]"), "origin host=[2001:DB8::ffff:1.2.3.4] path=/" },
    { "GET / HTTP/1.0\r\n\r\n", "origin host= path=/" },
    { "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "origin host=x path=/" },
    { "GET / HTTP/1.1\r\n\r\n", "400 no Host" },
    { "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400 Host twice" },
    { "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "400 Host twice" },
    { "GET / HTTP/1.0\r\nHost: x y\r\n\r\n", HOST },
    { GET("GET /", ""), HOST },
    { GET("GET /", ":80"), HOST },
    { GET("GET /", "x:65536"), HOST },
    { GET("GET /", "x:99999999999999999999"), HOST },
    { GET("GET /", "x:8o"), HOST },
    { GET("GET /", "x:-1"), HOST },
    { GET("GET /", "x:80:80"), HOST },
    { GET("GET /", "x y"), HOST },
    { GET("GET /", "x, y"), HOST },
    { GET("GET /", "x/y"), HOST },
    { GET("GET /", "x?y"), HOST },
    { GET("GET /", "x#y"), HOST },
    { GET("GET /", "u@x"), HOST },
    { GET("GET /", "x\\y"), HOST },
    { GET("GET /", "x%41"), HOST },
    { GET("GET /", "\xc3\xa9"), HOST },
    { GET("GET /", "<x>"), HOST },
    { GET("GET /", "::1"), HOST },
    { GET("GET /", "[::1"), HOST },
    { GET("GET /", "[]"), HOST },
    { GET("GET /", "[x]"), HOST },
    { GET("GET /", "[::1]x"), HOST },
    { GET("GET /", "[::1%25lo]"), HOST },
    { GET("GET /", "[v1.x]"), HOST },
    { GET("GET /", "[1:2:3:4:5:6:7:8:9]"), HOST },
    { GET("GET /", "[1111111111111111111111111111111111111111111111111]"), HOST },
};

START_TEST(there_is_one_host_and_it_is_a_host) /* H2 */
{
    CHECK(hosts, BI_HEAD_REQUEST, TARGET, BI_METHOD_OTHER);
}
END_TEST

static const struct row targets[] = {
    { GET("GET /a/b?c?d/e", "x"), "origin host=x path=/a/b query=c?d/e" },
    { GET("GET /?", "x"), "origin host=x path=/ query=" },
    { GET("GET //a", "x"), "origin host=x path=//a" },
    { GET("GET /http://y/", "x"), "origin host=x path=/http://y/" },
    { GET("OPTIONS *", "x"), "asterisk host=x path=" },
    { GET("GET *", "x"), "400 the target `*` of a method other than OPTIONS" },
    { GET("OPTIONS **", "x"), FORM },
    { GET("GET http://x/a?b", "x"), "absolute host=x path=/a query=b" },
    { GET("GET HTTP://X:8/a", "x:8"), "absolute host=X:8 path=/a" },
    { GET("GET https://x", "x"), "absolute host=x path=" },
    { GET("GET http://x?b/c", "x"), "absolute host=x path= query=b/c" },
    { GET("GET http://x?", "x"), "absolute host=x path= query=" },
    { GET("OPTIONS http://[::1]:80", "[::1]:80"), "absolute host=[::1]:80 path=" },
    { "GET http://x/ HTTP/1.0\r\n\r\n", "absolute host=x path=/" },
    { GET("GET http://y/", "x"), DIFFERS },
    { GET("GET http://x:80/", "x"), DIFFERS },
    { GET("GET http://x/", "x:80"), DIFFERS },
    { GET("GET http://xy/", "x"), DIFFERS },
    { GET("GET http://u@x/", "x"), "400 a target with userinfo" },
    { GET("GET http://u:p@x/", "x"), "400 a target with userinfo" },
    { GET("GET http://@x/", "x"), "400 a target with userinfo" },
    { GET("GET http://x\\@y/", "x"), "400 a target with userinfo" },
    { GET("GET http://x/@", "x"), "absolute host=x path=/@" },
    { GET("GET http:///a", "x"), AUTHORITY },
    { GET("GET http://", "x"), AUTHORITY },
    { GET("GET http://x:y/", "x"), AUTHORITY },
    { GET("GET http://x\\/", "x"), AUTHORITY },
    { GET("GET http:/x/", "x"), FORM },
    { GET("GET http:x", "x"), FORM },
    { GET("GET ftp://x/", "x"), FORM },
    { GET("GET httpss://x/", "x"), FORM },
    { GET("GET x", "x"), FORM },
    { GET("GET x:80", "x:80"), FORM },
    { GET("GET ?a", "x"), FORM },
    { GET("GET \\a", "x"), FORM },
    { GET("CONNECT x:443", "x:443"), "authority host=x:443 path=" },
    { GET("CONNECT [::1]:443", "[::1]:443"), "authority host=[::1]:443 path=" },
    { GET("CONNECT x", "x"), "400 a target of CONNECT without a port" },
    { GET("CONNECT x:", "x:"), "400 a target of CONNECT without a port" },
    { GET("CONNECT x:443", "x"), DIFFERS },
    { GET("CONNECT u@x:443", "x:443"), "400 a target with userinfo" },
    { GET("CONNECT /", "x"), AUTHORITY },
    { GET("CONNECT http://x:443/", "x:443"), AUTHORITY },
    { "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 0\r\n\r\n", "authority host=x:1 path=" },
    { "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 1\r\n\r\n", "400 CONNECT with a body" },
    { "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nTransfer-Encoding: chunked\r\n\r\n", "400 CONNECT with a body" },
    { GET("CONNECT *", "x"), "400 a target of CONNECT without a port" },
    { "CONNECT x:443 HTTP/1.0\r\n\r\n", "authority host=x:443 path=" },
};

START_TEST(a_target_has_one_of_four_forms) /* H2 */
{
    CHECK(targets, BI_HEAD_REQUEST, TARGET, BI_METHOD_OTHER);
}
END_TEST

static const struct row repeated[] = {
    { POST "Authorization: a\r\nAuthorization: a" END, "400 Authorization twice" },
    { POST "Content-Type: a/b\r\nContent-Type: a/b" END, "400 Content-Type twice" },
    { POST "Origin: a\r\norigin: b" END, "400 Origin twice" },
    { POST "Upgrade-Insecure-Requests: 1\r\nUpgrade-Insecure-Requests: 1" END, "400 Upgrade-Insecure-Requests twice" },
    { POST "Sec-WebSocket-Key: a\r\nx: y\r\nSec-WebSocket-Key: a" END, "400 Sec-WebSocket-Key twice" },
    { POST "Accept: a\r\nAccept: b\r\nCookie: c\r\nCookie: d\r\nX: e\r\nX: f" END, "none, kept" },
};

START_TEST(what_can_be_said_once_only_is_not_said_twice) /* H2 */
{
    CHECK(repeated, BI_HEAD_REQUEST, BODY, BI_METHOD_OTHER);
}
END_TEST

#define OK "HTTP/1.1 200 OK\r\n"
#define CODINGS "400 transfer codings other than a single `chunked`"

static const struct row responses[] = {
    { OK "\r\n", "until close" },
    { OK "Content-Length: 0" END, "none 0, kept" },
    { OK "Content-Length: 5" END, "length 5, kept" },
    { OK "Content-Length: 5\r\nConnection: te, close" END, "length 5" },
    { OK "Transfer-Encoding: chunked" END, "chunked, kept" },
    { OK "Content-Length: 5\r\nContent-Length: 5" END, "~length 5, kept" },
    { OK "Content-Length: 5, 5" END, "~length 5, kept" },
    { OK "Content-Length: 5\r\nContent-Length: 6" END, LENGTH },
    { OK "Content-Length: 5, 6" END, LENGTH },
    { OK "Content-Length: -5" END, LENGTH },
    { OK "Content-Length:" END, "400 an empty Content-Length" },
    { OK "Content-Length: 5\r\nTransfer-Encoding: chunked" END, "400 Transfer-Encoding with Content-Length" },
    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" END, "400 Transfer-Encoding in HTTP/1.0" },
    { OK "Transfer-Encoding: gzip" END, "~until close" },
    { OK "Transfer-Encoding: identity" END, "~until close" },
    { OK "Transfer-Encoding: gzip, chunked" END, CODINGS },
    { OK "Transfer-Encoding: chunked, chunked" END, CODINGS },
    { OK "Transfer-Encoding: chunked, gzip" END, CODINGS },
    { OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip" END, CODINGS },
    { OK "Transfer-Encoding:" END, CODINGS },
    { "HTTP/1.0 200 OK\r\nContent-Length: 5" END, "length 5" },
    { "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive" END, "length 5, kept" },
    { "HTTP/1.1 100 Continue\r\n\r\n", "none, kept" },
    { "HTTP/1.1 103 Early Hints\r\nContent-Length: 5" END, "~none, kept" },
    { "HTTP/1.1 204 No Content\r\n\r\n", "none, kept" },
    { "HTTP/1.1 204 No Content\r\nContent-Length: 5" END, "~none, kept" },
    { "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked" END, "~none, kept" },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5" END, "none 5, kept" },
    { "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked" END, "none, kept" },
    { "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x" END, "none, kept, upgrade" },
    { "HTTP/1.1 200 OK\nContent-Length: 5\n\n", "~length 5, kept" },
};

static const struct row answers_to_head[] = {
    { OK "\r\n", "none, kept" },
    { OK "Content-Length: 5" END, "none 5, kept" },
    { OK "Transfer-Encoding: chunked" END, "none, kept" },
    { OK "Content-Length: 5\r\nTransfer-Encoding: chunked" END, "400 Transfer-Encoding with Content-Length" },
};

static const struct row answers_to_connect[] = {
    { OK "\r\n", "none, kept" },
    { OK "Content-Length: 5" END, "~none, kept" },
    { "HTTP/1.1 403 Forbidden\r\nContent-Length: 5" END, "length 5, kept" },
};

START_TEST(a_response_says_where_its_body_ends) /* C5 */
{
    CHECK(responses, BI_HEAD_RESPONSE, BODY, BI_METHOD_GET);
    CHECK(answers_to_head, BI_HEAD_RESPONSE, BODY, BI_METHOD_HEAD);
    CHECK(answers_to_connect, BI_HEAD_RESPONSE, BODY, BI_METHOD_CONNECT);
}
END_TEST

static void check_trailer(const char *name, const char *expected)
{
    char bytes[200];
    struct bi_head head;
    uint16_t status = 0;
    const char *why = NULL;
    snprintf(bytes, sizeof bytes, "a: b\r\n%s: c\r\n\r\n", name);
    begin_head(&head, BI_HEAD_TRAILERS, &usual_limits);
    ck_assert_int_eq(bi_head_parse(&head, (const uint8_t *)bytes, strlen(bytes)), BI_HEAD_WHOLE);
    ck_assert_int_eq(bi_framing_check_trailers(&head, &status, &why), expected == NULL);
    ck_assert(expected == NULL ? why == NULL : status == 400 && strcmp(why, expected) == 0);
}

START_TEST(trailers_do_not_say_what_only_a_head_may) /* H2 */
{
    static const char *const framing[] = { "Content-Length", "transfer-encoding", "Trailer", "TE", "Connection",
        "Keep-Alive", "Upgrade", "Expect", "Content-Encoding", "Content-Type", "Content-Range" };
    static const char *const routing[] = { "Host", "Origin", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto" };
    static const char *const authentication[] = { "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie" };
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++) {
        check_trailer(framing[i], "a trailer that says how the message is framed");
    }
    for (size_t i = 0; i < sizeof routing / sizeof *routing; i++) {
        check_trailer(routing[i], "a trailer that says where the message goes");
    }
    for (size_t i = 0; i < sizeof authentication / sizeof *authentication; i++) {
        check_trailer(authentication[i], "a trailer that says who sent the message");
    }
    check_trailer("X-Checksum", NULL);
    check_trailer("ETag", NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_head_says_where_its_body_ends_or_is_refused);
    tcase_add_test(tests, no_method_changes_where_a_body_ends);
    tcase_add_test(tests, connection_is_a_list_over_all_its_fields);
    tcase_add_test(tests, only_100_continue_can_be_expected);
    tcase_add_test(tests, there_is_one_host_and_it_is_a_host);
    tcase_add_test(tests, a_target_has_one_of_four_forms);
    tcase_add_test(tests, what_can_be_said_once_only_is_not_said_twice);
    tcase_add_test(tests, a_response_says_where_its_body_ends);
    tcase_add_test(tests, trailers_do_not_say_what_only_a_head_may);
}

BIGHT_TEST_MAIN("http_framing", add_tests)
