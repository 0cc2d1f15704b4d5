/* SPDX-License-Identifier: MIT */
/* services_http.c - the services of the runner that speak HTTP: `bight hello`.
 *
 * Sites that do more are programs of their own: docs/examples has some. */
#include "runner.h"

#include <bight/protocols/http.h>

#include <stdio.h>

static const struct bight_service_option hello_options[] = {
    { .name = "text",
        .kind = BIGHT_SERVICE_TEXT,
        .value_name = "TEXT",
        .help = "what to say",
        .default_text = "Hello, world" },
    { .name = NULL },
};

static struct bight_http_site *hello_site;
static char hello_text[1024];

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)bight_http_respond_text(request, 200, context);
}

static struct bight_factory *start_hello(
    struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure)
{
    (void)reactor;
    hello_site = bight_http_site_new();
    if (snprintf(hello_text, sizeof hello_text, "%s\n", values[0].text) >= (int)sizeof hello_text) {
        *failure =
            bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "--text: longer than %zu bytes", sizeof hello_text - 2);
    } else if (bight_http_route(hello_site, "GET /", say_hello, hello_text) != BIGHT_OK) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    } else {
        return bight_http_site_factory(hello_site);
    }
    bight_http_site_free(hello_site);
    return NULL;
}

static void stop_hello(struct bight_factory *factory)
{
    (void)factory;
    bight_http_site_free(hello_site);
}

static const struct bight_service hello = {
    .name = "hello",
    .summary = "Says hello to a browser (HTTP/1.1).",
    .examples = "bight hello tcp:8888\nbight hello --text='Back at noon.' tcp:8888:interface=127.0.0.1",
    .options = hello_options,
    .default_endpoint = NULL,
    .start = start_hello,
    .stop = stop_hello,
};

int runner_register_http_services(void)
{
    return bight_service_register(&hello);
}
