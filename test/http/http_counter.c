/* SPDX-License-Identifier: MIT */
/* http_counter.c - a site that says what it was asked for, once for each request whose head was taken, a line each on
 * its standard output: the target, as it came.
 *
 * Usage: http_counter ENDPOINT
 *
 * It answers with the target and the size of the body. Heads that are refused are not counted: behind those the
 * connection ends. */
#include <stdio.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>

static void count(struct bight_http_request *request)
{
    struct bight_http_view target = bight_http_request_target_raw(request);
    (void)fwrite(target.data, 1, target.size, stdout);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static void tell(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    char text[512];
    if (bight_result_failure(result) != NULL) {
        bight_result_clear(result);
        (void)bight_http_respond_empty(request, 400);
        return;
    }
    const char *path = bight_http_request_path(request);
    int size = snprintf(text, sizeof text, "asked for %.400s with %zu\n", path != NULL ? path : "*",
        bight_bytes_size(bight_result_peek(result, &bight_type_bytes)));
    (void)bight_http_respond(request, 200, "text/plain", text, (size_t)size);
}

static void answer(struct bight_http_request *request, void *context)
{
    (void)context;
    count(request);
    struct bight_deferred *collecting = bight_http_request_collect(request, 0);
    (void)bight_deferred_add_both(collecting, tell, request);
    bight_deferred_release(collecting);
}

/* Of requests that no handler is called for, too. */
static void answer_error(struct bight_http_request *request, int status, const char *message, void *context)
{
    (void)context;
    (void)message;
    count(request);
    (void)bight_http_respond_empty(request, status);
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    (void)bight_http_route(site, "/{rest...}", answer, NULL);
    bight_http_site_set_error(site, answer_error, NULL);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:0:interface=127.0.0.1", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
