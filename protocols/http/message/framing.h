/* SPDX-License-Identifier: MIT */
/* framing.h - what a head decides about its message and connection, before other code looks at it (H8).
 *
 * Where the body ends, whether the connection goes on, what the request expects. RFC 9112, sections 3.2, 6, 9; RFC
 * 9110, sections 7.2, 7.8, 10.1.1. */
#ifndef BI_HTTP_FRAMING_H
#define BI_HTTP_FRAMING_H

#include "http/message/head.h"
#include "http/message/likely.h"
#include "http/message/tokens.h"
#include "http/message/words.h"

enum bi_body_kind {
    BI_BODY_NONE,
    BI_BODY_LENGTH,
    BI_BODY_CHUNKED,
    BI_BODY_UNTIL_CLOSE, /* responses */
};

struct bi_framing {
    uint8_t body;          /* enum bi_body_kind; a length of 0 is BI_BODY_NONE */
    bool has_length;       /* there is a Content-Length */
    bool keeps_alive;      /* what the version and Connection say */
    bool expects_continue; /* Expect: 100-continue, and the version knows it */
    bool upgrades;         /* Connection names upgrade, Upgrade is there, 1.1, and no body is announced (A14) */
    bool tolerated;        /* responses: as in the head */
    uint64_t length;       /* of BI_BODY_LENGTH */

    /* Requests: the parts of the target, as they came. RFC 9112, section 3.2. */
    uint8_t target_kind;        /* enum bi_target_kind */
    struct bi_span authority;   /* of the target if it has one, else Host's value; without userinfo, checked */
    struct bi_span path, query; /* path: from its slash on (absolute form without one: empty); query: without `?` */
    bool has_query;

    uint16_t status; /* of what is refused */
    const char *why; /* lives for ever */
};

enum bi_target_kind {
    BI_TARGET_ORIGIN,
    BI_TARGET_ABSOLUTE,
    BI_TARGET_AUTHORITY, /* CONNECT's */
    BI_TARGET_ASTERISK,  /* OPTIONS's */
};

static inline bool bi_host_is_known(const struct bi_known_host *known, struct bi_view host)
{
    return known != NULL && host.size > 0 && known->size == host.size &&
           bi_words_equal(known->text, host.at, host.size);
}

/* Connection, where it is there, says one of the two things that nearly all say: what is so without it, as browsers do,
 * or that it closes. */
static inline bool bi_connection_is_usual(const struct bi_head *head, const uint8_t *bytes, bool *closes)
{
    struct bi_span value = head->fields[head->first[BI_NAME_CONNECTION] - 1].value;
    const uint8_t *text = bytes + value.at;
    *closes = value.size == 5 && memcmp(text, "close", 5) == 0;
    return *closes ||
           (value.size == 10 && (memcmp(text, "keep-alive", 10) == 0 || memcmp(text, "Keep-Alive", 10) == 0));
}

/* Nothing in it decides anything but whether the connection closes: no body, one Host that was in order before. Nearly
 * all requests are such ones, and what would be found out about them is known. */
static inline bool bi_framing_is_usual(const struct bi_head *head, const uint8_t *bytes, bool *closes)
{
    const uint64_t deciding = BI_NAME_BIT(TRANSFER_ENCODING) | BI_NAME_BIT(CONTENT_LENGTH) | BI_NAME_BIT(EXPECT);
    if (((head->present & deciding) | (head->repeated & ~BI_NAME_BIT(OTHER))) != 0 || head->minor == 0 ||
        head->method_known == BI_METHOD_CONNECT || bytes[head->target.at] != '/' ||
        (head->present & BI_NAME_BIT(HOST)) == 0 ||
        ((head->present & BI_NAME_BIT(CONNECTION)) != 0 && !bi_connection_is_usual(head, bytes, closes))) {
        return false;
    }
    struct bi_span host = head->fields[head->first[BI_NAME_HOST] - 1].value;
    return bi_host_is_known(head->known_host, (struct bi_view) { bytes + host.at, host.size });
}

/* The decisions, one after the other. */
bool bi_framing_decide(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes);

/* False: refused, with `status` and `why`. */
static inline bool bi_framing_of_request(struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes)
{
    bool closes = false;
    if (BI_RARELY(!bi_framing_is_usual(head, bytes, &closes))) {
        return bi_framing_decide(framing, head, bytes);
    }
    *framing = (struct bi_framing) {
        .keeps_alive = !closes, .authority = head->fields[head->first[BI_NAME_HOST] - 1].value, .path = head->target
    };
    if (BI_RARELY(head->question != 0)) {
        framing->path.size = head->question - head->target.at;
        framing->has_query = true;
        framing->query = (struct bi_span) { head->question + 1, head->target.size - framing->path.size - 1 };
    }
    return true;
}

/* `asked` is the request's method: an answer to HEAD has no body whatever its fields say. */
bool bi_framing_of_response(
    struct bi_framing *framing, const struct bi_head *head, const uint8_t *bytes, enum bi_method asked);

/* Trailers must not say what only a head may: framing, routing, authentication. False as above. */
bool bi_framing_check_trailers(const struct bi_head *trailers, uint16_t *status, const char **why);

#endif
