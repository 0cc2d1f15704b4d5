/* SPDX-License-Identifier: MIT */
/* http_upload.c - uploads, saved to files in a directory as fast as the disk takes them. A file has its name when it is
 * whole; when the client leaves before, nothing stays of it. GET /uploads tells how far those under way are.
 *
 *     http_upload ENDPOINT DIRECTORY */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *directory;

struct upload {
    const char *name;
    uint64_t come;
    int64_t expected; /* -1: nobody knows */
    struct upload *next;
};
static struct upload *uploads;

static void add(struct upload *upload)
{
    upload->next = uploads;
    uploads = upload;
}

static void remove_upload(const struct upload *upload)
{
    struct upload **place = &uploads;
    while (*place != upload) {
        place = &(*place)->next;
    }
    *place = upload->next;
}

/* A name of a file, and of no other directory's, that is not hidden. */
static bool is_name(const char *name)
{
    return name != NULL && name[0] != '.' && strlen(name) <= NAME_MAX &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static void note_progress(struct bight_http_request *request, uint64_t saved, int64_t length, void *context)
{
    struct upload *upload = context;
    (void)request;
    (void)length;
    upload->come = saved;
}

/* What the client should hear of a failure of the file system's; all others are answered as they say. */
static void translate(struct bight_result *result)
{
    int number = bight_failure_errno(bight_result_failure(result));
    if (number == EEXIST) {
        bight_result_fail(result, bight_http_failure(409, "there is such a file already"));
    } else if (number == ENOSPC || number == EDQUOT) {
        bight_result_fail(result, bight_http_failure(507, "the disk is full"));
    }
}

/* A coroutine; the upload is on its stack. */
static void put_file(struct bight_http_request *request, struct bight_result *result, void *context)
{
    const char *name = bight_http_request_parameter(request, "name");
    (void)context;
    if (!is_name(name)) {
        bight_result_fail(result, bight_http_failure(400, "no name for a file"));
        return;
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct upload upload = { .name = name, .expected = bight_http_request_content_length(request) };
    struct bight_http_save_options options = {
        .size = sizeof options,
        .mode = 0644,
        .progress = note_progress,
        .context = &upload,
    };
    add(&upload);
    int code = bight_await(bight_http_request_save(request, path, &options), result);
    remove_upload(&upload);
    printf("%s: %llu bytes%s\n", name, (unsigned long long)upload.come, code != 0 ? ", and then no more" : "");
    fflush(stdout);
    if (code != 0) {
        translate(result);
    } else {
        bight_http_respond_empty(request, 201);
    }
}

/* An answer piece by piece: how long it will be is not known before its end. */
static void list_uploads(struct bight_http_request *request, void *context)
{
    (void)context;
    if (bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1) != 0) {
        return;
    }
    for (const struct upload *upload = uploads; upload != NULL; upload = upload->next) {
        bight_http_respond_writef(request, "%s: %llu of %lld bytes\n", upload->name, (unsigned long long)upload->come,
            (long long)upload->expected);
    }
    bight_http_respond_finish(request);
}

static void get_file(struct bight_http_request *request, void *context)
{
    const char *name = bight_http_request_parameter(request, "name");
    char path[PATH_MAX];
    (void)context;
    if (!is_name(name)) {
        bight_http_respond_error(request, 404, NULL);
        return;
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    bight_http_respond_file(request, path);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: http_upload ENDPOINT DIRECTORY\n");
        return 64;
    }
    directory = argv[2];
    struct bight_http_route_options large = { .size = sizeof large, .body_limit = UINT64_C(1) << 30 };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_http_route_coroutine_full(site, "PUT /uploads/{name}", put_file, NULL, NULL, &large);
    bight_http_route(site, "GET /uploads/{name}", get_file, NULL);
    bight_http_route(site, "GET /uploads", list_uploads, NULL);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
