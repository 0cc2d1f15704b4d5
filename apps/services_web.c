/* SPDX-License-Identifier: MIT */
/* services_web.c - `bight web`: a directory of files over HTTP, to look at it, to hand something on, to develop pages.
 *
 * What it serves to whom unless told otherwise is what cannot hurt: this machine alone, no names that are hidden, no
 * listings, and on loopback addresses no stranger's names for them. Each option is a row of the table; what a row sets
 * up is a function of its own, in the order of the rows. */
#include "runner.h"

#include <bight/protocols/http.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { WEB_PATH, WEB_LISTING, WEB_INDEX, WEB_SPA, WEB_CACHE, WEB_COMPRESSED, WEB_HOST };

static const struct bight_service_option web_options[] = {
    [WEB_PATH] = { "path", BIGHT_SERVICE_TEXT, "DIR", "the directory to serve", "." },
    [WEB_LISTING] = { "listing", BIGHT_SERVICE_FLAG, NULL, "show what is in directories without an index" },
    [WEB_INDEX] = { "index", BIGHT_SERVICE_TEXT, "NAME", "the file that stands for its directory", "index.html" },
    [WEB_SPA] = { "spa", BIGHT_SERVICE_TEXT, "FILE", "a page for paths that are not there" },
    [WEB_CACHE] = { "cache", BIGHT_SERVICE_NUMBER, "SECONDS", "how long clients need not ask again", "0", 0,
        INT32_MAX },
    [WEB_COMPRESSED] = { "precompressed", BIGHT_SERVICE_FLAG, NULL, "send FILE.br, .zst or .gz to those who take it" },
    [WEB_HOST] = { "host", BIGHT_SERVICE_TEXT, "NAME,...", "further names for this machine's loopback address" },
    { .name = NULL },
};

#define MOST_HOSTS 32

static struct bight_http_site *web_site;

/* ------------------------------------------------------------------------------------------ what is set up */

static int serve_files(const struct bight_service_value *values)
{
    const struct bight_http_files_options options = {
        .size = sizeof options,
        .index = values[WEB_INDEX].text,
        .listing = values[WEB_LISTING].given,
        .cache_seconds = (uint32_t)values[WEB_CACHE].number,
        .fallback = values[WEB_SPA].text,
        .precompressed =
            values[WEB_COMPRESSED].given ? BIGHT_HTTP_FILES_BROTLI | BIGHT_HTTP_FILES_ZSTD | BIGHT_HTTP_FILES_GZIP : 0,
    };
    return bight_http_files(web_site, "/", values[WEB_PATH].text, &options);
}

/* Names with commas between. */
static int guard(const struct bight_service_value *values)
{
    char text[1024];
    const char *names[MOST_HOSTS];
    size_t count = 0;
    if (snprintf(text, sizeof text, "%s", values[WEB_HOST].given ? values[WEB_HOST].text : "") >= (int)sizeof text) {
        return BIGHT_E_TOO_LONG;
    }
    for (char *rest = text, *name; (name = strtok_r(rest, ",", &rest)) != NULL;) {
        if (count == MOST_HOSTS) {
            return BIGHT_E_LIMIT;
        }
        names[count++] = name;
    }
    return bight_http_site_guard_loopback(web_site, names, count);
}

/* A directory that is not there is what goes wrong most: one line tells it all. The rest is in the log by then. */
static struct bight_failure *set_up(const struct bight_service_value *values)
{
    const char *path = values[WEB_PATH].text;
    struct stat status;
    int number = stat(path, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    if (number != 0) {
        return bight_failure_from_errno(number, path);
    }
    int code = guard(values);
    if (code == BIGHT_OK) {
        code = serve_files(values);
    }
    return code == BIGHT_OK ? NULL : bight_failure_of(code);
}

/* ---------------------------------------------------------------------------------------------- the service */

static struct bight_factory *start_web(
    struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure)
{
    (void)reactor;
    web_site = bight_http_site_new();
    *failure = set_up(values);
    if (*failure == NULL) {
        return bight_http_site_factory(web_site);
    }
    bight_http_site_free(web_site);
    return NULL;
}

static void stop_web(struct bight_factory *factory)
{
    (void)factory;
    bight_http_site_free(web_site);
}

static const struct bight_service web = {
    .name = "web",
    .summary = "Serves a directory of files (HTTP/1.1).",
    .examples = "bight web --listing\n"
                "bight web --path public --listing tcp:8888\n"
                "bight web --path build --spa index.html --cache 60\n"
                "bight web tls:4433:cert=localhost.pem unix:/run/web",
    .options = web_options,
    .default_endpoint = "tcp:8080:interface=127.0.0.1",
    .start = start_web,
    .stop = stop_web,
    .url_scheme = "http",
};

int runner_register_web_service(void)
{
    return bight_service_register(&web);
}
