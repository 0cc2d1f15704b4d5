/* SPDX-License-Identifier: MIT */
/* Tests of the known methods and names of fields (protocols/http/message/names.h). */
#include "http/message/names.h"

#include <check.h>
#include <ctype.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static enum bi_name name_of(const char *text, size_t size)
{
    return bi_name_find(edge_copy(text, size), size);
}

START_TEST(every_name_is_found_in_any_case)
{
    for (enum bi_name name = 1; name < BI_NAME_COUNT; name++) {
        char text[64];
        size_t size = strlen(bi_name_text(name));
        memcpy(text, bi_name_text(name), size);
        ck_assert_int_eq(name_of(text, size), name);
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)toupper((unsigned char)text[i]);
            ck_assert_int_eq(name_of(text, size), name);
        }
    }
}
END_TEST

START_TEST(a_name_with_one_other_byte_is_another)
{
    for (enum bi_name name = 1; name < BI_NAME_COUNT; name++) {
        char text[64];
        size_t size = strlen(bi_name_text(name));
        for (size_t place = 0; place < size; place++) {
            memcpy(text, bi_name_text(name), size);
            for (int byte = 0; byte < 256; byte++) {
                text[place] = (char)byte;
                bool same = (byte < 0x80 ? tolower(byte) : byte) == bi_name_text(name)[place];
                enum bi_name found = name_of(text, size);
                ck_assert_msg((found == name) == same, "%s with %#x at %zu", bi_name_text(name), (unsigned)byte, place);
                ck_assert_msg(found == BI_NAME_OTHER || size == strlen(bi_name_text(found)), "%s", text);
            }
        }
    }
}
END_TEST

START_TEST(a_name_cut_short_or_longer_is_another)
{
    for (enum bi_name name = 1; name < BI_NAME_COUNT; name++) {
        char text[64];
        size_t size = strlen(bi_name_text(name));
        snprintf(text, sizeof text, "%sx", bi_name_text(name));
        ck_assert_int_eq(name_of(text, size + 1), BI_NAME_OTHER);
        ck_assert_int_ne(name_of(text, size - 1), name);
    }
    ck_assert_int_eq(name_of("", 0), BI_NAME_OTHER);
}
END_TEST

START_TEST(methods_have_cases)
{
    for (enum bi_method method = 1; method < BI_METHOD_COUNT; method++) {
        char text[16];
        size_t size = strlen(bi_method_text(method));
        memcpy(text, bi_method_text(method), size);
        ck_assert_int_eq(bi_method_find(edge_copy(text, size), size), method);
        ck_assert_int_eq(bi_method_find(edge_copy(text, size - 1), size - 1), BI_METHOD_OTHER);
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)tolower((unsigned char)text[i]);
            ck_assert_int_eq(bi_method_find(edge_copy(text, size), size), BI_METHOD_OTHER);
        }
    }
    ck_assert_int_eq(bi_method_find((const uint8_t *)"", 0), BI_METHOD_OTHER);
    ck_assert_int_eq(bi_method_find((const uint8_t *)"PROPFIND", 8), BI_METHOD_OTHER);
    ck_assert_ptr_null(bi_method_text(BI_METHOD_OTHER));
    ck_assert_ptr_null(bi_name_text(BI_NAME_OTHER));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_name_is_found_in_any_case);
    tcase_add_test(tests, a_name_with_one_other_byte_is_another);
    tcase_add_test(tests, a_name_cut_short_or_longer_is_another);
    tcase_add_test(tests, methods_have_cases);
}

BIGHT_TEST_MAIN("http_names", add_tests)
