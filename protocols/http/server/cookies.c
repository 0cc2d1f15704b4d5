/* SPDX-License-Identifier: MIT */
/* cookies.c - a request's cookies: one, all of a name, all (A11). What may be set is set_cookie.c's. */
#include "http/message/cookie.h"
#include "http/server/request.h"

#define MAX_LINES 8

/* How far a walk has come, in one number: bytes of the line, 16 bits since a head has no more; lines; cookies. */
#define LINE_SHIFT 16
#define COUNT_SHIFT 20

_Static_assert(BI_HEAD_CEILING < 1u << LINE_SHIFT, "a place in a line has room in the cursor");
_Static_assert(MAX_LINES < 1u << (COUNT_SHIFT - LINE_SHIFT), "a line's number has room in the cursor");

/* Cookies may come in several fields, though only HTTP/2 allows it. */
static struct bi_lines find_lines(const struct bight_http_request *request, struct bi_view lines[MAX_LINES])
{
    size_t count = 0;
    for (uint16_t place = bi_head_first(&request->head, BI_NAME_COOKIE); place != 0 && count < MAX_LINES;
         place = bi_head_next(&request->head, request->bytes, BI_NAME_COOKIE, NULL, 0, place)) {
        struct bi_span span = request->fields[place - 1].value;
        lines[count++] = (struct bi_view) { request->bytes + span.at, span.size };
    }
    return (struct bi_lines) { lines, count };
}

/* A walk from where the cursor says: line 0 is before the first. */
static struct bi_cookies resume(struct bi_lines lines, size_t cursor)
{
    struct bi_cookies cookies;
    size_t line = cursor >> LINE_SHIFT & ((1u << (COUNT_SHIFT - LINE_SHIFT)) - 1);
    size_t at = cursor & ((1u << LINE_SHIFT) - 1), count = cursor >> COUNT_SHIFT;
    bi_cookies_begin(&cookies, lines);
    if (line > lines.count || count > BI_COOKIE_LIMIT || (line > 0 && at > lines.lines[line - 1].size)) {
        cookies.left = 0; /* no cursor of ours */
        return cookies;
    }
    cookies.lines = (struct bi_lines) { lines.lines + line, lines.count - line };
    cookies.left -= (unsigned)count;
    if (line > 0) {
        cookies.rest = bi_view_from(lines.lines[line - 1], at);
    }
    return cookies;
}

static size_t save(const struct bi_cookies *cookies, struct bi_lines lines)
{
    size_t line = lines.count - cookies->lines.count;
    size_t at = line > 0 ? lines.lines[line - 1].size - cookies->rest.size : 0;
    return at | line << LINE_SHIFT | (size_t)(BI_COOKIE_LIMIT - cookies->left) << COUNT_SHIFT;
}

static bool next(struct bight_http_request *request, size_t *cursor, struct bi_cookie *cookie)
{
    struct bi_view views[MAX_LINES];
    struct bi_lines lines = find_lines(request, views);
    struct bi_cookies cookies = resume(lines, *cursor);
    bool is_there = bi_cookies_next(&cookies, cookie);
    if (is_there) {
        *cursor = save(&cookies, lines);
    }
    return is_there;
}

bool bight_http_request_next_cookie(
    struct bight_http_request *request, size_t *cursor, const char **name, const char **value)
{
    struct bi_cookie cookie;
    if (!next(request, cursor, &cookie)) {
        return false;
    }
    if (name != NULL) {
        *name = bi_request_text(request, cookie.name.at, cookie.name.size);
    }
    if (value != NULL) {
        *value = bi_request_text(request, cookie.value.at, cookie.value.size);
    }
    return true;
}

const char *bight_http_request_next_cookie_value(struct bight_http_request *request, const char *name, size_t *cursor)
{
    struct bi_cookie cookie;
    while (next(request, cursor, &cookie)) {
        if (bi_view_equal(cookie.name, bi_view_of(name))) {
            return bi_request_text(request, cookie.value.at, cookie.value.size);
        }
    }
    return NULL;
}

const char *bight_http_request_cookie(struct bight_http_request *request, const char *name)
{
    size_t cursor = 0;
    return bight_http_request_next_cookie_value(request, name, &cursor);
}
