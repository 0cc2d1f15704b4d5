/* SPDX-License-Identifier: MIT */
/* upload.c - the parts of a body: kept in order, and the files among them opened and measured by a thread of the pool.
 *
 * A file that has been opened stays so until the body is not wanted any more, so that each time it is sent it is the
 * same one. Output that is on its way has holds of its own, longer than the call lives. */
#include "http/client/upload.h"

#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server/again.h"

#define FEW 8

/* ------------------------------------------------------------------------------------------- memory */

struct bight_http_upload *bi_upload_new(struct bight_http_call *call)
{
    struct bight_http_upload *upload = bight_calloc(1, sizeof *upload);
    if (upload == NULL) {
        (void)bi_call_remember(call, BIGHT_E_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&upload->holds, 1);
    upload->call = call;
    bight_bytes_release(call->body);
    call->body = NULL;
    bi_upload_drop(call->upload);
    call->upload = upload;
    return upload;
}

struct bight_http_upload *bi_upload_hold(struct bight_http_upload *upload)
{
    atomic_fetch_add_explicit(&upload->holds, 1, memory_order_relaxed);
    return upload;
}

static void free_parts(struct bight_http_upload *upload)
{
    for (size_t i = 0; i < upload->count; i++) {
        struct bi_upload_part *part = &upload->parts[i];
        bight_bytes_release(part->bytes);
        bight_free(part->path);
        if (part->descriptor >= 0) {
            (void)close(part->descriptor);
        }
    }
    bight_free(upload->parts);
}

/* In whatever thread: the reactor's, but when a job was left behind by its end. */
void bi_upload_release(void *context)
{
    struct bight_http_upload *upload = context;
    if (atomic_fetch_sub_explicit(&upload->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    free_parts(upload);
    bi_http_buffer_free(&upload->text);
    bight_failure_release(upload->failure);
    if (upload->release != NULL) {
        upload->release(upload->context);
    }
    bight_free(upload);
}

void bi_upload_drop(struct bight_http_upload *upload)
{
    if (upload == NULL) {
        return;
    }
    upload->call = NULL;
    (void)bight_timer_cancel(upload->beginning);
    if (upload->opening != NULL) {
        bight_deferred_cancel(upload->opening); /* `opened` releases it */
    }
    bi_upload_release(upload);
}

/* ------------------------------------------------------------------------------------------- parts */

static struct bi_upload_part *add(struct bight_http_upload *upload)
{
    if (upload->count == upload->room) {
        size_t room = upload->room == 0 ? FEW : 2 * upload->room;
        struct bi_upload_part *parts = bight_realloc(upload->parts, room * sizeof *parts);
        if (parts == NULL) {
            return NULL;
        }
        upload->parts = parts;
        upload->room = room;
    }
    struct bi_upload_part *part = &upload->parts[upload->count];
    *part = (struct bi_upload_part) { .descriptor = -1 };
    return part;
}

int bi_upload_add_bytes(struct bight_http_upload *upload, struct bight_bytes *bytes)
{
    struct bi_upload_part *part = bytes != NULL ? add(upload) : NULL;
    if (part == NULL) {
        bight_bytes_release(bytes);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    part->bytes = bytes;
    part->size = bight_bytes_size(bytes);
    upload->count++;
    return BIGHT_OK;
}

int bi_upload_add_file(struct bight_http_upload *upload, const char *path)
{
    char *copy = bight_strdup(path);
    struct bi_upload_part *part = copy != NULL ? add(upload) : NULL;
    if (part == NULL) {
        bight_free(copy);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    part->path = copy;
    upload->count++;
    return BIGHT_OK;
}

bool bi_upload_size(const struct bight_http_upload *upload, uint64_t *size)
{
    *size = 0;
    if (upload->source != NULL) {
        *size = upload->length >= 0 ? (uint64_t)upload->length : 0;
        return upload->length >= 0;
    }
    for (size_t i = 0; i < upload->count; i++) {
        *size += upload->parts[i].size;
    }
    return true;
}

/* -------------------------------------------------------------------------------------- in the thread */

/* Without waiting for the other end of what turns out to be a FIFO, or becoming a terminal's. 0 or an errno. */
static int open_part(struct bi_upload_part *part)
{
    struct stat status;
    BI_AGAIN(part->descriptor, open(part->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (part->descriptor < 0 || fstat(part->descriptor, &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return S_ISDIR(status.st_mode) ? EISDIR : ESPIPE;
    }
    part->size = (uint64_t)status.st_size;
    return 0;
}

static void open_parts(struct bight_result *result, void *context)
{
    struct bight_http_upload *upload = context;
    for (size_t i = 0; i < upload->count; i++) {
        struct bi_upload_part *part = &upload->parts[i];
        int number = part->path != NULL ? open_part(part) : 0;
        if (number != 0) {
            bight_result_fail(result, bight_failure_from_errno(number, part->path));
            return;
        }
    }
}

/* --------------------------------------------------------------------------------------------- in the loop */

bool bi_upload_must_open(const struct bight_http_upload *upload)
{
    for (size_t i = 0; !upload->is_open && i < upload->count; i++) {
        if (upload->parts[i].path != NULL) {
            return true;
        }
    }
    return false;
}

static void opened(struct bight_result *result, void *context)
{
    struct bight_http_upload *upload = context;
    struct bight_http_call *call = upload->call;
    struct bight_failure *failure = bight_result_take_failure(result);
    bight_result_discard(result);
    bight_deferred_release(upload->opening);
    upload->opening = NULL;
    if (call == NULL) {
        bight_failure_release(failure);
    } else if (failure != NULL) {
        bi_call_fail(call, failure);
    } else {
        upload->is_open = true;
        bi_pool_submit(call);
    }
}

void bi_upload_open(struct bight_http_call *call)
{
    struct bight_http_upload *upload = bi_upload_hold(call->upload);
    struct bight_deferred *opening =
        bight_defer_to_thread_full(call->client->reactor, open_parts, bi_upload_hold(upload), bi_upload_release);
    upload->opening = opening;
    int code = bight_deferred_add_both(opening, opened, upload);
    if (code != BIGHT_OK) {
        upload->opening = NULL;
        bight_deferred_cancel(opening);
        bight_deferred_release(opening);
        bi_call_fail(call, bight_failure_of(code));
    }
    bi_upload_release(upload);
}
