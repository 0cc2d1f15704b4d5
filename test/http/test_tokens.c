/* SPDX-License-Identifier: MIT */
/* Tests of what values of fields are made of (protocols/http/message/tokens.h). */
#include "http/message/tokens.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static struct bi_view view(const char *text)
{
    return (struct bi_view) { edge_copy(text, strlen(text)), strlen(text) };
}

#define BYTES(literal) ((struct bi_view) { edge_copy(literal, sizeof(literal) - 1), sizeof(literal) - 1 })

/* As RFC 9110 spells its grammars. */
static unsigned classes_of(int byte)
{
    bool alpha = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    bool digit = byte >= '0' && byte <= '9';
    bool space = byte == ' ' || byte == '\t';
    bool visible = byte >= 0x21 && byte <= 0x7e;
    bool value = space || visible || byte >= 0x80;
    bool hex = digit || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
    bool token = alpha || digit || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
    return (token ? BI_CLASS_TOKEN : 0u) | (value ? BI_CLASS_VALUE : 0u) | (space ? BI_CLASS_SPACE : 0u) |
           (digit ? BI_CLASS_DIGIT : 0u) | (hex ? BI_CLASS_HEX : 0u) | (alpha ? BI_CLASS_ALPHA : 0u) |
           (visible ? BI_CLASS_VISIBLE : 0u) | (value && byte != '"' && byte != '\\' ? BI_CLASS_QUOTED : 0u);
}

START_TEST(every_byte_has_the_classes_of_the_grammar) /* H2, H6 */
{
    for (int byte = 0; byte < 256; byte++) {
        ck_assert_uint_eq(bi_classes[byte], classes_of(byte));
    }
}
END_TEST

START_TEST(a_token_is_of_token_characters_and_not_empty) /* H6 */
{
    ck_assert(bi_is_token(view("Content-Type")));
    ck_assert(bi_is_token(view("!#$%&'*+-.^_`|~09azAZ")));
    ck_assert(!bi_is_token(view("")));
    ck_assert(!bi_is_token(view("a b")));
    ck_assert(!bi_is_token(view("a:")));
    ck_assert(!bi_is_token(view("a\r\nb")));
    ck_assert(!bi_is_token(view("\x80")));
    ck_assert(!bi_is_token(BYTES("a\0b")));
}
END_TEST

START_TEST(a_value_holds_no_control_but_tab_and_no_space_around_it) /* H6 */
{
    ck_assert(bi_is_field_value(view("")));
    ck_assert(bi_is_field_value(view("a \t b")));
    ck_assert(bi_is_field_value(view("\xc3\xa9\xff")));
    ck_assert(!bi_is_field_value(view(" a")));
    ck_assert(!bi_is_field_value(view("a\t")));
    ck_assert(!bi_is_field_value(view(" ")));
    ck_assert(!bi_is_field_value(view("a\r\nSet-Cookie: x")));
    for (int byte = 0; byte < 256; byte++) {
        char text[] = { 'a', (char)byte, 'b' };
        bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
        ck_assert_int_eq(bi_is_field_value((struct bi_view) { edge_copy(text, 3), 3 }), !control);
    }
}
END_TEST

START_TEST(trimming_takes_space_and_tab_alone) /* H2 */
{
    ck_assert(bi_view_equal(bi_trim(view(" \t a b\t ")), bi_view_of("a b")));
    ck_assert(bi_view_equal(bi_trim(view(" \t ")), bi_view_of("")));
    ck_assert(bi_view_equal(bi_trim(view("\x0b\x0c")), bi_view_of("\x0b\x0c")));
}
END_TEST

START_TEST(what_is_before_ends_at_the_first_of_several)
{
    ck_assert_uint_eq(bi_before(view("a b?c#d/"), "/?#"), 3);
    ck_assert_uint_eq(bi_before(view("abc"), "/?#"), 3);
    ck_assert_uint_eq(bi_before(BYTES("a\0b#"), "/?#"), 3);
    ck_assert_uint_eq(bi_before(view(""), "/?#"), 0);
}
END_TEST

START_TEST(views_are_compared_with_and_without_case)
{
    ck_assert(bi_view_equal(view("gzip"), bi_view_of("gzip")));
    ck_assert(!bi_view_equal(view("gzip"), bi_view_of("GZIP")));
    ck_assert(bi_view_equal_nocase(view("gZip"), bi_view_of("GziP")));
    ck_assert(!bi_view_equal_nocase(view("gzip"), bi_view_of("gzi")));
    ck_assert(!bi_view_equal_nocase(view("@[`{"), bi_view_of("`{@[")));
}
END_TEST

static const struct {
    const char *text, *inside, *meant, *rest; /* inside NULL: refused */
} quoted[] = {
    { "\"\"", "", "", "" },
    { "\"a b\";c", "a b", "a b", ";c" },
    { "\"a\\\"b\\\\\"", "a\\\"b\\\\", "a\"b\\", "" },
    { "\"\\a\\\t\"", "\\a\\\t", "a\t", "" },
    { "\"a,b\",", "a,b", "a,b", "," },
    { "\"\xc3\xa9\"", "\xc3\xa9", "\xc3\xa9", "" },
    { "", NULL, NULL, NULL },
    { "a\"b\"", NULL, NULL, NULL },
    { "\"", NULL, NULL, NULL },
    { "\"a", NULL, NULL, NULL },
    { "\"a\\", NULL, NULL, NULL },
    { "\"a\\\"", NULL, NULL, NULL },
    { "\"a\nb\"", NULL, NULL, NULL },
    { "\"a\\\nb\"", NULL, NULL, NULL },
    { "\"\x7f\"", NULL, NULL, NULL },
};

START_TEST(a_quoted_string_ends_at_the_quote_that_is_not_escaped)
{
    struct bi_view text = view(quoted[_i].text), rest = text, inside;
    bool taken = bi_take_quoted(&rest, &inside);
    uint8_t meant[16];
    ck_assert_int_eq(taken, quoted[_i].inside != NULL);
    if (!taken) {
        ck_assert(bi_view_equal(rest, text));
        return;
    }
    ck_assert(bi_view_equal(inside, bi_view_of(quoted[_i].inside)));
    ck_assert(bi_view_equal(rest, bi_view_of(quoted[_i].rest)));
    struct bi_view unquoted = { meant, bi_unquote(inside, meant, sizeof meant) };
    ck_assert(bi_view_equal(unquoted, bi_view_of(quoted[_i].meant)));
}
END_TEST

START_TEST(unquoting_writes_no_more_than_there_is_room_for)
{
    uint8_t meant[4] = "####";
    ck_assert_uint_eq(bi_unquote(view("a\\bcd"), meant, 2), 4);
    ck_assert_mem_eq(meant, "ab##", 4);
    ck_assert_uint_eq(bi_unquote(view("abc"), NULL, 0), 3);
}
END_TEST

static const struct {
    const char *list, *members; /* each member in brackets */
} lists[] = {
    { "", "" },
    { " , ,\t,", "" },
    { "a", "[a]" },
    { "a,b", "[a][b]" },
    { " a b , \tc,,d ,", "[a b][c][d]" },
    { "\"a,b\",c", "[\"a,b\"][c]" },
    { "x=\"a\\\",b\" ; q, c", "[x=\"a\\\",b\" ; q][c]" },
    { "\"a,b", "[\"a,b]" },
    { "a,\"b\\", "[a][\"b\\]" },
    { "a\\,b", "[a\\][b]" },
};

START_TEST(a_list_has_its_members_without_space_and_the_empty_ones) /* H6 */
{
    struct bi_view list = view(lists[_i].list), member;
    char members[64] = "";
    while (bi_list_next(&list, &member)) {
        strcat(members, "[");
        strncat(members, (const char *)member.at, member.size);
        strcat(members, "]");
    }
    ck_assert_str_eq(members, lists[_i].members);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_byte_has_the_classes_of_the_grammar);
    tcase_add_test(tests, a_token_is_of_token_characters_and_not_empty);
    tcase_add_test(tests, a_value_holds_no_control_but_tab_and_no_space_around_it);
    tcase_add_test(tests, trimming_takes_space_and_tab_alone);
    tcase_add_test(tests, what_is_before_ends_at_the_first_of_several);
    tcase_add_test(tests, views_are_compared_with_and_without_case);
    tcase_add_loop_test(
        tests, a_quoted_string_ends_at_the_quote_that_is_not_escaped, 0, (int)(sizeof quoted / sizeof *quoted));
    tcase_add_test(tests, unquoting_writes_no_more_than_there_is_room_for);
    tcase_add_loop_test(
        tests, a_list_has_its_members_without_space_and_the_empty_ones, 0, (int)(sizeof lists / sizeof *lists));
}

BIGHT_TEST_MAIN("http_tokens", add_tests)
