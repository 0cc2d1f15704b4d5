/* SPDX-License-Identifier: MIT */
/* http_forms.c - what browsers send: parameters of a query, forms, files, cookies.
 *
 *     http_forms ENDPOINT DIRECTORY */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const char *directory;

/* GET /search?q=word&tag=one&tag=two */
static void search(struct bight_http_request *request, void *context)
{
    const char *words = bight_http_request_query(request, "q");
    const char *tag;
    size_t cursor = 0;
    (void)context;
    bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1);
    bight_http_respond_writef(request, "looking for %s\n", words != NULL ? words : "anything");
    while ((tag = bight_http_request_next_query_value(request, "tag", &cursor)) != NULL) {
        bight_http_respond_writef(request, "tagged %s\n", tag);
    }
    bight_http_respond_finish(request);
}

/* A coroutine. Without a form the request is answered as its failure says. */
static void order(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(bight_http_request_form(request, NULL), result) != 0) {
        return;
    }
    struct bight_http_form *form = bight_result_take(result, &bight_type_http_form);
    const char *name = bight_http_form_value(form, "name");
    const char *topping;
    size_t cursor = 0;
    bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1);
    bight_http_respond_writef(request, "a pizza for %s\n", name != NULL ? name : "nobody");
    while ((topping = bight_http_form_next_value(form, "topping", &cursor)) != NULL) {
        bight_http_respond_writef(request, "with %s\n", topping);
    }
    bight_http_respond_finish(request);
    bight_http_form_release(form);
}

/* The label is what the client calls it: shown, and never part of a path. */
static void save_photo(struct bight_http_request *request, struct bight_result *result, struct bight_http_form *form)
{
    struct bight_http_form_file *photo = bight_http_form_find_file(form, "photo");
    static unsigned count;
    char path[PATH_MAX];
    if (photo == NULL) {
        bight_result_fail(result, bight_http_failure(400, "there is no photo"));
        return;
    }
    snprintf(path, sizeof path, "%s/photo-%u", directory, ++count);
    if (bight_await(bight_http_form_file_save(photo, path, NULL), result) == 0) {
        char text[512];
        snprintf(text, sizeof text, "%.200s: %" PRIu64 " bytes, kept as photo-%u\n", bight_http_form_file_label(photo),
            bight_http_form_file_size(photo), count);
        bight_http_respond_text(request, 201, text);
    }
}

/* A coroutine. */
static void add_photo(struct bight_http_request *request, struct bight_result *result, void *context)
{
    struct bight_http_form_options options = { .size = sizeof options, .directory = directory };
    (void)context;
    if (bight_await(bight_http_request_form(request, &options), result) != 0) {
        return;
    }
    struct bight_http_form *form = bight_result_take(result, &bight_type_http_form);
    save_photo(request, result, form);
    bight_http_form_release(form);
}

/* How many bytes each part has, of a form of any size: none of it is kept. */
struct counting {
    uint64_t size;
};

static bool begin_part(struct bight_http_request *request, const struct bight_http_part *part, void *context)
{
    struct counting *counting = context;
    counting->size = 0;
    bight_http_respond_writef(request, "%s: ", bight_http_part_name(part));
    return true;
}

static bool count_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct counting *counting = context;
    (void)request;
    (void)data;
    counting->size += size;
    return true;
}

static void end_part(struct bight_http_request *request, void *context)
{
    const struct counting *counting = context;
    bight_http_respond_writef(request, "%" PRIu64 " bytes\n", counting->size);
}

static void end_form(struct bight_http_request *request, void *context)
{
    free(context);
    bight_http_respond_finish(request);
}

static void fail_form(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)failure;
    free(context);
    bight_http_respond_abort(request);
}

static const struct bight_http_form_consumer counter = {
    .size = sizeof counter,
    .part = begin_part,
    .data = count_data,
    .part_end = end_part,
    .end = end_form,
    .failed = fail_form,
};

static void count(struct bight_http_request *request, void *context)
{
    struct counting *counting = calloc(1, sizeof *counting);
    (void)context;
    if (counting == NULL || bight_http_request_multipart(request, &counter, counting) != 0) {
        free(counting);
        return;
    }
    bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1);
}

static void choose_theme(struct bight_http_request *request, void *context)
{
    struct bight_http_cookie_options year = { .size = sizeof year, .max_age = 365 * 86400 };
    const char *name = bight_http_request_parameter(request, "name");
    (void)context;
    if (bight_http_respond_set_cookie(request, "theme", name, &year) != 0) {
        bight_http_respond_error(request, 400, "no name of a theme");
        return;
    }
    bight_http_respond_redirect(request, 303, "/");
}

static void show_theme(struct bight_http_request *request, void *context)
{
    const char *theme = bight_http_request_cookie(request, "theme");
    (void)context;
    bight_http_respond_text(request, 200, theme != NULL ? theme : "no theme");
}

static void forget_theme(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_clear_cookie(request, "theme", NULL);
    bight_http_respond_empty(request, 204);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: http_forms ENDPOINT DIRECTORY\n");
        return 64;
    }
    directory = argv[2];
    struct bight_http_route_options large = { .size = sizeof large, .body_limit = UINT64_C(2) << 30 };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_http_route(site, "GET /search", search, NULL);
    bight_http_route_coroutine(site, "POST /orders", order, NULL);
    bight_http_route_coroutine_full(site, "POST /photos", add_photo, NULL, NULL, &large);
    bight_http_route_full(site, "POST /count", count, NULL, NULL, &large);
    bight_http_route(site, "POST /theme/{name}", choose_theme, NULL);
    bight_http_route(site, "DELETE /theme", forget_theme, NULL);
    bight_http_route(site, "GET /", show_theme, NULL);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
