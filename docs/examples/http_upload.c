/* SPDX-License-Identifier: MIT */
/* http_upload.c - uploads, written piece by piece to files in a directory: an upload holds 64 KiB at most, and is read
 * as fast as the disk takes it. A file has its name when it is whole; when the client leaves before, nothing stays of
 * it. GET /uploads tells how far those under way are.
 *
 *     http_upload ENDPOINT DIRECTORY */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *directory;

/* Held by its coroutine, and by the job that a thread works on: that may outlive a coroutine which was cancelled. */
struct upload {
    atomic_uint holds;
    char name[64], draft[PATH_MAX];
    int file; /* -1: none */
    int64_t come, expected;
    struct bight_bytes *piece; /* that a thread writes */
    struct upload *next, **previous;
};
static struct upload *uploads;

static void release_upload(void *context)
{
    struct upload *upload = context;
    if (atomic_fetch_sub(&upload->holds, 1) > 1) {
        return;
    }
    if (upload->file >= 0) {
        close(upload->file);
        unlink(upload->draft); /* if it is still there, it is not whole */
    }
    bight_bytes_release(upload->piece);
    free(upload);
}

/* ------------------------------------------------------------------------------ in threads of the pool */

static void open_draft(struct bight_result *result, void *context)
{
    struct upload *upload = context;
    snprintf(upload->draft, sizeof upload->draft, "%s/.upload-XXXXXX", directory);
    upload->file = mkstemp(upload->draft);
    if (upload->file < 0) {
        bight_result_fail(result, bight_failure_from_errno(errno, upload->draft));
    }
}

static void write_piece(struct bight_result *result, void *context)
{
    struct upload *upload = context;
    const uint8_t *data = bight_bytes_data(upload->piece);
    size_t left = bight_bytes_size(upload->piece);
    while (left > 0) {
        ssize_t written = write(upload->file, data, left);
        if (written < 0) {
            bight_result_fail(result, bight_failure_from_errno(errno, upload->draft));
            return;
        }
        data += written;
        left -= (size_t)written;
    }
}

static void keep_file(struct bight_result *result, void *context)
{
    const struct upload *upload = context;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, upload->name);
    if (fsync(upload->file) != 0 || rename(upload->draft, path) != 0) {
        bight_result_fail(result, bight_failure_from_errno(errno, path));
    }
}

/* ---------------------------------------------------------------------------------------- the coroutine */

static int in_thread(struct upload *upload, bight_thread_function function, struct bight_result *result)
{
    atomic_fetch_add(&upload->holds, 1);
    return bight_await(bight_defer_to_thread_full(bight_coroutine_reactor(), function, upload, release_upload), result);
}

/* True: all of the body is in the draft. */
static bool receive(struct bight_http_request *request, struct upload *upload, struct bight_result *result)
{
    while (bight_await(bight_http_request_read(request, 0), result) == 0) {
        bight_bytes_release(upload->piece);
        upload->piece = bight_result_take(result, &bight_type_bytes);
        if (bight_bytes_size(upload->piece) == 0) {
            return true;
        }
        if (in_thread(upload, write_piece, result) != 0) {
            return false;
        }
        upload->come += (int64_t)bight_bytes_size(upload->piece);
    }
    return false;
}

/* A name of a file, and of no other directory's, that is not hidden. */
static bool is_name(const char *name)
{
    return name != NULL && name[0] != '.' && strlen(name) < sizeof((struct upload *)0)->name &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static struct upload *new_upload(struct bight_http_request *request, const char *name)
{
    struct upload *upload = calloc(1, sizeof *upload);
    if (upload == NULL) {
        return NULL;
    }
    atomic_init(&upload->holds, 1);
    strcpy(upload->name, name);
    upload->file = -1;
    upload->expected = bight_http_request_content_length(request);
    upload->next = uploads;
    upload->previous = &uploads;
    if (uploads != NULL) {
        uploads->previous = &upload->next;
    }
    uploads = upload;
    return upload;
}

static void end_upload(struct upload *upload)
{
    *upload->previous = upload->next;
    if (upload->next != NULL) {
        upload->next->previous = upload->previous;
    }
    release_upload(upload);
}

static void put_file(struct bight_http_request *request, struct bight_result *result, void *context)
{
    const char *name = bight_http_request_parameter(request, "name");
    (void)context;
    if (!is_name(name)) {
        bight_result_fail(result, bight_http_failure(400, "no name for a file"));
        return;
    }
    struct upload *upload = new_upload(request, name);
    if (upload == NULL) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    if (in_thread(upload, open_draft, result) == 0 && receive(request, upload, result) &&
        in_thread(upload, keep_file, result) == 0) {
        bight_http_respond_empty(request, 201);
    }
    printf("%s: %lld bytes%s\n", name, (long long)upload->come,
        bight_result_failure(result) != NULL ? ", and then no more" : "");
    fflush(stdout);
    end_upload(upload);
}

/* An answer piece by piece: how long it will be is not known before its end. */
static void list_uploads(struct bight_http_request *request, void *context)
{
    (void)context;
    if (bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1) != 0) {
        return;
    }
    for (const struct upload *upload = uploads; upload != NULL; upload = upload->next) {
        bight_http_respond_writef(
            request, "%s: %lld of %lld bytes\n", upload->name, (long long)upload->come, (long long)upload->expected);
    }
    bight_http_respond_finish(request);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: http_upload ENDPOINT DIRECTORY\n");
        return 64;
    }
    directory = argv[2];
    struct bight_http_site_options options = { .size = sizeof options, .body_limit = UINT64_C(1) << 30 };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new_full(&options);
    bight_http_route_coroutine(site, "PUT /uploads/{name}", put_file, NULL);
    bight_http_route(site, "GET /uploads", list_uploads, NULL);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
