/* SPDX-License-Identifier: MIT */
/* http_pages.c - reads a list from an API that hands it out in pages, each of which says where the next one is: a field
 * `Link: </items?page=2>; rel="next"` (RFC 8288). With a coroutine.
 *
 * Usage: http_pages BASE PATH [TOKEN], "https://api.example.org" "/items" */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MAX_URL 2048
#define MAX_PAGES 1000 /* a server that is wrong may send us round in circles */

/* An API says with 429 or 503 that it has enough for now; the retry waits longer each time. */
static bool is_worth_it(const struct bight_failure *failure, void *context)
{
    int status = bight_failure_status(failure);
    (void)context;
    return bight_failure_is(failure, BIGHT_E_CONNECTION) || status == 429 || status >= 500;
}

struct asking {
    struct bight_http_client *client;
    const char *base, *token;
    char url[MAX_URL];
};

static struct bight_deferred *ask(void *context)
{
    const struct asking *asking = context;
    struct bight_http_call *call = bight_http_call_new(asking->client, "GET", asking->url);
    bight_http_call_set(call, "Accept", "application/json");
    if (asking->token != NULL) {
        bight_http_call_bearer(call, asking->token);
    }
    return bight_http_call_send(call);
}

/* Returns how many there were, or -1. */
static int print_items(struct bight_http_response *response)
{
    struct bight_bytes *body = bight_http_response_body(response);
    json_t *items = json_loadb((const char *)bight_bytes_data(body), bight_bytes_size(body), 0, NULL), *item;
    size_t index, count = json_array_size(items);
    json_array_foreach(items, index, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        puts(name != NULL ? name : "an item without a name");
    }
    int found = json_is_array(items) ? (int)count : -1;
    json_decref(items);
    return found;
}

/* False: this was the last page. The token goes to the API, wherever a page may point. */
static bool find_next(struct asking *asking, struct bight_http_response *response)
{
    const char *link = bight_http_response_field(response, "Link");
    char reference[MAX_URL], url[MAX_URL];
    if (link == NULL || strstr(link, "rel=\"next\"") == NULL || sscanf(link, "<%2000[^>]", reference) != 1 ||
        bight_http_resolve(bight_http_response_url(response), reference, url, sizeof url) != 0) {
        return false;
    }
    size_t size = strlen(asking->base);
    if (strncmp(url, asking->base, size) != 0 || url[size] != '/') {
        return false;
    }
    memcpy(asking->url, url, sizeof url);
    return true;
}

static void read_all(struct bight_result *result, struct asking *asking, struct bight_clock *clock)
{
    const struct bight_retry_policy policy = { .size = sizeof policy, .first = 0.5, .worth_it = is_worth_it };
    int pages = 0, items = 0, found;
    bool goes_on;
    do {
        if (bight_await(bight_retry(clock, 5, &policy, ask, asking), result) != 0) {
            return;
        }
        struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
        found = print_items(response);
        items += found;
        goes_on = ++pages < MAX_PAGES && found >= 0 && find_next(asking, response);
    } while (goes_on);
    if (found < 0) {
        bight_result_fail(result, bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "%s: this is no list", asking->url));
    } else {
        printf("%d in %d pages\n", items, pages);
    }
}

static void run(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const struct bight_http_call_options calls = { .size = sizeof calls, .fail_on_status = BIGHT_HTTP_YES };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
    if (argc < 3) {
        bight_result_fail(result, bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: http_pages BASE PATH [TOKEN]"));
        return;
    }
    struct asking asking = { .base = argv[1], .token = argv[3] }; /* behind the last one there is a NULL */
    asking.client = bight_http_client_new(reactor, &options);
    snprintf(asking.url, sizeof asking.url, "%s%s", argv[1], argv[2]);
    read_all(result, &asking, bight_reactor_clock(reactor));
    bight_http_client_free(asking.client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(run, argc, argv);
}
