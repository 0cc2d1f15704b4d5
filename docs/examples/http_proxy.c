/* SPDX-License-Identifier: MIT */
/* http_proxy.c - asks for a URL through a proxy: the one that is named, or the environment's. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

static void ask(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const struct bight_http_call_options calls = {
        .size = sizeof calls,
        .proxy = argc > 2 ? argv[2] : NULL, /* "http://user:password@proxy.example.org:3128" */
        .no_proxy = "localhost,.example.org,10.0.0.0/8",
        .proxy_environment = BIGHT_HTTP_YES,
    };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
    struct bight_http_client *client = bight_http_client_new(reactor, &options);
    if (bight_await(bight_http_get(client, argc > 1 ? argv[1] : "https://127.0.0.1:8888/"), result) == 0) {
        struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
        printf("%d\n", bight_http_response_status(response));
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(ask, argc, argv);
}
