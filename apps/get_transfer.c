/* SPDX-License-Identifier: MIT */
/* get_transfer.c - one URL of `bight get`: the call, how often it is tried, and where its body goes.
 *
 * What goes to standard output is written by a thread, one piece at a time: whoever reads it slowly holds the server
 * back, and nothing else. */
#include <bight/memory.h>
#include <bight/protocols/http_download.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "get.h"

#define STATUS_OF_ANSWER 8 /* to exit with: the server says no */

/* ------------------------------------------------------------------------------------------- the call */

static const char *method_of(const struct get_options *options)
{
    bool has_body = options->data != NULL || options->json != NULL || options->part_count > 0;
    return options->method != NULL ? options->method : options->is_head ? "HEAD" : has_body ? "POST" : "GET";
}

/* What the library or we have said before is replaced, all else added. */
static void set_header(struct bight_http_call *call, const char *text)
{
    static const char *const single[] = { "Content-Type", "Accept", "User-Agent", "Accept-Encoding" };
    char name[256];
    size_t size = strcspn(text, ":");
    const char *value = text + size + 1;
    (void)snprintf(name, sizeof name, "%.*s", (int)size, text);
    value += strspn(value, " \t");
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (strcasecmp(name, single[i]) == 0) {
            (void)bight_http_call_set(call, name, value);
            return;
        }
    }
    (void)bight_http_call_add(call, name, value);
}

static void add_part(struct bight_http_call *call, const struct get_part *part)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s", (int)part->name_size, part->name);
    if (part->is_file) {
        (void)bight_http_call_part_file(call, name, part->value, NULL, NULL);
    } else {
        (void)bight_http_call_part_text(call, name, part->value);
    }
}

static void set_body(struct bight_http_call *call, const struct get *get)
{
    const struct get_options *options = &get->options;
    const char *given = options->json != NULL ? options->json : options->data;
    const char *type = options->json != NULL ? "application/json" : "application/x-www-form-urlencoded";
    if (given != NULL && given[0] == '@' && get->data == NULL) {
        (void)bight_http_call_body_file(call, given + 1, type);
    } else if (given != NULL) {
        (void)bight_http_call_body(call, get->data, get->data_size, type);
    }
    if (options->json != NULL) {
        (void)bight_http_call_set(call, "Accept", "application/json");
    }
    for (size_t i = 0; i < options->part_count; i++) {
        add_part(call, &options->parts[i]);
    }
}

/* The call remembers what is wrong. */
static struct bight_http_call *make_call(const struct get_transfer *transfer)
{
    const struct get *get = transfer->get;
    const struct bight_http_call_options options = { .size = sizeof options,
        .total_seconds = (double)get->options.seconds,
        .proxy = get->options.proxy,
        .proxy_environment = BIGHT_HTTP_YES };
    struct bight_http_call *call = bight_http_call_new(get->client, method_of(&get->options), transfer->url);
    (void)bight_http_call_configure(call, &options);
    set_body(call, get);
    for (size_t i = 0; i < get->options.header_count; i++) {
        set_header(call, get->options.headers[i]);
    }
    return call;
}

/* ------------------------------------------------------------------------------------------- to a file */

static void note_progress(uint64_t written, int64_t length, void *context)
{
    struct get_transfer *transfer = context;
    transfer->written = written;
    transfer->length = length;
}

static struct bight_deferred *download(struct get_transfer *transfer)
{
    const struct get_options *said = &transfer->get->options;
    const struct bight_http_download_options options = {
        .size = sizeof options,
        .mode = transfer->get->mode,
        .replace = said->replaces,
        .resume = said->resumes,
        .progress = note_progress,
        .context = transfer,
    };
    return bight_http_call_download(make_call(transfer), transfer->path, &options);
}

/* ------------------------------------------------------------------------------------------- to standard output */

/* In a thread. */
static void write_out(struct bight_result *result, void *context)
{
    const uint8_t *at = bight_bytes_data(context);
    size_t size = bight_bytes_size(context);
    while (size > 0) {
        struct pollfd ready = { STDOUT_FILENO, POLLOUT, 0 };
        ssize_t written = write(STDOUT_FILENO, at, size);
        if (written < 0 && errno == EAGAIN) {
            (void)poll(&ready, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            bight_result_fail(result, bight_failure_from_errno(errno, "standard output"));
            return;
        }
        at += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
}

static void release_bytes(void *bytes)
{
    bight_bytes_release(bytes);
}

/* Takes the bytes. 0, or a code, and the failure is in *result. */
static int put_out(struct get_transfer *transfer, struct bight_bytes *bytes, struct bight_result *result)
{
    transfer->has_begun = true;
    int code = bight_await(bight_defer_to_thread_full(transfer->get->reactor, write_out, bytes, release_bytes), result);
    if (code == BIGHT_OK) {
        bight_result_clear(result);
    }
    return code;
}

static bool append(char **text, size_t *size, const char *name, const char *value)
{
    size_t more = strlen(name) + strlen(value) + 5;
    char *larger = bight_realloc(*text, *size + more);
    if (larger == NULL) {
        return false;
    }
    *text = larger;
    *size += (size_t)snprintf(larger + *size, more, "%s%s%s\r\n", name, *name != '\0' ? ": " : "", value);
    return true;
}

/* As it came, but for what a terminal could obey. */
static struct bight_bytes *head_of(struct bight_http_response *response)
{
    char *text = NULL, line[32];
    const char *name, *value;
    size_t size = 0, cursor = 0;
    (void)snprintf(line, sizeof line, "HTTP/1.1 %d", bight_http_response_status(response));
    bool is_fine = append(&text, &size, "", line);
    while (is_fine && bight_http_response_next_field(response, &cursor, &name, &value)) {
        is_fine = append(&text, &size, name, value);
    }
    is_fine = is_fine && append(&text, &size, "", "");
    for (size_t i = 0; is_fine && i < size && isatty(STDOUT_FILENO) != 0; i++) {
        bool is_plain = (text[i] >= ' ' && text[i] < 0x7f) || text[i] == '\r' || text[i] == '\n' || text[i] == '\t';
        text[i] = is_plain ? text[i] : '?';
    }
    struct bight_bytes *bytes = is_fine ? bight_bytes_new(text, size) : NULL;
    bight_free(text);
    return bytes;
}

static bool disturbs_terminal(const struct get_transfer *transfer, struct bight_bytes *bytes)
{
    bool is_said = transfer->get->options.output != NULL;
    return !is_said && isatty(STDOUT_FILENO) != 0 &&
           memchr(bight_bytes_data(bytes), '\0', bight_bytes_size(bytes)) != NULL;
}

static void copy_body(struct get_transfer *transfer, struct bight_http_response *response, struct bight_result *result)
{
    while (bight_await(bight_http_response_read(response, 0), result) == BIGHT_OK) {
        struct bight_bytes *bytes = bight_result_take(result, &bight_type_bytes);
        bool is_over = bight_bytes_size(bytes) == 0;
        if (is_over || disturbs_terminal(transfer, bytes)) {
            bight_bytes_release(bytes);
            if (!is_over) {
                bight_result_fail(result, bight_failure_new(BIGHT_E_CONFIGURATION, 0, NULL,
                                              "it is no text, which a terminal cannot show (--output)"));
            }
            return;
        }
        transfer->written += bight_bytes_size(bytes);
        if (put_out(transfer, bytes, result) != BIGHT_OK) {
            return;
        }
    }
}

static void to_output(struct bight_result *result, void *context)
{
    struct get_transfer *transfer = context;
    if (bight_await(bight_http_call_stream(make_call(transfer)), result) != BIGHT_OK) {
        return;
    }
    struct bight_http_response *response = bight_result_take(result, &bight_type_http_response);
    int status = bight_http_response_status(response), code = BIGHT_OK;
    if (transfer->get->options.shows_head) {
        struct bight_bytes *head = head_of(response);
        code = head != NULL ? put_out(transfer, head, result) : BIGHT_E_OUT_OF_MEMORY;
    }
    if (code == BIGHT_OK) {
        copy_body(transfer, response, result);
    }
    bight_http_response_release(response);
    if (status >= 400 && bight_result_failure(result) == NULL) {
        bight_result_fail(
            result, bight_failure_new_status(BIGHT_E_HTTP_STATUS, status, NULL, "the response's status is %d", status));
    }
}

/* ------------------------------------------------------------------------------------------- again and again */

static struct bight_deferred *attempt(void *context)
{
    struct get_transfer *transfer = context;
    return transfer->path != NULL ? download(transfer) : bight_spawn(transfer->get->reactor, to_output, transfer);
}

static bool is_repeatable(const struct get_transfer *transfer)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };
    const char *method = method_of(&transfer->get->options);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(method, methods[i]) == 0) {
            return !transfer->has_begun;
        }
    }
    return false;
}

/* It may be better in a moment. */
static bool is_passing(const struct bight_failure *failure, void *context)
{
    int status = bight_failure_status(failure);
    if (!is_repeatable(context)) {
        return false;
    }
    if (bight_failure_is(failure, BIGHT_E_HTTP_STATUS)) {
        return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
    }
    return bight_failure_is(failure, BIGHT_E_CONNECTION) || bight_failure_is(failure, BIGHT_E_CONNECT) ||
           bight_failure_is(failure, BIGHT_E_TIMED_OUT) || bight_failure_is(failure, BIGHT_E_NAME_UNAVAILABLE);
}

static int status_of(const struct get_transfer *transfer, const struct bight_failure *failure)
{
    int code = bight_failure_code(failure);
    switch (code) {
    case BIGHT_E_HTTP_STATUS:
        return STATUS_OF_ANSWER;
    case BIGHT_E_INVALID_ARGUMENT:
        return EX_USAGE;
    case BIGHT_E_SYNTAX:
        return transfer->is_beginning ? EX_USAGE : EX_PROTOCOL; /* the URL's, or the answer's */
    case BIGHT_E_LIMIT:
        return EX_PROTOCOL;
    case BIGHT_E_SYSTEM:
        return transfer->path != NULL ? EX_CANTCREAT : EX_IOERR;
    default:
        return bight_error_exit_status(code);
    }
}

static void end(struct get_transfer *transfer, struct bight_failure *failure)
{
    transfer->state = failure == NULL ? GET_DONE : GET_FAILED;
    transfer->ended = get_now(transfer->get);
    transfer->failure = failure;
    transfer->status = failure == NULL ? 0 : status_of(transfer, failure);
    get_show_end(transfer);
}

static void has_ended(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    bight_result_clear(result);
    end(context, failure);
}

/* Before anything is asked. True: it is over. */
static bool is_there(struct get_transfer *transfer)
{
    const struct get_options *options = &transfer->get->options;
    if (transfer->path == NULL || options->replaces || access(transfer->path, F_OK) != 0) {
        return false;
    }
    transfer->was_there = options->resumes;
    end(transfer, options->resumes ? NULL : bight_failure_from_errno(EEXIST, transfer->path));
    return true;
}

struct bight_deferred *get_begin_transfer(size_t index, void *context)
{
    struct get *get = context;
    struct get_transfer *transfer = &get->transfers[index];
    const struct bight_retry_policy policy = { .size = sizeof policy, .worth_it = is_passing };
    transfer->state = GET_RUNNING;
    transfer->began = get_now(get);
    if (is_there(transfer)) {
        return NULL;
    }
    transfer->is_beginning = true;
    struct bight_deferred *got =
        bight_retry(bight_reactor_clock(get->reactor), (unsigned)get->options.retries + 1, &policy, attempt, transfer);
    if (bight_deferred_add_both(got, has_ended, transfer) != BIGHT_OK) {
        end(transfer, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    transfer->is_beginning = false;
    return got;
}
