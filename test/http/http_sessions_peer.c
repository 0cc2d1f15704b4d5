/* SPDX-License-Identifier: MIT */
/* http_sessions_peer.c - a site that knows its visitors again, for clients that are not bight's.
 *
 *     http_sessions_peer IDLE DIRECTORY ENDPOINT,... [KEY ...]
 *
 *     GET /who              "ann 3": the user's name, and how often this session has been asked for; "nobody"
 *     POST /login           a form's `user` logs in
 *     POST /logout
 *     POST /keep?size=      remembers so many bytes
 *     GET /kept             how many those are
 *     POST /upload          of a form: "user label type size" of its file `file`
 *     GET /page/{name}      a file of the directory, as HTML
 *     GET /held             nothing, once somebody asks for
 *     GET /release          nothing
 *
 * With keys sessions are in signed cookies, otherwise in memory; they end when IDLE seconds have passed. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_KEYS 8

static void tell_who(struct bight_http_request *request, void *context)
{
    char said[200], count[20];
    const char *user = bight_http_session_get(request, "user"), *before = bight_http_session_get(request, "count");
    (void)context;
    if (user == NULL) {
        (void)bight_http_respond_text(request, 200, "nobody");
        return;
    }
    (void)snprintf(count, sizeof count, "%d", 1 + (before != NULL ? atoi(before) : 0));
    (void)bight_http_session_set(request, "count", count);
    (void)snprintf(said, sizeof said, "%.100s %s", user, count);
    (void)bight_http_respond_text(request, 200, said);
}

/* ------------------------------------------------------------------------------------------ in and out */

static void log_in(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(bight_http_request_form(request, NULL), result) != 0) {
        return;
    }
    struct bight_http_form *form = bight_result_take(result, &bight_type_http_form);
    const char *user = bight_http_form_value(form, "user");
    if (user != NULL) {
        (void)bight_http_session_renew(request);
        (void)bight_http_session_set(request, "user", user);
    }
    (void)bight_http_respond_text(request, user != NULL ? 200 : 400, user != NULL ? user : "who?");
    bight_http_form_release(form);
}

static void log_out(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_session_end(request);
    (void)bight_http_respond_text(request, 200, "bye");
}

/* ------------------------------------------------------------------------------------------ what it holds */

static void keep(struct bight_http_request *request, void *context)
{
    static char much[70000];
    const char *size = bight_http_request_query(request, "size");
    (void)context;
    memset(much, 'x', sizeof much);
    much[size != NULL ? (size_t)atoi(size) % sizeof much : 0] = '\0';
    int code = bight_http_session_set(request, "kept", much);
    (void)bight_http_respond_text(request, code == 0 ? 200 : 413, bight_error_name(code));
}

static void tell_kept(struct bight_http_request *request, void *context)
{
    char said[20];
    const char *kept = bight_http_session_get(request, "kept");
    (void)context;
    (void)snprintf(said, sizeof said, "%zu", kept != NULL ? strlen(kept) : 0);
    (void)bight_http_respond_text(request, 200, said);
}

static void upload(struct bight_http_request *request, struct bight_result *result, void *context)
{
    char said[400];
    (void)context;
    if (bight_await(bight_http_request_form(request, NULL), result) != 0) {
        return;
    }
    struct bight_http_form *form = bight_result_take(result, &bight_type_http_form);
    const struct bight_http_form_file *file = bight_http_form_find_file(form, "file");
    const char *user = bight_http_session_get(request, "user");
    if (file == NULL) {
        (void)bight_http_respond_error(request, 400, "no file");
    } else {
        (void)snprintf(said, sizeof said, "%.100s %.100s %.100s %" PRIu64, user != NULL ? user : "nobody",
            bight_http_form_file_label(file), bight_http_form_file_type(file), bight_http_form_file_size(file));
        (void)bight_http_respond_text(request, 200, said);
    }
    bight_http_form_release(form);
}

/* --------------------------------------------------------------------------------------- for browsers */

static void show_page(struct bight_http_request *request, void *context)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)context, bight_http_request_parameter(request, "name"));
    (void)bight_http_respond_file(request, path);
}

/* A page has loaded when its image has been answered. */
static struct bight_http_request *held;

static void answer_held(void)
{
    if (held != NULL) {
        (void)bight_http_respond_empty(held, 204);
        bight_http_request_release(held);
        held = NULL;
    }
}

static void hold(struct bight_http_request *request, void *context)
{
    (void)context;
    answer_held(); /* of the page before */
    held = bight_http_request_hold(request);
}

static void release(struct bight_http_request *request, void *context)
{
    (void)context;
    answer_held();
    (void)bight_http_respond_empty(request, 204);
}

/* ----------------------------------------------------------------------------------------------- the site */

static void use_sessions(struct bight_http_site *site, const char *idle, char **texts, int count)
{
    struct bight_http_session_key keys[MOST_KEYS];
    struct bight_http_session_options options = { .size = sizeof options, .idle_seconds = atof(idle) };
    for (int i = 0; i < count && i < MOST_KEYS; i++) {
        keys[i] = (struct bight_http_session_key) { texts[i], strlen(texts[i]) };
        options.keys = keys;
        options.key_count++;
    }
    (void)bight_http_use_sessions(site, &options);
}

static void add_routes(struct bight_http_site *site, char *directory)
{
    (void)bight_http_route(site, "GET /who", tell_who, NULL);
    (void)bight_http_route_coroutine(site, "POST /login", log_in, NULL);
    (void)bight_http_route(site, "POST /logout", log_out, NULL);
    (void)bight_http_route(site, "POST /keep", keep, NULL);
    (void)bight_http_route(site, "GET /kept", tell_kept, NULL);
    (void)bight_http_route_coroutine(site, "POST /upload", upload, NULL);
    (void)bight_http_route(site, "GET /page/{name}", show_page, directory);
    (void)bight_http_route(site, "GET /held", hold, NULL);
    (void)bight_http_route(site, "GET /release", release, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        (void)fprintf(stderr, "usage: http_sessions_peer IDLE DIRECTORY ENDPOINT,... [KEY ...]\n");
        return 64;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    use_sessions(site, argv[1], argv + 4, argc - 4);
    add_routes(site, argv[2]);
    for (char *endpoint = strtok(argv[3], ","); endpoint != NULL; endpoint = strtok(NULL, ",")) {
        (void)bight_serve(reactor, endpoint, bight_http_site_factory(site));
    }
    int status = bight_reactor_run(reactor);
    answer_held();
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
