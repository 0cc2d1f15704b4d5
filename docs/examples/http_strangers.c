/* SPDX-License-Identifier: MIT */
/* http_strangers.c - fetches a URL that somebody else has named, and nothing of the machine's own networks. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

static void ask(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const struct bight_http_client_options options = { .size = sizeof options, .public_only = true };
    struct bight_http_client *client = bight_http_client_new(reactor, &options);
    const char *url = argc > 1 ? argv[1] : "http://169.254.169.254/";
    if (bight_await(bight_http_get(client, url), result) == 0) {
        struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
        printf("%d\n", bight_http_response_status(response));
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(ask, argc, argv);
}
