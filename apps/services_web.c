/* SPDX-License-Identifier: MIT */
/* services_web.c - `bight web`: a directory of files over HTTP, to look at it, to hand something on, to develop pages.
 *
 * What it serves to whom unless told otherwise is what cannot hurt: this machine alone, no names that are hidden, no
 * listings, and on loopback addresses no stranger's names for them. Each option is a row of the table; what the rows
 * set up are functions of their own, in the order of set_up. */
#include "runner.h"

#include <bight/address.h>
#include <bight/log.h>
#include <bight/protocols/http.h>
#include <bight/protocols/http_compression.h>
#include <bight/protocols/http_provided.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    WEB_PATH,
    WEB_LISTING,
    WEB_INDEX,
    WEB_SPA,
    WEB_CACHE,
    WEB_GZIP,
    WEB_COMPRESSED,
    WEB_CORS,
    WEB_USERS,
    WEB_LOG,
    WEB_METRICS,
    WEB_HOST
};

static const struct bight_service_option web_options[] = {
    [WEB_PATH] = { "path", BIGHT_SERVICE_TEXT, "DIR", "the directory to serve", "." },
    [WEB_LISTING] = { "listing", BIGHT_SERVICE_FLAG, NULL, "show what is in directories without an index" },
    [WEB_INDEX] = { "index", BIGHT_SERVICE_TEXT, "NAME", "the file that stands for its directory", "index.html" },
    [WEB_SPA] = { "spa", BIGHT_SERVICE_TEXT, "FILE", "a page for paths that are not there" },
    [WEB_CACHE] = { "cache", BIGHT_SERVICE_NUMBER, "SECONDS", "how long clients need not ask again", "0", 0,
        INT32_MAX },
    [WEB_GZIP] = { "gzip", BIGHT_SERVICE_FLAG, NULL, "compress text for those who take it" },
    [WEB_COMPRESSED] = { "precompressed", BIGHT_SERVICE_FLAG, NULL, "send FILE.br, .zst or .gz to those who take it" },
    [WEB_CORS] = { "cors", BIGHT_SERVICE_TEXT, "ORIGIN,...", "whose pages may read all of it; \"*\": any" },
    [WEB_USERS] = { "basic-auth", BIGHT_SERVICE_TEXT, "FILE", "ask for a name and password of `bight password`'s" },
    [WEB_LOG] = { "log", BIGHT_SERVICE_TEXT, "FORMAT", "a line for each request on stderr: combined or json" },
    [WEB_METRICS] = { "metrics", BIGHT_SERVICE_TEXT, "PATH", "figures for Prometheus at this path" },
    [WEB_HOST] = { "host", BIGHT_SERVICE_TEXT, "NAME,...", "further names for this machine's loopback address" },
    { .name = NULL },
};

#define REALM "bight web"
#define LOG_SECONDS 0.2 /* somebody may be watching */

static struct bight_http_site *web_site;

/* --------------------------------------------------------------------------------------- what can go wrong */

static struct bight_failure *wrong(
    int code, unsigned option, const struct bight_service_value *values, const char *what)
{
    const char *text = values[option].text;
    return bight_failure_new(
        code, 0, NULL, "--%s%s%.200s: %s", web_options[option].name, text[0] != '\0' ? " " : "", text, what);
}

static struct bight_failure *wrong_value(unsigned option, const struct bight_service_value *values, const char *what)
{
    return wrong(BIGHT_E_BAD_VALUE, option, values, what);
}

/* NULL for 0. What exactly is wrong is in the log by then; that an argument is, is the user's doing here. */
static struct bight_failure *failure_of(int code, unsigned option, const struct bight_service_value *values)
{
    code = code == BIGHT_E_INVALID_ARGUMENT ? BIGHT_E_BAD_VALUE : code;
    return code == BIGHT_OK ? NULL : wrong(code, option, values, bight_error_text(code));
}

/* ------------------------------------------------------------------------------------------------- lists */

/* Words with commas between, and a NULL behind the last. */
struct list {
    char text[2048];
    const char *words[33];
    size_t count;
};

static struct bight_failure *split(struct list *list, unsigned option, const struct bight_service_value *values)
{
    const size_t most = sizeof list->words / sizeof *list->words - 1;
    const char *text = values[option].given ? values[option].text : "";
    list->count = 0;
    if (snprintf(list->text, sizeof list->text, "%s", text) >= (int)sizeof list->text) {
        return wrong_value(option, values, "it is too long");
    }
    for (char *rest = list->text, *word; (word = strtok_r(rest, ",", &rest)) != NULL;) {
        if (list->count == most) {
            return wrong_value(option, values, "there are more than 32");
        }
        list->words[list->count++] = word;
    }
    list->words[list->count] = NULL;
    return NULL;
}

/* ------------------------------------------------------------------------------------------ what is set up */

/* First of all, so that it has all of them. */
static struct bight_failure *log_requests(const struct bight_service_value *values)
{
    static const char *const formats[] = { [BIGHT_HTTP_LOG_COMBINED] = "combined", [BIGHT_HTTP_LOG_JSON] = "json" };
    struct bight_http_access_log_options options = { .size = sizeof options, .flush_seconds = LOG_SECONDS };
    const char *wanted = values[WEB_LOG].text;
    if (!values[WEB_LOG].given) {
        return NULL;
    }
    bool is_combined = strcmp(wanted, formats[BIGHT_HTTP_LOG_COMBINED]) == 0;
    if (!is_combined && strcmp(wanted, formats[BIGHT_HTTP_LOG_JSON]) != 0) {
        return wrong_value(WEB_LOG, values, "a format is combined or json");
    }
    options.format = is_combined ? BIGHT_HTTP_LOG_COMBINED : BIGHT_HTTP_LOG_JSON;
    options.with_seconds = !is_combined;
    return failure_of(bight_http_use_access_log(web_site, &options), WEB_LOG, values);
}

/* Before authentication: browsers send preflights without a password. */
static struct bight_failure *share(const struct bight_service_value *values)
{
    struct list origins;
    struct bight_failure *failure = split(&origins, WEB_CORS, values);
    if (failure != NULL || !values[WEB_CORS].given) {
        return failure;
    }
    bool has_users = values[WEB_USERS].given, any = origins.count == 1 && strcmp(origins.words[0], "*") == 0;
    const struct bight_http_cors_options options = {
        .size = sizeof options,
        .origins = origins.words,
        .methods = "GET, HEAD",
        .fields = has_users ? "Authorization, Range" : "Range",
        .exposed = "Accept-Ranges, Content-Range, ETag",
        .credentials = has_users && !any,
    };
    return failure_of(bight_http_use_cors(web_site, &options), WEB_CORS, values);
}

/* Whether the file is one of those that are served: below the directory, and not hidden. */
static bool is_below(const char *file, const char *directory)
{
    char whole[PATH_MAX], around[PATH_MAX];
    if (realpath(file, whole) == NULL || realpath(directory, around) == NULL) {
        return false;
    }
    size_t size = strcmp(around, "/") == 0 ? 0 : strlen(around);
    return strncmp(whole, around, size) == 0 && whole[size] == '/' && strstr(whole + size, "/.") == NULL;
}

static struct bight_failure *ask_for_users(const struct bight_service_value *values)
{
    const struct bight_http_basic_auth_options options = { .size = sizeof options, .file = values[WEB_USERS].text };
    struct stat status;
    if (!values[WEB_USERS].given) {
        return NULL;
    }
    int number = stat(options.file, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (number != 0) {
        return bight_failure_from_errno(number, options.file);
    }
    if (is_below(options.file, values[WEB_PATH].text)) {
        return wrong_value(WEB_USERS, values, "it lies in the directory that is served");
    }
    int code = bight_http_use_basic_auth(web_site, REALM, &options);
    if (code == BIGHT_OK && (status.st_mode & S_IROTH) != 0) {
        bight_log(BIGHT_LOG_WARNING, "web", NULL, "%s: all users of this machine can read it", options.file);
    }
    return failure_of(code, WEB_USERS, values);
}

static struct bight_failure *compress(const struct bight_service_value *values)
{
    int code = values[WEB_GZIP].given ? bight_http_use_compression(web_site, NULL) : BIGHT_OK;
    return failure_of(code, WEB_GZIP, values);
}

static struct bight_failure *guard(const struct bight_service_value *values)
{
    struct list names;
    struct bight_failure *failure = split(&names, WEB_HOST, values);
    return failure != NULL
               ? failure
               : failure_of(bight_http_site_guard_loopback(web_site, names.words, names.count), WEB_HOST, values);
}

static struct bight_failure *serve_files(const struct bight_service_value *values)
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
    return failure_of(bight_http_files(web_site, "/", values[WEB_PATH].text, &options), WEB_PATH, values);
}

/* A file at that path would never be seen. */
static bool is_taken(const char *path, const char *directory)
{
    char file[PATH_MAX];
    struct stat status;
    return snprintf(file, sizeof file, "%s%s", directory, path) < (int)sizeof file && stat(file, &status) == 0;
}

static struct bight_failure *show_figures(const struct bight_service_value *values)
{
    const char *path = values[WEB_METRICS].text;
    char pattern[1024];
    if (!values[WEB_METRICS].given) {
        return NULL;
    }
    if (path[0] != '/' || path[1] == '\0' || strpbrk(path, "{}?# ") != NULL ||
        snprintf(pattern, sizeof pattern, "GET %s", path) >= (int)sizeof pattern) {
        return wrong_value(WEB_METRICS, values, "a path is written as /metrics");
    }
    if (is_taken(path, values[WEB_PATH].text)) {
        return wrong_value(WEB_METRICS, values, "the directory has a file there");
    }
    return failure_of(bight_http_route(web_site, pattern, bight_http_figures_handler, NULL), WEB_METRICS, values);
}

/* A directory that is not there is what goes wrong most: one line tells it all. */
static struct bight_failure *check_directory(const struct bight_service_value *values)
{
    const char *path = values[WEB_PATH].text;
    struct stat status;
    int number = stat(path, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    return number != 0 ? bight_failure_from_errno(number, path) : NULL;
}

/* Middleware is asked in this order. */
static struct bight_failure *set_up(const struct bight_service_value *values)
{
    static struct bight_failure *(*const steps[])(const struct bight_service_value *) = { check_directory, log_requests,
        share, ask_for_users, compress, guard, serve_files, show_figures };
    struct bight_failure *failure = NULL;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && failure == NULL; i++) {
        failure = steps[i](values);
    }
    return failure;
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

static bool is_on_network(struct bight_port *port, char text[BIGHT_ADDRESS_TEXT_SIZE])
{
    struct bight_address address;
    if (bight_port_address(port, &address) != BIGHT_OK ||
        (address.family != BIGHT_ADDRESS_IPV4 && address.family != BIGHT_ADDRESS_IPV6)) {
        return false;
    }
    (void)bight_address_format(&address, text, BIGHT_ADDRESS_TEXT_SIZE);
    return strncmp(text, "127.", 4) != 0 && strncmp(text, "[::1]:", 6) != 0;
}

/* Once is enough. */
static void warn_of_passwords(const struct bight_service_value *values, struct bight_port *port, bool is_encrypted)
{
    static bool has_warned;
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    if (has_warned || is_encrypted || !values[WEB_USERS].given || !is_on_network(port, address)) {
        return;
    }
    has_warned = true;
    bight_log(BIGHT_LOG_WARNING, "web", NULL,
        "%s: passwords cross the network for everybody to read, unless a proxy in front encrypts; tls: does", address);
}

static const struct bight_service web = {
    .name = "web",
    .summary = "Serves a directory of files (HTTP/1.1).",
    .examples = "bight web --listing\n"
                "bight web --path public --listing --log combined tcp:8888\n"
                "bight web --path build --spa index.html --cache 60 --gzip\n"
                "bight web --path public --basic-auth users tls:4433:cert=localhost.pem\n"
                "bight web --path public --metrics /metrics tcp:8080 unix:/run/web",
    .options = web_options,
    .default_endpoint = "tcp:8080:interface=127.0.0.1",
    .start = start_web,
    .stop = stop_web,
    .url_scheme = "http",
    .listening = warn_of_passwords,
};

int runner_register_web_service(void)
{
    return bight_service_register(&web);
}
