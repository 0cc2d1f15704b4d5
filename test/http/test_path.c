/* SPDX-License-Identifier: MIT */
/* Tests of the paths of requests (protocols/http/message/path.h): tables, and all short paths against a model. */
#include "http/message/path.h"

#include "edge.h"
#include "path_model.h"
#include "support.h"

static struct bi_view view(const char *text, size_t size)
{
    return (struct bi_view) { edge_copy(text, size), size };
}

#define TEXT(text) view(text, strlen(text))

static const char bad_escape[] = "a % in the path is not followed by two hexadecimal digits";
static const char nul[] = "the path holds an escaped NUL";
static const char dots[] = "a segment of the path is . or ..";
static const char empty[] = "a segment of the path is empty";

static const struct {
    const char *raw, *canonical; /* or, */
    const char *why;
    uint32_t bad_at;
} paths[] = {
    { "", "/", NULL, 0 },
    { "/", "/", NULL, 0 },
    { "/a", "/a", NULL, 0 },
    { "/a/", "/a/", NULL, 0 },
    { "/users/5/posts/17", "/users/5/posts/17", NULL, 0 },
    /* Decoded once, whatever the case of the digits. */
    { "/%61%7a", "/az", NULL, 0 },
    { "/a%20b/%C3%a9", "/a b/\xc3\xa9", NULL, 0 },
    { "/%3F%23%3b", "/?#;", NULL, 0 },
    { "/%2561", "/%2561", NULL, 0 },
    { "/%25", "/%25", NULL, 0 },
    { "/%ff%01", "/\xff\x01", NULL, 0 },
    /* A slash that separates nothing stays an escape; a backslash is text. */
    { "/a%2fb", "/a%2Fb", NULL, 0 },
    { "/%2F%2f", "/%2F%2F", NULL, 0 },
    { "/a%5cb\\c", "/a\\b\\c", NULL, 0 },
    { "/..%2f..%2fetc", "/..%2F..%2Fetc", NULL, 0 },
    { "/..\\..\\etc", "/..\\..\\etc", NULL, 0 },
    /* Segments of dots, in any spelling, and only those. */
    { "/.", NULL, dots, 1 },
    { "/..", NULL, dots, 1 },
    { "/a/./b", NULL, dots, 3 },
    { "/a/../b", NULL, dots, 3 },
    { "/a/..", NULL, dots, 3 },
    { "/%2e", NULL, dots, 1 },
    { "/a/%2E%2e/b", NULL, dots, 3 },
    { "/a/.%2e", NULL, dots, 3 },
    { "/%2e./b", NULL, dots, 1 },
    { "/...", "/...", NULL, 0 },
    { "/.a/..b/c./d..", "/.a/..b/c./d..", NULL, 0 },
    { "/.well-known/x", "/.well-known/x", NULL, 0 },
    { "/%252e%252e", "/%252e%252e", NULL, 0 },
    { "/..;/a", "/..;/a", NULL, 0 },
    /* Empty segments but the last. */
    { "//", NULL, empty, 1 },
    { "//a", NULL, empty, 1 },
    { "/a//b", NULL, empty, 3 },
    { "/a//", NULL, empty, 3 },
    { "/averylongsegment//b", NULL, empty, 18 },
    /* Escapes that are none. */
    { "/%", NULL, bad_escape, 1 },
    { "/%2", NULL, bad_escape, 1 },
    { "/a%2/b", NULL, bad_escape, 2 },
    { "/%zz", NULL, bad_escape, 1 },
    { "/%2g", NULL, bad_escape, 1 },
    { "/%u0041", NULL, bad_escape, 1 },
    { "/% 41", NULL, bad_escape, 1 },
    { "/%%41", NULL, bad_escape, 1 },
    { "/abcdefgh%", NULL, bad_escape, 9 },
    { "/%00", NULL, nul, 1 },
    { "/a/b%00.txt", NULL, nul, 4 },
    { "/%2500", "/%2500", NULL, 0 },
    { "a", NULL, "the path does not begin with /", 0 },
    { "*", NULL, "the path does not begin with /", 0 },
};

START_TEST(a_path_is_split_then_decoded_once_or_refused) /* A1 */
{
    size_t size = strlen(paths[_i].raw);
    struct bi_path path;
    uint8_t *room = malloc(size);
    bool taken = bi_path_read(&path, TEXT(paths[_i].raw), room);
    if (paths[_i].canonical != NULL) {
        ck_assert(taken);
        ck_assert(bi_view_equal(path.text, bi_view_of(paths[_i].canonical)));
    } else {
        ck_assert(!taken);
        ck_assert_str_eq(path.why, paths[_i].why);
        ck_assert_uint_eq(path.bad_at, paths[_i].bad_at);
    }
    free(room);
}
END_TEST

START_TEST(a_path_that_is_canonical_is_not_copied) /* H1 */
{
    static const char *const texts[] = { "/", "/a", "/users/5/posts/17", "/a.b/c-d/~e/", "/\\a" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct bi_view raw = TEXT(texts[i]);
        struct bi_path path;
        ck_assert(bi_path_read(&path, raw, NULL));
        ck_assert_ptr_eq(path.text.at, raw.at);
        ck_assert_uint_eq(path.text.size, raw.size);
    }
}
END_TEST

static void compare_with_model(const char *raw, size_t size)
{
    static char expected[3 * 128];
    static uint8_t room[128];
    struct bi_path path;
    long count = path_model_read(raw, size, expected);
    bool taken = bi_path_read(&path, view(raw, size), room);
    ck_assert_msg(taken == (count >= 0), "%.*s", (int)size, raw);
    if (taken) {
        ck_assert_msg((size_t)count == path.text.size && memcmp(path.text.at, expected, path.text.size) == 0, "%.*s",
            (int)size, raw);
        ck_assert_uint_le(path.text.size, size);
    } else {
        ck_assert_uint_lt(path.bad_at, size);
    }
}

/* Calls it for every text of up to `longest` of these letters behind a slash. */
static void try_all(char *text, size_t size, size_t longest, const char *letters)
{
    compare_with_model(text, size);
    for (size_t i = 0; size < longest && letters[i] != '\0'; i++) {
        text[size] = letters[i];
        try_all(text, size + 1, longest, letters);
    }
}

START_TEST(every_short_path_is_what_the_model_says) /* A1 */
{
    char text[16] = "/";
    try_all(text, 1, 7, "/.%25fe");
}
END_TEST

START_TEST(what_is_strange_is_seen_at_every_place_of_a_path) /* A1 */
{
    static const char *const strange[] = { "//", "/./", "/../", "%2f", "%2e", "%", "%4", "/.", "/..", "%00", "/" };
    char text[64];
    for (size_t size = 1; size < 48; size++) {
        for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
            for (size_t at = 1; at + strlen(strange[i]) <= size; at++) {
                memset(text, 'a', sizeof text);
                text[0] = '/';
                memcpy(text + at, strange[i], strlen(strange[i]));
                compare_with_model(text, size);
            }
        }
    }
}
END_TEST

static const struct {
    const char *canonical;
    const char *text;
    bool plain;
} parts[] = {
    { "", "", true },
    { "abc", "abc", true },
    { "a b", "a b", true },
    { "a%2Fb", "a/b", false },
    { "%2F", "/", false },
    { "%25", "%", true },
    { "%252F", "%2F", true },
    { "a\\b", "a\\b", false },
    { "css/site.css", "css/site.css", true },
    { "css/", "css/", true },
};

START_TEST(a_part_of_a_path_is_decoded_and_said_to_be_plain_or_not) /* A1 */
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint8_t in_place[32];
        struct bi_view canonical = TEXT(parts[i].canonical);
        ck_assert_int_eq(bi_path_is_plain(canonical), parts[i].plain);
        memcpy(in_place, canonical.at, canonical.size);
        size_t size = bi_path_decode((struct bi_view) { in_place, canonical.size }, in_place);
        ck_assert(bi_view_equal((struct bi_view) { in_place, size }, bi_view_of(parts[i].text)));
    }
}
END_TEST

START_TEST(a_segment_is_read_by_itself) /* A5 */
{
    uint8_t room[16];
    struct bi_path path;
    size_t size = bi_path_read_segment(&path, TEXT("a%2f%62"), room);
    ck_assert_ptr_null(path.why);
    ck_assert(bi_view_equal((struct bi_view) { room, size }, bi_view_of("a%2Fb")));
    (void)bi_path_read_segment(&path, TEXT("%2E"), room);
    ck_assert_str_eq(path.why, dots);
    (void)bi_path_read_segment(&path, TEXT("ab%"), room);
    ck_assert_str_eq(path.why, bad_escape);
    ck_assert_uint_eq(path.bad_at, 2);
    ck_assert_uint_eq(bi_path_read_segment(&path, TEXT(""), room), 0);
    ck_assert_ptr_null(path.why);
}
END_TEST

static const struct {
    const char *path;
    enum bi_location_slash slash;
    const char *query, *location;
} locations[] = {
    { "/", BI_SLASH_AS_IS, NULL, "/" },
    { "/a", BI_SLASH_ADDED, NULL, "/a/" },
    { "/a/", BI_SLASH_REMOVED, NULL, "/a" },
    { "/a", BI_SLASH_ADDED, "", "/a/?" },
    { "/a", BI_SLASH_ADDED, "page=2&x=%41+b", "/a/?page=2&x=%41+b" },
    { "/a b/\xc3\xa9", BI_SLASH_AS_IS, NULL, "/a%20b/%C3%A9" },
    { "/a%2Fb%25", BI_SLASH_AS_IS, NULL, "/a%2Fb%25" },
    { "/\\evil.example", BI_SLASH_ADDED, "\\\\x", "/%5Cevil.example/?%5C%5Cx" },
    { "/%2Fevil.example", BI_SLASH_ADDED, NULL, "/%2Fevil.example/" },
    { "/a\r\nSet-Cookie: b", BI_SLASH_ADDED, NULL, "/a%0D%0ASet-Cookie:%20b/" },
    { "/a?b#c", BI_SLASH_AS_IS, NULL, "/a%3Fb%23c" },
    { "/a", BI_SLASH_AS_IS, "a=<\"'>|?/%zz", "/a?a=%3C%22'%3E%7C?/%zz" },
};

START_TEST(a_location_is_escaped_and_keeps_the_query) /* A5 */
{
    const char *query = locations[_i].query;
    struct bi_location location = {
        .path = TEXT(locations[_i].path),
        .slash = locations[_i].slash,
        .has_query = query != NULL,
        .query = bi_view_of(query != NULL ? query : ""),
    };
    uint8_t out[128];
    size_t size = bi_location_write(&location, out, sizeof out);
    ck_assert(bi_view_equal((struct bi_view) { out, size }, bi_view_of(locations[_i].location)));
    ck_assert_uint_le(size, 3 * (location.path.size + location.query.size) + 2);
}
END_TEST

START_TEST(a_location_is_written_within_its_room_and_its_size_told) /* A5 */
{
    struct bi_location location = { .path = bi_view_of("/a b"), .slash = BI_SLASH_ADDED };
    for (size_t room = 0; room < 10; room++) {
        uint8_t *out = edge_copy("..........", room);
        ck_assert_uint_eq(bi_location_write(&location, out, room), 7);
        ck_assert(room < 7 || memcmp(out, "/a%20b/", 7) == 0);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_path_is_split_then_decoded_once_or_refused, 0, (int)(sizeof paths / sizeof *paths));
    tcase_add_test(tests, a_path_that_is_canonical_is_not_copied);
    tcase_add_test(tests, every_short_path_is_what_the_model_says);
    tcase_add_test(tests, what_is_strange_is_seen_at_every_place_of_a_path);
    tcase_add_test(tests, a_part_of_a_path_is_decoded_and_said_to_be_plain_or_not);
    tcase_add_test(tests, a_segment_is_read_by_itself);
    tcase_add_loop_test(
        tests, a_location_is_escaped_and_keeps_the_query, 0, (int)(sizeof locations / sizeof *locations));
    tcase_add_test(tests, a_location_is_written_within_its_room_and_its_size_told);
}

BIGHT_TEST_MAIN("http_path", add_tests)
