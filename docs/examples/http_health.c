/* SPDX-License-Identifier: MIT */
/* http_health.c - asks services whether they are well, all at once, each within so many seconds. The exit status is 1
 * if one is not.
 *
 * Usage: http_health SECONDS URL... */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_http_client *client;
static struct bight_clock *now;
static char **urls;
static size_t unwell;

struct check {
    const char *url;
    uint64_t began; /* nanoseconds */
};

static void tell(struct bight_result *result, void *context)
{
    const struct check *check = context;
    const struct bight_failure *failure = bight_result_failure(result);
    double took = (double)(bight_clock_now(now) - check->began) / 1e6;
    if (failure != NULL) {
        unwell++;
        printf("unwell  %s: %s\n", check->url, bight_failure_message(failure));
    } else {
        printf("well    %s: %.0f ms\n", check->url, took);
    }
}

static struct bight_deferred *ask(size_t index, void *context)
{
    struct check *check = malloc(sizeof *check);
    (void)context;
    if (check == NULL) {
        return bight_fail(bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "no memory"));
    }
    *check = (struct check) { urls[index], bight_clock_now(now) };
    struct bight_deferred *answer = bight_http_get(client, check->url);
    bight_deferred_add_both_full(answer, tell, check, free);
    return answer;
}

static void end(struct bight_result *result, void *context)
{
    (void)context;
    bight_http_client_free(client);
    bight_result_clear(result);
    bight_result_set(result, &bight_type_integer, bight_integer(unwell > 0));
}

/* A name that cannot be found is known at once; only who does not answer takes all the time. */
static struct bight_deferred *check_all(struct bight_reactor *reactor, int argc, char **argv)
{
    if (argc < 3) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: http_health SECONDS URL..."));
    }
    const struct bight_http_call_options calls = {
        .size = sizeof calls, .total_seconds = strtod(argv[1], NULL), .fail_on_status = BIGHT_HTTP_YES
    };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
    client = bight_http_client_new(reactor, &options);
    now = bight_reactor_clock(reactor);
    urls = argv + 2;
    struct bight_deferred *all = bight_map_limited(ask, (size_t)argc - 2, 100, BIGHT_ALL_OUTCOMES, NULL);
    bight_deferred_add_both(all, end, NULL);
    return all;
}

int main(int argc, char **argv)
{
    return bight_main(check_all, argc, argv);
}
