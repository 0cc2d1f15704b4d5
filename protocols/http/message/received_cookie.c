/* SPDX-License-Identifier: MIT */
/* received_cookie.c - the value of a Set-Cookie, taken apart: a pair, and attributes of which the last of a name counts
 * and what is not understood does not.
 *
 * Split at `;`, then at the first `=`, SP and HTAB trimmed: quotes mean nothing. */
#include "http/message/received_cookie.h"

#include "http/message/cookie_date.h"
#include "http/message/date.h"

struct reading {
    struct bi_received_cookie *cookie;
    int64_t now;
    bool has_max_age; /* which counts before Expires, wherever that stands */
};

/* `text` is split at its first `=`; false: there is none, and all of it is the name. */
static bool split(struct bi_view text, struct bi_view *name, struct bi_view *value)
{
    size_t size = bi_before(text, "=");
    bool has_value = size < text.size;
    *name = bi_trim(bi_take(&text, size));
    *value = has_value ? bi_trim(bi_view_from(text, 1)) : text;
    return has_value;
}

/* At most 400 days from now. */
static void set_time(struct reading *reading, int64_t expires)
{
    int64_t limit = reading->now + BI_COOKIE_MAX_SECONDS;
    reading->cookie->is_persistent = true;
    reading->cookie->expires = expires < limit ? expires : limit;
}

static void read_expires(struct reading *reading, struct bi_view value)
{
    int64_t seconds;
    if (bi_cookie_date_parse(value, &seconds) && !reading->has_max_age) {
        set_time(reading, seconds);
    }
}

/* A number that is not positive is a time long ago. */
static void read_max_age(struct reading *reading, struct bi_view value)
{
    bool is_negative = bi_take_byte(&value, '-');
    int64_t seconds = 0;
    if (value.size == 0 || bi_run(value, BI_CLASS_DIGIT) != value.size) {
        return;
    }
    for (size_t at = 0; at < value.size && seconds < BI_COOKIE_MAX_SECONDS; at++) {
        seconds = seconds * 10 + (value.at[at] - '0');
    }
    reading->has_max_age = true;
    set_time(reading, is_negative || seconds == 0       ? BI_DATE_FIRST
                      : seconds < BI_COOKIE_MAX_SECONDS ? reading->now + seconds
                                                        : reading->now + BI_COOKIE_MAX_SECONDS);
}

static void read_domain(struct reading *reading, struct bi_view value)
{
    (void)bi_take_byte(&value, '.');
    reading->cookie->domain = value;
}

static void read_path(struct reading *reading, struct bi_view value)
{
    bool is_path = value.size > 0 && *value.at == '/';
    reading->cookie->path = is_path ? value : (struct bi_view) { value.at, 0 };
}

static void read_secure(struct reading *reading, struct bi_view value)
{
    (void)value;
    reading->cookie->is_secure = true;
}

static void read_http_only(struct reading *reading, struct bi_view value)
{
    (void)value;
    reading->cookie->is_http_only = true;
}

static void read_same_site(struct reading *reading, struct bi_view value)
{
    bool is_lax = bi_view_equal_nocase(value, bi_view_of("Lax"));
    bool is_strict = bi_view_equal_nocase(value, bi_view_of("Strict"));
    bool is_none = bi_view_equal_nocase(value, bi_view_of("None"));
    reading->cookie->site = is_lax      ? BI_COOKIE_SITE_LAX
                            : is_strict ? BI_COOKIE_SITE_STRICT
                            : is_none   ? BI_COOKIE_SITE_NONE
                                        : BI_COOKIE_SITE_UNSAID;
}

static void read_attribute(struct reading *reading, struct bi_view text)
{
    static const struct {
        const char *name;
        void (*read)(struct reading *reading, struct bi_view value);
    } attributes[] = {
        { "Expires", read_expires },
        { "Max-Age", read_max_age },
        { "Domain", read_domain },
        { "Path", read_path },
        { "Secure", read_secure },
        { "HttpOnly", read_http_only },
        { "SameSite", read_same_site },
    };
    struct bi_view name, value;
    (void)split(text, &name, &value);
    if (value.size > BI_COOKIE_MAX_ATTRIBUTE) {
        return;
    }
    for (size_t at = 0; at < sizeof attributes / sizeof *attributes; at++) {
        if (bi_view_equal_nocase(name, bi_view_of(attributes[at].name))) {
            attributes[at].read(reading, value);
        }
    }
}

/* What has no `=` is a value without a name. */
static bool read_pair(struct bi_received_cookie *cookie, struct bi_view text)
{
    if (!split(text, &cookie->name, &cookie->value)) {
        cookie->value = cookie->name;
        cookie->name.size = 0;
    }
    size_t size = cookie->name.size + cookie->value.size;
    return size > 0 && size <= BI_COOKIE_MAX_PAIR;
}

bool bi_received_cookie_read(struct bi_view text, int64_t now, struct bi_received_cookie *cookie)
{
    struct reading reading = { .cookie = cookie, .now = now };
    *cookie = (struct bi_received_cookie) { .expires = 0 };
    if (!bi_cookie_has_no_control(text) || !read_pair(cookie, bi_take(&text, bi_before(text, ";")))) {
        return false;
    }
    while (bi_take_byte(&text, ';')) {
        read_attribute(&reading, bi_take(&text, bi_before(text, ";")));
    }
    return true;
}
