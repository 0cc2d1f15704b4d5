/* SPDX-License-Identifier: MIT */
/* json_none.c - in place of json.c where there is no jansson: the same functions, so that the library's interface does
 * not depend on how it was built. */
#include <bight/protocols/http_json.h>

#include "http/server/answer.h"
#include "http/server/json.h"

const struct bight_type bight_type_json = { .name = "json" };

bool bight_http_has_json(void)
{
    return false;
}

static int refuse(void)
{
    return bi_http_usage(BIGHT_E_NOT_SUPPORTED, "JSON: bight was built without jansson");
}

bool bi_answer_with_json(struct bight_http_request *request, struct bight_result *result)
{
    (void)request;
    (void)result;
    return false;
}

int bi_json_write(struct json_t *json, struct bight_bytes **bytes)
{
    (void)json;
    (void)bytes;
    return refuse();
}

struct bight_deferred *bight_http_request_json(struct bight_http_request *request, size_t limit)
{
    (void)request;
    (void)limit;
    return bight_fail(bight_failure_of(refuse()));
}

int bight_http_respond_json(struct bight_http_request *request, int status, struct json_t *json)
{
    (void)status;
    (void)json;
    (void)bight_http_respond_failure(request, bight_failure_of(BIGHT_E_NOT_SUPPORTED));
    return refuse();
}

int bight_http_response_take_json(struct bight_http_response *response, struct json_t *json)
{
    (void)response;
    (void)json;
    return refuse();
}
