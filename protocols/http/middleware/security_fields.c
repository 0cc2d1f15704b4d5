/* SPDX-License-Identifier: MIT */
/* security_fields.c - fields of answers by which browsers are told to be strict: nosniff, Referrer-Policy,
 * X-Frame-Options, Content-Security-Policy, Cross-Origin-Opener-Policy, Strict-Transport-Security.
 *
 * The lines are put together once. The handler's own are left alone. */
#include <bight/memory.h>

#include <inttypes.h>
#include <stdio.h>

#include "http/middleware/provided.h"

#define MOST_LINES 6
#define HTTPS_ROOM 64

struct line {
    const char *name;
    size_t at, size; /* of the line in the text */
    bool only_https;
};

struct security_fields {
    unsigned count;
    struct line lines[MOST_LINES];
    size_t size;
    char text[];
};

/* ------------------------------------------------------------------------------------- for each answer */

static bool is_https(const struct bight_http_request *request)
{
    return bight_http_request_is_secure(request);
}

static bool has_field(const struct bight_http_request *request, const char *name)
{
    size_t size;
    return bi_fields_find(&request->answer.fields, name, &size) != NULL;
}

static void add_fields(struct bight_http_request *request, int status, void *context)
{
    const struct security_fields *fields = context;
    (void)status;
    bi_fields_begin(request);
    for (unsigned i = 0; i < fields->count; i++) {
        const struct line *line = &fields->lines[i];
        if ((line->only_https && !is_https(request)) || has_field(request, line->name)) {
            continue;
        }
        (void)bi_http_buffer_append(&request->answer.fields, fields->text + line->at, line->size);
    }
}

static const struct bight_http_middleware_ops security_ops = { .size = sizeof security_ops, .head = add_fields };

/* --------------------------------------------------------------------------------------------- options */

struct wanted {
    const char *name, *value; /* "" or NULL: not wanted */
    bool only_https;
};

static const char *or_default(const char *given, const char *value)
{
    return given != NULL ? given : value;
}

/* The Content-Security-Policy that says the same as X-Frame-Options. */
static const char *policy_of_frames(const char *frames)
{
    return *frames == '\0'                     ? ""
           : strcmp(frames, "SAMEORIGIN") == 0 ? "frame-ancestors 'self'"
                                               : "frame-ancestors 'none'";
}

static struct security_fields *put_together(const struct wanted *wanted, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += strlen(wanted[i].name) + strlen(wanted[i].value) + 4;
    }
    struct security_fields *fields = bight_calloc(1, sizeof *fields + size + 1);
    if (fields == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (*wanted[i].value != '\0') {
            struct line *line = &fields->lines[fields->count++];
            int written = snprintf(
                fields->text + fields->size, size + 1 - fields->size, "%s: %s\r\n", wanted[i].name, wanted[i].value);
            *line = (struct line) { wanted[i].name, fields->size, (size_t)written, wanted[i].only_https };
            fields->size += (size_t)written;
        }
    }
    return fields;
}

static bool are_values(const struct wanted *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!bi_is_field_value(bi_view_of(wanted[i].value))) {
            return false;
        }
    }
    return true;
}

int bight_http_use_security_fields(struct bight_http_site *site, const struct bight_http_security_options *options)
{
    char https[HTTPS_ROOM] = "";
    double seconds = BI_GIVEN(options, https_seconds);
    const char *frames = or_default(BI_GIVEN(options, frames), "DENY");
    bool is_frames = *frames == '\0' || strcmp(frames, "DENY") == 0 || strcmp(frames, "SAMEORIGIN") == 0;
    if (!bi_provided_is_time(seconds) || !is_frames) {
        return bi_provided_refuse(site, "security fields: a time that is none, or frames that are neither DENY nor "
                                        "SAMEORIGIN");
    }
    if (seconds > 0) {
        (void)snprintf(https, sizeof https, "max-age=%.0f%s", seconds < 1e15 ? seconds : 1e15,
            BI_GIVEN(options, https_subdomains) ? "; includeSubDomains" : "");
    }
    const struct wanted wanted[MOST_LINES] = {
        { "X-Content-Type-Options", BI_GIVEN(options, allow_sniffing) ? "" : "nosniff", false },
        { "Referrer-Policy", or_default(BI_GIVEN(options, referrer_policy), "strict-origin-when-cross-origin"), false },
        { "X-Frame-Options", frames, false },
        { "Content-Security-Policy", or_default(BI_GIVEN(options, content_policy), policy_of_frames(frames)), false },
        { "Cross-Origin-Opener-Policy", or_default(BI_GIVEN(options, opener_policy), "same-origin"), false },
        { "Strict-Transport-Security", https, true },
    };
    if (!are_values(wanted, MOST_LINES)) {
        return bi_provided_refuse(site, "security fields: a value holds what none may hold");
    }
    return bi_provided_use(site, &security_ops, put_together(wanted, MOST_LINES), bight_free);
}
