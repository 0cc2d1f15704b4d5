/* SPDX-License-Identifier: MIT */
/* http_sensors.c - a small JSON service over a store that blocks: a directory with a file for each sensor, which holds
 * what it measured last. Files are read and written in the reactor's thread pool. Whoever asks for a sensor is answered
 * within so many seconds, whatever the file does: a FIFO that nobody writes to blocks for ever.
 *
 *     http_sensors ENDPOINT DIRECTORY SECONDS */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *directory;

/* What a thread of the pool works with. */
struct job {
    char name[32];
    double celsius;
};

/* The name comes from a stranger and becomes a file's: decoded it may hold a slash, or begin with a dot. */
static bool is_name(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return size > 0 && size < sizeof((struct job *)0)->name && text[size] == '\0';
}

/* NULL: there is no such sensor, or no memory; the failure is in *failure. */
static struct job *new_job(struct bight_http_request *request, struct bight_failure **failure)
{
    const char *name = bight_http_request_parameter(request, "name");
    if (name == NULL || !is_name(name)) {
        *failure = bight_http_failure(404, "there is no such sensor");
        return NULL;
    }
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    strcpy(job->name, name);
    return job;
}

/* --------------------------------------------------------------------------------- in threads of the pool */

static void read_sensor(struct bight_result *result, void *context)
{
    struct job *job = context;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, job->name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        bight_result_fail(result, errno == ENOENT ? bight_http_failure(404, "there is no such sensor")
                                                  : bight_failure_from_errno(errno, path));
        return;
    }
    int found = fscanf(file, "%lf", &job->celsius);
    fclose(file);
    if (found == 1 && isfinite(job->celsius)) { /* JSON has no words for those that are not */
        bight_result_set(result, &bight_type_json, json_pack("{s:s, s:f}", "name", job->name, "celsius", job->celsius));
    } else {
        bight_result_fail(result, bight_http_failure(502, "the sensor measures nothing"));
    }
}

/* Whoever reads meanwhile sees the old value or the new one, and never half of it. */
static void write_sensor(struct bight_result *result, void *context)
{
    const struct job *job = context;
    char path[PATH_MAX], draft[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, job->name);
    snprintf(draft, sizeof draft, "%s/.XXXXXX", directory);
    int descriptor = mkstemp(draft);
    if (descriptor < 0) {
        bight_result_fail(result, bight_failure_from_errno(errno, draft));
        return;
    }
    if (dprintf(descriptor, "%.10g\n", job->celsius) < 0 || rename(draft, path) != 0) {
        bight_result_fail(result, bight_failure_from_errno(errno, path));
        unlink(draft);
    }
    close(descriptor);
}

/* ------------------------------------------------------------------------------------------- the handlers */

static void get_sensor(struct bight_http_request *request, void *context)
{
    struct bight_failure *failure;
    struct job *job = new_job(request, &failure);
    (void)context;
    if (job == NULL) {
        bight_http_respond_failure(request, failure);
        return;
    }
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    bight_http_respond_later(request, bight_defer_to_thread_full(reactor, read_sensor, job, free));
}

/* A coroutine: what it leaves in its result is the answer, and nothing is 204. */
static void put_sensor(struct bight_http_request *request, struct bight_result *result, void *context)
{
    struct bight_failure *failure;
    struct job *job = new_job(request, &failure);
    (void)context;
    if (job == NULL) {
        bight_result_fail(result, failure);
        return;
    }
    if (bight_await(bight_http_request_json(request, 0), result) != 0) {
        free(job);
        return;
    }
    json_t *reading = bight_result_take(result, &bight_type_json);
    int unpacked = json_unpack(reading, "{s:F}", "celsius", &job->celsius);
    json_decref(reading);
    if (unpacked != 0) {
        bight_result_fail(result, bight_http_failure(422, "a reading is {\"celsius\": NUMBER}"));
        free(job);
        return;
    }
    bight_await(bight_defer_to_thread_full(bight_coroutine_reactor(), write_sensor, job, free), result);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: http_sensors ENDPOINT DIRECTORY SECONDS\n");
        return 64;
    }
    directory = argv[2];
    struct bight_http_route_options options = {
        .size = sizeof options,
        .seconds = strtod(argv[3], NULL),
        .cancel_when_gone = true,
    };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_http_route_full(site, "GET /sensors/{name}", get_sensor, NULL, NULL, &options);
    bight_http_route_coroutine_full(site, "PUT /sensors/{name}", put_sensor, NULL, NULL, &options);
    bight_http_route(site, "GET /metrics", bight_http_figures_handler, NULL);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
