/* SPDX-License-Identifier: MIT */
/* response_parser.h - the answer to one request, taken apart as it comes: interim heads, its head, its body, its
 * trailers (C5).
 *
 * Bytes in, events out, and no I/O: an event is asked for, and what it shows is a view of the input or of what the
 * parser keeps. It keeps nothing but a head that did not come whole, so a head that did is neither allocated for nor
 * copied (H1). What becomes of an answer is its owner's. */
#ifndef BI_HTTP_RESPONSE_PARSER_H
#define BI_HTTP_RESPONSE_PARSER_H

#include "http/message/chunked.h"
#include "http/message/framing.h"
#include "http/server/request.h"

#define BI_RESPONSE_DEFAULT_FIELDS 256 /* unless it is said otherwise */
#define BI_RESPONSE_DEFAULT_INTERIM 16 /* 1xx before the answer */
#define BI_RESPONSE_TRAILERS 100       /* fields, */
#define BI_RESPONSE_TRAILER_SIZE 8192

enum bi_response_event {
    BI_RESPONSE_PARTIAL, /* all of the input has been used, more has to come */
    BI_RESPONSE_INTERIM, /* a 1xx, in `head` and `bytes` until the next call */
    BI_RESPONSE_HEAD,    /* the answer's, likewise; `framing` stays */
    BI_RESPONSE_DATA,    /* a piece of the body */
    BI_RESPONSE_END,     /* it is whole; if `has_trailers`, they are in `head` and `bytes` until the next call */
    BI_RESPONSE_FAILED   /* `code` and `why` say what with */
};

enum bi_response_state {
    BI_RESPONSE_IN_HEAD,
    BI_RESPONSE_IN_BODY,
    BI_RESPONSE_IN_TRAILERS,
    BI_RESPONSE_WHOLE,
    BI_RESPONSE_BROKEN
};

struct bi_response_limits {
    uint32_t head;   /* bytes, at most BI_HEAD_CEILING */
    uint16_t fields; /* at most BI_HEAD_MAX_FIELDS */
    uint8_t interim;
};

struct bi_response_parser {
    /* Set behind bi_response_parser_begin: what the request was. */
    uint8_t asked; /* enum bi_method */
    bool upgrades; /* 101 is an answer, and what follows it is another protocol's */

    uint8_t state; /* enum bi_response_state */
    uint8_t interim;
    bool is_behind_interim; /* another head begins */
    bool has_trailers;
    bool is_fresh; /* not a byte of it has come */
    int code;
    const char *why; /* lives for ever */
    const uint8_t *bytes;
    uint64_t left; /* of a body with a length */
    struct bi_response_limits limits;
    struct bi_framing framing;
    struct bi_chunked chunked;
    struct bi_field *shared; /* where fields are while a head is parsed that comes whole: many parsers' */
    struct bi_field *own;    /* and one's that does not; NULL: there is none */
    struct bi_http_buffer kept;
    struct bi_head head; /* last: it is written when a head begins */
};

/* `shared` has room for limits->fields, and for BI_RESPONSE_TRAILERS; what is in it lasts until another parser with the
 * same is called. A new answer, whatever became of the one before: `begin` on zeroed memory, or behind another. */
void bi_response_parser_begin(
    struct bi_response_parser *parser, const struct bi_response_limits *limits, struct bi_field *shared);
void bi_response_parser_finish(struct bi_response_parser *parser);

/* The next event, for which it takes from the beginning of `input`. To be called until PARTIAL, END or FAILED: events
 * may come without any input. *piece is that of DATA. */
enum bi_response_event bi_response_parser_next(
    struct bi_response_parser *parser, struct bi_view *input, struct bi_view *piece);

/* There will be no more input: END or FAILED. */
enum bi_response_event bi_response_parser_end(struct bi_response_parser *parser);

/* The most bytes that the fields of `head` have as lines "Name: value\r\n", and the writing of them, of which it
 * returns how many there were. Names of the set `without` are left out. */
size_t bi_response_lines_size(const struct bi_head *head);
size_t bi_response_write_lines(const struct bi_head *head, const uint8_t *bytes, uint64_t without, uint8_t *room);

#endif
