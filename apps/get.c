/* SPDX-License-Identifier: MIT */
/* get.c - `bight get URL ...`: what is at the URLs, to files or standard output.
 *
 * The words are get_options.c's, names get_name.c's, one URL get_transfer.c's, what is shown get_progress.c's; here
 * stands what they are about: which URLs, where each goes, and the status in the end. */
#include <bight/memory.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "get.h"

#define MOST_INPUT (64 << 20) /* bytes of standard input */
#define INTERRUPTED 130

/* ------------------------------------------------------------------------------------------- standard input */

/* All of it, with a NUL behind it. 0, or the status to exit with. */
static int read_input(char **text, size_t *size)
{
    size_t room = 0, got;
    do {
        if (room - *size < 2) {
            room = room == 0 ? 65536 : 2 * room;
            char *larger = room <= MOST_INPUT ? bight_realloc(*text, room) : NULL;
            if (larger == NULL) {
                return complain("get: standard input is too long");
            }
            *text = larger;
        }
        got = fread(*text + *size, 1, room - *size - 1, stdin);
        *size += got;
    } while (got > 0);
    (*text)[*size] = '\0';
    return ferror(stdin) != 0 ? EX_IOERR : 0;
}

static size_t count_lines(const char *text)
{
    size_t count = 1;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static int add_list(struct get *get)
{
    size_t size = 0;
    int status = read_input(&get->list, &size);
    if (status != 0) {
        return status;
    }
    size_t room = get->options.url_count + count_lines(get->list);
    const char **urls = bight_realloc(get->options.urls, room * sizeof *urls);
    if (urls == NULL) {
        return EX_OSERR;
    }
    get->options.urls = urls;
    for (char *line = get->list, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        line += strspn(line, " \t");
        line[strcspn(line, " \t\r")] = '\0';
        if (*line != '\0' && *line != '#') {
            urls[get->options.url_count++] = line;
        }
    }
    return 0;
}

/* What is sent: words of the command line, or standard input; a file is the library's to open. */
static int find_data(struct get *get)
{
    const char *given = get->options.json != NULL ? get->options.json : get->options.data;
    if (given == NULL) {
        return 0;
    }
    if (given[0] != '@') {
        get->data = given;
        get->data_size = strlen(given);
        return 0;
    }
    if (strcmp(given, "@-") == 0) {
        int status = read_input(&get->read_data, &get->data_size);
        get->data = get->read_data;
        return status;
    }
    return 0;
}

static int check_file(const char *path)
{
    if (access(path, R_OK) != 0) {
        (void)complain("get: %s: %s", path, strerror(errno));
        return EX_NOINPUT;
    }
    return 0;
}

static int check_files(const struct get *get)
{
    const struct get_options *options = &get->options;
    const char *given = options->json != NULL ? options->json : options->data;
    int status = given != NULL && given[0] == '@' && get->data == NULL ? check_file(given + 1) : 0;
    for (size_t i = 0; i < options->part_count && status == 0; i++) {
        status = options->parts[i].is_file ? check_file(options->parts[i].value) : 0;
    }
    return status;
}

/* ------------------------------------------------------------------------------------------- where each goes */

enum place { PLACE_OUTPUT, PLACE_FILE, PLACE_DIRECTORY };

static enum place place_of(const struct get *get)
{
    const char *output = get->options.output;
    struct stat status;
    if (output == NULL) {
        return get->count == 1 || get->options.shows_head ? PLACE_OUTPUT : PLACE_DIRECTORY;
    }
    if (strcmp(output, "-") == 0) {
        return PLACE_OUTPUT;
    }
    bool is_directory = output[strlen(output) - 1] == '/' || (stat(output, &status) == 0 && S_ISDIR(status.st_mode));
    return is_directory ? PLACE_DIRECTORY : PLACE_FILE;
}

static char *path_in(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = bight_malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", directory, name);
    }
    return path;
}

static int find_path(struct get *get, struct get_transfer *transfer, enum place place)
{
    if (place == PLACE_OUTPUT) {
        return 0;
    }
    if (place == PLACE_FILE) {
        transfer->path = bight_strdup(get->options.output);
        get_make_printable(get->options.output, transfer->name);
    } else {
        get_name_of_url(transfer->url, transfer->name);
        transfer->path = path_in(get->options.output != NULL ? get->options.output : ".", transfer->name);
    }
    return transfer->path != NULL ? 0 : EX_OSERR;
}

static bool is_url(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

/* Names are compared when all are known. */
static int check_names(const struct get *get)
{
    for (size_t i = 0; i < get->count; i++) {
        for (size_t j = 0; j < i && get->transfers[i].path != NULL; j++) {
            if (strcmp(get->transfers[i].path, get->transfers[j].path) == 0) {
                return complain("get: both %s and %s would be %s", get->transfers[j].url, get->transfers[i].url,
                    get->transfers[i].name);
            }
        }
    }
    return 0;
}

static int plan(struct get *get)
{
    get->count = get->options.url_count;
    get->transfers = bight_calloc(get->count + 1, sizeof *get->transfers);
    if (get->transfers == NULL) {
        return EX_OSERR;
    }
    enum place place = place_of(get);
    if (place == PLACE_FILE && get->count > 1) {
        return complain("get: %s is one file, for more than one URL", get->options.output);
    }
    if (get->options.shows_head && place != PLACE_OUTPUT) {
        return complain("get: --include and --head are for standard output");
    }
    int status = 0;
    for (size_t i = 0; i < get->count && status == 0; i++) {
        struct get_transfer *transfer = &get->transfers[i];
        *transfer = (struct get_transfer) { .get = get, .url = get->options.urls[i], .length = -1 };
        status = is_url(transfer->url) ? find_path(get, transfer, place)
                                       : complain("get: \"%s\" does not begin with http:// or https://", transfer->url);
    }
    get->options.limit = place == PLACE_OUTPUT ? 1 : get->options.limit; /* one behind the other */
    return status != 0 ? status : check_names(get);
}

/* ------------------------------------------------------------------------------------------- all of them */

static struct get *running; /* bight_main_coroutine hands on nothing */

/* A file that is not there yet will be. False: what is wrong has been said. */
static bool load_cookies(struct get *get, struct bight_result *result)
{
    if (get->options.jar == NULL) {
        return true;
    }
    int code = bight_await(bight_http_cookie_jar_load(get->jar, get->options.jar), result);
    if (code != BIGHT_OK && bight_failure_errno(bight_result_failure(result)) != ENOENT) {
        (void)complain_of(bight_result_failure(result));
        get->status = EX_NOINPUT;
    }
    bight_result_clear(result);
    return get->status == 0;
}

/* With those that end with the session, which goes on from one run to the next. */
static void save_cookies(struct get *get, struct bight_result *result)
{
    if (get->options.jar != NULL &&
        bight_await(bight_http_cookie_jar_save(get->jar, get->options.jar, true), result) == BIGHT_OK) {
        bight_result_clear(result); /* how many there are, which would be the status */
    }
}

static bool begin(struct get *get)
{
    get->jar = get->options.jar != NULL ? bight_http_cookie_jar_new(get->reactor, NULL) : NULL;
    const struct bight_http_client_options options = {
        .size = sizeof options, .max_per_host = (unsigned)get->options.per_host, .cookies = get->jar
    };
    get->client = bight_http_client_new(get->reactor, &options);
    return get->client != NULL && (get->jar != NULL || get->options.jar == NULL);
}

/* How each has ended is in its transfer; what is left in *result is about all. */
static void fetch_all(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    struct get *get = running;
    (void)argc;
    (void)argv;
    get->reactor = reactor;
    if (!begin(get)) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (load_cookies(get, result)) {
        get_begin_progress(get);
        int code =
            bight_await(bight_map_limited(get_begin_transfer, get->count, (size_t)get->options.limit, 0, get), result);
        bight_result_clear(result);
        get_end_progress(get);
        if (code == BIGHT_OK) {
            save_cookies(get, result);
        }
    }
    bight_http_client_free(get->client);
    bight_http_cookie_jar_release(get->jar);
}

/* That of the first one in the list that failed. */
static int status_of(const struct get *get, int status)
{
    for (size_t i = 0; i < get->count; i++) {
        const struct get_transfer *transfer = &get->transfers[i];
        bool is_over = transfer->state == GET_DONE || transfer->state == GET_FAILED;
        if (!is_over || (transfer->failure != NULL && bight_failure_is(transfer->failure, BIGHT_E_CANCELLED))) {
            return status != 0 ? status : INTERRUPTED;
        }
    }
    for (size_t i = 0; i < get->count; i++) {
        if (get->transfers[i].status != 0) {
            return get->transfers[i].status;
        }
    }
    return status;
}

static int run(struct get *get)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    get->mode = 0666 & ~mask;
    (void)signal(SIGPIPE, SIG_IGN);
    running = get;
    int status = get->count > 0 ? bight_main_coroutine(fetch_all, 0, NULL) : 0;
    return status_of(get, get->status != 0 ? get->status : status);
}

static void free_all(struct get *get)
{
    for (size_t i = 0; i < get->count && get->transfers != NULL; i++) {
        bight_free(get->transfers[i].path);
        bight_failure_release(get->transfers[i].failure);
    }
    bight_free(get->transfers);
    bight_free(get->list);
    bight_free(get->read_data);
    get_finish_options(&get->options);
}

int runner_get(int count, char **words)
{
    struct get get = { .data = NULL };
    int status = get_read_options(&get.options, count, words);
    bool is_help = status == 0 && get.options.wants_help;
    if (is_help) {
        get_print_help();
    }
    status = status == 0 && !is_help && get.options.reads_list ? add_list(&get) : status;
    status = status == 0 && !is_help ? find_data(&get) : status;
    status = status == 0 && !is_help ? check_files(&get) : status;
    status = status == 0 && !is_help ? plan(&get) : status;
    status = status == 0 && !is_help ? run(&get) : status;
    free_all(&get);
    return status;
}
