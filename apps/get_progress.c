/* SPDX-License-Identifier: MIT */
/* get_progress.c - how far `bight get` is: at a terminal a line for each transfer that runs and one for all, written
 * over again and again; elsewhere a line for each file, and for those that take long one now and then.
 *
 * All of it goes to standard error. Names are fit for a terminal already. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "get.h"

#define LINE 512
#define STATE 200
#define TEXT 32
#define TERMINAL_SECONDS 0.2
#define OTHER_SECONDS 10.0

double get_now(const struct get *get)
{
    return (double)bight_clock_now(bight_reactor_clock(get->reactor)) / 1e9;
}

/* ------------------------------------------------------------------------------------------- a line */

static void format_bytes(double bytes, char text[TEXT])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    size_t unit = 0;
    for (; bytes >= 999.5 && unit < 5; unit++) {
        bytes /= 1000;
    }
    (void)snprintf(text, TEXT, unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void format_seconds(double seconds, char text[TEXT])
{
    unsigned all = seconds < 359999 ? (unsigned)(seconds + 0.5) : 359999;
    if (all >= 3600) {
        (void)snprintf(text, TEXT, "%u:%02u:%02u", all / 3600, all / 60 % 60, all % 60);
    } else {
        (void)snprintf(text, TEXT, "%u:%02u", all / 60, all % 60);
    }
}

/* "12 MB of 40 MB, 30 %, 3.1 MB/s, 0:09 left" */
static void format_state(uint64_t written, uint64_t first, int64_t length, double seconds, char *line)
{
    char sizes[4][TEXT];
    double rate = seconds > 0.1 ? (double)(written - first) / seconds : 0;
    format_bytes((double)written, sizes[0]);
    format_bytes(rate, sizes[1]);
    if (length < 0 || (uint64_t)length < written) {
        (void)snprintf(line, STATE, "%s, %s/s", sizes[0], sizes[1]);
        return;
    }
    double left = (double)((uint64_t)length - written);
    format_bytes((double)length, sizes[2]);
    format_seconds(rate > 0 ? left / rate : 359999, sizes[3]);
    (void)snprintf(line, STATE, "%s of %s, %.0f %%, %s/s, %s left", sizes[0], sizes[2],
        length > 0 ? 100.0 * (double)written / (double)length : 100.0, sizes[1], rate > 0 ? sizes[3] : "?");
}

static void format_transfer(const struct get_transfer *transfer, char *line)
{
    char state[STATE];
    format_state(transfer->written, transfer->first, transfer->length, get_now(transfer->get) - transfer->began, state);
    (void)snprintf(line, LINE, "%s: %s", transfer->name, state);
}

static void format_all(const struct get *get, char *line)
{
    uint64_t written = 0;
    size_t done = 0, failed = 0;
    char size[TEXT];
    for (size_t i = 0; i < get->count; i++) {
        const struct get_transfer *transfer = &get->transfers[i];
        written += transfer->written;
        done += transfer->state == GET_DONE;
        failed += transfer->state == GET_FAILED;
    }
    format_bytes((double)written, size);
    (void)snprintf(line, LINE, "%zu of %zu, %zu failed, %s", done, get->count, failed, size);
}

/* ------------------------------------------------------------------------------------------- a terminal */

static struct winsize size_of_terminal(void)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    struct winsize found;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &found) == 0 && found.ws_row > 1 && found.ws_col > 10) {
        size = found;
    }
    return size;
}

static void erase(struct get *get)
{
    if (get->lines > 0) {
        fprintf(stderr, "\033[%uA\r\033[J", get->lines);
        get->lines = 0;
    }
}

/* No wider than the terminal, by bytes: so nothing is ever cut in the middle of a line that runs over. */
static void print_line(struct get *get, const char *line, unsigned columns)
{
    size_t size = strlen(line);
    size = size < columns ? size : columns - 1;
    while (size > 0 && ((unsigned char)line[size] & 0xc0) == 0x80) {
        size--;
    }
    fprintf(stderr, "%.*s\n", (int)size, line);
    get->lines++;
}

static void draw(struct get *get)
{
    char line[LINE];
    struct winsize size = size_of_terminal();
    for (size_t i = 0; i < get->count && get->lines + 2 < size.ws_row; i++) {
        if (get->transfers[i].state == GET_RUNNING && get->transfers[i].path != NULL) {
            format_transfer(&get->transfers[i], line);
            print_line(get, line, size.ws_col);
        }
    }
    if (get->count > 1) {
        format_all(get, line);
        print_line(get, line, size.ws_col);
    }
}

/* ------------------------------------------------------------------------------------------- now and then */

static void tell(struct get *get)
{
    char line[LINE];
    if (get->is_terminal) {
        erase(get);
        draw(get);
        return;
    }
    for (size_t i = 0; i < get->count; i++) {
        if (get->transfers[i].state == GET_RUNNING && get->transfers[i].path != NULL) {
            format_transfer(&get->transfers[i], line);
            fprintf(stderr, "%s\n", line);
        }
    }
}

static void tick(void *context)
{
    struct get *get = context;
    tell(get);
    (void)bight_call_later(get->reactor, get->is_terminal ? TERMINAL_SECONDS : OTHER_SECONDS, tick, get, &get->timer);
}

void get_begin_progress(struct get *get)
{
    bool has_files = get->count > 0 && get->transfers[0].path != NULL;
    get->is_terminal = isatty(STDERR_FILENO) != 0;
    get->is_silent = get->options.is_quiet || !has_files;
    if (!get->is_silent) {
        (void)bight_call_later(
            get->reactor, get->is_terminal ? TERMINAL_SECONDS : OTHER_SECONDS, tick, get, &get->timer);
    }
}

void get_end_progress(struct get *get)
{
    erase(get);
    (void)bight_timer_cancel(get->timer);
}

void get_show_end(struct get_transfer *transfer)
{
    struct get *get = transfer->get;
    char size[TEXT];
    erase(get);
    if (transfer->failure != NULL && !bight_failure_is(transfer->failure, BIGHT_E_CANCELLED)) {
        char text[1024];
        (void)bight_failure_describe(transfer->failure, text, sizeof text);
        (void)complain("%s: %s", transfer->url, text);
    } else if (transfer->failure == NULL && !get->is_silent) {
        format_bytes((double)transfer->written, size);
        fprintf(stderr, transfer->was_there ? "%s: there already\n" : "%s: %s\n", transfer->name, size);
    }
    if (get->is_terminal && !get->is_silent) {
        draw(get);
    }
}
