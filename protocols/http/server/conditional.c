/* SPDX-License-Identifier: MIT */
/* conditional.c - a request's conditions against what its target is now (A12): 304, 412, or on with it.
 *
 * What conditions mean is message/precondition.h's; this collects them from the head, and answers. */
#include "http/server/conditional.h"

#include <bight/sys/system.h>

#include <string.h>

#include "http/message/date.h"

int64_t bi_conditional_now(const struct bight_http_request *request)
{
    struct bight_system *system = bight_reactor_system(bight_http_request_reactor(request));
    return (int64_t)(system->ops->wall_time(system) / BIGHT_NANOSECONDS_PER_SECOND);
}

/* ----------------------------------------------------------------------------------------- the conditions */

static uint16_t next_field(const struct bight_http_request *request, enum bi_name name, uint16_t place)
{
    return bi_head_next(&request->head, request->bytes, name, NULL, 0, place);
}

/* All lines of a field. False: no memory. */
static bool collect(struct bight_http_request *request, enum bi_name name, struct bi_lines *lines)
{
    size_t count = 0;
    for (uint16_t place = next_field(request, name, 0); place != 0; place = next_field(request, name, place)) {
        count++;
    }
    *lines = (struct bi_lines) { NULL, 0 };
    if (count == 0) {
        return true;
    }
    struct bi_view *views = (struct bi_view *)(void *)bi_request_allocate(request, count * sizeof *views);
    if (views == NULL) {
        return false;
    }
    *lines = (struct bi_lines) { views, count };
    for (uint16_t place = next_field(request, name, 0); place != 0; place = next_field(request, name, place)) {
        struct bi_span value = request->fields[place - 1].value;
        *views++ = (struct bi_view) { request->bytes + value.at, value.size };
    }
    return true;
}

static bool collect_all(struct bight_http_request *request, struct bi_conditions *conditions)
{
    return collect(request, BI_NAME_IF_MATCH, &conditions->if_match) &&
           collect(request, BI_NAME_IF_NONE_MATCH, &conditions->if_none_match) &&
           collect(request, BI_NAME_IF_MODIFIED_SINCE, &conditions->if_modified_since) &&
           collect(request, BI_NAME_IF_UNMODIFIED_SINCE, &conditions->if_unmodified_since);
}

/* ----------------------------------------------------------------------------------------------- answers */

static int set_etag(struct bight_http_request *request, const struct bi_etag *etag)
{
    char *text = bi_request_allocate(request, etag->opaque.size + sizeof "W/\"\"");
    if (text == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    char *at = text;
    if (etag->weak) {
        *at++ = 'W';
        *at++ = '/';
    }
    *at++ = '"';
    memcpy(at, etag->opaque.at, etag->opaque.size);
    at += etag->opaque.size;
    *at++ = '"';
    *at = '\0';
    return bi_fields_set(&request->answer.fields, "ETag", text, true);
}

int bi_conditional_set(struct bight_http_request *request, const struct bi_representation *now)
{
    int code = now->has_etag ? set_etag(request, &now->etag) : BIGHT_OK;
    if (code == BIGHT_OK && now->has_modified) {
        char text[BI_DATE_SIZE + 1];
        bi_date_format(text, now->modified);
        text[BI_DATE_SIZE] = '\0';
        code = bi_fields_set(&request->answer.fields, "Last-Modified", text, true);
    }
    return code;
}

static bool is_selecting(const struct bight_http_request *request)
{
    return request->head.method_known == BI_METHOD_GET || request->head.method_known == BI_METHOD_HEAD;
}

static bool give_up(struct bight_http_request *request)
{
    (void)bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    return true;
}

bool bi_conditional_answer(struct bight_http_request *request, const struct bi_representation *now)
{
    struct bi_conditions conditions;
    if (!collect_all(request, &conditions)) {
        return give_up(request);
    }
    enum bi_precondition_result result =
        bi_precondition((enum bi_method)request->head.method_known, &conditions, now, bi_conditional_now(request));
    if (result == BI_PRECONDITION_FAILED) {
        (void)bight_http_respond_error(request, 412, NULL);
        return true;
    }
    if (is_selecting(request) && bi_conditional_set(request, now) != BIGHT_OK) {
        return give_up(request);
    }
    if (result == BI_PRECONDITION_NOT_MODIFIED) {
        (void)bight_http_respond_empty(request, 304);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------------------------------ the program's */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(now, member) \
    ((now)->size >= offsetof(struct bight_http_validators, member) + sizeof(now)->member ? (now)->member : 0)

/* RFC 9110, section 8.8.2.1: nothing has been modified in the future. */
static void read_validators(const struct bight_http_request *request, const struct bight_http_validators *now,
    struct bi_representation *representation)
{
    const char *etag = GIVEN(now, etag);
    int64_t modified = GIVEN(now, modified), present = bi_conditional_now(request);
    *representation = (struct bi_representation) {
        .exists = !GIVEN(now, missing),
        .has_modified = modified != 0,
        .modified = modified < present ? modified : present,
    };
    if (etag != NULL) {
        representation->has_etag = bi_etag_parse(bi_view_of(etag), &representation->etag);
        if (!representation->has_etag) {
            (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "an entity-tag: it is not \"...\" or W/\"...\"");
        }
    }
}

bool bight_http_respond_if_unmet(struct bight_http_request *request, const struct bight_http_validators *now)
{
    struct bi_representation representation;
    if (bi_answer_check(request, 200) != BIGHT_OK) {
        return true;
    }
    read_validators(request, now, &representation);
    return bi_conditional_answer(request, &representation);
}
