/* SPDX-License-Identifier: MIT */
/* serve.c - from an entry to an answer: mostly lines that were put together when it was made, and its content.
 *
 * A request with conditions or a range, one of 1.0, an answer that something else has set fields of, go the way of any
 * file (server/file_answer.c). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/files/files.h"
#include "http/message/date.h"

#define GATHERED 4096 /* content below this goes along with its head */

static const char no_cache[] = "no-cache";

/* ------------------------------------------------------------------------------------------------ lines */

struct lines {
    char *out;
    size_t size, room;
};

static void add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct lines *lines, const char *format, ...)
{
    va_list arguments;
    bool has_room = lines->size < lines->room;
    va_start(arguments, format);
    int size = vsnprintf(
        has_room ? lines->out + lines->size : NULL, has_room ? lines->room - lines->size : 0, format, arguments);
    va_end(arguments);
    lines->size += size > 0 ? (size_t)size : 0;
}

static void write_cache_control(const struct bi_files *files, char out[32])
{
    (void)snprintf(out, 32, files->cache_seconds > 0 ? "max-age=%" PRIu32 : no_cache, files->cache_seconds);
}

size_t bi_files_write_lines(
    const struct bi_files *files, const struct bi_file_content *file, int64_t now, char *out, size_t room)
{
    struct lines lines = { out, 0, room };
    char tag[BI_FILE_TAG], date[BI_DATE_SIZE], control[32];
    bi_file_tag(file, now, tag);
    bi_date_format(date, bi_file_modified(file, now));
    write_cache_control(files, control);
    add(&lines, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\n", file->type);
    add(&lines, "Cache-Control: %s\r\n%s", control, files->precompressed != 0 ? "Vary: Accept-Encoding\r\n" : "");
    if (file->coding != NULL) {
        add(&lines, "Content-Encoding: %s\r\n", file->coding);
    }
    add(&lines, "Last-Modified: %.*s\r\nETag: %s\r\n", BI_DATE_SIZE, date, tag);
    add(&lines, "Content-Length: %" PRIu64 "\r\n\r\n", file->size);
    return lines.size;
}

/* ----------------------------------------------------------------------------------------------- sending */

/* Nothing is asked for but the whole of it. */
static bool is_plain(const struct bight_http_request *request)
{
    const uint64_t asking = UINT64_C(1) << BI_NAME_RANGE | UINT64_C(1) << BI_NAME_IF_MATCH |
                            UINT64_C(1) << BI_NAME_IF_NONE_MATCH | UINT64_C(1) << BI_NAME_IF_MODIFIED_SINCE |
                            UINT64_C(1) << BI_NAME_IF_UNMODIFIED_SINCE;
    return (request->head.present & asking) == 0 && bi_answer_may_be_prepared(request);
}

static void send_prepared(struct bight_http_request *request, struct bi_files_entry *entry)
{
    const struct bi_file_content *file = &entry->file;
    bool is_gathered = file->data != NULL && file->size < GATHERED;
    if (is_gathered) {
        if (bi_answer_begin_prepared(request, entry->lines, file->data, (size_t)file->size) == BIGHT_OK) {
            (void)bi_answer_written(request, (size_t)file->size);
        }
        return;
    }
    uint64_t size = file->size;
    if (bi_answer_begin_prepared(request, entry->lines, NULL, 0) != BIGHT_OK) {
        return;
    }
    (void)bi_files_entry_hold(entry);
    if (bi_file_send_part(request, file, 0, size) == BIGHT_OK) {
        (void)bi_answer_written(request, size < SIZE_MAX ? (size_t)size : SIZE_MAX);
    } else {
        bi_files_entry_release(entry);
    }
}

/* Unless it has been set before. */
static int set_missing(struct bight_http_request *request, const char *name, const char *value)
{
    size_t size;
    return bi_fields_find(&request->answer.fields, name, &size) != NULL
               ? BIGHT_OK
               : bi_fields_set(&request->answer.fields, name, value, false);
}

static void send_thoroughly(
    struct bight_http_request *request, struct bi_files_entry *entry, const char *control, bool varies)
{
    int code = set_missing(request, "Cache-Control", control);
    if (code == BIGHT_OK && varies) {
        code = bi_fields_set(&request->answer.fields, "Vary", "Accept-Encoding", false);
    }
    if (code != BIGHT_OK) {
        (void)bight_http_respond_failure(request, bight_failure_of(code));
        return;
    }
    bi_file_answer(request, &bi_files_entry_hold(entry)->file);
}

void bi_files_send(struct bi_files *files, struct bight_http_request *request, struct bi_files_entry *entry)
{
    char control[32];
    if (entry->lines.size > 0 && is_plain(request)) {
        send_prepared(request, entry);
        return;
    }
    write_cache_control(files, control);
    send_thoroughly(request, entry, control, files->precompressed != 0);
}

void bi_files_send_fallback(struct bight_http_request *request, struct bi_files_entry *entry)
{
    send_thoroughly(request, entry, no_cache, true);
}
