/* SPDX-License-Identifier: MIT */
/* call.c - a call as the program fills it, until it is sent; and its memory, which is used again.
 *
 * The first thing that is wrong with a call is remembered, and fails it when it is sent. */
#include "http/client/decode.h"
#include "http/client/upload.h"

#include <bight/memory.h>

#include <string.h>

#define SPARE_CALLS 256   /* kept for the next ones, */
#define SPARE_FIELDS 1024 /* with so much room for fields */

/* ------------------------------------------------------------------------------------------- memory */

struct bight_http_call *bi_call_make(struct bight_http_client *client)
{
    struct bight_http_call *call = client->spare;
    if (call != NULL) {
        client->spare = call->next;
        client->spare_count--;
    } else {
        call = bight_malloc(sizeof *call);
        if (call == NULL) {
            return NULL;
        }
        call->fields = (struct bi_http_buffer) { .bytes = NULL };
    }
    memset(call, 0, offsetof(struct bight_http_call, fields));
    call->client = client;
    call->settings = client->settings;
    (void)bight_factory_hold(&client->factory);
    return call;
}

static void free_text(struct bight_http_call *call)
{
    if (call->text != call->inline_text) {
        bight_free(call->text);
    }
}

static void drop_settings(struct bight_http_call *call)
{
    if (call->has_settings) {
        bight_tls_release(call->settings.tls);
        bi_proxies_release(call->settings.proxies);
        bight_free(call->local_address);
        call->has_settings = false;
    }
}

static void release_rest(struct bight_http_call *call)
{
    free_text(call);
    drop_settings(call);
    bight_free(call->endpoint);
    bight_bytes_release(call->body);
    bi_upload_drop(call->upload);
    if (call->stream == NULL) {
        bight_http_response_release(call->response);
    }
    bi_http_buffer_free(&call->collected);
    bi_decoder_free(call->decoder);
    bi_http_buffer_free(&call->form);
    bi_http_buffer_free(&call->secrets);
    bi_hops_free(call->hops);
}

void bi_call_free(struct bight_http_call *call)
{
    struct bight_http_client *client = call->client;
    bi_link_remove(&call->link);
    release_rest(call);
    if (call->fields.capacity > SPARE_FIELDS) {
        bi_http_buffer_free(&call->fields);
    }
    call->fields.start = call->fields.end = 0;
    if (client->is_freed || client->spare_count >= SPARE_CALLS) {
        bi_http_buffer_free(&call->fields);
        bight_free(call);
    } else {
        call->next = client->spare;
        client->spare = call;
        client->spare_count++;
    }
    bight_factory_release(&client->factory);
}

/* ------------------------------------------------------------------------------------------- the target */

/* The URL without what is not sent. */
static int check_url(struct bi_url *url, struct bi_view *text, const char **why)
{
    if (!bi_url_parse(url, *text)) {
        *why = url->why;
        return BIGHT_E_SYNTAX;
    }
    *why = url->scheme != BI_URL_HTTP && url->scheme != BI_URL_HTTPS ? "the URL's scheme is neither http nor https"
           : url->has_userinfo    ? "the URL has a user in it: bight_http_call_basic_auth"
           : url->host.size > 255 ? "the URL's host is longer than 255 bytes"
                                  : NULL;
    if (url->has_fragment) {
        text->size = url->fragment.at - 1;
    }
    return *why == NULL ? BIGHT_OK : BIGHT_E_SYNTAX;
}

int bi_call_set_target(struct bight_http_call *call, struct bi_view method, struct bi_view url, const char **why)
{
    struct bi_url parsed;
    int code = check_url(&parsed, &url, why);
    if (code != BIGHT_OK) {
        return code;
    }
    size_t size = method.size + 1 + url.size + 1;
    bool fits = size <= sizeof call->inline_text && call->text != call->inline_text;
    char *text = fits ? call->inline_text : bight_malloc(size);
    if (text == NULL) {
        *why = "out of memory";
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(text, method.at, method.size);
    text[method.size] = '\0';
    memcpy(text + method.size + 1, url.at, url.size);
    text[size - 1] = '\0';
    free_text(call);
    call->text = text;
    call->method_size = method.size;
    call->method = (uint8_t)bi_method_find((const uint8_t *)text, method.size);
    call->url_text = (struct bi_view) { (const uint8_t *)text + method.size + 1, url.size };
    call->url = parsed;
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- filling */

/* What was wrong first stays. */
int bi_call_remember(struct bight_http_call *call, int code, const char *why)
{
    if (code != BIGHT_OK && call->code == BIGHT_OK) {
        call->code = code;
        call->why = why;
    }
    return code;
}

static int misuse(struct bight_http_call *call, const char *why)
{
    return bi_call_remember(call, bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why), why);
}

static int lack(struct bight_http_call *call)
{
    return call == NULL ? BIGHT_E_OUT_OF_MEMORY : bi_call_remember(call, BIGHT_E_OUT_OF_MEMORY, "out of memory");
}

struct bight_http_call *bight_http_call_new(struct bight_http_client *client, const char *method, const char *url)
{
    const char *why = NULL;
    struct bight_http_call *call = client != NULL ? bi_call_make(client) : NULL;
    if (call == NULL) {
        return NULL;
    }
    struct bi_view token = bi_view_of(method);
    if (!bi_is_token(token) || token.size > 64) {
        (void)bi_call_remember(call, BIGHT_E_SYNTAX, "the method is no token, or longer than 64 bytes");
    } else if (bi_method_find(token.at, token.size) == BI_METHOD_CONNECT) {
        (void)bi_call_remember(call, BIGHT_E_SYNTAX, "CONNECT is for proxies");
    } else {
        int code = bi_call_set_target(call, token, bi_view_of(url), &why);
        (void)bi_call_remember(call, code, why);
    }
    return call;
}

void bight_http_call_free(struct bight_http_call *call)
{
    if (call != NULL) {
        bi_call_free(call);
    }
}

/* How a message is framed, and how its connection goes on, is not the program's to say. */
static bool is_reserved(enum bi_name name)
{
    const uint64_t reserved = BI_NAME_BIT(CONNECTION) | BI_NAME_BIT(CONTENT_LENGTH) | BI_NAME_BIT(EXPECT) |
                              BI_NAME_BIT(KEEP_ALIVE) | BI_NAME_BIT(PROXY_AUTHORIZATION) |
                              BI_NAME_BIT(PROXY_CONNECTION) | BI_NAME_BIT(TE) | BI_NAME_BIT(TRAILER) |
                              BI_NAME_BIT(TRANSFER_ENCODING) | BI_NAME_BIT(UPGRADE);
    return name != BI_NAME_OTHER && (reserved >> name & 1) != 0;
}

static int put(struct bight_http_call *call, const char *name, const char *value, bool replace)
{
    struct bi_view text = bi_view_of(name);
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!bi_is_token(text)) {
        return misuse(call, "a field of an HTTP call: its name is no token");
    }
    if (!bi_is_field_value(bi_view_of(value))) {
        return misuse(call, "a field of an HTTP call: its value holds what no value may hold");
    }
    if (is_reserved(bi_name_find(text.at, text.size))) {
        return misuse(call, "a field of an HTTP call: the library sets it itself");
    }
    int code = bi_fields_add(&call->fields, name, value, replace);
    return bi_call_remember(
        call, code, code == BIGHT_E_TOO_LONG ? "the fields of the call are too long" : "out of memory");
}

int bight_http_call_set(struct bight_http_call *call, const char *name, const char *value)
{
    return put(call, name, value, true);
}

int bight_http_call_add(struct bight_http_call *call, const char *name, const char *value)
{
    return put(call, name, value, false);
}

int bight_http_call_secret(struct bight_http_call *call, const char *name)
{
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!bi_is_token(bi_view_of(name))) {
        return misuse(call, "a secret field of an HTTP call: its name is no token");
    }
    if (call->secret_count == BI_CALL_SECRETS) {
        return bi_call_remember(call, BIGHT_E_LIMIT, "the call has more than 16 secret fields");
    }
    if (bi_http_buffer_append(&call->secrets, name, strlen(name) + 1) != BIGHT_OK) {
        return lack(call);
    }
    call->secret_count++;
    return BIGHT_OK;
}

static int copy(struct bight_http_call *call, char **text, const char *given)
{
    char *copied = bight_strdup(given);
    if (copied == NULL) {
        return lack(call);
    }
    bight_free(*text);
    *text = copied;
    return BIGHT_OK;
}

int bight_http_call_endpoint(struct bight_http_call *call, const char *endpoint)
{
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (*endpoint == '\0' || strlen(endpoint) >= BI_CALL_ENDPOINT) {
        return misuse(call, "the endpoint of an HTTP call: it is empty, or has 1024 bytes or more");
    }
    return copy(call, &call->endpoint, endpoint);
}

int bi_call_read_proxies(const struct bight_http_client *client, struct bi_proxies **proxies, struct bi_proxies *base,
    const struct bight_http_call_options *options)
{
    const char *why = "a proxy looks names up itself: with public_only there can be none";
    int code = bi_proxies_read(proxies, base, options, &why);
    if (code == BIGHT_OK && client->public_only && *proxies != NULL) {
        bi_proxies_release(*proxies);
        *proxies = NULL;
        code = BIGHT_E_INVALID_ARGUMENT;
    }
    return code == BIGHT_E_INVALID_ARGUMENT ? bi_http_usage(code, why) : code;
}

int bight_http_call_configure(struct bight_http_call *call, const struct bight_http_call_options *options)
{
    struct bi_call_settings settings;
    struct bight_address address;
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bi_settings_read(&settings, &call->client->settings, options);
    if (code != BIGHT_OK) {
        return bi_call_remember(call, code, "options of an HTTP call: a time is negative, or no number");
    }
    const char *local = settings.local_address;
    if (local != NULL && bight_address_parse_ip(&address, local, 0) != BIGHT_OK) {
        return misuse(call, "options of an HTTP call: the local address is none");
    }
    code = bi_call_read_proxies(call->client, &settings.proxies, call->client->settings.proxies, options);
    if (code != BIGHT_OK) {
        return bi_call_remember(call, code, "options of an HTTP call: its proxy cannot be used");
    }
    char *copied = local != NULL ? bight_strdup(local) : NULL;
    if (local != NULL && copied == NULL) {
        bi_proxies_release(settings.proxies);
        return lack(call);
    }
    drop_settings(call);
    call->settings = settings;
    call->settings.tls = settings.tls != NULL ? bight_tls_hold(settings.tls) : NULL;
    call->settings.local_address = call->local_address = copied;
    call->has_settings = true;
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- the body */

/* `bytes` are taken. */
static int take_body(struct bight_http_call *call, struct bight_bytes *bytes, const char *type)
{
    int code = call == NULL || bytes == NULL ? lack(call) : BIGHT_OK;
    if (code == BIGHT_OK && type != NULL) {
        code = put(call, "Content-Type", type, true);
    }
    if (code != BIGHT_OK) {
        bight_bytes_release(bytes);
        return code;
    }
    bight_bytes_release(call->body);
    bi_upload_drop(call->upload);
    call->upload = NULL;
    call->body = bytes;
    return BIGHT_OK;
}

int bight_http_call_body(struct bight_http_call *call, const void *data, size_t size, const char *type)
{
    return take_body(call, bight_bytes_new(data, size), type);
}

int bight_http_call_body_bytes(struct bight_http_call *call, struct bight_bytes *bytes, const char *type)
{
    return take_body(call, bytes != NULL ? bight_bytes_hold(bytes) : NULL, type);
}

int bight_http_call_body_text(struct bight_http_call *call, const char *text)
{
    return bight_http_call_body(call, text, strlen(text), "text/plain; charset=utf-8");
}
