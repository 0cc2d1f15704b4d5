/* SPDX-License-Identifier: MIT */
/* http_download.c - a response goes to a file, and where it was cut short the next run goes on. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <inttypes.h>
#include <stdio.h>

static void show(uint64_t written, int64_t length, void *context)
{
    fprintf(stderr, "%s: %" PRIu64 " of %" PRId64 " bytes\n", (const char *)context, written, length);
}

static void download(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:8888/", *path = argc > 2 ? argv[2] : "downloaded";
    const struct bight_http_download_options options = {
        .size = sizeof options, .resume = true, .progress = show, .context = (void *)path
    };
    struct bight_http_client *client = bight_http_client_new(reactor, NULL);
    if (bight_await(bight_http_download(client, url, path, &options), result) == 0) {
        printf("%d bytes\n", (int)bight_integer_value(bight_result_peek(result, &bight_type_integer)));
        bight_result_clear(result);
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(download, argc, argv);
}
