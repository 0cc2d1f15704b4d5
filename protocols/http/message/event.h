/* SPDX-License-Identifier: MIT */
/* event.h - how an event is written in an event stream (A13; WHATWG HTML, 9.2).
 *
 * A stream is lines "name: value", an empty one behind each event; CR, LF and CRLF all end lines. So a value of several
 * lines, which data may have, is several lines of the name, and any of the three is read as LF; in an id or a type,
 * which cannot be cut so, none may stand: what follows would be another field, or another event. */
#ifndef BI_HTTP_EVENT_H
#define BI_HTTP_EVENT_H

#include "http/message/tokens.h"

#define BI_EVENT_ID 256 /* bytes of one, at the most: what is longer would not be taken when it comes back */

/* What is NULL is not there. */
struct bi_event {
    struct bi_view id;
    struct bi_view type; /* empty: not there either */
    struct bi_view data; /* empty: an event without text; not there: none at all, but for its id */
};

/* No CR, LF or NUL, and UTF-8: what may be a type. */
bool bi_event_is_name(struct bi_view text);
/* The same, and not too long. */
bool bi_event_is_id(struct bi_view text);

/* Writes it into `out`, if that is not NULL. Returns its size: at most seven bytes for each of the data's, and 32 more
 * than there are of the others. */
size_t bi_event_write(const struct bi_event *event, char *out);

/* The same of a comment: lines that readers ignore. */
size_t bi_event_write_comment(struct bi_view text, char *out);

#endif
