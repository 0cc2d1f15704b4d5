/* SPDX-License-Identifier: MIT */
/* http_times.c - asks for URLs, and prints a line for each request: where the time has gone. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <math.h>
#include <stdio.h>

/* From one step to a later one, in milliseconds; 0 when one of them was not reached. */
static double between(const struct bight_http_trace *trace, enum bight_http_step from, enum bight_http_step to)
{
    double seconds = trace->at[to] - trace->at[from];
    return isnan(seconds) ? 0 : seconds * 1000;
}

static void log_times(const struct bight_http_trace *trace, enum bight_http_step step, void *log)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    if (step != BIGHT_HTTP_STEP_DONE) {
        return;
    }
    bight_address_format(&trace->address, address, sizeof address);
    fprintf(log, "%s %s: %d from %s%s; name %.1f ms, connect %.1f ms, TLS %.1f ms, wait %.1f ms, body %.1f ms\n",
        trace->method, trace->url, trace->status, address, trace->is_reused ? " (kept)" : "",
        between(trace, BIGHT_HTTP_STEP_CONNECTING, BIGHT_HTTP_STEP_RESOLVED),
        between(trace, BIGHT_HTTP_STEP_RESOLVED, BIGHT_HTTP_STEP_CONNECTED),
        between(trace, BIGHT_HTTP_STEP_CONNECTED, BIGHT_HTTP_STEP_SECURED),
        between(trace, BIGHT_HTTP_STEP_SENT, BIGHT_HTTP_STEP_FIRST_BYTE),
        between(trace, BIGHT_HTTP_STEP_FIRST_BYTE, BIGHT_HTTP_STEP_DONE));
}

static void ask(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    const struct bight_http_client_hooks hooks = { .size = sizeof hooks, .step = log_times, .context = stdout };
    const struct bight_http_client_options options = { .size = sizeof options, .hooks = &hooks };
    struct bight_http_client *client = bight_http_client_new(reactor, &options);
    for (int i = 1; i < argc && bight_await(bight_http_get(client, argv[i]), result) == 0; i++) {
        bight_result_clear(result);
    }
    bight_http_client_free(client);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(ask, argc, argv);
}
