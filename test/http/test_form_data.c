/* SPDX-License-Identifier: MIT */
/* Tests of what the head of a form's part says (protocols/http/message/form_data.h). */
#include "http/message/form_data.h"

#include <check.h>
#include <stdio.h>

#include "edge.h"
#include "support.h"

/* name|label, `-` without a file name; NULL: refused. */
static const struct {
    const char *value, *says;
} rows[] = {
    { "form-data; name=a", "a|-" },
    { "form-data; name=\"a\"", "a|-" },
    { "Form-Data;NAME=\"a\";FileName=\"b.txt\"", "a|b.txt" },
    { "form-data; name=\"\"", "|-" },
    { "form-data; name=\"a\"; filename=\"\"", "a|" },
    { "form-data; name=\"a b;c=d\"; filename=\"x;y\"", "a b;c=d|x;y" },
    { "form-data; name=\"a\\\"b\"", "a\"b|-" },
    { "form-data; name=\"a\\\\b\"", "a\\b|-" },
    { "form-data; name=\"a\\b\"", "a\\b|-" },
    { "form-data; name=\"a%22b%2541\"", "a%22b%2541|-" },
    { "form-data; name=\"\xc3\xa9\"; filename=\"\xe2\x82\xac.txt\"", "\xc3\xa9|\xe2\x82\xac.txt" },
    { "form-data; name=a; filename=\"C:\\dir\\b.txt\"", "a|b.txt" },
    { "form-data; name=a; filename=\"C:\\\\dir\\\\b.txt\"", "a|b.txt" },
    { "form-data; name=a; filename=\"/etc/passwd\"", "a|passwd" },
    { "form-data; name=a; filename=\"../../b\"", "a|b" },
    { "form-data; name=a; filename=\"..\"", "a|" },
    { "form-data; name=a; filename=\"x/..\"", "a|" },
    { "form-data; name=a; filename=\".\"", "a|" },
    { "form-data; name=a; filename=\"x\\\"", NULL }, /* the quote is escaped, and no other ends it */
    { "form-data; name=a; filename=\"dir/\"", "a|" },
    { "form-data; name=a; filename=\".hidden\"", "a|.hidden" },
    { "form-data; name=a; filename=\"a\tb\"", "a|ab" },
    { "form-data; name=a; filename=\"a\xc2\x85.\xc2\xa0\"", "a|a.\xc2\xa0" },
    { "form-data; name=a; filename=\".\t.\"", "a|" },
    { "form-data; name=a; filename=\"\xc2\t\x9f\"", "a|" },
    { "form-data; name=a; filename*=UTF-8''b.txt", "a|-" },
    { "form-data; name=a; filename=b; filename*=UTF-8''c", "a|b" },
    { "form-data; name=a; other=b;", "a|-" },
    { "form-data;; name=a", "a|-" },
    { "form-data", NULL },
    { "form-data; filename=a", NULL },
    { "form-data; name=a; name=b", NULL },
    { "form-data; name=a; filename=b; filename=c", NULL },
    { "form-data; name=\"\"; Name=\"\"", NULL },
    { "attachment; name=a", NULL },
    { "form-data name=a", NULL },
    { "form-data; name=", NULL },
    { "form-data; name=a b", NULL },
    { "form-data; name=\"a", NULL },
    { "form-data; name =a", NULL },
    { "", NULL },
};

static struct bi_head head;
static struct bi_field fields[16];
static uint8_t texts[4096];

static bool read_head(struct bi_form_part *part, const char *text)
{
    size_t size = strlen(text);
    uint8_t *bytes = edge_copy(text, size);
    head = (struct bi_head) { .fields = fields, .limits = { 4096, 4096, 16 } };
    bi_head_begin(&head, BI_HEAD_TRAILERS);
    ck_assert_int_eq(bi_head_parse(&head, bytes, size), BI_HEAD_WHOLE);
    memset(texts, 'x', sizeof texts);
    bool is_good = bi_form_part_read(part, &head, bytes, texts);
    for (size_t i = size; i < sizeof texts; i++) {
        ck_assert_uint_eq(texts[i], 'x'); /* no more room than the head has */
    }
    return is_good;
}

START_TEST(a_disposition_says_a_name_and_perhaps_a_label) /* A11 */
{
    char text[512], says[512];
    struct bi_form_part part;
    (void)snprintf(text, sizeof text, "Content-Disposition:%s\r\n\r\n", rows[_i].value);
    bool is_good = read_head(&part, text);
    ck_assert_int_eq(is_good, rows[_i].says != NULL);
    if (is_good) {
        ck_assert_uint_eq(part.name.size, strlen((const char *)part.name.at));
        (void)snprintf(
            says, sizeof says, "%s|%s", (const char *)part.name.at, part.is_file ? (const char *)part.label.at : "-");
        ck_assert_str_eq(says, rows[_i].says);
    } else {
        ck_assert_ptr_nonnull(part.why);
    }
}
END_TEST

#define NAMED "Content-Disposition: form-data; name=a\r\n"

START_TEST(a_head_is_read_as_a_whole) /* A11 */
{
    static const struct {
        const char *text, *type; /* NULL: refused */
    } heads[] = {
        { NAMED "\r\n", "" },
        { "content-type: text/plain; charset=utf-8\r\n" NAMED "X-Other: 1\r\nX-Other: 2\r\n\r\n",
            "text/plain; charset=utf-8" },
        { NAMED "Content-Type:\r\n\r\n", "" },
        { NAMED "Content-Transfer-Encoding: BINARY\r\n\r\n", "" },
        { NAMED "Content-Transfer-Encoding: 8bit\r\n\r\n", "" },
        { NAMED "Content-Transfer-Encoding: 7bit\r\n\r\n", "" },
        { NAMED "Content-Transfer-Encoding: base64\r\n\r\n", NULL },
        { NAMED "Content-Transfer-Encoding: quoted-printable\r\n\r\n", NULL },
        { "\r\n", NULL },
        { "Content-Type: text/plain\r\n\r\n", NULL },
        { NAMED NAMED "\r\n", NULL },
        { NAMED "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", NULL },
        { NAMED "Content-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: binary\r\n\r\n", NULL },
    };
    struct bi_form_part part;
    ck_assert_int_eq(read_head(&part, heads[_i].text), heads[_i].type != NULL);
    if (heads[_i].type != NULL) {
        ck_assert(bi_view_equal(part.name, bi_view_of("a")));
        ck_assert_uint_eq(part.type.size, strlen(heads[_i].type));
        ck_assert(part.type.size == 0 || memcmp(part.type.at, heads[_i].type, part.type.size) == 0);
    } else {
        ck_assert_ptr_nonnull(part.why);
    }
}
END_TEST

START_TEST(a_label_has_no_control_whatever_is_removed) /* A11 */
{
    static const uint8_t alphabet[] = { 0x01, 0xc2, 0x85, 'a', '/', 0x7f };
    uint8_t name[6], label[6];
    for (unsigned number = 0; number < 6 * 6 * 6 * 6 * 6 * 6; number++) {
        unsigned rest = number;
        for (size_t i = 0; i < sizeof name; i++, rest /= 6) {
            name[i] = alphabet[rest % 6];
        }
        size_t size = bi_file_label((struct bi_view) { name, sizeof name }, label);
        for (size_t i = 0; i < size; i++) {
            ck_assert(label[i] >= 0x20 && label[i] != 0x7f && label[i] != '/');
            ck_assert(i == 0 || label[i - 1] != 0xc2 || label[i] != 0x85);
        }
    }
}
END_TEST

START_TEST(a_file_that_was_not_chosen_is_told_apart) /* A11 */
{
    struct bi_form_part part;
    ck_assert(read_head(&part, "Content-Disposition: form-data; name=a; filename=\"\"\r\n\r\n"));
    ck_assert(part.is_file && part.is_blank);
    ck_assert(read_head(&part, "Content-Disposition: form-data; name=a; filename=\"..\"\r\n\r\n"));
    ck_assert(part.is_file && !part.is_blank);
    ck_assert_uint_eq(part.label.size, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_disposition_says_a_name_and_perhaps_a_label, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_loop_test(tests, a_head_is_read_as_a_whole, 0, 13);
    tcase_add_test(tests, a_label_has_no_control_whatever_is_removed);
    tcase_add_test(tests, a_file_that_was_not_chosen_is_told_apart);
}

BIGHT_TEST_MAIN("http_form_data", add_tests)
