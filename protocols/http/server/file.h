/* SPDX-License-Identifier: MIT */
/* file.h - a file as an answer, once it is open or in memory: for file.c, and for code that keeps files. */
#ifndef BI_HTTP_FILE_H
#define BI_HTTP_FILE_H

#include <bight/sys/output.h>

#include "http/server/answer.h"

struct bi_file_content {
    int descriptor;                 /* looked at if there is no data */
    struct bight_file_pages *pages; /* of a descriptor that is kept; NULL: it is not */
    const void *data;               /* all that is in it; NULL: it is read from the descriptor */
    uint64_t size;
    int64_t modified; /* seconds, and of the second: */
    long nanoseconds;
    const char *type;
    const char *coding; /* the Content-Encoding; NULL: none */
    /* Called once, with the context, when nobody reads the file any more: perhaps in a thread. */
    bight_release_function release;
    void *context;
};

/* Its entity-tag, with quotes, as seen at `now` in seconds since 1970. */
#define BI_FILE_TAG 96
void bi_file_tag(const struct bi_file_content *file, int64_t now, char text[BI_FILE_TAG]);

/* Last-Modified: not in the future (RFC 9110, section 8.8.2.1). */
static inline int64_t bi_file_modified(const struct bi_file_content *file, int64_t now)
{
    return file->modified < now ? file->modified : now;
}

/* Answers with it, or with the part that is asked for, or as the request's conditions say. The file is taken: its
 * release function may be called inside. */
void bi_file_answer(struct bight_http_request *request, const struct bi_file_content *file);

/* Sends a part behind a head that announced it: 0, and the file has been taken; or a code, and it has not. */
int bi_file_send_part(
    struct bight_http_request *request, const struct bi_file_content *file, uint64_t first, uint64_t count);

#endif
