/* SPDX-License-Identifier: MIT */
/* multipart.h - a body in parts: where each begins and ends, its head, its data.
 *
 * RFC 2046, section 5.1, read strictly: lines end with CRLF, and behind a boundary there is the end of the line or two
 * hyphens, no padding. What is before the first boundary and behind the last is skipped. Of data no byte is kept: those
 * that may be the beginning of a boundary are known by their number. What a part's head means is form_data.h's. */
#ifndef BI_HTTP_MULTIPART_H
#define BI_HTTP_MULTIPART_H

#include "http/message/head.h"
#include "http/message/tokens.h"

#define BI_MULTIPART_MAX_BOUNDARY 70
#define BI_MULTIPART_MAX_AROUND 8192 /* bytes before the first boundary and behind the last, together */

enum bi_multipart_result {
    BI_MULTIPART_PART,     /* `head` is that of a new part, read from `bytes`, until the next call */
    BI_MULTIPART_DATA,     /* of the part, more than nothing */
    BI_MULTIPART_PART_END, /* it was whole */
    BI_MULTIPART_PARTIAL,  /* all was taken, more has to come, or may come behind the end */
    BI_MULTIPART_REFUSED,  /* `why` says what; `too_large`: a limit was passed */
};

struct bi_multipart {
    struct bi_head head;
    uint8_t *bytes; /* of the head: the caller's, who also has its fields */
    uint32_t come;  /* how many of them have */
    uint32_t around;
    uint8_t state;
    uint8_t matched; /* bytes of the delimiter, which have come last */
    uint8_t delimiter_size;
    bool in_part, too_large;
    uint8_t delimiter[4 + BI_MULTIPART_MAX_BOUNDARY]; /* with CRLF and two hyphens before */
    const char *why;                                  /* lives for ever */
};

/* 1 to 70 characters of RFC 2046's, the last of them no space. */
bool bi_multipart_is_boundary(struct bi_view boundary);

/* `boundary` is one. `bytes` has room for `head_limit` bytes (at most BI_HEAD_CEILING), `fields` for `field_limit`
 * fields; both are borrowed. */
void bi_multipart_begin(struct bi_multipart *decoder, struct bi_view boundary, uint8_t *bytes, uint32_t head_limit,
    struct bi_field *fields, uint16_t field_limit);

/* Takes from the beginning of `text`; of DATA, *data is a view of the same memory, or of the decoder's, until the next
 * call. To be called until PARTIAL; not behind REFUSED. */
enum bi_multipart_result bi_multipart_next(struct bi_multipart *decoder, struct bi_view *text, struct bi_view *data);

/* The last boundary has come. */
bool bi_multipart_has_ended(const struct bi_multipart *decoder);

#endif
