/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_download.h - responses to files: whole under their name, or not at all.
 *
 *     const struct bight_http_download_options options = { .size = sizeof options, .resume = true };
 *     struct bight_deferred *got = bight_http_download(client, "https://example.org/large.iso", "large.iso", &options);
 *
 * The body is written by threads of the reactor's pool as it comes; while one writes, up to 128 KiB wait in memory, and
 * the server beyond. */
#ifndef BIGHT_PROTOCOLS_HTTP_DOWNLOAD_H
#define BIGHT_PROTOCOLS_HTTP_DOWNLOAD_H

#include <bight/protocols/http_client.h>

#include <sys/types.h>

BIGHT_BEGIN

/* The head of the response whose body is to be written has come. May do anything, cancel the download too. */
typedef void (*bight_http_download_head_function)(struct bight_http_response *response, void *context);

/* More of it has been written: `written` bytes of the file so far, of `length` (-1: not known). May do anything. */
typedef void (*bight_http_download_progress_function)(uint64_t written, int64_t length, void *context);

struct bight_http_download_options {
    size_t size;    /* sizeof(struct bight_http_download_options) */
    uint64_t limit; /* bytes of the file: any */
    mode_t mode;    /* the file's, whatever the umask; 0: 0600 */
    bool replace;   /* a file that has the name is replaced, in one step; else it is a failure, EEXIST */
    bool resume;    /* what has come is kept as NAME.part when it ends early, and gone on with the next time */
    bool no_sync;   /* the Deferred does not wait until the file is on the disk */
    bight_http_download_head_function head;         /* NULL: none */
    bight_http_download_progress_function progress; /* NULL: none */
    void *context;
    const struct bight_http_call_options *call; /* of bight_http_download; NULL: the client's */
    const void *reserved[4];
};

/* GETs the URL and writes the response's body to the file; returns a Deferred of its size (bight_type_integer). The
 * options may be NULL, and are not kept. The file has another name until it is whole, as that of
 * bight_http_request_save has, and nothing stays of it on any other end; a cancel in the moment of its naming may find
 * it there. What is written is what the server has: no coding is asked for, unless the call has an Accept-Encoding of
 * its own.
 *
 * With `resume` it is NAME.part meanwhile, and stays on any other end, with NAME.part.from, which says of what it is a
 * part: the URL, and the entity-tag or date that the server gave it; without a strong one of these nothing stays. The
 * next download of the same URL to the same path asks for the rest, if it is still the same (If-Range); if it is not,
 * or the server answers with another part, or with all of it, it begins again. Another process that is at it is a
 * failure, EWOULDBLOCK.
 *
 * It fails as bight_http_call_stream does and reading its response; with HTTP_STATUS for a status that is not 2xx; with
 * TOO_LONG past the limit; with the errno of what the file system refused; with SYNTAX for a 206 that was not asked
 * for. INVALID_ARGUMENT, a usage error, for a path that ends in no name. The path is the program's: what of it comes
 * from a server is to be checked first. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_download(struct bight_http_client *client, const char *url,
    const char *path, const struct bight_http_download_options *options);

/* The same of a call that has been filled, which is taken. Its Range and If-Range are not to be set with `resume`. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_call_download(
    struct bight_http_call *call, const char *path, const struct bight_http_download_options *options);

BIGHT_END

#endif
