/* SPDX-License-Identifier: MIT */
/* log.c - events, their observer, and the line that goes to standard error until a program says otherwise.
 *
 * Nothing here allocates, takes a lock, or changes errno. Observer and level are process-wide and set before the first
 * reactor. The default observer writes each event with one call, so that lines of several threads or processes do not
 * mix, and it does not care whether that worked: a program must not fail because its messages are not read. The one
 * idea: every byte that may come from elsewhere passes append_escaped(). */
#include <bight/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/debug_mode.h"
#include "base/quiet.h"
#include "base/report.h"
#include "base/text.h"

enum {
    MESSAGE_LIMIT = 1024, /* with its NUL */
    FAILURE_LIMIT = 2048,
    LINE_LIMIT = 4096, /* with its newline: what a pipe takes in one piece */
};

static const struct {
    enum bight_log_level level;
    const char *name;
} level_names[] = {
    { BIGHT_LOG_DEBUG, "debug" },
    { BIGHT_LOG_INFO, "info" },
    { BIGHT_LOG_WARNING, "warning" },
    { BIGHT_LOG_ERROR, "error" },
    { BIGHT_LOG_CRITICAL, "critical" },
};
enum { LEVELS = sizeof level_names / sizeof level_names[0] };

static void observe_on_standard_error(const struct bight_log_event *event, void *context);

static bight_log_observer the_observer = observe_on_standard_error;
static void *observer_context;
static enum bight_log_level wanted_level = BIGHT_LOG_WARNING;

void bight_log_set_observer(bight_log_observer observer, void *context)
{
    the_observer = observer == NULL ? observe_on_standard_error : observer;
    observer_context = context;
}

bight_log_observer bight_log_get_observer(void **context)
{
    bool is_default = the_observer == observe_on_standard_error;
    if (context != NULL) {
        *context = is_default ? NULL : observer_context;
    }
    return is_default ? NULL : the_observer;
}

void bight_log_set_level(enum bight_log_level level)
{
    wanted_level = level;
}

enum bight_log_level bight_log_get_level(void)
{
    return wanted_level;
}

int bight_log_level_from_name(const char *name)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcasecmp(name, level_names[i].name) == 0) {
            return (int)level_names[i].level;
        }
    }
    return 0;
}

void bight_log_event_emit(const struct bight_log_event *event)
{
    if ((int)event->level < (int)wanted_level) {
        return;
    }
    int saved = errno;
    the_observer(event, observer_context);
    errno = saved;
}

static void log_arguments(const char *place, enum bight_log_level level, const char *system,
    const struct bight_failure *failure, const char *format, va_list arguments)
{
    if ((int)level < (int)wanted_level) {
        return;
    }
    int saved = errno;
    char message[MESSAGE_LIMIT];
    int length = vsnprintf(message, sizeof message, format, arguments);
    struct bight_log_event event = {
        .level = level,
        .system = system,
        .message = length < 0 ? format : message,
        .place = place,
        .failure = failure,
    };
    bight_log_event_emit(&event);
    errno = saved;
}

void bight_log_at(const char *place, enum bight_log_level level, const char *system,
    const struct bight_failure *failure, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments(place, level, system, failure, format, arguments);
    va_end(arguments);
}

void bight_log_from(const char *place, enum bight_log_level level, const char *system,
    const struct bight_failure *failure, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments(bi_debug_mode_is_on() ? place : NULL, level, system, failure, format, arguments);
    va_end(arguments);
}

void bi_report_failure(const struct bight_failure *failure)
{
    char message[FAILURE_LIMIT];
    (void)bight_failure_describe(failure, message, sizeof message);
    bight_log_event_emit(
        &(struct bight_log_event) { .level = BIGHT_LOG_ERROR, .system = "", .message = message, .failure = failure });
}

/* --------------------------------------------------------------------------------------- in one line */

/* One byte as it is shown: itself, or an escape. Returns the number of characters. `quote` is escaped also. */
static size_t escape_byte(uint8_t byte, char quote, char shown[4])
{
    static const char digits[] = "0123456789abcdef";
    static const char plain[] = "\n\r\t\\", letters[] = "nrt\\";
    const char *special = byte == '\0' ? NULL : strchr(plain, byte);
    shown[0] = '\\';
    if (special != NULL) {
        shown[1] = letters[special - plain];
        return 2;
    }
    if (byte < ' ' || byte > '~' || (quote != '\0' && byte == (uint8_t)quote)) {
        shown[1] = 'x';
        shown[2] = digits[byte >> 4];
        shown[3] = digits[byte & 15];
        return 4;
    }
    shown[0] = (char)byte;
    return 1;
}

/* Stops, and takes nothing more afterwards, where an escape no longer fits as a whole. */
static void append_escaped(struct bi_text *text, const void *data, size_t size, char quote)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        char shown[4];
        size_t length = escape_byte(bytes[i], quote, shown);
        if (text->needed + length >= text->size) {
            text->size = text->needed < text->size ? text->needed + 1 : text->size;
            return;
        }
        bi_text_append(text, shown, length);
    }
}

static void append_string(struct bi_text *text, const char *string)
{
    append_escaped(text, string, strlen(string), '\0');
}

size_t bight_escape(const void *data, size_t data_size, char *buffer, size_t size)
{
    struct bi_text text = { buffer, size, 0 };
    append_escaped(&text, data, data_size, '\0');
    return bi_text_end(&text);
}

static const char *level_name(enum bight_log_level level)
{
    const char *name = level_names[0].name;
    for (size_t i = 0; i < LEVELS && level_names[i].level <= level; i++) {
        name = level_names[i].name;
    }
    return name;
}

/* " name=12" or " name="text"" */
static void append_field(struct bi_text *text, const struct bight_log_field *field)
{
    append_string(text, " ");
    append_string(text, field->name);
    append_string(text, "=");
    if (field->kind == BIGHT_FIELD_INTEGER) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)field->integer);
        append_string(text, number);
        return;
    }
    append_string(text, "\"");
    append_escaped(text, field->data, field->size, '"');
    append_string(text, "\"");
}

static void append_fields(struct bi_text *text, const struct bight_log_event *event)
{
    for (size_t i = 0; i < event->field_count; i++) {
        append_field(text, &event->fields[i]);
    }
}

static void append_message(struct bi_text *text, const struct bight_log_event *event)
{
    char described[FAILURE_LIMIT];
    if (event->failure == NULL) {
        append_string(text, event->message);
        append_fields(text, event);
        return;
    }
    (void)bight_failure_describe(event->failure, described, sizeof described);
    if (strcmp(described, event->message) != 0) {
        append_string(text, event->message);
        append_fields(text, event);
        append_string(text, ": ");
    }
    if (event->level >= BIGHT_LOG_CRITICAL || bi_debug_mode_is_on()) {
        (void)bight_failure_format(event->failure, described, sizeof described);
    }
    append_string(text, described);
}

/* The name that the program was started by. */
static const char *program_name(void)
{
#if defined(__linux__) || defined(__CYGWIN__)
    return program_invocation_short_name;
#else
    return getprogname();
#endif
}

static void append_head(struct bi_text *text, const struct bight_log_event *event)
{
    bool is_of_a_part = event->system != NULL && event->system[0] != '\0';
    append_string(text, program_name());
    append_string(text, ": ");
    if (is_of_a_part || event->level != BIGHT_LOG_ERROR) {
        append_string(text, level_name(event->level));
        append_string(text, ": ");
    }
    if (is_of_a_part) {
        append_string(text, "[");
        append_string(text, event->system);
        append_string(text, "] ");
    }
}

size_t bight_log_event_format(const struct bight_log_event *event, char *buffer, size_t size)
{
    struct bi_text text = { buffer, size, 0 };
    append_head(&text, event);
    append_message(&text, event);
    if (event->place != NULL && event->place[0] != '\0') {
        append_string(&text, " (");
        append_string(&text, event->place);
        append_string(&text, ")");
    }
    return bi_text_end(&text);
}

static void write_quietly(const char *data, size_t size)
{
    struct bi_quiet quiet;
    ssize_t written;
    bi_quiet_begin(&quiet);
    do {
        written = write(STDERR_FILENO, data, size);
    } while (written < 0 && errno == EINTR);
    bi_quiet_end(&quiet, written < 0 ? errno : 0);
}

static void observe_on_standard_error(const struct bight_log_event *event, void *context)
{
    (void)context;
    char line[LINE_LIMIT];
    size_t length = bight_log_event_format(event, line, sizeof line);
    line[length] = '\n';
    write_quietly(line, length + 1);
}
