/* SPDX-License-Identifier: MIT */
/* sorted.c - another program's answer: sorts its arguments with sort(1), asks false(1) for its status, and starts
 * something that goes on in the background. */
#include <bight/bight.h>
#include <bight/process.h>
#include <bight/process_output.h>

#include <stdio.h>
#include <string.h>

static struct bight_reactor *reactor;

static void print_output(struct bight_result *result, void *context)
{
    struct bight_bytes *output = bight_result_peek(result, &bight_type_bytes);
    (void)context;
    printf("%s", (const char *)bight_bytes_data(output));
}

static void ask_false(struct bight_result *result, void *context)
{
    static const char *const argv[] = { "false", NULL };
    struct bight_process_output_options options = { .size = sizeof options, .argv = argv };
    (void)context;
    bight_result_chain(result, bight_get_process_value(reactor, &options));
}

static void print_status(struct bight_result *result, void *context)
{
    (void)context;
    printf("false ended with %ld\n", (long)bight_integer_value(bight_result_take(result, &bight_type_integer)));
}

static void start_service(struct bight_result *result, void *context)
{
    static const char *const argv[] = { "sh", "-c", "sleep 2 & echo started", NULL };
    struct bight_process_output_options options = { .size = sizeof options, .argv = argv, .until_exit = true };
    (void)context;
    bight_result_chain(result, bight_get_process_output(reactor, &options));
}

static struct bight_deferred *sort(const char *text)
{
    static const char *const argv[] = { "sort", "-n", NULL };
    struct bight_process_output_options options = {
        .size = sizeof options,
        .argv = argv,
        .input = text,
        .input_size = strlen(text),
        .output_limit = 1 << 20,
        .timeout_seconds = 10,
    };
    return bight_get_process_output(reactor, &options);
}

static struct bight_deferred *run(struct bight_reactor *running, int argc, char **argv)
{
    char text[1024] = "";
    for (int i = 1; i < argc; i++) {
        strncat(text, argv[i], sizeof text - strlen(text) - 2);
        strcat(text, "\n");
    }
    reactor = running;
    struct bight_deferred *sorted = sort(text);
    bight_deferred_add_callback(sorted, print_output, NULL);
    bight_deferred_add_callback(sorted, ask_false, NULL);
    bight_deferred_add_callback(sorted, print_status, NULL);
    bight_deferred_add_callback(sorted, start_service, NULL);
    bight_deferred_add_callback(sorted, print_output, NULL);
    return sorted;
}

int main(int argc, char **argv)
{
    return bight_main(run, argc, argv);
}
