/* SPDX-License-Identifier: MIT */
/* set_cookie.c - cookies of answers (A11): what the options say, and what the request does of those that do not. */
#include <bight/protocols/http_cookie.h>

#include "http/message/set_cookie.h"
#include "http/server/request.h"

/* Options of an older caller are shorter. */
static struct bight_http_cookie_options complete(const struct bight_http_cookie_options *options)
{
    struct bight_http_cookie_options all = { .size = sizeof all };
    if (options != NULL) {
        memcpy(&all, options, options->size < sizeof all ? options->size : sizeof all);
    }
    return all;
}

static int set_cookie(struct bight_http_request *request, const struct bi_set_cookie *cookie)
{
    char text[BI_SET_COOKIE_SIZE];
    const char *why = bi_set_cookie_check(cookie);
    if (why != NULL) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why);
    }
    bi_set_cookie_write(cookie, text);
    return bight_http_respond_add(request, "Set-Cookie", text);
}

static int set(struct bight_http_request *request, const char *name, const char *value, int64_t max_age,
    const struct bight_http_cookie_options *options)
{
    if (name == NULL || value == NULL) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a cookie has no name, or no value");
    }
    if ((unsigned)options->same_site > BIGHT_HTTP_SAME_SITE_NONE) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a cookie's SameSite is none of those that there are");
    }
    if (options->secure && options->not_secure) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a cookie is to be secure and not to be secure");
    }
    struct bi_set_cookie cookie = {
        .name = bi_view_of(name),
        .value = bi_view_of(value),
        .path = bi_view_of(options->path != NULL ? options->path : "/"),
        .domain = bi_view_of(options->domain != NULL ? options->domain : ""),
        .max_age = max_age,
        .same_site = (enum bi_same_site)options->same_site,
        .http_only = !options->for_scripts,
        .secure = options->secure || (!options->not_secure && bight_http_request_is_secure(request)),
        .partitioned = options->partitioned,
    };
    return set_cookie(request, &cookie);
}

int bight_http_respond_set_cookie(struct bight_http_request *request, const char *name, const char *value,
    const struct bight_http_cookie_options *options)
{
    struct bight_http_cookie_options all = complete(options);
    return set(request, name, value, all.max_age == 0 ? -1 : all.max_age, &all);
}

int bight_http_respond_clear_cookie(
    struct bight_http_request *request, const char *name, const struct bight_http_cookie_options *options)
{
    struct bight_http_cookie_options all = complete(options);
    return set(request, name, "", 0, &all);
}
