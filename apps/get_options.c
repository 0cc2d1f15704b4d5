/* SPDX-License-Identifier: MIT */
/* get_options.c - the words behind `bight get`, and what it says about itself: the help, and what was wrong with which
 * word. What is done by them is in get.c and get_transfer.c. */
#include <bight/memory.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "get.h"
#include "words.h"

enum option {
    OPTION_OUTPUT,
    OPTION_CONTINUE,
    OPTION_FORCE,
    OPTION_LIMIT,
    OPTION_PER_HOST,
    OPTION_RETRIES,
    OPTION_TIMEOUT,
    OPTION_HEADER,
    OPTION_DATA,
    OPTION_FORM,
    OPTION_JSON,
    OPTION_METHOD,
    OPTION_JAR,
    OPTION_PROXY,
    OPTION_INCLUDE,
    OPTION_HEAD,
    OPTION_QUIET,
    OPTION_LOG_LEVEL,
    OPTION_HELP,
    OPTION_COUNT
};

static const struct runner_option table[OPTION_COUNT] = {
    [OPTION_OUTPUT] = { "output", "FILE|DIR|-", "where it goes; -: standard output", 'o' },
    [OPTION_CONTINUE] = { "continue", NULL, "keep what has come, and go on with it", 'c' },
    [OPTION_FORCE] = { "force", NULL, "replace files that are there", 'f' },
    [OPTION_LIMIT] = { "limit", "K", "how many at once (8)", 'l' },
    [OPTION_PER_HOST] = { "per-host", "K", "how many of one host at once (4)", '\0' },
    [OPTION_RETRIES] = { "retries", "N", "how often what may get better is tried again (2)", '\0' },
    [OPTION_TIMEOUT] = { "timeout", "SECONDS", "for one attempt, all together (none)", '\0' },
    [OPTION_HEADER] = { "header", "'NAME: VALUE'", "a field of the request; any number", 'H' },
    [OPTION_DATA] = { "data", "TEXT|@FILE|@-", "the body, as it is; POST", 'd' },
    [OPTION_FORM] = { "form", "NAME=VALUE", "a field of a form, or NAME=@FILE; POST", 'F' },
    [OPTION_JSON] = { "json", "TEXT|@FILE|@-", "the body, which is JSON; POST", '\0' },
    [OPTION_METHOD] = { "method", "METHOD", "in place of GET or POST", 'X' },
    [OPTION_JAR] = { "cookie-jar", "FILE", "the cookies to send, and where they are kept", '\0' },
    [OPTION_PROXY] = { "proxy", "URL", "http://[USER:PASSWORD@]HOST:PORT, as http_proxy says", '\0' },
    [OPTION_INCLUDE] = { "include", NULL, "print the response's head before its body", 'i' },
    [OPTION_HEAD] = { "head", NULL, "ask for the head alone, and print it", 'I' },
    [OPTION_QUIET] = { "quiet", NULL, "do not tell how far it is", 'q' },
    [OPTION_LOG_LEVEL] = { "log-level", "LEVEL", "debug, info, warning (the default), error or critical", '\0' },
    [OPTION_HELP] = { "help", NULL, "this text", 'h' },
};

/* ------------------------------------------------------------------------------------------- one option */

static int set_number(long *number, enum option option, const char *text, long least, long most)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == ' ' || *number < least || *number > most) {
        return complain("--%s is a number from %ld to %ld, not \"%s\"", table[option].name, least, most, text);
    }
    return 0;
}

static int add_header(struct get_options *options, const char *text)
{
    options->headers[options->header_count++] = text;
    return runner_check_field(text);
}

static int add_part(struct get_options *options, const char *text)
{
    size_t name = strcspn(text, "=");
    if (name == 0 || text[name] == '\0') {
        return complain("--form is NAME=VALUE or NAME=@FILE, not \"%s\"", text);
    }
    bool is_file = text[name + 1] == '@';
    options->parts[options->part_count++] =
        (struct get_part) { text, name, text + name + 1 + (is_file ? 1 : 0), is_file };
    return 0;
}

static int set_flag(struct get_options *options, enum option option)
{
    options->resumes |= option == OPTION_CONTINUE;
    options->replaces |= option == OPTION_FORCE;
    options->shows_head |= option == OPTION_INCLUDE || option == OPTION_HEAD;
    options->is_head |= option == OPTION_HEAD;
    options->is_quiet |= option == OPTION_QUIET;
    options->wants_help |= option == OPTION_HELP;
    return 0;
}

static int set_option(struct get_options *options, enum option option, const char *text)
{
    switch (option) {
    case OPTION_OUTPUT:
        options->output = text;
        return *text != '\0' ? 0 : complain("--output needs a name");
    case OPTION_LIMIT:
        return set_number(&options->limit, option, text, 1, 1000);
    case OPTION_PER_HOST:
        return set_number(&options->per_host, option, text, 1, 1000);
    case OPTION_RETRIES:
        return set_number(&options->retries, option, text, 0, 1000);
    case OPTION_TIMEOUT:
        return set_number(&options->seconds, option, text, 1, 1000000000);
    case OPTION_HEADER:
        return add_header(options, text);
    case OPTION_DATA:
        options->data = text;
        return 0;
    case OPTION_FORM:
        return add_part(options, text);
    case OPTION_JSON:
        options->json = text;
        return 0;
    case OPTION_METHOD:
        options->method = text;
        return 0;
    case OPTION_JAR:
        options->jar = text;
        return 0;
    case OPTION_PROXY:
        options->proxy = text;
        return 0;
    case OPTION_LOG_LEVEL:
        return runner_set_log_level(text);
    default:
        return set_flag(options, option);
    }
}

/* ------------------------------------------------------------------------------------------- words */

static int set(void *options, size_t option, const char *value)
{
    return value == NULL ? set_flag(options, (enum option)option) : set_option(options, (enum option)option, value);
}

static int add_url(void *context, const char *url)
{
    struct get_options *options = context;
    if (strcmp(url, "-") == 0) {
        options->reads_list = true;
    } else {
        options->urls[options->url_count++] = url;
    }
    return 0;
}

static const struct runner_grammar grammar = { .options = table, .count = OPTION_COUNT, .set = set, .add = add_url };

void get_print_help(void)
{
    puts("Usage: bight get [OPTIONS] URL ...\n"
         "\n"
         "Fetches what is at the URLs; `-` stands for a list of them on standard input, one a\n"
         "line. One alone goes to standard output; of several, each to a file in the working\n"
         "directory, named as its URL ends. A file is there whole or not at all.\n"
         "\n"
         "Options:");
    runner_print_options(&grammar);
    puts("\n"
         "Examples:\n"
         "  bight get https://example.org/\n"
         "  bight get --continue --output large.iso https://example.org/large.iso\n"
         "  bight get --limit 20 --output pages - < urls\n"
         "  bight get --form name=Ann --form photo=@pier.jpg https://example.org/photos\n"
         "  bight get --json '{\"a\": 1}' --header 'Authorization: Bearer x' http://localhost:8888/");
}

/* ------------------------------------------------------------------------------------------- all of them */

static bool is_of_input(const char *text)
{
    return text != NULL && strcmp(text, "@-") == 0;
}

static int check(const struct get_options *options)
{
    int bodies = (options->data != NULL) + (options->json != NULL) + (options->part_count > 0);
    if (options->url_count == 0 && !options->reads_list) {
        return complain("get needs a URL (bight get --help tells more)");
    }
    if (bodies > 1) {
        return complain("get: --data, --form and --json do not go together");
    }
    if (bodies > 0 && options->is_head) {
        return complain("get: --head asks without a body");
    }
    if (options->reads_list && (is_of_input(options->data) || is_of_input(options->json))) {
        return complain("get: standard input is either the list of URLs or the body");
    }
    return 0;
}

int get_read_options(struct get_options *options, int count, char **words)
{
    size_t room = (size_t)count + 1;
    *options = (struct get_options) { .limit = 8, .per_host = 4, .retries = 2 };
    options->headers = bight_calloc(room, sizeof *options->headers);
    options->parts = bight_calloc(room, sizeof *options->parts);
    options->urls = bight_calloc(room, sizeof *options->urls);
    if (options->headers == NULL || options->parts == NULL || options->urls == NULL) {
        return EX_OSERR;
    }
    int status = runner_read_words(&grammar, count, words, options);
    return status != 0 || options->wants_help ? status : check(options);
}

void get_finish_options(struct get_options *options)
{
    bight_free(options->headers);
    bight_free(options->parts);
    bight_free(options->urls);
}
