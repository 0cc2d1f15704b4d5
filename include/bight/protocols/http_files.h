/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_files.h - a directory of files as a part of a site (F1 to F4).
 *
 *     bight_http_files(site, "/static/", "/srv/www", NULL);
 *
 * A single file that the program names is bight_http_respond_file's. */
#ifndef BIGHT_PROTOCOLS_HTTP_FILES_H
#define BIGHT_PROTOCOLS_HTTP_FILES_H

#include <bight/protocols/http_site.h>

BIGHT_BEGIN

/* A media type by the ending of names, without its dot and in any case. */
struct bight_http_file_type {
    const char *ending; /* NULL ends a table */
    const char *type;   /* "text/x-log; charset=utf-8" */
};

/* Precompressed siblings, as BIGHT_HTTP_FILES_GZIP | BIGHT_HTTP_FILES_BROTLI. */
#define BIGHT_HTTP_FILES_BROTLI 1u /* file.br */
#define BIGHT_HTTP_FILES_ZSTD 2u   /* file.zst */
#define BIGHT_HTTP_FILES_GZIP 4u   /* file.gz */

/* 0, NULL, false: the default. Texts are copied; the table of types is borrowed for as long as the site lives. */
struct bight_http_files_options {
    size_t size;       /* sizeof(struct bight_http_files_options) */
    const char *index; /* the file that stands for its directory: "index.html"; "": none does */
    bool listing;      /* a directory without one is listed; else 404 */
    bool dot_files;    /* names that begin with a dot are served and listed, too */
    /* Symbolic links are followed wherever they lead, out of the directory too. Else one that leads out, or begins
     * with a slash, is as if it were not there. */
    bool follow_links;
    uint32_t
        cache_seconds; /* Cache-Control: max-age; 0: no-cache, clients ask each time whether theirs is the newest */
    /* A file in the directory that answers GETs of what is not there, 200, if they accept text/html by name: for pages
     * that route by themselves. NULL: 404. */
    const char *fallback;
    unsigned precompressed;                   /* siblings that are sent to clients that accept them; 0: none */
    const struct bight_http_file_type *types; /* asked first; NULL: none */
    size_t memory_limit;                      /* bytes of small files that are kept in memory: 16 MiB */
    size_t memory_file_limit;                 /* of one such file: 64 KiB, and at most 1 MiB */
    uint32_t listing_limit;                   /* names in a listing, which says so when there are more: 100,000 */
    const void *reserved[4];
};

/* Serves the directory `directory` below `path`, "[HOST]/static/": adds a route "GET [HOST]/static/{...}", HEAD with
 * it. The directory is opened now, and stays the one that it is, whatever is renamed; nothing outside it is served. The
 * options may be NULL. 0; SYNTAX and INVALID_ARGUMENT, as of bight_http_route, and for a path without a slash at its
 * end and options that cannot be (logged); the errno's code (SYSTEM, PERMISSION_DENIED) for what is no directory that
 * can be opened; OUT_OF_MEMORY. On a code the site fails to serve, as for a route.
 *
 * What may be served is a regular file whose name, and those of the directories it is in, do not begin with a dot nor
 * end with one, and hold neither `/` nor `\` escaped. All else is 404. A directory's path without its slash is
 * redirected to the one with it, when there is something to be seen there. Answers are those of
 * bight_http_respond_file; those of files in memory take no system call but the send.
 *
 * Names are looked up by threads of the reactor's pool. What is known of a file is used for a second, and looked at
 * again when it is next asked for. Small files are kept in memory, the least used ones go; of at most 64 larger ones a
 * descriptor stays open for some seconds. */
BIGHT_API int bight_http_files(struct bight_http_site *site, const char *path, const char *directory,
    const struct bight_http_files_options *options);

BIGHT_END

#endif
