/* SPDX-License-Identifier: MIT */
/* redirect.c - going where a response points (C4; RFC 9110, section 15.4).
 *
 * What is for one origin alone never leaves it: at the first hop to another, credentials, cookies and what the program
 * has marked are taken out of the call, and so do not come back. */
#include "http/client/sending.h"

#include <bight/memory.h>

#include <string.h>

#include "http/message/reference.h"

bool bi_redirect_is_followed(const struct bight_http_call *call, const struct bi_response_parser *parser)
{
    int status = parser->head.status;
    bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return redirects && call->settings.follows && bi_head_first(&parser->head, BI_NAME_LOCATION) != 0;
}

/* ------------------------------------------------------------------------------------------- where to */

/* `text` is what a Location means; a user in it goes. SYNTAX with *why, or 0. */
static int check(struct bi_url *url, struct bi_view *text, uint8_t *bytes, const char **why)
{
    if (!bi_url_parse(url, *text)) {
        *why = url->why;
        return BIGHT_E_SYNTAX;
    }
    if (url->has_userinfo) {
        uint32_t from = url->userinfo.at, behind = url->userinfo.at + url->userinfo.size + 1;
        memmove(bytes + from, bytes + behind, text->size - behind);
        text->size -= behind - from;
        (void)bi_url_parse(url, *text);
    }
    return BIGHT_OK;
}

static bool is_same_origin(const struct bight_http_call *call, const struct bi_url *url, struct bi_view text)
{
    struct bi_view one = { call->url_text.at + call->url.host.at, call->url.host.size };
    struct bi_view other = { text.at + url->host.at, url->host.size };
    return call->url.scheme == url->scheme && call->url.port == url->port && bi_view_equal_nocase(one, other);
}

/* ------------------------------------------------------------------------------------------- what of it */

/* It becomes a GET without a body: 303, and POST as browsers have it. */
static bool becomes_get(const struct bight_http_call *call, int status)
{
    return (status == 303 && call->method != BI_METHOD_HEAD) ||
           ((status == 301 || status == 302) && call->method == BI_METHOD_POST);
}

static void drop_body(struct bight_http_call *call)
{
    static const char *const fields[] = { "Content-Type", "Content-Encoding", "Content-Language", "Content-Location",
        "Content-Disposition", "Content-Range", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest" };
    bight_bytes_release(call->body);
    call->body = NULL;
    bi_upload_drop(call->upload);
    call->upload = NULL;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && call->fields.end > 0; i++) {
        bi_fields_remove(&call->fields, fields[i]);
    }
}

/* What was for the origin that is left; a Host and an endpoint of the program's were its, too. */
static void drop_secrets(struct bight_http_call *call)
{
    const char *name = (const char *)call->secrets.bytes;
    bight_free(call->endpoint);
    call->endpoint = NULL;
    if (call->fields.end == 0) {
        return;
    }
    bi_fields_remove(&call->fields, "Authorization");
    bi_fields_remove(&call->fields, "Cookie");
    bi_fields_remove(&call->fields, "Host");
    for (unsigned i = 0; i < call->secret_count; i++, name += strlen(name) + 1) {
        bi_fields_remove(&call->fields, name);
    }
}

/* What may not be done without being asked for: NULL, or why not. */
static const char *find_objection(
    const struct bight_http_call *call, const struct bi_url *url, bool leaves, bool is_get)
{
    if (url->scheme != BI_URL_HTTP && url->scheme != BI_URL_HTTPS) {
        return "a redirect to what is neither http nor https";
    }
    if (call->url.scheme == BI_URL_HTTPS && url->scheme == BI_URL_HTTP && !call->settings.downgrades) {
        return "a redirect from https to http (allow_downgrade)";
    }
    if (leaves && !is_get && bi_sending_has_body(call) && !call->settings.repeats_body) {
        return "a redirect that would send the body to another origin (repeat_body)";
    }
    if (!is_get && !bi_sending_is_repeatable(call)) {
        return "a redirect that would send the body a second time";
    }
    return NULL;
}

static struct bi_client_hop *new_hop(const struct bight_http_call *call, int status)
{
    struct bi_client_hop *hop = bight_malloc(sizeof *hop + call->url_text.size + 1);
    if (hop != NULL) {
        hop->next = NULL;
        hop->status = status;
        memcpy(hop->url, call->url_text.at, call->url_text.size + 1);
    }
    return hop;
}

static void append(struct bight_http_call *call, struct bi_client_hop *hop)
{
    if (call->last_hop != NULL) {
        call->last_hop->next = hop;
    } else {
        call->hops = hop;
    }
    call->last_hop = hop;
    call->hop_count++;
}

/* ------------------------------------------------------------------------------------------- all of it */

static int turn_to(struct bight_http_call *call, int status, struct bi_view text, uint8_t *bytes, const char **why)
{
    struct bi_url url;
    char method[64];
    int code = check(&url, &text, bytes, why);
    if (code != BIGHT_OK) {
        return code;
    }
    bool leaves = !is_same_origin(call, &url, text), is_get = becomes_get(call, status);
    *why = find_objection(call, &url, leaves, is_get);
    if (*why != NULL) {
        return BIGHT_E_HTTP_STATUS;
    }
    memcpy(method, is_get ? "GET" : call->text, is_get ? 3 : call->method_size);
    struct bi_view token = { (const uint8_t *)method, is_get ? 3 : call->method_size };
    struct bi_client_hop *hop = new_hop(call, status);
    code = hop != NULL ? bi_call_set_target(call, token, text, why) : BIGHT_E_OUT_OF_MEMORY;
    if (code != BIGHT_OK) {
        bight_free(hop);
        return code;
    }
    append(call, hop);
    if (is_get) {
        drop_body(call);
    }
    if (leaves) {
        drop_secrets(call);
    }
    return BIGHT_OK;
}

int bi_redirect_prepare(struct bight_http_call *call, const struct bi_response_parser *parser, const char **why)
{
    struct bi_span value = parser->head.fields[bi_head_first(&parser->head, BI_NAME_LOCATION) - 1].value;
    struct bi_view location = { parser->bytes + value.at, value.size };
    if (call->hop_count >= call->settings.redirects) {
        *why = "there are too many redirects";
        return BIGHT_E_LIMIT;
    }
    size_t room = call->url_text.size + location.size + 1;
    uint8_t *bytes = bight_malloc(room);
    *why = "out of memory";
    if (bytes == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    size_t size = bi_reference_resolve(call->url_text, location, bytes, room);
    *why = "a redirect to what no URL can be";
    int code =
        size == 0 ? BIGHT_E_SYNTAX : turn_to(call, parser->head.status, (struct bi_view) { bytes, size }, bytes, why);
    bight_free(bytes);
    return code;
}
