/* SPDX-License-Identifier: MIT */
/* upload.h - the body of a call that is no bytes of its own: files and texts between them, or what a program produces.
 *
 * Plain bytes stay with the call (`body`). When what is sent, and what becomes of that, is sending.c's. */
#ifndef BI_HTTP_CLIENT_UPLOAD_H
#define BI_HTTP_CLIENT_UPLOAD_H

#include <bight/protocols/http_client_bodies.h>

#include <stdatomic.h>

#include "http/client/client.h"

#define BI_UPLOAD_BOUNDARY 48 /* bytes, the NUL among them */

struct bi_upload_part {
    struct bight_bytes *bytes; /* or, if NULL, */
    char *path;                /* of a file, and once it has been opened: */
    int descriptor;
    uint64_t size;
};

struct bight_http_upload {
    atomic_uint holds;             /* the call's, that of a job that opens, of each file on its way, of a producer */
    struct bight_http_call *call;  /* NULL: it is not wanted any more */
    struct bight_failure *failure; /* because of which the program has broken it off; NULL: it has not */

    /* Of parts; an opening job's, while there is one. */
    struct bi_upload_part *parts;
    size_t count, room;
    struct bight_deferred *opening;
    bool is_open;
    char boundary[BI_UPLOAD_BOUNDARY]; /* of a multipart form; "": it is none */
    struct bi_http_buffer text;        /* of the form, behind the last part */
    unsigned form_parts;
    bool is_finished;

    /* Produced. */
    const struct bight_http_body_source *source; /* NULL: it is parts */
    void *context;
    bight_release_function release;
    int64_t length; /* -1: not known */
    uint64_t left;  /* of it */
    bool has_begun; /* at least once */
    bool is_producing;
    const struct bight_producer_ops *producer;
    void *producer_context;
    struct bight_timer beginning;
};

/* ---------------------------------------------------------------------------------------------- upload.c */

/* The call's, in place of the body that it had; NULL when out of memory, which the call remembers. */
struct bight_http_upload *bi_upload_new(struct bight_http_call *call);
/* The call's body is no more. NULL is allowed. */
void bi_upload_drop(struct bight_http_upload *upload);
struct bight_http_upload *bi_upload_hold(struct bight_http_upload *upload);
void bi_upload_release(void *upload);

/* One more part, which is taken: bytes, or a file with this path. 0 or OUT_OF_MEMORY. */
int bi_upload_add_bytes(struct bight_http_upload *upload, struct bight_bytes *bytes);
int bi_upload_add_file(struct bight_http_upload *upload, const char *path);

/* It has files that are not open yet. */
bool bi_upload_must_open(const struct bight_http_upload *upload);
/* Has a thread do that; then the call goes to the pool, or fails, perhaps inside. */
void bi_upload_open(struct bight_http_call *call);
/* False: it is not known. */
bool bi_upload_size(const struct bight_http_upload *upload, uint64_t *size);

/* ------------------------------------------------------------------------------------------- multipart.c */

/* The form has no more parts. 0 or OUT_OF_MEMORY. */
int bi_multipart_finish(struct bight_http_upload *upload);

/* -------------------------------------------------------------------------------------------- produced.c */

/* The program begins on a coming turn. 0 or OUT_OF_MEMORY. */
int bi_produced_begin(struct bight_http_upload *upload);
/* Whether it can be sent from its beginning, which may be asked once for each time. Calls user code. */
bool bi_produced_is_repeatable(struct bight_http_upload *upload);

#endif
