/* SPDX-License-Identifier: MIT */
/* head.h - the head of a message: a start line and fields, read where they came.
 *
 * RFC 9112, sections 2 to 5 and, for trailers, 7.1.2; what is refused is H2. A parser owns nothing: the bytes are the
 * caller's, the array of fields too, and places are told as offsets from the head's first byte, so that the bytes may
 * be moved. Whole lines are parsed once, when their end has come, so any cutting of the bytes has the same result (H1).
 * What fields mean, where the body ends among it, is framing.h's. */
#ifndef BI_HTTP_HEAD_H
#define BI_HTTP_HEAD_H

#include "http/message/names.h"

struct bi_span {
    uint32_t at, size;
};

struct bi_field {
    uint32_t name_at;
    uint16_t name_size;
    uint8_t name;         /* enum bi_name */
    bool folded;          /* responses: there are line ends in the value, see bi_head_unfold */
    struct bi_span value; /* without white space around it */
};

/* What a head may be at most. The longest that can be asked for is BI_HEAD_CEILING, for names have 16 bits. */
#define BI_HEAD_CEILING 65535
#define BI_HEAD_MAX_FIELDS 1000
struct bi_head_limits {
    uint32_t line;   /* bytes of the start line without its end: 414 for a request */
    uint32_t size;   /* bytes of the head, the empty line included: 431 */
    uint16_t fields; /* 431 */
};

enum bi_head_kind {
    BI_HEAD_REQUEST,
    BI_HEAD_RESPONSE, /* read as C5 says: `tolerated` tells that it was not in order, `folded` why */
    BI_HEAD_TRAILERS, /* no start line */
};

enum bi_head_result {
    BI_HEAD_WHOLE,
    BI_HEAD_PARTIAL, /* its end has not come; so far nothing is wrong */
    BI_HEAD_REFUSED, /* `status`, `why` and `bad_at` say what, where */
};

/* The Host that was in order last, which nearly always is the next one too: framing.h need not look at it again. */
struct bi_known_host {
    uint32_t size;
    uint8_t text[60];
};

struct bi_head {
    /* The caller sets these before bi_head_begin. */
    struct bi_field *fields; /* room for limits.fields */
    struct bi_head_limits limits;
    struct bi_known_host *known_host; /* NULL: none is remembered */

    /* Of a whole head. */
    uint32_t size; /* where the body begins */
    uint16_t field_count;
    uint64_t present, repeated;    /* bit n: there is a field with the name n, there is more than one */
    uint16_t first[BI_NAME_COUNT]; /* of one that is there: 1 + the index of the first; see bi_head_first */
    uint8_t kind;                  /* enum bi_head_kind */
    uint8_t minor;                 /* of the version 1.x; what is over 1 counts as 1 */
    uint8_t method_known;          /* enum bi_method; requests */
    bool tolerated, folded;        /* responses: the connection is not used again; some value has line ends in it */
    struct bi_span method, target; /* requests */
    uint32_t question;             /* requests: where the target's first `?` is; 0: it has none */
    bool is_usual_path;            /* requests: none of `%`, `//`, `/.` is before that, for certain */
    struct bi_span reason;         /* responses */

    /* Responses: the status. Refused: the status that a request is answered with. */
    uint16_t status;
    uint32_t bad_at; /* refused: the byte that proves it */
    const char *why; /* lives for ever */

    /* How far it has been read: whole lines, and without an end of one. */
    uint32_t parsed, scanned;
    bool started; /* the start line has been read */
};

/* Each member by itself: much at once is cleared by an instruction that begins slowly. */
static inline void bi_head_begin(struct bi_head *head, enum bi_head_kind kind)
{
    head->size = head->parsed = head->scanned = head->bad_at = head->question = 0;
    head->field_count = head->status = 0;
    head->present = head->repeated = 0;
    head->kind = (uint8_t)kind;
    head->minor = 0;
    head->method_known = BI_METHOD_OTHER;
    head->tolerated = head->folded = head->is_usual_path = false;
    head->started = kind == BI_HEAD_TRAILERS;
    head->method = head->target = head->reason = (struct bi_span) { 0, 0 };
    head->why = NULL;
}

/* 1 + the index of the first field with this name; 0: there is none. */
static inline uint16_t bi_head_first(const struct bi_head *head, enum bi_name name)
{
    return (head->present >> name & 1) != 0 ? head->first[name] : 0;
}

/* `bytes` holds what has come of the head from its first byte on, and perhaps more: all that was there at the last
 * call, unchanged, and what came behind it; it may lie elsewhere each time. Not to be called again behind WHOLE or
 * REFUSED. Never more than limits.size bytes are looked at. One CRLF before a request is skipped, and counts as part of
 * it. */
enum bi_head_result bi_head_parse(struct bi_head *head, const uint8_t *bytes, size_t size);

/* Makes one SP of each fold, RFC 9112, section 5.2. Of a response with `folded`, to be called before reading its
 * values, framing.h among them; values get shorter and stay where they begin. */
void bi_head_unfold(struct bi_head *head, uint8_t *bytes);

/* The field of this name behind the one at `after` (0: the first), as index + 1; 0: there is none. */
uint16_t bi_head_next(const struct bi_head *head, const uint8_t *bytes, enum bi_name name, const char *text,
    size_t text_size, uint16_t after);

#endif
