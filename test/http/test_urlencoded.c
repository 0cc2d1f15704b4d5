/* SPDX-License-Identifier: MIT */
/* Tests of urlencoded bodies that come in pieces (protocols/http/message/urlencoded.h). What a field means is
 * test_query.c's. */
#include "http/message/urlencoded.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

static const struct {
    const char *body, *fields;
} rows[] = {
    { "", "" },
    { "a=b", "[a|b]" },
    { "a=b&c=d&", "[a|b][c|d]" },
    { "&&a=&&=b&c", "[a|][|b][c|]" },
    { "a=b=c;d=e", "[a|b=c;d=e]" },
    { "a+b=%41+%2b%26&%3D=1", "[a b|A +&][=|1]" },
    { "a=100%&b=%zz%4", "[a|100%][b|%zz%4]" },
    { "\xc3\xa9=\xff", "[\xc3\xa9|\xff]" },
};

static char heard[4096];
static size_t heard_size;

static void hear(const struct bi_urlencoded_field *field)
{
    ck_assert_uint_eq(field->name.at[field->name.size], 0);
    ck_assert_uint_eq(field->value.at[field->value.size], 0);
    heard_size += (size_t)snprintf(heard + heard_size, sizeof heard - heard_size, "[%.*s|%.*s]", (int)field->name.size,
        (const char *)field->name.at, (int)field->value.size, (const char *)field->value.at);
}

/* In pieces of memory of their own. */
static enum bi_urlencoded_result read_all(struct bi_urlencoded *decoder, const char *body, size_t size, size_t piece)
{
    struct bi_urlencoded_field field;
    enum bi_urlencoded_result result;
    size_t at = 0;
    heard[heard_size = 0] = '\0';
    do {
        size_t come = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(come + 1);
        memcpy(copy, body + at, come);
        struct bi_view text = { copy, come };
        at += come;
        while ((result = bi_urlencoded_next(decoder, &text, at == size, &field)) == BI_URLENCODED_FIELD) {
            hear(&field);
        }
        ck_assert(text.size == 0 || result == BI_URLENCODED_REFUSED);
        free(copy);
    } while (result == BI_URLENCODED_PARTIAL);
    bi_urlencoded_finish(decoder);
    return result;
}

START_TEST(fields_are_the_same_however_the_body_is_cut) /* A11 */
{
    size_t size = strlen(rows[_i].body);
    for (size_t piece = 1; piece <= size + 1; piece++) {
        struct bi_urlencoded decoder;
        bi_urlencoded_begin(&decoder, 1000, 65536);
        ck_assert_int_eq(read_all(&decoder, rows[_i].body, size, piece), BI_URLENCODED_END);
        ck_assert_str_eq(heard, rows[_i].fields);
    }
}
END_TEST

START_TEST(a_value_may_hold_nul) /* A11 */
{
    struct bi_urlencoded decoder;
    struct bi_urlencoded_field field;
    struct bi_view text = bi_view_of("a%00b=%00c");
    bi_urlencoded_begin(&decoder, 1, 10);
    ck_assert_int_eq(bi_urlencoded_next(&decoder, &text, true, &field), BI_URLENCODED_FIELD);
    ck_assert(bi_view_equal(field.name, (struct bi_view) { (const uint8_t *)"a\0b", 3 }));
    ck_assert(bi_view_equal(field.value, (struct bi_view) { (const uint8_t *)"\0c", 2 }));
    bi_urlencoded_finish(&decoder);
}
END_TEST

START_TEST(too_many_fields_are_refused_and_those_before_were_read) /* A11 */
{
    for (size_t piece = 1; piece <= 12; piece++) {
        struct bi_urlencoded decoder;
        bi_urlencoded_begin(&decoder, 2, 10);
        ck_assert_int_eq(read_all(&decoder, "&a=1&&b=2&c=3", 13, piece), BI_URLENCODED_REFUSED);
        ck_assert_str_eq(heard, "[a|1][b|2]");
        ck_assert_ptr_nonnull(strstr(decoder.why, "too many"));
    }
}
END_TEST

START_TEST(a_field_is_as_long_as_what_it_means) /* A11 */
{
    static const struct {
        const char *body;
        bool fits;
    } lengths[] = { { "ab=cd", true }, { "%61%62=%63%64", true }, { "abcd", true }, { "=abcd", true },
        { "ab=cde", false }, { "%61%62=%63%64%65", false }, { "abcde", false },
        { "aaaaaaaaaaaaaaaaaaaaaaaaa", false } };
    size_t size = strlen(lengths[_i].body);
    for (size_t piece = 1; piece <= size; piece++) {
        struct bi_urlencoded decoder;
        bi_urlencoded_begin(&decoder, 2, 4);
        enum bi_urlencoded_result result = read_all(&decoder, lengths[_i].body, size, piece);
        ck_assert_int_eq(result, lengths[_i].fits ? BI_URLENCODED_END : BI_URLENCODED_REFUSED);
        ck_assert(lengths[_i].fits || strcmp(decoder.why, "a field is too long") == 0);
    }
}
END_TEST

START_TEST(no_more_is_kept_than_proves_a_field_too_long) /* A11 */
{
    static char body[1 << 20];
    struct bi_urlencoded decoder;
    struct bi_urlencoded_field field;
    memset(body, 'a', sizeof body);
    struct bi_view text = { (const uint8_t *)body, sizeof body };
    bi_urlencoded_begin(&decoder, 2, 1000);
    ck_assert_int_eq(bi_urlencoded_next(&decoder, &text, false, &field), BI_URLENCODED_REFUSED);
    ck_assert_uint_le(decoder.capacity, 8192);
    bi_urlencoded_finish(&decoder);
    bi_urlencoded_begin(&decoder, UINT32_MAX, UINT32_MAX); /* no number overflows */
    ck_assert_int_eq(read_all(&decoder, body, sizeof body, 70000), BI_URLENCODED_END);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, fields_are_the_same_however_the_body_is_cut, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, a_value_may_hold_nul);
    tcase_add_test(tests, too_many_fields_are_refused_and_those_before_were_read);
    tcase_add_loop_test(tests, a_field_is_as_long_as_what_it_means, 0, 8);
    tcase_add_test(tests, no_more_is_kept_than_proves_a_field_too_long);
}

BIGHT_TEST_MAIN("http_urlencoded", add_tests)
