/* SPDX-License-Identifier: MIT */
/* Tests of content codings that a client undoes (protocols/http/client/decode.c), and of bodies that are meant to be
 * too much. */
#include "http/coding/gzip.h"

#include "client_support.h"

enum { MOST = 200000 };

static struct peer *server;
static char said[MOST];
static size_t said_size;

static void say_it_all(struct talk *talk, const char *request)
{
    (void)request;
    (void)bight_transport_write(talk->base.transport, said, said_size);
}

static void begin(void)
{
    begin_world(NULL);
    server = add_peer("server", NULL, NULL);
    server->script = say_it_all;
}

/* `data` compressed `times` over, in `packed`. Returns its size. */
static size_t pack(const void *data, size_t size, unsigned times, uint8_t *packed)
{
    static uint8_t before[MOST];
    struct bi_view view = { data, size };
    for (unsigned i = 0; i < times; i++) {
        bool done;
        struct bi_deflater *deflater = bi_deflater_new(9);
        bi_deflater_begin(deflater);
        size = bi_deflater_write(deflater, &view, BI_DEFLATE_END, packed, MOST, &done);
        ck_assert(done);
        bi_deflater_free(deflater);
        memcpy(before, packed, size);
        view = (struct bi_view) { before, size };
    }
    return size;
}

static void answer_with(const char *coding, const uint8_t *body, size_t size)
{
    said_size = (size_t)snprintf(
        said, sizeof said, HEAD_200 "Content-Encoding: %s\r\nContent-Length: %zu\r\nA: b\r\n\r\n", coding, size);
    memcpy(said + said_size, body, size);
    said_size += size;
}

static uint8_t packed[MOST];

static const struct {
    const char *coding;
    unsigned times;
    const char *expected;
} rows[] = {
    { "gzip", 1, "200 'Hello'" },
    { "GZip", 1, "200 'Hello'" },
    { "x-gzip", 1, "200 'Hello'" },
    { "identity", 0, "200 'Hello'" },
    { "gzip, gzip", 2, "200 'Hello'" },
    { "identity, gzip", 1, "200 'Hello'" },
    { "gzip, gzip, gzip", 3, "TOO_LONG" },
    { "frob", 0, "200 'Hello'" },
    { "gzip", 0, "SYNTAX" },
    { "gzip, gzip", 1, "SYNTAX" },
};

START_TEST(what_was_asked_for_is_undone) /* C9 */
{
    begin();
    memcpy(packed, "Hello", 5);
    answer_with(rows[_i].coding, packed, rows[_i].times > 0 ? pack("Hello", 5, rows[_i].times, packed) : 5);
    get("http://server/", "");
    pass(1);
    ck_heard(rows[_i].expected);
    ck_assert_ptr_nonnull(strstr(server->last, "\r\nAccept-Encoding: gzip\r\n"));
    end_world();
}
END_TEST

START_TEST(then_the_fields_do_not_tell_of_it) /* C9 */
{
    begin();
    answer_with("gzip", packed, pack("Hello", 5, 1, packed));
    struct bight_deferred *asked = bight_http_get(client, "http://server/");
    pass(1);
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    ck_assert_ptr_null(bight_http_response_field(response, "Content-Encoding"));
    ck_assert_ptr_null(bight_http_response_field(response, "Content-Length"));
    ck_assert_str_eq(bight_http_response_field(response, "A"), "b");
    ck_assert_uint_eq(bight_bytes_size(bight_http_response_body(response)), 5);
    bight_http_response_release(response);
    bight_deferred_release(asked);
    end_world();
}
END_TEST

static struct bight_http_call *call_without(int how)
{
    const struct bight_http_call_options raw = { .size = sizeof raw, .decompress = BIGHT_HTTP_NO };
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    if (how == 0) {
        ck_assert_int_eq(bight_http_call_configure(call, &raw), 0);
    } else {
        ck_assert_int_eq(
            bight_http_call_set(call, how == 1 ? "Accept-Encoding" : "Range", how == 1 ? "gzip" : "bytes=0-"), 0);
    }
    return call;
}

START_TEST(what_was_not_asked_for_by_the_library_is_left_as_it_is) /* C9 */
{
    begin();
    size_t size = pack("Hello", 5, 1, packed);
    answer_with("gzip", packed, size);
    struct bight_deferred *asked = bight_http_call_send(call_without(_i));
    pass(1);
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    ck_assert_str_eq(bight_http_response_field(response, "Content-Encoding"), "gzip");
    ck_assert_uint_eq(bight_bytes_size(bight_http_response_body(response)), size);
    ck_assert((strstr(server->last, "Accept-Encoding: gzip\r\n") != NULL) == (_i == 1));
    bight_http_response_release(response);
    bight_deferred_release(asked);
    end_world();
}
END_TEST

START_TEST(a_bomb_does_not_go_off) /* C3 C9 */
{
    static uint8_t zeroes[32 << 20];
    const struct bight_http_call_options small = { .size = sizeof small, .max_body = 100000 };
    begin();
    answer_with(_i == 0 ? "gzip" : "gzip, gzip", packed, pack(zeroes, sizeof zeroes, 1 + (unsigned)_i, packed));
    get("http://server/", "default ");
    pass(1);
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &small), 0);
    note(bight_http_call_send(call), "small ");
    pass(1);
    ck_heard("default TOO_LONG small TOO_LONG");
    end_world();
}
END_TEST

START_TEST(one_that_is_cut_is_incomplete_and_one_that_is_empty_is_not) /* C5 C9 */
{
    begin();
    size_t size = pack("Hello", 5, 1, packed);
    for (size_t cut = 0; cut < size; cut++) {
        answer_with("gzip", packed, cut);
        get("http://server/", "");
        pass(1);
        ck_heard(cut == 0 ? "200 ''" : "INCOMPLETE");
    }
    end_world();
}
END_TEST

START_TEST(it_is_the_same_however_it_is_cut) /* C9 */
{
    const struct bight_link_conditions cut = { .latency = 0.0001, .split = 900 };
    static char text[100000];
    begin();
    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] = (char)('a' + i * i % 23);
    }
    answer_with("gzip", packed, pack(text, sizeof text - 1, 1, packed));
    bight_simulation_link(network, NULL, NULL, &cut);
    struct bight_deferred *asked = bight_http_get(client, "http://server/");
    pass(1);
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    ck_assert_str_eq((const char *)bight_bytes_data(bight_http_response_body(response)), text);
    bight_http_response_release(response);
    bight_deferred_release(asked);
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_was_asked_for_is_undone, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, then_the_fields_do_not_tell_of_it);
    tcase_add_loop_test(tests, what_was_not_asked_for_by_the_library_is_left_as_it_is, 0, 3);
    tcase_add_loop_test(tests, a_bomb_does_not_go_off, 0, 2);
    tcase_add_test(tests, one_that_is_cut_is_incomplete_and_one_that_is_empty_is_not);
    tcase_add_test(tests, it_is_the_same_however_it_is_cut);
}

BIGHT_TEST_MAIN("http_client_decode", add_tests)
