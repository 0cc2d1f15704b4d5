/* SPDX-License-Identifier: MIT */
/* fuzz_http_cookie.c - cookies against a reading byte by byte, and against the same in two lines. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/cookie.h"

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

struct reading {
    struct bi_cookie cookies[BI_COOKIE_LIMIT];
    size_t count;
};

/* What stands from `from` to `to`, without SP and HTAB around it. */
static struct bi_view between(const uint8_t *data, size_t from, size_t to)
{
    while (from < to && (data[from] == ' ' || data[from] == '\t')) {
        from++;
    }
    while (to > from && (data[to - 1] == ' ' || data[to - 1] == '\t')) {
        to--;
    }
    return (struct bi_view) { data + from, to - from };
}

static void model(struct reading *reading, const uint8_t *data, size_t size)
{
    size_t start = 0, equals = SIZE_MAX;
    reading->count = 0;
    for (size_t at = 0; at <= size && reading->count < BI_COOKIE_LIMIT; at++) {
        if (at < size && data[at] == '=' && equals == SIZE_MAX) {
            equals = at;
        }
        if (at == size || data[at] == ';') {
            if (equals != SIZE_MAX && between(data, start, equals).size > 0) {
                reading->cookies[reading->count++] =
                    (struct bi_cookie) { between(data, start, equals), between(data, equals + 1, at) };
            }
            start = at + 1;
            equals = SIZE_MAX;
        }
    }
}

static void compare(const struct reading *reading, struct bi_lines lines)
{
    struct bi_cookies cookies;
    struct bi_cookie cookie;
    size_t count = 0;
    bi_cookies_begin(&cookies, lines);
    while (bi_cookies_next(&cookies, &cookie)) {
        require(count < reading->count);
        require(cookie.name.at == reading->cookies[count].name.at);
        require(bi_view_equal(cookie.name, reading->cookies[count].name));
        require(bi_view_equal(cookie.value, reading->cookies[count].value));
        count++;
    }
    require(count == reading->count);
}

static void find_each(const struct reading *reading, struct bi_lines lines)
{
    for (size_t at = 0; at < reading->count; at++) {
        struct bi_view value, name = reading->cookies[at].name;
        size_t first = 0;
        while (!bi_view_equal(reading->cookies[first].name, name)) {
            first++;
        }
        require(bi_cookie_find(lines, name, &value) && bi_view_equal(value, reading->cookies[first].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    struct bi_view line = { data, size };
    const uint8_t *semicolon = size == 0 ? NULL : memchr(data, ';', size);
    model(&reading, data, size);
    compare(&reading, (struct bi_lines) { &line, 1 });
    find_each(&reading, (struct bi_lines) { &line, 1 });
    if (semicolon != NULL) {
        size_t before = (size_t)(semicolon - data);
        struct bi_view lines[] = { { data, before }, { semicolon + 1, size - before - 1 } };
        compare(&reading, (struct bi_lines) { lines, 2 });
    }
    return 0;
}
