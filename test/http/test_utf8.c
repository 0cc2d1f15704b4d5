/* SPDX-License-Identifier: MIT */
/* Tests of what is UTF-8 (protocols/http/message/utf8.h). fuzz_utf8.c has a plain decoder beside it. */
#include "http/message/utf8.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static bool is_utf8(const char *text)
{
    return bi_is_utf8(edge_copy(text, strlen(text)), strlen(text));
}

/* The encoding of each number by its formula, of one byte more than it needs, too. */
static size_t encode(uint32_t number, size_t size, uint8_t *out)
{
    static const uint8_t firsts[] = { 0x00, 0x00, 0xc0, 0xe0, 0xf0 };
    for (size_t at = size - 1; at > 0; at--) {
        out[at] = (uint8_t)(0x80 | (number & 0x3f));
        number >>= 6;
    }
    out[0] = (uint8_t)(firsts[size] | number);
    return size;
}

static size_t size_of(uint32_t number)
{
    return number < 0x80 ? 1 : number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
}

START_TEST(each_character_is_utf8_and_no_surrogate_is)
{
    for (uint32_t number = 0; number < 0x120000; number++) {
        uint8_t text[4];
        bool is_one = number < 0x110000 && (number < 0xd800 || number > 0xdfff);
        ck_assert_int_eq(bi_is_utf8(text, encode(number, size_of(number), text)), is_one);
    }
}
END_TEST

START_TEST(no_overlong_form_is)
{
    for (uint32_t number = 0; number < 0x10000; number++) {
        uint8_t text[4];
        for (size_t size = size_of(number) + 1; size <= 4; size++) {
            ck_assert(!bi_is_utf8(text, encode(number, size, text)));
        }
    }
}
END_TEST

START_TEST(bytes_that_never_occur_are_refused_anywhere)
{
    for (unsigned byte = 0x80; byte < 0x100; byte++) {
        bool never = byte == 0xc0 || byte == 0xc1 || byte > 0xf4;
        struct bi_utf8 utf8 = { 0 };
        uint8_t text = (uint8_t)byte;
        ck_assert_int_eq(bi_utf8_feed(&utf8, &text, 1), !never && byte >= 0xc2);
        ck_assert(!bi_utf8_is_complete(&utf8));
    }
}
END_TEST

/* In runs around the stride, at each place: what is looked at 32 bytes at a time is looked at all the same. */
START_TEST(one_wrong_byte_anywhere_is_found)
{
    char text[101];
    for (size_t size = 1; size < sizeof text; size++) {
        memset(text, 'x', size);
        text[size] = '\0';
        ck_assert(is_utf8(text));
        for (size_t at = 0; at < size; at++) {
            text[at] = (char)0x80;
            ck_assert(!is_utf8(text));
            text[at] = 'x';
        }
    }
}
END_TEST

static bool in_pieces(const char *text, size_t piece)
{
    struct bi_utf8 utf8 = { 0 };
    bool good = true;
    for (size_t left = strlen(text), size; left > 0; left -= size, text += size) {
        size = left < piece ? left : piece;
        good = bi_utf8_feed(&utf8, edge_copy(text, size), size);
    }
    return good && bi_utf8_is_complete(&utf8);
}

START_TEST(text_may_be_cut_anywhere)
{
    const char *good =
        "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5, \xf0\x9f\x98\x80, and forty bytes of ASCII behind it all";
    const char *bad = "forty bytes of ASCII before what is wrong: \xed\xa0\x80, and some behind";
    for (size_t piece = 1; piece < 80; piece++) {
        ck_assert(in_pieces(good, piece));
        ck_assert(!in_pieces(bad, piece));
    }
}
END_TEST

/* W2 needs it at the byte that proves it. */
START_TEST(what_is_wrong_is_told_with_the_first_byte_that_proves_it)
{
    static const struct {
        const char *text;
        size_t at;
    } wrong[] = { { "a\xff", 1 }, { "\xc3(", 1 }, { "\xe0\x9f", 1 }, { "\xed\xa0", 1 }, { "\xf0\x8f", 1 },
        { "\xf4\x90", 1 }, { "\xe1\x80(", 2 }, { "\xf1\x80\x80 ", 3 }, { "\xc0", 0 }, { "\xf5", 0 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bi_utf8 utf8 = { 0 };
        ck_assert(bi_utf8_feed(&utf8, wrong[i].text, wrong[i].at));
        ck_assert(!bi_utf8_feed(&utf8, wrong[i].text + wrong[i].at, 1));
        ck_assert(!bi_utf8_feed(&utf8, "x", 1));
        ck_assert(!bi_utf8_is_complete(&utf8));
    }
}
END_TEST

START_TEST(a_character_that_has_not_come_whole_is_not_complete)
{
    struct bi_utf8 utf8 = { 0 };
    ck_assert(bi_utf8_is_complete(&utf8));
    ck_assert(bi_utf8_feed(&utf8, "", 0));
    ck_assert(bi_utf8_feed(&utf8, "\xf0\x9f\x98", 3));
    ck_assert(!bi_utf8_is_complete(&utf8));
    ck_assert(bi_utf8_feed(&utf8, "\x80", 1));
    ck_assert(bi_utf8_is_complete(&utf8));
    ck_assert(!bi_is_utf8("\xe2\x82", 2));
    ck_assert(bi_is_utf8("a\0b", 3));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, each_character_is_utf8_and_no_surrogate_is);
    tcase_add_test(tests, no_overlong_form_is);
    tcase_add_test(tests, bytes_that_never_occur_are_refused_anywhere);
    tcase_add_test(tests, one_wrong_byte_anywhere_is_found);
    tcase_add_test(tests, text_may_be_cut_anywhere);
    tcase_add_test(tests, what_is_wrong_is_told_with_the_first_byte_that_proves_it);
    tcase_add_test(tests, a_character_that_has_not_come_whole_is_not_complete);
}

BIGHT_TEST_MAIN("http_utf8", add_tests)
