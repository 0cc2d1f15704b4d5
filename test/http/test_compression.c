/* SPDX-License-Identifier: MIT */
/* Tests of which answers are compressed, and of their heads (protocols/http/compression, server/filter.c). How they
 * come that are not sent at once is test_compression_pieces.c's. */
#include "compression_support.h"

START_TEST(a_text_is_compressed_for_clients_that_accept_it) /* A10 */
{
    begin();
    struct answer answer = ask(ASK("GET", "/", GZIP));
    char line[64];
    (void)snprintf(line, sizeof line, "Content-Length: %zu", answer.size);
    ck_assert(has_line(answer.head, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer.head, "Vary: Accept-Encoding"));
    ck_assert(has_line(answer.head, line));
    ck_assert(unpacks_to(&answer, text, size));
    ck_assert_uint_lt(answer.size, size / 2);
    free_answer(&answer);
    answer = ask(ASK("GET", "/bytes", GZIP));
    ck_assert(unpacks_to(&answer, text, size));
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(others_get_it_as_it_is_and_learn_that_it_varies) /* A10 */
{
    static const char *const rows[] = { ASK("GET", "/", ""), ASK("GET", "/", "Accept-Encoding: gzip;q=0\r\n"),
        ASK("GET", "/", "Accept-Encoding: br\r\n"), ASK("GET", "/", "Accept-Encoding: gzip;q=0.5, identity\r\n"),
        ASK("GET", "/bytes", "Accept-Encoding: \r\n") };
    begin();
    struct answer answer = ask(rows[_i]);
    ck_assert(!is_packed(&answer));
    ck_assert(has_line(answer.head, "Vary: Accept-Encoding"));
    ck_assert(answer.size == size && memcmp(answer.body, text, size) == 0);
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(a_coding_may_be_accepted_in_other_words) /* A10 */
{
    begin();
    ck_assert(is_packed_for(ASK("GET", "/", "Accept-Encoding: *\r\n")));
    ck_assert(is_packed_for(ASK("GET", "/", "Accept-Encoding: deflate\r\naccept-encoding: x-GZip;q=0.1\r\n")));
    end_site();
}
END_TEST

static const struct {
    const char *type;
    bool packed;
} typed[] = {
    { "text/html", true },
    { "TEXT/CSS ; charset=utf-8", true },
    { "application/json", true },
    { "application/problem+json", true },
    { "image/svg+xml", true },
    { "font/ttf", true },
    { "text/event-stream", false },
    { "image/png", false },
    { "application/octet-stream", false },
    { "application/jsonx", false },
    { "font/woff2", false },
    { "video/mp4", false },
    { "textual/x", false },
    { NULL, false },
};

START_TEST(types_that_are_compressed_already_are_not) /* A10 */
{
    begin();
    type = typed[_i].type;
    struct answer answer = ask(ASK("GET", "/", GZIP));
    ck_assert_int_eq(is_packed(&answer), typed[_i].packed);
    ck_assert_int_eq(has_line(answer.head, "Vary: Accept-Encoding"), typed[_i].packed);
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(the_type_that_was_set_goes_before) /* A10 */
{
    begin();
    type = "image/png";
    field[0] = "Content-Type";
    field[1] = "text/css";
    ck_assert(is_packed_for(ASK("GET", "/", GZIP)));
    end_site();
}
END_TEST

static const struct {
    const char *name, *value;
    int status;
    size_t size;
} unfit[] = {
    { "Content-Encoding", "br", 200, 5000 },
    { "Content-Range", "bytes 0-4999/10000", 206, 5000 },
    { "Cache-Control", "public, No-Transform", 200, 5000 },
    { NULL, NULL, 206, 5000 },
    { NULL, NULL, 204, 5000 },
    { NULL, NULL, 205, 5000 },
    { NULL, NULL, 304, 5000 },
    { NULL, NULL, 200, 1023 },
    { NULL, NULL, 200, 0 },
};

START_TEST(what_must_not_be_compressed_is_not) /* A10 */
{
    begin();
    field[0] = unfit[_i].name;
    field[1] = unfit[_i].value;
    status = unfit[_i].status;
    size = unfit[_i].size;
    struct answer answer = ask(ASK("GET", "/", GZIP));
    ck_assert(!has_line(answer.head, "Content-Encoding: gzip"));
    ck_assert_ptr_null(strstr(answer.head, "Vary"));
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(what_does_not_shrink_goes_as_it_is) /* A10 */
{
    begin();
    uint32_t number = 1;
    for (size_t i = 0; i < size; i++) {
        number = number * 1664525 + 1013904223;
        text[i] = (char)(number >> 24);
    }
    struct answer answer = ask(ASK("GET", "/", GZIP));
    ck_assert(!is_packed(&answer) && has_line(answer.head, "Vary: Accept-Encoding"));
    ck_assert_uint_eq(answer.size, size);
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(a_strong_tag_becomes_a_weak_one) /* A10 */
{
    begin();
    field[0] = "ETag";
    field[1] = "\"7\"";
    struct answer answer = ask(ASK("GET", "/", GZIP));
    ck_assert(has_line(answer.head, "ETag: W/\"7\""));
    free_answer(&answer);
    answer = ask(ASK("GET", "/", ""));
    ck_assert(has_line(answer.head, "ETag: \"7\""));
    free_answer(&answer);
    field[1] = "W/\"7\"";
    answer = ask(ASK("GET", "/", GZIP));
    ck_assert(has_line(answer.head, "ETag: W/\"7\""));
    free_answer(&answer);
    status = 304; /* has the tag that the client has */
    field[1] = "\"7\"";
    answer = ask(ASK("GET", "/", GZIP "If-None-Match: \"6\", W/\"7\"\r\n"));
    ck_assert(has_line(answer.head, "ETag: W/\"7\"") && has_line(answer.head, "Vary: Accept-Encoding"));
    free_answer(&answer);
    answer = ask(ASK("GET", "/", GZIP "If-None-Match: \"7\"\r\n"));
    ck_assert(has_line(answer.head, "ETag: \"7\""));
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(what_the_program_says_of_varying_stays) /* A10 */
{
    begin();
    field[0] = "Vary";
    field[1] = "Origin, accept-encoding";
    struct answer answer = ask(ASK("GET", "/", GZIP));
    ck_assert_uint_eq(count_of(answer.head, "Vary"), 1);
    free_answer(&answer);
    field[1] = "Origin";
    answer = ask(ASK("GET", "/", GZIP));
    ck_assert(has_line(answer.head, "Vary: Origin") && has_line(answer.head, "Vary: Accept-Encoding"));
    free_answer(&answer);
    end_site();
}
END_TEST

START_TEST(an_answer_with_secrets_is_left_alone) /* A10 */
{
    begin();
    struct answer answer = ask(ASK("GET", "/secret", GZIP));
    ck_assert(!is_packed(&answer));
    free_answer(&answer);
    ck_assert(is_packed_for(ASK("GET", "/", GZIP))); /* for one answer */
    end_site();
}
END_TEST

START_TEST(head_has_the_head_of_get) /* A10, H6 */
{
    begin();
    size = _i == 0 ? 5000 : 200000;
    struct answer get = ask(ASK("GET", "/", GZIP)), head = ask(ASK("HEAD", "/", GZIP));
    ck_assert_str_eq(get.head, head.head);
    ck_assert_uint_eq(head.size, 0);
    free_answer(&get);
    free_answer(&head);
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- options */

START_TEST(options_say_what_is_compressed) /* A10 */
{
    static const char *const types[] = { "!text/x", "text/*", "image/png", "+zip", NULL };
    const struct bight_http_compression_options options = {
        .size = sizeof options, .level = 9, .least = 100, .types = types
    };
    static const struct {
        const char *type;
        size_t size;
        bool packed;
    } rows[] = { { "text/x", 5000, false }, { "text/y", 100, true }, { "text/y", 99, false },
        { "Image/PNG", 5000, true }, { "image/png2", 5000, false }, { "a/b+ZIP", 5000, true }, { "+zip", 5000, true },
        { "application/json", 5000, false } };
    begin_with(&options);
    memset(text, 'a', 100);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        type = rows[i].type;
        size = rows[i].size;
        ck_assert_msg(is_packed_for(ASK("GET", "/", GZIP)) == rows[i].packed, "%s", type);
    }
    end_site();
}
END_TEST

START_TEST(a_level_that_is_none_is_refused) /* A10 */
{
    const struct bight_http_compression_options options = { .size = sizeof options, .level = 10 };
    begin();
    ck_assert_int_eq(bight_http_use_compression(site, &options), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert_int_eq(bight_http_use_compression(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    end_site();
}
END_TEST

START_TEST(a_site_in_a_site_may_have_its_own) /* A10, A5 */
{
    const struct bight_http_compression_options options = { .size = sizeof options, .least = 10000 };
    begin();
    struct bight_http_site *inner = bight_http_site_new();
    ck_assert_int_eq(bight_http_use_compression(inner, &options), 0);
    ck_assert_int_eq(bight_http_route(inner, "/", respond, NULL), 0);
    ck_assert_int_eq(bight_http_mount(site, "/in", inner), 0);
    ck_assert(!is_packed_for(ASK("GET", "/in/", GZIP)));
    ck_assert(is_packed_for(ASK("GET", "/", GZIP)));
    bight_http_site_free(inner);
    end_site();
}
END_TEST

START_TEST(a_site_without_it_compresses_nothing) /* A10 */
{
    begin();
    struct bight_http_site *plain = bight_http_site_new();
    ck_assert_int_eq(bight_http_route(plain, "/secret", respond_secretly, NULL), 0);
    bight_string_peer_free(peer);
    peer = bight_string_connect(reactor, bight_http_site_factory(plain), true);
    struct answer answer = ask(ASK("GET", "/secret", GZIP));
    ck_assert(!is_packed(&answer) && !strstr(answer.head, "Vary"));
    free_answer(&answer);
    bight_string_peer_free(peer);
    peer = NULL;
    end_site();
    bight_http_site_free(plain);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_text_is_compressed_for_clients_that_accept_it);
    tcase_add_loop_test(tests, others_get_it_as_it_is_and_learn_that_it_varies, 0, 5);
    tcase_add_test(tests, a_coding_may_be_accepted_in_other_words);
    tcase_add_loop_test(tests, types_that_are_compressed_already_are_not, 0, (int)(sizeof typed / sizeof *typed));
    tcase_add_test(tests, the_type_that_was_set_goes_before);
    tcase_add_loop_test(tests, what_must_not_be_compressed_is_not, 0, (int)(sizeof unfit / sizeof *unfit));
    tcase_add_test(tests, what_does_not_shrink_goes_as_it_is);
    tcase_add_test(tests, a_strong_tag_becomes_a_weak_one);
    tcase_add_test(tests, what_the_program_says_of_varying_stays);
    tcase_add_test(tests, an_answer_with_secrets_is_left_alone);
    tcase_add_loop_test(tests, head_has_the_head_of_get, 0, 2);
    tcase_add_test(tests, options_say_what_is_compressed);
    tcase_add_test(tests, a_level_that_is_none_is_refused);
    tcase_add_test(tests, a_site_in_a_site_may_have_its_own);
    tcase_add_test(tests, a_site_without_it_compresses_nothing);
}

BIGHT_TEST_MAIN("http_compression", add_tests)
