/* SPDX-License-Identifier: MIT */
/* http_forms_peer.c - a site for clients that send forms, and says what it got of them: "field NAME VALUE" and
 * "file NAME LABEL TYPE SIZE", each text as hexadecimal digits. The files are saved as DIRECTORY/0, 1 ...
 *
 *     http_forms_peer ENDPOINT DIRECTORY */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *directory;

static void say_text(struct bight_http_request *request, const char *before, const char *text, size_t size)
{
    (void)bight_http_respond_writef(request, "%s", before);
    for (size_t i = 0; i < size; i++) {
        (void)bight_http_respond_writef(request, "%02x", (unsigned)(uint8_t)text[i]);
    }
}

static void say_fields(struct bight_http_request *request, const struct bight_http_form *form)
{
    struct bight_http_view name, value;
    size_t cursor = 0;
    while (bight_http_form_next_raw(form, &cursor, &name, &value)) {
        say_text(request, "field ", name.data, name.size);
        say_text(request, " ", value.data, value.size);
        (void)bight_http_respond_writef(request, "\n");
    }
}

static void say_file(struct bight_http_request *request, const struct bight_http_form_file *file)
{
    const char *name = bight_http_form_file_name(file), *label = bight_http_form_file_label(file);
    const char *type = bight_http_form_file_type(file);
    say_text(request, "file ", name, strlen(name));
    say_text(request, " ", label, strlen(label));
    say_text(request, " ", type, strlen(type));
    (void)bight_http_respond_writef(request, " %" PRIu64 "\n", bight_http_form_file_size(file));
}

static int save_files(const struct bight_http_form *form, struct bight_result *result)
{
    struct bight_http_save_options options = { .size = sizeof options, .replace = true, .no_sync = true };
    struct bight_http_form_file *file;
    size_t cursor = 0;
    while ((file = bight_http_form_next_file(form, &cursor)) != NULL) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%zu", directory, cursor - 1);
        int code = bight_await(bight_http_form_file_save(file, path, &options), result);
        if (code != 0) {
            return code;
        }
        bight_result_discard(result);
    }
    return 0;
}

static void take_form(struct bight_http_request *request, struct bight_result *result, void *context)
{
    struct bight_http_form_options options = { .size = sizeof options, .limit = UINT64_MAX, .directory = directory };
    (void)context;
    if (bight_await(bight_http_request_form(request, &options), result) != 0) {
        return;
    }
    struct bight_http_form *form = bight_result_take(result, &bight_type_http_form);
    if (save_files(form, result) == 0) {
        struct bight_http_form_file *file;
        size_t cursor = 0;
        (void)bight_http_respond_begin(request, 200, "text/plain", -1);
        say_fields(request, form);
        while ((file = bight_http_form_next_file(form, &cursor)) != NULL) {
            say_file(request, file);
        }
        (void)bight_http_respond_finish(request);
    }
    bight_http_form_release(form);
}

/* Sets a cookie for each parameter of the query, and says those that came. */
static void take_cookies(struct bight_http_request *request, void *context)
{
    const char *name, *value;
    size_t cursor = 0;
    (void)context;
    while (bight_http_request_next_query(request, &cursor, &name, &value)) {
        (void)bight_http_respond_set_cookie(request, name, value, NULL);
    }
    (void)bight_http_respond_begin(request, 200, "text/plain", -1);
    for (cursor = 0; bight_http_request_next_cookie(request, &cursor, &name, &value);) {
        (void)bight_http_respond_writef(request, "%s=%s\n", name, value);
    }
    (void)bight_http_respond_finish(request);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: http_forms_peer ENDPOINT DIRECTORY\n");
        return 64;
    }
    directory = argv[2];
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    (void)bight_http_route_coroutine(site, "POST /form", take_form, NULL);
    (void)bight_http_route(site, "GET /cookies", take_cookies, NULL);
    (void)bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
