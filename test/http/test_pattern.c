/* SPDX-License-Identifier: MIT */
/* Tests of the patterns of routes (protocols/http/site/pattern.h, host.h): what is one, where another is wrong, and how
 * two relate. */
#include "http/site/pattern.h"

#include "edge.h"
#include "support.h"

/* A shape for reading: `*` for a name, `**` for the rest. */
static const char *text_of(struct bi_shape shape)
{
    static char text[BI_PATTERN_SIZE + 3];
    for (size_t i = 0; i < shape.text.size; i++) {
        text[i] = shape.text.at[i] == BI_SHAPE_NAME ? '*' : (char)shape.text.at[i];
    }
    strcpy(text + shape.text.size, shape.has_rest ? "**" : "");
    return text;
}

static const struct {
    const char *text, *method, *host, *shape;
    unsigned names;
} patterns[] = {
    { "/", "", "", "/", 0 },
    { "GET /", "GET", "", "/", 0 },
    { "/users/{id}", "", "", "/users/*", 1 },
    { "GET /users/{id}/posts/{post}/", "GET", "", "/users/*/posts/*/", 2 },
    { "/files/{path...}", "", "", "/files/**", 1 },
    { "/{everything...}", "", "", "/**", 1 },
    { "POST api.example.org/orders", "POST", "api.example.org", "/orders", 0 },
    { "Example.ORG./a", "", "example.org", "/a", 0 },
    { "localhost/a", "", "localhost", "/a", 0 },
    { "127.0.0.1/a", "", "127.0.0.1", "/a", 0 },
    { "[::1]/a", "", "[::1]", "/a", 0 },
    { "[0:0:0:0:0:0:0:1]/a", "", "[::1]", "/a", 0 },
    { "[2001:DB8::0001]/a", "", "[2001:db8::1]", "/a", 0 },
    { "M-SEARCH /a", "M-SEARCH", "", "/a", 0 },
    { "purge /a", "purge", "", "/a", 0 },
    /* Literals are read as paths are. */
    { "/%61%2f%25/\xc3\xa9", "", "", "/a%2F%25/\xc3\xa9", 0 },
    { "/%7Bid%7D/%20/%3f/%2A", "", "", "/{id}/ /?/*", 0 },
    { "/.well-known/x", "", "", "/.well-known/x", 0 },
    { "/a\\b", "", "", "/a\\b", 0 },
    { "/{_a1}/{A}/{a}", "", "", "/*/*/*", 3 },
};

START_TEST(a_pattern_is_a_method_a_host_and_a_path) /* A5 */
{
    struct bi_pattern pattern;
    size_t size = strlen(patterns[_i].text);
    ck_assert_msg(
        bi_pattern_parse(&pattern, (struct bi_view) { edge_copy(patterns[_i].text, size), size }), "%s", pattern.why);
    ck_assert(bi_view_equal(pattern.method, bi_view_of(patterns[_i].method)));
    ck_assert(bi_view_equal(pattern.host, bi_view_of(patterns[_i].host)));
    ck_assert_str_eq(text_of(pattern.shape), patterns[_i].shape);
    ck_assert_uint_eq(pattern.name_count, patterns[_i].names);
}
END_TEST

static const struct {
    const char *text, *why; /* the beginning of it */
    size_t column;
} wrong[] = {
    { "", "there is no path", 1 },
    { "GET", "there is no path", 4 },
    { "GET ", "there is no path", 5 },
    { "example.org", "there is no path", 12 },
    { "G(T /", "what stands before the space is no method", 1 },
    { " /", "what stands before the space is no method", 1 },
    { "get /", "methods have cases", 1 },
    { "Options /", "methods have cases", 1 },
    { "GET/a", "a space stands behind a method", 4 },
    { "GET  /a", "this cannot stand in a host", 5 },
    { "/a b", "this is not part of a path", 3 },
    { "GET /a b", "this is not part of a path", 7 },
    { "GET /a?b", "this is not part of a path", 7 },
    { "/a#b", "this is not part of a path", 3 },
    { "/a\n", "this is not part of a path", 3 },
    { "example.org:80/a", "a host in a pattern has no port", 12 },
    { "[::1]:80/a", "this is no host", 1 },
    { "[::1/a", "this is no host", 1 },
    { "[zz]/a", "this is no host", 1 },
    { "[1.2.3.4]/a", "this is no host", 1 },
    { "GET [::1]x/a", "this is no host", 5 },
    { "{host}/a", "a host has no names", 1 },
    { "*.example.org/a", "this cannot stand in a host", 1 },
    { "b\xc3\xbc"
      "cher.example/a",
        "this cannot stand in a host", 2 },
    { "//a", "only the last segment can be empty", 2 },
    { "/a//", "only the last segment can be empty", 4 },
    { "/a/../b", "a segment of the path is . or ..", 4 },
    { "/%2e", "a segment of the path is . or ..", 2 },
    { "/a%", "a % in the path", 3 },
    { "/a/b%zz", "a % in the path", 5 },
    { "/%00", "the path holds an escaped NUL", 2 },
    { "/{}", "a name is made of", 3 },
    { "/{...}", "a name is made of", 3 },
    { "/{1a}", "a name is made of", 3 },
    { "/{a-b}", "a name is made of", 3 },
    { "/{a..}", "a name is made of", 3 },
    { "/{a....}", "a name is made of", 3 },
    { "/{{a}}", "a name in braces is a whole segment", 6 },
    { "/{a", "there is no } behind this {", 2 },
    { "/{a/b}", "there is no } behind this {", 2 },
    { "/x{a}", "a name in braces is a whole segment", 3 },
    { "/{a}x/b", "a name in braces is a whole segment", 5 },
    { "/a}", "a name in braces is a whole segment", 3 },
    { "/{$}", "{$} is not needed", 2 },
    { "/{a...}/b", "only the last segment can be the rest", 2 },
    { "/{a...}/", "only the last segment can be the rest", 2 },
    { "/{a}/{b}/{a}", "this name is there already", 11 },
    { "/{a}/{a...}", "this name is there already", 7 },
};

START_TEST(what_is_no_pattern_is_refused_with_its_place) /* A5 */
{
    struct bi_pattern pattern;
    size_t size = strlen(wrong[_i].text);
    ck_assert(!bi_pattern_parse(&pattern, (struct bi_view) { edge_copy(wrong[_i].text, size), size }));
    ck_assert_msg(strncmp(pattern.why, wrong[_i].why, strlen(wrong[_i].why)) == 0, "%s", pattern.why);
    ck_assert_uint_eq(pattern.bad_at + 1, wrong[_i].column);
}
END_TEST

static void add_segments(char *text, unsigned count, const char *form)
{
    for (unsigned i = 0; i < count; i++) {
        sprintf(text + strlen(text), form, i);
    }
}

START_TEST(a_pattern_has_at_most_sixteen_names_and_2048_bytes) /* A5 */
{
    struct bi_pattern pattern;
    char text[4096] = "";
    add_segments(text, 16, "/{n%u}");
    ck_assert(bi_pattern_parse(&pattern, bi_view_of(text)));
    strcat(text, "/{rest...}");
    ck_assert(!bi_pattern_parse(&pattern, bi_view_of(text)));
    ck_assert_str_eq(pattern.why, "there are more than 16 names");
    text[0] = '\0';
    add_segments(text, BI_PATTERN_SIZE / 8, "/s%06u");
    ck_assert(bi_pattern_parse(&pattern, bi_view_of(text)));
    strcat(text, "/");
    ck_assert(!bi_pattern_parse(&pattern, bi_view_of(text)));
    ck_assert_str_eq(pattern.why, "a pattern has at most 2048 bytes");
}
END_TEST

static const struct {
    const char *one, *other;
    enum bi_relation relation;
    const char *example;
} relations[] = {
    { "/", "/", BI_RELATION_EQUAL, "/" },
    { "/a/{x}", "/a/{y}", BI_RELATION_EQUAL, "/a/x" },
    { "/a/{x...}", "/a/{y...}", BI_RELATION_EQUAL, "/a/" },
    { "/%61", "/a", BI_RELATION_EQUAL, "/a" },
    { "/a", "/b", BI_RELATION_DISJOINT, NULL },
    { "/a", "/a/", BI_RELATION_DISJOINT, NULL },
    { "/a", "/a/{x}", BI_RELATION_DISJOINT, NULL },
    { "/a", "/a/{x...}", BI_RELATION_DISJOINT, NULL },
    { "/a/", "/a/{x}", BI_RELATION_DISJOINT, NULL },
    { "/{x}/a", "/{x}/b", BI_RELATION_DISJOINT, NULL },
    { "/{x}/a", "/b/{x}/", BI_RELATION_DISJOINT, NULL },
    { "/{x}/b/c", "/a/{x}/d", BI_RELATION_DISJOINT, NULL },
    { "/a", "/{x}", BI_RELATION_NARROWER, "/a" },
    { "/a/", "/a/{x...}", BI_RELATION_NARROWER, "/a/" },
    { "/a/{x}", "/a/{x...}", BI_RELATION_NARROWER, "/a/x" },
    { "/a/{x}/b", "/{y...}", BI_RELATION_NARROWER, "/a/x/b" },
    { "/a/{x...}", "/{y...}", BI_RELATION_NARROWER, "/a/" },
    { "/a/b/{x}", "/a/{x}/{y}", BI_RELATION_NARROWER, "/a/b/x" },
    { "/a/{x}", "/{y}/b", BI_RELATION_OVERLAPPING, "/a/b" },
    { "/a/{x...}", "/{y}/b", BI_RELATION_OVERLAPPING, "/a/b" },
    { "/a/{x...}", "/{y}/{z}/c", BI_RELATION_OVERLAPPING, "/a/x/c" },
    { "/{x}/{r...}", "/{y}/{z}/", BI_RELATION_WIDER, "/x/x/" },
    { "/{x}/{r...}", "/a/{r...}", BI_RELATION_WIDER, "/x/" },
    { "/%20%2f/{x}", "/{y}/\xc3\xa9", BI_RELATION_OVERLAPPING, "/%20%2F/%C3%A9" },
};

static enum bi_relation turned(enum bi_relation relation)
{
    return relation == BI_RELATION_NARROWER ? BI_RELATION_WIDER
           : relation == BI_RELATION_WIDER  ? BI_RELATION_NARROWER
                                            : relation;
}

START_TEST(two_patterns_are_equal_disjoint_overlapping_or_one_is_narrower) /* A5 */
{
    struct bi_pattern one, other;
    uint8_t example[64];
    ck_assert(bi_pattern_parse(&one, bi_view_of(relations[_i].one)));
    ck_assert(bi_pattern_parse(&other, bi_view_of(relations[_i].other)));
    ck_assert_int_eq(bi_shape_relation(one.shape, other.shape), relations[_i].relation);
    ck_assert_int_eq(bi_shape_relation(other.shape, one.shape), turned(relations[_i].relation));
    if (relations[_i].example != NULL && relations[_i].relation != BI_RELATION_WIDER) {
        size_t size = bi_shape_example(one.shape, other.shape, example, sizeof example);
        ck_assert(bi_view_equal((struct bi_view) { example, size }, bi_view_of(relations[_i].example)));
        ck_assert_uint_eq(bi_shape_example(other.shape, one.shape, edge_copy("abc", 3), 3), size);
    }
}
END_TEST

START_TEST(relations_of_parts_make_that_of_the_whole) /* A5 */
{
    const enum bi_relation E = BI_RELATION_EQUAL, N = BI_RELATION_NARROWER, W = BI_RELATION_WIDER,
                           O = BI_RELATION_OVERLAPPING, D = BI_RELATION_DISJOINT;
    const enum bi_relation whole[5][5] = {
        { E, N, W, O, D },
        { N, N, O, O, D },
        { W, O, W, O, D },
        { O, O, O, O, D },
        { D, D, D, D, D },
    };
    for (unsigned one = 0; one < 5; one++) {
        for (unsigned other = 0; other < 5; other++) {
            ck_assert_int_eq(bi_relation_of_both(one, other), whole[one][other]);
        }
    }
}
END_TEST

START_TEST(hosts_are_compared_without_case_port_and_last_dot) /* A5 */
{
    static const struct {
        const char *authority, *host;
    } rows[] = {
        { "", "" },
        { "Example.org", "example.org" },
        { "example.org:8080", "example.org" },
        { "example.org:", "example.org" },
        { "example.org.", "example.org" },
        { "example.org.:80", "example.org" },
        { ".", "." },
        { "a..", "a.." }, /* so that what has been read is read as the same again */
        { "127.0.0.1:80", "127.0.0.1" },
        { "[::1]", "[::1]" },
        { "[::1]:80", "[::1]" },
        { "[0:0::0:1]", "[::1]" },
        { "[2001:DB8::A]", "[2001:db8::a]" },
        { "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]" },
        { "[", "" },
        { "[]", "" },
        { "[::1", "" },
        { "[fe80::1%25eth0]", "" },
        { "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[BI_HOST_SIZE];
        size_t size = strlen(rows[i].authority);
        size_t written = bi_host_read((struct bi_view) { edge_copy(rows[i].authority, size), size }, out);
        ck_assert_msg(
            bi_view_equal((struct bi_view) { out, written }, bi_view_of(rows[i].host)), "%s", rows[i].authority);
    }
}
END_TEST

START_TEST(a_host_that_is_longer_than_any_is_none) /* A5 */
{
    uint8_t long_host[BI_HOST_SIZE + 1], out[BI_HOST_SIZE];
    memset(long_host, 'a', sizeof long_host);
    ck_assert_uint_eq(bi_host_read((struct bi_view) { long_host, BI_HOST_SIZE }, out), BI_HOST_SIZE);
    ck_assert_uint_eq(bi_host_read((struct bi_view) { long_host, BI_HOST_SIZE + 1 }, out), 0);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_pattern_is_a_method_a_host_and_a_path, 0, ROWS(patterns));
    tcase_add_loop_test(tests, what_is_no_pattern_is_refused_with_its_place, 0, ROWS(wrong));
    tcase_add_test(tests, a_pattern_has_at_most_sixteen_names_and_2048_bytes);
    tcase_add_loop_test(tests, two_patterns_are_equal_disjoint_overlapping_or_one_is_narrower, 0, ROWS(relations));
    tcase_add_test(tests, relations_of_parts_make_that_of_the_whole);
    tcase_add_test(tests, hosts_are_compared_without_case_port_and_last_dot);
    tcase_add_test(tests, a_host_that_is_longer_than_any_is_none);
}

BIGHT_TEST_MAIN("http_pattern", add_tests)
