/* SPDX-License-Identifier: MIT */
/* use.c - a site's compression: its options, its middleware, and the deflaters that its answers share.
 *
 * The middleware does nothing but give each request the filter; what that does is filter.c's. It outlives its site
 * while answers are under way. */
#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>

#include "http/compression/compression.h"
#include "http/site/site.h"

/* ------------------------------------------------------------------------------------------- deflaters */

void bi_compression_release(struct bi_compression *compression)
{
    if (--compression->holds > 0) {
        return;
    }
    while (compression->kept_count > 0) {
        bi_deflater_free(compression->kept[--compression->kept_count]);
    }
    bight_free(compression->room);
    bight_free(compression);
}

struct bi_deflater *bi_compression_take(struct bi_compression *compression)
{
    if (compression->used >= compression->limit) {
        return NULL;
    }
    struct bi_deflater *deflater = compression->kept_count > 0 ? compression->kept[--compression->kept_count]
                                                               : bi_deflater_new(compression->level);
    if (deflater != NULL) {
        bi_deflater_begin(deflater);
        compression->used++;
    }
    return deflater;
}

void bi_compression_put(struct bi_compression *compression, struct bi_deflater *deflater)
{
    compression->used--;
    if (deflater != NULL && compression->kept_count < BI_COMPRESSION_KEPT) {
        compression->kept[compression->kept_count++] = deflater;
    } else {
        bi_deflater_free(deflater);
    }
}

/* ------------------------------------------------------------------------------------------ middleware */

/* Without memory for it the answer goes as it is. */
static bool before(struct bight_http_request *request, void *context)
{
    struct bi_compression *compression = context;
    struct bi_compressing *compressing =
        (struct bi_compressing *)(void *)bi_request_allocate(request, sizeof *compressing);
    if (compressing != NULL) {
        *compressing = (struct bi_compressing) { .compression = compression };
        compression->holds++;
        bi_filter_set(request, &bi_compression_filter_ops, compressing);
    }
    return true;
}

static const struct bight_http_middleware_ops middleware = { .size = sizeof middleware, .before = before };

static void release(void *compression)
{
    bi_compression_release(compression);
}

/* ---------------------------------------------------------------------------------------------- options */

/* Scripts and styles are text/; what else is compressed already says so by its own type. */
static const char *const default_types[] = { "!text/event-stream", "text/*", "+json", "+xml", "application/json",
    "application/javascript", "application/xml", "application/wasm", "application/yaml", "application/x-ndjson",
    "image/bmp", "image/vnd.microsoft.icon", "image/x-icon", "font/ttf", "font/otf", "application/vnd.ms-fontobject",
    NULL };

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member)                                                                                       \
    ((options) != NULL &&                                                                                            \
                (options)->size >= offsetof(struct bight_http_compression_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                      \
            : 0)
#define OR(given, usual) ((given) != 0 ? (given) : (usual))

static size_t size_of(const char *const *types)
{
    size_t size = 1;
    for (; *types != NULL; types++) {
        size += strlen(*types) + 1;
    }
    return size;
}

static void copy_types(char *room, const char *const *types)
{
    for (; *types != NULL; types++) {
        size_t size = strlen(*types) + 1;
        memcpy(room, *types, size);
        room += size;
    }
    *room = '\0';
}

static struct bi_compression *make(const struct bight_http_compression_options *options)
{
    const char *const *types = OR(GIVEN(options, types), default_types);
    struct bi_compression *compression = bight_calloc(1, sizeof *compression + size_of(types));
    if (compression == NULL) {
        return NULL;
    }
    compression->holds = 1;
    compression->level = OR(GIVEN(options, level), 5);
    compression->least = OR(GIVEN(options, least), 1024);
    compression->most = OR(GIVEN(options, most), (uint64_t)8 << 20);
    compression->limit = OR(GIVEN(options, limit), 64);
    copy_types(compression->types, types);
    return compression;
}

/* 0, or why it cannot be used. */
static int check(const struct bight_http_compression_options *options)
{
    int level = GIVEN(options, level);
    if (!bi_gzip_is_built_in()) {
        bight_log(BIGHT_LOG_WARNING, "http", NULL, "nothing is compressed: this bight has been built without zlib");
        return BIGHT_E_NOT_SUPPORTED;
    }
    return level < 0 || level > 9 ? bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "compression: its level is not from 1 to 9")
                                  : BIGHT_OK;
}

int bight_http_use_compression(struct bight_http_site *site, const struct bight_http_compression_options *options)
{
    int code = check(options);
    if (code != BIGHT_OK) {
        return code;
    }
    struct bi_compression *compression = site != NULL ? make(options) : NULL;
    if (compression != NULL) {
        return bight_http_use_full(site, &middleware, compression, release);
    }
    if (site != NULL) {
        site->is_broken = true;
    }
    return BIGHT_E_OUT_OF_MEMORY;
}

void bight_http_respond_no_compression(struct bight_http_request *request)
{
    if (request->due & BI_DUE_HOOKS) {
        request->hooks.is_unfiltered = true;
    }
}
