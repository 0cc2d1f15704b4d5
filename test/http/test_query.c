/* SPDX-License-Identifier: MIT */
/* Tests of query strings and urlencoded text (protocols/http/message/query.h). */
#include "http/message/query.h"

#include "edge.h"
#include "support.h"

/* Fields are written down one behind the other as `name=value;`, decoded. */
static const struct {
    const char *text, *fields;
} texts[] = {
    { "", "" },
    { "a=1", "a=1;" },
    { "a=1&b=2", "a=1;b=2;" },
    { "a", "a=;" },
    { "a=", "a=;" },
    { "=1", "=1;" },
    { "=", "=;" },
    { "a=b=c", "a=b=c;" },
    /* Empty fields are none. */
    { "&", "" },
    { "&&a=1&&&b&", "a=1;b=;" },
    /* A name twice is two fields, in order. */
    { "a=1&a=2&A=3", "a=1;a=2;A=3;" },
    { "a=x+y+&b+c=%2B", "a=x y ;b c=+;" },
    { "%61%3D=%26%3d", "a==&=;" },
    { "a=%C3%a9", "a=\xc3\xa9;" },
    { "a=%ff", "a=\xff;" },
    /* Decoded once. */
    { "a=%2541", "a=%41;" },
    /* An escape that is none stands for itself. */
    { "a=100%", "a=100%;" },
    { "a=%4", "a=%4;" },
    { "a=%zz%41", "a=%zzA;" },
    { "a=%%41", "a=%A;" },
    { "a=%4&b=1", "a=%4;b=1;" },
    /* Only `&` separates. */
    { "a=1|b=2?c/", "a=1|b=2?c/;" },
};

struct heard {
    char text[256];
    size_t size;
};

static void hear(struct heard *heard, const struct bi_query_field *field)
{
    heard->size += bi_query_decode(field->name, (uint8_t *)heard->text + heard->size);
    heard->text[heard->size++] = '=';
    heard->size += bi_query_decode(field->value, (uint8_t *)heard->text + heard->size);
    heard->text[heard->size++] = ';';
}

/* Feeds text that is there up to `size`, then goes on. */
static struct bi_view hear_some(struct bi_query *query, struct bi_view text, bool ended, struct heard *heard)
{
    struct bi_query_field field;
    enum bi_query_result result;
    while ((result = bi_query_next(query, &text, ended, &field)) == BI_QUERY_FIELD) {
        hear(heard, &field);
    }
    ck_assert_int_eq(result, ended ? BI_QUERY_END : BI_QUERY_PARTIAL);
    return text;
}

START_TEST(text_is_read_as_browsers_write_it) /* A11 */
{
    const char *text = texts[_i].text;
    struct bi_view whole = { edge_copy(text, strlen(text)), strlen(text) };
    struct bi_query query;
    struct heard heard = { .size = 0 };
    bi_query_begin(&query);
    (void)hear_some(&query, whole, true, &heard);
    ck_assert_str_eq(heard.text, texts[_i].fields);
}
END_TEST

START_TEST(text_may_be_cut_anywhere) /* A11, H1 */
{
    const char *text = texts[_i].text;
    size_t size = strlen(text);
    for (size_t first = 0; first <= size; first++) {
        for (size_t second = first; second <= size; second++) {
            struct bi_query query;
            struct heard heard = { .size = 0 };
            const size_t cuts[] = { first, second, size };
            size_t begin = 0;
            bi_query_begin(&query);
            for (size_t i = 0; i < 3; i++) {
                size_t there = cuts[i] - begin;
                struct bi_view left =
                    hear_some(&query, (struct bi_view) { edge_copy(text + begin, there), there }, i == 2, &heard);
                begin = cuts[i] - left.size;
            }
            ck_assert_str_eq(heard.text, texts[_i].fields);
        }
    }
}
END_TEST

static struct bi_view find(const char *text, const char *name, unsigned nth)
{
    struct bi_view left = bi_view_of(text);
    struct bi_query_field field;
    struct bi_query query;
    bi_query_begin(&query);
    for (unsigned i = 0; i <= nth; i++) {
        if (!bi_query_find(&query, &left, bi_view_of(name), &field)) {
            return bi_view_of("none");
        }
    }
    return field.value;
}

START_TEST(a_field_is_found_by_what_its_name_means) /* A11 */
{
    static const struct {
        const char *text, *name;
        unsigned nth;
        const char *value;
    } rows[] = {
        { "a=1&b=2", "b", 0, "2" },
        { "a=1&a=2", "a", 0, "1" },
        { "a=1&b&a=2", "a", 1, "2" },
        { "a=1&a=2", "a", 2, "none" },
        { "ab=1&a=2&b=3", "b", 0, "3" },
        { "ab=1", "a", 0, "none" },
        { "a=1", "ab", 0, "none" },
        { "A=1", "a", 0, "none" },
        { "%61+b=1", "a b", 0, "1" },
        { "a%=1", "a%", 0, "1" },
        { "=1", "", 0, "1" },
        { "", "", 0, "none" },
        { "a", "a", 0, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bi_view value = find(rows[i].text, rows[i].name, rows[i].nth);
        ck_assert_msg(bi_view_equal(value, bi_view_of(rows[i].value)), "%s in %s", rows[i].name, rows[i].text);
    }
}
END_TEST

START_TEST(an_escaped_nul_is_a_byte_as_others) /* A1 */
{
    uint8_t out[3];
    ck_assert_uint_eq(bi_query_decode(bi_view_of("%00"), out), 1);
    ck_assert_uint_eq(out[0], 0);
    ck_assert(bi_query_equal(bi_view_of("a%00"), (struct bi_view) { (const uint8_t *)"a\0", 2 }));
    ck_assert(!bi_query_equal(bi_view_of("a%00"), bi_view_of("a")));
}
END_TEST

START_TEST(only_what_has_nothing_to_decode_is_plain)
{
    ck_assert(bi_query_is_plain(bi_view_of("")));
    ck_assert(bi_query_is_plain(bi_view_of("abc=&")));
    ck_assert(!bi_query_is_plain(bi_view_of("a+")));
    ck_assert(!bi_query_is_plain(bi_view_of("%41")));
}
END_TEST

static enum bi_query_result read_all(struct bi_query *query, struct bi_view text)
{
    struct bi_query_field field;
    enum bi_query_result result;
    do {
        result = bi_query_next(query, &text, true, &field);
    } while (result == BI_QUERY_FIELD);
    return result;
}

START_TEST(the_thousand_and_first_field_is_refused) /* A11 */
{
    static char text[2 * (BI_QUERY_MAX_FIELDS + 1)];
    struct bi_query query;
    for (size_t i = 0; i < sizeof text; i += 2) {
        memcpy(text + i, "a&", 2);
    }
    bi_query_begin(&query);
    ck_assert_int_eq(read_all(&query, (struct bi_view) { (uint8_t *)text, sizeof text - 2 }), BI_QUERY_END);
    ck_assert_uint_eq(query.count, BI_QUERY_MAX_FIELDS);
    bi_query_begin(&query);
    ck_assert_int_eq(read_all(&query, (struct bi_view) { (uint8_t *)text, sizeof text }), BI_QUERY_REFUSED);
    ck_assert_str_eq(query.why, "there are too many fields");
}
END_TEST

START_TEST(a_field_of_over_64_kib_is_refused_as_soon_as_that_is_certain) /* A11 */
{
    static uint8_t text[BI_QUERY_MAX_FIELD + 1];
    struct bi_query query;
    struct bi_query_field field;
    memset(text, 'a', sizeof text);
    bi_query_begin(&query);
    ck_assert_int_eq(read_all(&query, (struct bi_view) { text, sizeof text - 1 }), BI_QUERY_END);
    bi_query_begin(&query);
    struct bi_view left = { text, sizeof text - 1 };
    ck_assert_int_eq(bi_query_next(&query, &left, false, &field), BI_QUERY_PARTIAL);
    left.size++;
    ck_assert_int_eq(bi_query_next(&query, &left, false, &field), BI_QUERY_REFUSED);
    ck_assert_str_eq(query.why, "a field is too long");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, text_is_read_as_browsers_write_it, 0, (int)(sizeof texts / sizeof *texts));
    tcase_add_loop_test(tests, text_may_be_cut_anywhere, 0, (int)(sizeof texts / sizeof *texts));
    tcase_add_test(tests, a_field_is_found_by_what_its_name_means);
    tcase_add_test(tests, an_escaped_nul_is_a_byte_as_others);
    tcase_add_test(tests, only_what_has_nothing_to_decode_is_plain);
    tcase_add_test(tests, the_thousand_and_first_field_is_refused);
    tcase_add_test(tests, a_field_of_over_64_kib_is_refused_as_soon_as_that_is_certain);
}

BIGHT_TEST_MAIN("http_query", add_tests)
