/* SPDX-License-Identifier: MIT */
/* Tests of how events are written (protocols/http/message/event.h). fuzz_http_event.c reads back what is written. */
#include "http/message/event.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

/* NULL: there is none. */
static struct bi_view view(const char *text)
{
    return text != NULL ? bi_view_of(text) : (struct bi_view) { NULL, 0 };
}

static const struct {
    const char *id, *type, *data, *written;
} events[] = {
    { NULL, NULL, "hello", "data: hello\n\n" },
    { "7", "price", "42", "id: 7\nevent: price\ndata: 42\n\n" },
    { NULL, "", "x", "data: x\n\n" },
    { NULL, NULL, "", "data: \n\n" },
    { "", NULL, NULL, "id: \n\n" },
    { NULL, NULL, NULL, "\n" },
    { NULL, NULL, "a\nb", "data: a\ndata: b\n\n" },
    { NULL, NULL, "a\rb", "data: a\ndata: b\n\n" },
    { NULL, NULL, "a\r\nb", "data: a\ndata: b\n\n" },
    { NULL, NULL, "a\n\rb", "data: a\ndata: \ndata: b\n\n" },
    { NULL, NULL, "a\n", "data: a\ndata: \n\n" },
    { NULL, NULL, "\r\n\r\n", "data: \ndata: \ndata: \n\n" },
    { NULL, NULL, "a\n\nevent: fake\ndata: b", "data: a\ndata: \ndata: event: fake\ndata: data: b\n\n" },
    { NULL, NULL, " a: b", "data:  a: b\n\n" },
    { NULL, NULL, "a line of more than eight bytes\rand another",
        "data: a line of more than eight bytes\ndata: and another\n\n" },
};

START_TEST(an_event_is_written_line_by_line) /* A13 */
{
    char out[256];
    struct bi_event event = { view(events[_i].id), view(events[_i].type), view(events[_i].data) };
    if (event.data.at != NULL) {
        event.data.at = edge_copy(event.data.at, event.data.size);
    }
    size_t size = bi_event_write(&event, NULL);
    ck_assert_uint_eq(size, strlen(events[_i].written));
    ck_assert_uint_eq(bi_event_write(&event, out), size);
    ck_assert_mem_eq(out, events[_i].written, size);
}
END_TEST

START_TEST(a_comment_stays_one) /* A13 */
{
    static const char *const comments[][2] = { { "", ":\n\n" }, { "hello", ": hello\n\n" },
        { "a\r\ndata: b", ": a\n: data: b\n\n" } };
    for (size_t i = 0; i < 3; i++) {
        char out[64];
        size_t size = bi_event_write_comment(view(comments[i][0]), out);
        ck_assert_uint_eq(size, strlen(comments[i][1]));
        ck_assert_uint_eq(size, bi_event_write_comment(view(comments[i][0]), NULL));
        ck_assert_mem_eq(out, comments[i][1], size);
    }
}
END_TEST

START_TEST(what_could_end_its_line_is_no_name) /* A13 */
{
    ck_assert(bi_event_is_name(view("caf\xc3\xa9 au lait")));
    ck_assert(bi_event_is_name(view("")));
    ck_assert(!bi_event_is_name(view("a\nb")));
    ck_assert(!bi_event_is_name(view("a\rb")));
    ck_assert(!bi_event_is_name((struct bi_view) { (const uint8_t *)"a\0b", 3 }));
    ck_assert(!bi_event_is_name(view("\xff")));
    ck_assert(!bi_event_is_name(view("\xc3")));
}
END_TEST

START_TEST(an_id_is_no_longer_than_one_that_is_taken_back) /* A13 */
{
    char text[258];
    memset(text, 'x', sizeof text);
    text[257] = '\0';
    ck_assert(bi_event_is_name(view(text)));
    ck_assert(!bi_event_is_id(view(text)));
    text[256] = '\0';
    ck_assert(bi_event_is_id(view(text)));
    text[3] = '\n';
    ck_assert(!bi_event_is_id(view(text)));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_event_is_written_line_by_line, 0, (int)(sizeof events / sizeof *events));
    tcase_add_test(tests, a_comment_stays_one);
    tcase_add_test(tests, what_could_end_its_line_is_no_name);
    tcase_add_test(tests, an_id_is_no_longer_than_one_that_is_taken_back);
}

BIGHT_TEST_MAIN("http_event", add_tests)
