/* SPDX-License-Identifier: MIT */
/* media.h - media types and their parameters.
 *
 * RFC 9110, sections 5.6.6 and 8.3. Names have no case; values are as they came, escapes included, until bi_unquote. */
#ifndef BI_HTTP_MEDIA_H
#define BI_HTTP_MEDIA_H

#include "http/message/tokens.h"

struct bi_media_type {
    struct bi_view type, subtype;
    struct bi_view parameters; /* from the first semicolon or white space on, well-formed */
};

struct bi_parameter {
    struct bi_view name;
    struct bi_view value; /* of a quoted string what is inside: bi_unquote is for either */
    bool quoted;
};

enum bi_parameter_result {
    BI_PARAMETER_NEXT,
    BI_PARAMETER_END,
    BI_PARAMETER_MALFORMED, /* nothing was taken */
};

/* The next parameter, semicolon first, taken off the beginning of `text`; empty ones are skipped. */
enum bi_parameter_result bi_parameter_next(struct bi_view *text, struct bi_parameter *parameter);

/* The whole text is a media type. False: it is none, or a parameter is malformed. */
bool bi_media_parse(struct bi_view text, struct bi_media_type *media);

/* Whether it is `name`, as "application/json", whatever its parameters. */
bool bi_media_is(const struct bi_media_type *media, const char *name);

/* The first parameter of this name. */
bool bi_media_parameter(const struct bi_media_type *media, const char *name, struct bi_parameter *parameter);

/* Writes the charset, in lower case and unquoted, if there is `room` for it. Returns its size, whatever the room; 0:
 * none is named. */
size_t bi_media_charset(const struct bi_media_type *media, uint8_t *buffer, size_t room);

/* Whether two values mean the same, whatever their quoting and case. */
bool bi_parameter_value_equal(struct bi_view one, struct bi_view other);

#endif
