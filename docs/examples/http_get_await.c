/* SPDX-License-Identifier: MIT */
/* http_get_await.c - asks an HTTP server one thing after the other, with a coroutine; http_get.c asks for many things
 * at once. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

/* A call with a body, and a second to answer. False: *result is the failure. */
static bool put_note(struct bight_http_client *client, const char *url, struct bight_result *result)
{
    const struct bight_http_call_options options = {
        .size = sizeof options, .total_seconds = 1, .fail_on_status = BIGHT_HTTP_YES
    };
    struct bight_http_call *call = bight_http_call_new(client, "PUT", url);
    bight_http_call_set(call, "Accept", "text/plain");
    bight_http_call_bearer(call, "a secret");
    bight_http_call_body_text(call, "Buy milk.\n");
    bight_http_call_configure(call, &options);
    return bight_await(bight_http_call_send(call), result) == 0;
}

static void show(struct bight_http_response *response)
{
    struct bight_bytes *body = bight_http_response_body(response);
    const char *type = bight_http_response_field(response, "Content-Type");
    printf("%s: %d, %s\n", bight_http_response_url(response), bight_http_response_status(response),
        type != NULL ? type : "of no type");
    fwrite(bight_bytes_data(body), 1, bight_bytes_size(body), stdout);
}

static void ask(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8888/";
    struct bight_http_client *client = bight_http_client_new(reactor, NULL);
    if (put_note(client, url, result) && bight_await(bight_http_get(client, url), result) == 0) {
        show(bight_result_peek(result, &bight_type_http_response));
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(ask, argc, argv);
}
