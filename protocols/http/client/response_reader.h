/* SPDX-License-Identifier: MIT */
/* response_reader.h - the answer to one request, read as it comes, whole in the end (C5).
 *
 * No I/O. It collects what response_parser.h finds: interim responses (1xx) are skipped; the body is collected,
 * whatever frames it, under a limit; trailers are read and dropped. */
#ifndef BI_HTTP_RESPONSE_READER_H
#define BI_HTTP_RESPONSE_READER_H

#include <bight/protocols/http_respond.h>

#include "http/client/response_parser.h"

enum bi_reader_state {
    BI_READER_UNFINISHED,
    BI_READER_WHOLE,
    BI_READER_FAILED, /* `code` and `why` say what */
};

struct bi_response_reader {
    /* Of the request. */
    enum bi_method asked;
    bool upgrades; /* 101 is an answer, and a 2xx to CONNECT: what follows is another protocol's */
    size_t limit;  /* bytes of the body */

    uint8_t state; /* enum bi_reader_state */
    bool begun;
    uint16_t status;
    int code;
    const char *why; /* lives for ever */
    struct bi_response_parser parser;
    struct bi_http_buffer fields, body;
    struct bi_field array[BI_RESPONSE_DEFAULT_FIELDS];
};

/* The request's part is set by the caller, behind this. */
BI_HTTP_PRIVATE_API void bi_response_reader_init(struct bi_response_reader *reader);
BI_HTTP_PRIVATE_API void bi_response_reader_finish(struct bi_response_reader *reader);

/* Bytes as they come, until WHOLE or FAILED. Returns how many were used; those behind are not this answer's. */
BI_HTTP_PRIVATE_API size_t bi_response_reader_feed(struct bi_response_reader *reader, const uint8_t *data, size_t size);
/* There will be no more. */
BI_HTTP_PRIVATE_API void bi_response_reader_end(struct bi_response_reader *reader);

/* What was read, when WHOLE; NULL when out of memory. There is a NUL behind its body. */
BI_HTTP_PRIVATE_API struct bight_http_response *bi_response_reader_take(struct bi_response_reader *reader);

#endif
