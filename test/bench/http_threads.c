/* SPDX-License-Identifier: MIT */
/* http_threads.c - says "Hello, World!" from several threads, each with a reactor and a site of its own, which share a
 * port: the kernel deals the connections out.
 *
 * Usage: http_threads THREADS ENDPOINT, such as tcp:8080:reuseport=yes */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond(request, 200, "text/plain", "Hello, World!", 13);
}

static void serve(const char *endpoint, bool leave_signals)
{
    const struct bight_reactor_options reactor_options = { .size = sizeof reactor_options,
        .leave_signals = leave_signals };
    const struct bight_http_site_options options = { .size = sizeof options, .request_limit = UINT32_MAX };
    struct bight_http_site *site = bight_http_site_new_full(&options);
    (void)bight_http_route(site, "GET /", say_hello, NULL);
    struct bight_reactor *reactor = bight_reactor_new_full(&reactor_options);
    bight_serve(reactor, endpoint, bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    if (status != 0) {
        exit(status);
    }
}

static void *run_thread(void *endpoint)
{
    serve(endpoint, true);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[1]) : 0;
    if (count < 1) {
        (void)fprintf(stderr, "usage: http_threads THREADS ENDPOINT\n");
        return 64;
    }
    for (int i = 1; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run_thread, argv[2]) != 0) {
            return 1;
        }
    }
    serve(argv[2], false); /* the others end with the process */
    return 0;
}
