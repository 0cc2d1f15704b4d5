/* SPDX-License-Identifier: MIT */
/* Tests of references (protocols/http/message/reference.h). */
#include "http/message/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "edge.h"
#include "support.h"

#define BASE "http://a/b/c/d;p?q"

static const struct {
    const char *base, *reference, *result; /* NULL: none */
} rows[] = {
    /* RFC 3986, section 5.4.1. */
    { BASE, "g:h", "g:h" },
    { BASE, "g", "http://a/b/c/g" },
    { BASE, "./g", "http://a/b/c/g" },
    { BASE, "g/", "http://a/b/c/g/" },
    { BASE, "/g", "http://a/g" },
    { BASE, "//g", "http://g" },
    { BASE, "?y", "http://a/b/c/d;p?y" },
    { BASE, "g?y", "http://a/b/c/g?y" },
    { BASE, "#s", "http://a/b/c/d;p?q#s" },
    { BASE, "g#s", "http://a/b/c/g#s" },
    { BASE, "g?y#s", "http://a/b/c/g?y#s" },
    { BASE, ";x", "http://a/b/c/;x" },
    { BASE, "g;x", "http://a/b/c/g;x" },
    { BASE, "g;x?y#s", "http://a/b/c/g;x?y#s" },
    { BASE, "", "http://a/b/c/d;p?q" },
    { BASE, ".", "http://a/b/c/" },
    { BASE, "./", "http://a/b/c/" },
    { BASE, "..", "http://a/b/" },
    { BASE, "../", "http://a/b/" },
    { BASE, "../g", "http://a/b/g" },
    { BASE, "../..", "http://a/" },
    { BASE, "../../", "http://a/" },
    { BASE, "../../g", "http://a/g" },
    /* Section 5.4.2. */
    { BASE, "../../../g", "http://a/g" },
    { BASE, "../../../../g", "http://a/g" },
    { BASE, "/./g", "http://a/g" },
    { BASE, "/../g", "http://a/g" },
    { BASE, "g.", "http://a/b/c/g." },
    { BASE, ".g", "http://a/b/c/.g" },
    { BASE, "g..", "http://a/b/c/g.." },
    { BASE, "..g", "http://a/b/c/..g" },
    { BASE, "./../g", "http://a/b/g" },
    { BASE, "./g/.", "http://a/b/c/g/" },
    { BASE, "g/./h", "http://a/b/c/g/h" },
    { BASE, "g/../h", "http://a/b/c/h" },
    { BASE, "g;x=1/./y", "http://a/b/c/g;x=1/y" },
    { BASE, "g;x=1/../y", "http://a/b/c/y" },
    { BASE, "g?y/./x", "http://a/b/c/g?y/./x" },
    { BASE, "g?y/../x", "http://a/b/c/g?y/../x" },
    { BASE, "g#s/./x", "http://a/b/c/g#s/./x" },
    { BASE, "g#s/../x", "http://a/b/c/g#s/../x" },
    { BASE, "http:g", "http:g" },
    /* Bases without a path, with a fragment, with dots. */
    { "http://a", "g", "http://a/g" },
    { "http://a?q", "g", "http://a/g" },
    { "http://a?q", "", "http://a?q" },
    { "http://a", "?y", "http://a?y" },
    { "http://a/b#s", "", "http://a/b" },
    { "http://a/b?q#s", "#t", "http://a/b?q#t" },
    { "http://a/b/../c/./d", "", "http://a/b/../c/./d" },
    { "http://a/b/../c/./d", "e", "http://a/c/e" },
    { "http://a/b/../c/./d", "?y", "http://a/b/../c/./d?y" },
    { "http://u:p@a:80/b", "/c", "http://u:p@a:80/c" },
    /* References that are whole. */
    { BASE, "https://g/../h/./i", "https://g/h/i" },
    { BASE, "//g/../../h?x", "http://g/h?x" },
    { BASE, "x:../g", "x:g" },
    { BASE, "x:a/..", "x:/" },
    { BASE, "x:a/../b", "x:/b" },
    { BASE, "x:", "x:" },
    { BASE, "x:?y", "x:?y" },
    /* Empty segments and names with dots are segments. */
    { BASE, "//g//h//../i", "http://g//h/i" },
    { BASE, "g//../h", "http://a/b/c/g/h" },
    { BASE, ".../g", "http://a/b/c/.../g" },
    { BASE, "%2e%2e/g", "http://a/b/c/%2e%2e/g" },
    { BASE, "/.", "http://a/" },
    { BASE, "/..", "http://a/" },
    { BASE, "/g/..", "http://a/" },
    { BASE, "?", "http://a/b/c/d;p?" },
    { BASE, "#", "http://a/b/c/d;p?q#" },
    /* A colon makes a scheme of letters alone, and before any slash. */
    { BASE, "1:h", "http://a/b/c/1:h" },
    { BASE, ":h", "http://a/b/c/:h" },
    { BASE, "./g:h", "http://a/b/c/g:h" },
    { BASE, "g/h:i", "http://a/b/c/g/h:i" },
    { BASE, "a_b:c", "http://a/b/c/a_b:c" },
    { BASE, "a+b-c.d1:e", "a+b-c.d1:e" },
    /* A path that would read as an authority. */
    { BASE, "x:/.//g", NULL },
    { BASE, "x:/a/..//g", NULL },
    { BASE, "/.//g", "http://a//g" },
    { "x:/a", ".//g", NULL },
    /* No base. */
    { "", "g", NULL },
    { "/a/b", "g", NULL },
    { "//a/b", "g", NULL },
};

static struct bi_view copied(const char *text)
{
    return (struct bi_view) { (const uint8_t *)text, strlen(text) };
}

START_TEST(a_reference_means_what_the_rfc_says) /* C4, C11 */
{
    uint8_t buffer[128];
    struct bi_view reference = { edge_copy(rows[_i].reference, strlen(rows[_i].reference)),
        strlen(rows[_i].reference) };
    size_t size = bi_reference_resolve(copied(rows[_i].base), reference, buffer, sizeof buffer);
    const char *result = rows[_i].result == NULL ? "" : rows[_i].result;
    ck_assert_msg(size == strlen(result) && memcmp(buffer, result, size) == 0, "%s in %s: %.*s", rows[_i].reference,
        rows[_i].base, (int)size, (char *)buffer);
}
END_TEST

/* The result may need less room than what is merged on the way; the bound that the header tells is enough. */
START_TEST(nothing_is_written_beyond_the_room) /* C11 */
{
    struct bi_view base = copied(rows[_i].base), reference = copied(rows[_i].reference);
    size_t enough = base.size + reference.size + 1;
    size_t size = rows[_i].result == NULL ? 0 : strlen(rows[_i].result);
    static const uint8_t blank[256];
    for (size_t room = 0; room <= enough; room++) {
        uint8_t *buffer = edge_copy(blank, room);
        size_t written = bi_reference_resolve(base, reference, buffer, room);
        ck_assert(written == size || (written == 0 && room < enough));
    }
}
END_TEST

START_TEST(dots_are_removed_in_linear_time) /* C11 */
{
    enum { SEGMENTS = 200000 };
    static char reference[SEGMENTS * 5];
    static uint8_t buffer[SEGMENTS * 5 + 64];
    size_t size = 0;
    for (int segment = 0; segment < SEGMENTS; segment++, size += 2) {
        memcpy(reference + size, "/a", 2);
    }
    for (int segment = 0; segment < SEGMENTS; segment++, size += 3) {
        memcpy(reference + size, "/..", 3);
    }
    struct bi_view text = { (const uint8_t *)reference, size };
    ck_assert_uint_eq(bi_reference_resolve(copied("http://a"), text, buffer, sizeof buffer), 9);
    ck_assert_mem_eq(buffer, "http://a/", 9);
}
END_TEST

static void add_tests(TCase *tests)
{
    int count = (int)(sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, a_reference_means_what_the_rfc_says, 0, count);
    tcase_add_loop_test(tests, nothing_is_written_beyond_the_room, 0, count);
    tcase_add_test(tests, dots_are_removed_in_linear_time);
}

BIGHT_TEST_MAIN("http_reference", add_tests)
