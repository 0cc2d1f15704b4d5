/* SPDX-License-Identifier: MIT */
/* cookies_txt.c - lines of cookies.txt.
 *
 * Files are edited by hand, too: a line is a cookie or it is not, and none makes the next one another. */
#include "http/message/cookies_txt.h"

#include <inttypes.h>
#include <stdio.h>

#define HTTP_ONLY "#HttpOnly_"
#define MOST_DIGITS 18 /* of a time */

/* ------------------------------------------------------------------------------------------- reading */

/* Up to the next tab; false: there is no tab any more. */
static bool take_column(struct bi_view *line, struct bi_view *column)
{
    size_t size = bi_before(*line, "\t");
    bool has_next = size < line->size;
    *column = bi_take(line, size);
    (void)bi_take_byte(line, '\t');
    return has_next;
}

static bool take_truth(struct bi_view *line, bool *truth)
{
    struct bi_view column;
    bool has_next = take_column(line, &column);
    *truth = bi_view_equal_nocase(column, bi_view_of("TRUE"));
    return has_next && (*truth || bi_view_equal_nocase(column, bi_view_of("FALSE")));
}

/* More than 18 digits are for ever, and are kept as long as the longest. */
static bool take_time(struct bi_view *line, struct bi_stored_cookie *cookie)
{
    struct bi_view column;
    if (!take_column(line, &column) || column.size == 0 || bi_run(column, BI_CLASS_DIGIT) != column.size) {
        return false;
    }
    cookie->expires = 0;
    for (size_t at = 0; at < column.size && at < MOST_DIGITS; at++) {
        cookie->expires = cookie->expires * 10 + (column.at[at] - '0');
    }
    cookie->is_persistent = cookie->expires != 0;
    return true;
}

/* What would be read as another one, or as a comment, cannot be written. */
static bool can_be_told(struct bi_view domain)
{
    return domain.size > 0 && domain.size <= BI_COOKIE_MAX_DOMAIN && *domain.at != '.' && *domain.at != '#';
}

/* wget writes the port, if it is not the scheme's own; cookies are for all ports. An IPv6 address has more colons. */
static void drop_port(struct bi_view *domain)
{
    size_t size = bi_before(*domain, ":");
    struct bi_view port = bi_view_from(*domain, size < domain->size ? size + 1 : size);
    if (port.size > 0 && bi_run(port, BI_CLASS_DIGIT) == port.size) {
        domain->size = size;
    }
}

static bool take_domain(struct bi_view *line, struct bi_view *domain)
{
    bool has_next = take_column(line, domain);
    (void)bi_take_byte(domain, '.');
    drop_port(domain);
    for (size_t at = 0; at < domain->size; at++) {
        if (!bi_is(domain->at[at], BI_CLASS_VISIBLE) || domain->at[at] == '/') {
            return false;
        }
    }
    return has_next && can_be_told(*domain);
}

static bool take_path(struct bi_view *line, struct bi_view *path)
{
    return take_column(line, path) && path->size > 0 && path->size <= BI_COOKIE_MAX_ATTRIBUTE && *path->at == '/' &&
           bi_before(*path, ";") == path->size;
}

/* A value that is empty may come without its tab. What a Set-Cookie could not have said is none. */
static bool take_pair(struct bi_view *line, struct bi_stored_cookie *cookie)
{
    (void)take_column(line, &cookie->name);
    cookie->value = *line;
    return cookie->name.size > 0 && cookie->name.size + cookie->value.size <= BI_COOKIE_MAX_PAIR &&
           bi_before(cookie->name, ";=") == cookie->name.size &&
           bi_before(cookie->value, ";\t") == cookie->value.size && bi_trim(cookie->name).size == cookie->name.size &&
           bi_trim(cookie->value).size == cookie->value.size;
}

static bool take_prefix(struct bi_view *line)
{
    size_t size = sizeof HTTP_ONLY - 1;
    if (line->size < size || memcmp(line->at, HTTP_ONLY, size) != 0) {
        return false;
    }
    (void)bi_take(line, size);
    return true;
}

enum bi_cookies_txt bi_cookies_txt_read(struct bi_view line, struct bi_stored_cookie *cookie)
{
    bool is_for_all = false;
    *cookie = (struct bi_stored_cookie) { .is_persistent = false };
    line.size -= line.size > 0 && line.at[line.size - 1] == '\r';
    cookie->is_http_only = take_prefix(&line);
    if (!cookie->is_http_only && (bi_run(line, BI_CLASS_SPACE) == line.size || *line.at == '#')) {
        return BI_COOKIES_TXT_NOTHING;
    }
    if (!bi_cookie_has_no_control(line) || !take_domain(&line, &cookie->domain) || !take_truth(&line, &is_for_all) ||
        !take_path(&line, &cookie->path) || !take_truth(&line, &cookie->is_secure) || !take_time(&line, cookie) ||
        !take_pair(&line, cookie)) {
        return BI_COOKIES_TXT_BAD;
    }
    cookie->is_host_only = !is_for_all;
    return bi_cookie_keeps_its_prefix(cookie) ? BI_COOKIES_TXT_COOKIE : BI_COOKIES_TXT_BAD;
}

/* ------------------------------------------------------------------------------------------- writing */

bool bi_cookies_txt_can_tell(const struct bi_stored_cookie *cookie)
{
    return can_be_told(cookie->domain) && cookie->name.size > 0 && bi_before(cookie->name, "\t") == cookie->name.size &&
           bi_before(cookie->value, "\t") == cookie->value.size && bi_before(cookie->path, "\t") == cookie->path.size;
}

static uint8_t *put(uint8_t *at, struct bi_view text)
{
    memcpy(at, text.at, text.size);
    return at + text.size;
}

size_t bi_cookies_txt_room(const struct bi_stored_cookie *cookie)
{
    return cookie->domain.size + cookie->path.size + cookie->name.size + cookie->value.size + sizeof HTTP_ONLY + 64;
}

uint8_t *bi_cookies_txt_write(const struct bi_stored_cookie *cookie, uint8_t *at)
{
    char middle[48];
    at = cookie->is_http_only ? put(at, bi_view_of(HTTP_ONLY)) : at;
    at = cookie->is_host_only ? at : put(at, bi_view_of("."));
    at = put(at, cookie->domain);
    at = put(at, bi_view_of(cookie->is_host_only ? "\tFALSE\t" : "\tTRUE\t"));
    at = put(at, cookie->path);
    (void)snprintf(middle, sizeof middle, "\t%s\t%" PRId64 "\t", cookie->is_secure ? "TRUE" : "FALSE",
        cookie->is_persistent ? cookie->expires : 0);
    at = put(at, bi_view_of(middle));
    at = put(at, cookie->name);
    at = put(at, bi_view_of("\t"));
    at = put(at, cookie->value);
    return put(at, bi_view_of("\n"));
}
