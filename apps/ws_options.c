/* SPDX-License-Identifier: MIT */
/* ws_options.c - the words behind `bight ws`, and what it says about itself: the help, and what was wrong with which
 * word. The conversation is in ws.c. */
#include <bight/memory.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "words.h"
#include "ws.h"

enum option {
    OPTION_BINARY,
    OPTION_SUBPROTOCOL,
    OPTION_HEADER,
    OPTION_ORIGIN,
    OPTION_WAIT,
    OPTION_QUIET,
    OPTION_LOG_LEVEL,
    OPTION_HELP,
    OPTION_COUNT
};

static const struct runner_option table[OPTION_COUNT] = {
    [OPTION_BINARY] = { "binary", NULL, "bytes as they are, in binary messages", 'b' },
    [OPTION_SUBPROTOCOL] = { "subprotocol", "NAME", "to offer; any number, the favourite first", 's' },
    [OPTION_HEADER] = { "header", "'NAME: VALUE'", "a field of the request; any number", 'H' },
    [OPTION_ORIGIN] = { "origin", "ORIGIN", "the page that asks: https://example.org", 'o' },
    [OPTION_WAIT] = { "wait", "SECONDS", "from the end of the input to closing (0); inf", 'w' },
    [OPTION_QUIET] = { "quiet", NULL, "do not tell of pings and the end", 'q' },
    [OPTION_LOG_LEVEL] = { "log-level", "LEVEL", "debug, info, warning, error or critical", '\0' },
    [OPTION_HELP] = { "help", NULL, "this text", 'h' },
};

static int set_wait(struct ws_options *options, const char *text)
{
    char *end;
    options->wait = strtod(text, &end);
    return end != text && *end == '\0' && options->wait >= 0
               ? 0
               : complain("--wait is a number of seconds, or inf, not \"%s\"", text);
}

static int set_value(struct ws_options *options, enum option option, const char *value)
{
    switch (option) {
    case OPTION_SUBPROTOCOL:
        options->subprotocols[options->subprotocol_count++] = value;
        return 0;
    case OPTION_HEADER:
        options->headers[options->header_count++] = value;
        return runner_check_field(value);
    case OPTION_ORIGIN:
        options->origin = value;
        return 0;
    case OPTION_WAIT:
        return set_wait(options, value);
    default:
        return runner_set_log_level(value);
    }
}

static int set(void *context, size_t option, const char *value)
{
    struct ws_options *options = context;
    options->is_binary |= option == OPTION_BINARY;
    options->is_quiet |= option == OPTION_QUIET;
    options->wants_help |= option == OPTION_HELP;
    return value == NULL ? 0 : set_value(options, (enum option)option, value);
}

static int add_url(void *context, const char *url)
{
    struct ws_options *options = context;
    if (options->url != NULL) {
        return complain("ws talks to one URL; there is \"%s\" behind \"%s\"", url, options->url);
    }
    options->url = url;
    return 0;
}

static const struct runner_grammar grammar = { .options = table, .count = OPTION_COUNT, .set = set, .add = add_url };

int ws_read_options(struct ws_options *options, int count, char **words)
{
    size_t room = (size_t)count + 1;
    *options = (struct ws_options) { .subprotocols = bight_calloc(room, sizeof *options->subprotocols),
        .headers = bight_calloc(room, sizeof *options->headers) };
    if (options->subprotocols == NULL || options->headers == NULL) {
        return EX_OSERR;
    }
    int status = runner_read_words(&grammar, count, words, options);
    if (status == 0 && !options->wants_help && options->url == NULL) {
        return complain("ws needs a URL, such as ws://localhost:8888/echo (--help tells more)");
    }
    return status;
}

void ws_finish_options(struct ws_options *options)
{
    bight_free(options->subprotocols);
    bight_free(options->headers);
}

void ws_print_help(void)
{
    puts("Usage: bight ws [OPTIONS] URL\n"
         "\n"
         "Talks to a WebSocket: each line of standard input is sent as a message of text, and\n"
         "each that comes is a line of standard output. Pings and the end are told on standard\n"
         "error. The end of the input (^D) closes it with 1000.\n"
         "\n"
         "Options:");
    runner_print_options(&grammar);
    puts("\n"
         "Examples:\n"
         "  bight ws ws://localhost:8888/echo\n"
         "  bight ws --subprotocol chat --origin https://example.org wss://example.org/chat\n"
         "  echo hello | bight ws --wait 1 ws://localhost:8888/echo\n"
         "  bight ws --wait inf wss://example.org/news < /dev/null > news");
}
