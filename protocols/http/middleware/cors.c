/* SPDX-License-Identifier: MIT */
/* cors.c - sharing answers across origins: the Fetch standard's CORS protocol, sections 3.2 and 4.8.
 *
 * That a browser may send a request does not depend on it, nor that a handler runs: that is the protection across
 * origins (site/cross_origin.c), from which origins of the list are exempt. Where any origin may read none is: all that
 * could be said of them is that nobody vouches for them. */
#include "http/middleware/cors.h"

#include <bight/memory.h>

#include <stdio.h>

#include "http/message/origin.h"
#include "http/middleware/provided.h"

#define DEFAULT_AGE 600.0
#define LONGEST_COMPLAINT 300
#define DEFAULT_METHODS "GET, HEAD, POST"

struct cors {
    struct bi_cors_rules rules;
    char *methods, *fields, *exposed; /* NULL: none */
    char age[24];
    struct bi_view origins[];
};

/* --------------------------------------------------------------------------------------- what is decided */

static bool is_listed(const struct bi_cors_rules *rules, struct bi_view origin)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (bi_origin_equal(rules->origins[i], origin)) {
            return true;
        }
    }
    return false;
}

struct bi_cors_verdict bi_cors_judge(
    const struct bi_cors_rules *rules, bool is_options, struct bi_view origin, struct bi_view asked_method)
{
    struct bi_cors_verdict verdict = { .is_preflight = false };
    if (origin.at == NULL) {
        return verdict;
    }
    verdict.is_preflight = is_options && asked_method.at != NULL;
    verdict.is_trusted = !rules->any && is_listed(rules, origin);
    verdict.is_allowed = rules->any || verdict.is_trusted;
    return verdict;
}

/* -------------------------------------------------------------------------------------------- the hooks */

static struct bi_cors_verdict judge(const struct cors *cors, struct bight_http_request *request)
{
    struct bight_http_view asked = bight_http_request_field_raw(request, "Access-Control-Request-Method");
    return bi_cors_judge(&cors->rules, request->head.method_known == BI_METHOD_OPTIONS,
        bi_request_field(request, BI_NAME_ORIGIN), (struct bi_view) { (const uint8_t *)asked.data, asked.size });
}

static void set(struct bight_http_request *request, const char *name, const char *value)
{
    if (value != NULL) {
        (void)bight_http_respond_set(request, name, value);
    }
}

static bool answer_preflight(struct bight_http_request *request, void *context)
{
    const struct cors *cors = context;
    struct bi_cors_verdict verdict = judge(cors, request);
    request->hooks.is_trusted = request->hooks.is_trusted || verdict.is_trusted;
    if (!verdict.is_preflight) {
        return true;
    }
    (void)bight_http_respond_add(request, "Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    if (verdict.is_allowed) {
        set(request, "Access-Control-Allow-Methods", cors->methods);
        set(request, "Access-Control-Allow-Headers", cors->fields);
        set(request, "Access-Control-Max-Age", cors->age);
    }
    (void)bight_http_respond_empty(request, 204);
    return false;
}

/* Vary is told to those without an Origin, too: what a cache has from them is not for others. */
static void tell_readers(struct bight_http_request *request, int status, void *context)
{
    const struct cors *cors = context;
    struct bi_cors_verdict verdict = judge(cors, request);
    (void)status;
    (void)bight_http_respond_add(request, "Vary", "Origin");
    if (!verdict.is_allowed) {
        return;
    }
    set(request, "Access-Control-Allow-Origin", cors->rules.any ? "*" : bight_http_request_field(request, "Origin"));
    set(request, "Access-Control-Allow-Credentials", cors->rules.credentials ? "true" : NULL);
    set(request, "Access-Control-Expose-Headers", verdict.is_preflight ? NULL : cors->exposed);
}

static const struct bight_http_middleware_ops cors_ops = {
    .size = sizeof cors_ops, .before = answer_preflight, .head = tell_readers
};

/* --------------------------------------------------------------------------------------------- options */

static void free_cors(void *context)
{
    struct cors *cors = context;
    for (size_t i = 0; i < cors->rules.count; i++) {
        bight_free((void *)(uintptr_t)cors->origins[i].at);
    }
    bight_free(cors->methods);
    bight_free(cors->fields);
    bight_free(cors->exposed);
    bight_free(cors);
}

static size_t count_origins(const struct bight_http_cors_options *options)
{
    const char *const *origins = BI_GIVEN(options, origins);
    size_t count = 0;
    while (origins != NULL && origins[count] != NULL) {
        count++;
    }
    return count;
}

static bool is_list(const char *text)
{
    struct bi_view list = bi_view_of(text != NULL ? text : ""), member;
    while (bi_list_next(&list, &member)) {
        if (!bi_is_token(member)) {
            return false;
        }
    }
    return text == NULL || bi_is_field_value(bi_view_of(text));
}

/* NULL, or what is wrong; in `room` where that names what it is about. */
static const char *find_mistake(
    const struct bight_http_cors_options *options, size_t count, bool any, char room[LONGEST_COMPLAINT])
{
    if (count == 0) {
        return "CORS: there is no origin";
    }
    if (any && BI_GIVEN(options, credentials)) {
        return "CORS: credentials go to origins that are listed, never to any";
    }
    for (size_t i = 0; !any && i < count; i++) {
        if (!bi_origin_is_valid(bi_view_of(options->origins[i]))) {
            (void)snprintf(room, LONGEST_COMPLAINT,
                "CORS: \"%.200s\" is no origin: scheme://host[:port], or \"*\" alone", options->origins[i]);
            return room;
        }
    }
    if (!bi_provided_is_time(BI_GIVEN(options, max_age))) {
        return "CORS: a time that is none";
    }
    return is_list(BI_GIVEN(options, methods)) && is_list(BI_GIVEN(options, fields)) &&
                   is_list(BI_GIVEN(options, exposed))
               ? NULL
               : "CORS: methods and fields are lists of tokens";
}

/* NULL and true for NULL. */
static bool copy(char **to, const char *text)
{
    size_t size = text != NULL ? strlen(text) + 1 : 0;
    *to = size > 0 ? bight_malloc(size) : NULL;
    if (*to != NULL) {
        memcpy(*to, text, size);
    }
    return size == 0 || *to != NULL;
}

static bool copy_origins(struct cors *cors, const char *const *origins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text;
        if (!copy(&text, origins[i])) {
            return false;
        }
        cors->origins[cors->rules.count++] = bi_view_of(text);
    }
    return true;
}

static struct cors *make(const struct bight_http_cors_options *options, size_t count, bool any)
{
    struct cors *cors = bight_calloc(1, sizeof *cors + count * sizeof *cors->origins);
    if (cors == NULL) {
        return NULL;
    }
    const char *methods = BI_GIVEN(options, methods);
    double age = BI_GIVEN(options, max_age);
    cors->rules =
        (struct bi_cors_rules) { .origins = cors->origins, .any = any, .credentials = BI_GIVEN(options, credentials) };
    (void)snprintf(cors->age, sizeof cors->age, "%.0f", age <= 0 ? DEFAULT_AGE : age < 1e9 ? age : 1e9);
    if (!copy_origins(cors, options->origins, any ? 0 : count) ||
        !copy(&cors->methods, methods != NULL ? methods : DEFAULT_METHODS) ||
        !copy(&cors->fields, BI_GIVEN(options, fields)) || !copy(&cors->exposed, BI_GIVEN(options, exposed))) {
        free_cors(cors);
        return NULL;
    }
    return cors;
}

int bight_http_use_cors(struct bight_http_site *site, const struct bight_http_cors_options *options)
{
    size_t count = count_origins(options);
    bool any = count == 1 && strcmp(options->origins[0], "*") == 0;
    char room[LONGEST_COMPLAINT];
    const char *mistake = find_mistake(options, count, any, room);
    return mistake != NULL ? bi_provided_refuse(site, mistake)
                           : bi_provided_use(site, &cors_ops, make(options, count, any), free_cors);
}
