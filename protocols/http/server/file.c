/* SPDX-License-Identifier: MIT */
/* file.c - a file as an answer (F2): opened and looked at by a thread of the reactor's pool, sent by the transport in
 * order with all else, the whole of it or the part that is asked for.
 *
 * What the thread finds is a Deferred's value, and the answer comes by bight_http_respond_later: so the route's time,
 * the client's leaving and a cancel mean what they mean for any answer. */
#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/message/date.h"
#include "http/message/range.h"
#include "http/server/conditional.h"
#include "http/server/file_type.h"

struct file {
    int descriptor; /* -1: it is the transport's */
    uint64_t size;
    int64_t modified; /* seconds, and of the second: */
    long nanoseconds;
    const char *type;
};

/* ------------------------------------------------------------------------------------------ in the thread */

static void destroy(void *value)
{
    struct file *file = value;
    if (file->descriptor >= 0) {
        (void)close(file->descriptor);
    }
    bight_free(file);
}

static const struct bight_type file_type = { .name = "file", .destroy = destroy };

static void free_path(void *path)
{
    bight_free(path);
}

/* That it is not there is the client's business, all else the program's. */
static struct bight_failure *failure_of(int number, const char *path)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return bight_http_failure(404, "there is no such file");
    default:
        return bight_failure_from_errno(number, path);
    }
}

/* Without waiting for the other end of what turns out to be a FIFO, or becoming a terminal's. */
static int open_regular(const char *path, struct stat *status)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return -errno;
    }
    int number = fstat(descriptor, status) != 0 ? errno : S_ISREG(status->st_mode) ? 0 : ENOENT;
    if (number != 0) {
        (void)close(descriptor);
        return -number;
    }
    return descriptor;
}

static void open_file(struct bight_result *result, void *context)
{
    const char *path = context;
    struct stat status;
    int descriptor = open_regular(path, &status);
    if (descriptor < 0) {
        bight_result_fail(result, failure_of(-descriptor, path));
        return;
    }
    struct file *file = bight_malloc(sizeof *file);
    if (file == NULL) {
        (void)close(descriptor);
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    *file = (struct file) {
        .descriptor = descriptor,
        .size = (uint64_t)status.st_size,
        .modified = status.st_mtim.tv_sec,
        .nanoseconds = status.st_mtim.tv_nsec,
        .type = bi_file_type(path),
    };
    bight_result_set(result, &file_type, file);
}

/* ------------------------------------------------------------------------------------------- validators */

static struct bi_view find_field(const struct bight_http_request *request, const char *name)
{
    size_t size = 0;
    const char *value = bi_fields_find(&request->answer.fields, name, &size);
    return (struct bi_view) { (const uint8_t *)value, size };
}

#define TAG_SIZE 64

/* Times and size change with the content, but for what is written twice within a tick of the file system's clock: a tag
 * of what has just been written is weak. */
static void make_etag(const struct file *file, int64_t now, char text[TAG_SIZE])
{
    (void)snprintf(text, TAG_SIZE, "%s\"%" PRIx64 ".%lx-%" PRIx64 "\"", now - file->modified < 2 ? "W/" : "",
        (uint64_t)file->modified, (unsigned long)file->nanoseconds, file->size);
}

/* What the program has set goes before what the file says. */
static void describe(const struct bight_http_request *request, const struct file *file,
    struct bi_representation *representation, char tag[TAG_SIZE])
{
    int64_t now = bi_conditional_now(request);
    struct bi_view etag = find_field(request, "ETag"), modified = find_field(request, "Last-Modified");
    make_etag(file, now, tag);
    *representation = (struct bi_representation) { .exists = true, .has_etag = true, .has_modified = true };
    if (etag.at == NULL || !bi_etag_parse(etag, &representation->etag)) {
        (void)bi_etag_parse(bi_view_of(tag), &representation->etag);
    }
    if (modified.at == NULL || !bi_date_parse(modified, now, &representation->modified)) {
        representation->modified = file->modified < now ? file->modified : now;
    }
}

/* ----------------------------------------------------------------------------------------------- ranges */

/* Which part is asked for, RFC 9110, section 14.2. */
static enum bi_range_result find_range(struct bight_http_request *request, const struct file *file,
    const struct bi_representation *representation, uint64_t *first, uint64_t *count)
{
    struct bight_http_view range = bight_http_request_field_raw(request, "Range");
    struct bight_http_view condition = bight_http_request_field_raw(request, "If-Range");
    struct bi_view if_range = { (const uint8_t *)condition.data, condition.size };
    *first = 0;
    *count = file->size;
    if (range.data == NULL || request->head.method_known != BI_METHOD_GET ||
        (condition.data != NULL && !bi_if_range_holds(if_range, representation, bi_conditional_now(request)))) {
        return BI_RANGE_WHOLE;
    }
    return bi_range_parse((struct bi_view) { (const uint8_t *)range.data, range.size }, file->size, first, count);
}

static int set_range(struct bight_http_request *request, const struct file *file, enum bi_range_result result,
    uint64_t first, uint64_t count)
{
    char text[80];
    if (result == BI_RANGE_PART) {
        (void)snprintf(
            text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, first + count - 1, file->size);
    } else {
        (void)snprintf(text, sizeof text, "bytes */%" PRIu64, file->size);
    }
    return bi_fields_set(&request->answer.fields, "Content-Range", text, true);
}

/* ----------------------------------------------------------------------------------------------- sending */

static void close_descriptor(void *context)
{
    (void)close((int)(intptr_t)context);
}

static int send_part(struct bight_http_request *request, struct file *file, int status, uint64_t first, uint64_t count)
{
    int code = bi_answer_begin(request, status, file->type, (int64_t)count, NULL, 0);
    if (code == BIGHT_OK && count > 0 && !request->answer.bodiless) {
        void *descriptor = (void *)(intptr_t)file->descriptor;
        code = bight_transport_send_file(
            request->connection->base.transport, file->descriptor, first, count, close_descriptor, descriptor);
        if (code != BIGHT_OK) {
            return bi_answer_lost(request);
        }
        file->descriptor = -1;
        bi_answer_count(request, count);
    }
    return code == BIGHT_OK ? bi_answer_written(request, count < SIZE_MAX ? (size_t)count : SIZE_MAX) : code;
}

/* Fields that the program may have set for itself. */
static int set_missing(struct bight_http_request *request, const char *name, const char *value)
{
    return find_field(request, name).at != NULL ? BIGHT_OK : bi_fields_set(&request->answer.fields, name, value, true);
}

static int answer(struct bight_http_request *request, struct file *file, const struct bi_representation *representation)
{
    uint64_t first, count;
    enum bi_range_result range = find_range(request, file, representation, &first, &count);
    int code = set_missing(request, "X-Content-Type-Options", "nosniff");
    if (code == BIGHT_OK) {
        code = set_missing(request, "Accept-Ranges", "bytes");
    }
    if (code == BIGHT_OK && range != BI_RANGE_WHOLE) {
        code = set_range(request, file, range, first, count);
    }
    if (code != BIGHT_OK) {
        return bight_http_respond_failure(request, bight_failure_of(code));
    }
    return range == BI_RANGE_UNSATISFIABLE ? bight_http_respond_error(request, 416, NULL)
                                           : send_part(request, file, range == BI_RANGE_PART ? 206 : 200, first, count);
}

bool bi_answer_with_file(struct bight_http_request *request, struct bight_result *result)
{
    struct bi_representation representation;
    char tag[TAG_SIZE];
    if (result->type != &file_type) {
        return false;
    }
    struct file *file = result->value;
    describe(request, file, &representation, tag);
    if (!bi_conditional_answer(request, &representation)) {
        (void)answer(request, file, &representation);
    }
    return true;
}

int bight_http_respond_file(struct bight_http_request *request, const char *path)
{
    int code = bi_answer_check(request, 200);
    if (code != BIGHT_OK) {
        return code;
    }
    char *copy = bight_strdup(path);
    if (copy == NULL) {
        return bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    return bight_http_respond_later(request, bight_defer_to_thread_full(reactor, open_file, copy, free_path));
}
