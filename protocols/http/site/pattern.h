/* SPDX-License-Identifier: MIT */
/* pattern.h - what routes are written as, `[METHOD ][HOST]/path/{name}/{rest...}`, and how two of them relate.
 *
 * A pattern matches the whole path. `{name}` matches one segment that is not empty; `{rest...}`, which can only be the
 * last, matches all that is left behind its slash, and that may be nothing: `/files/{rest...}` matches `/files/` and
 * `/files/a/b`, and not `/files`. A last slash is nothing special: `/files/` matches that and no more. (Go's ServeMux
 * does the same, but for the last slash, which is a `{rest...}` without a name there.) Without a method a pattern is
 * for all, with GET for HEAD too; without a host it is for all hosts.
 *
 * Its path is kept as a *shape*: canonical text (path.h) in which one byte, BI_SHAPE_NAME, stands for each `{name}`,
 * and which ends behind the slash before `{rest...}`. */
#ifndef BI_HTTP_PATTERN_H
#define BI_HTTP_PATTERN_H

#include "http/site/host.h"

#define BI_PATTERN_SIZE 2048 /* bytes of its text at most */
#define BI_PATTERN_NAMES 16
#define BI_SHAPE_NAME 0 /* no canonical path has this byte */

struct bi_shape {
    struct bi_view text;
    bool has_rest;
};

struct bi_pattern {
    struct bi_view method; /* in what was parsed; empty: all */
    struct bi_view host;   /* as host.h has them; empty: all */
    struct bi_shape shape;
    uint8_t name_count; /* that of the rest included */
    struct bi_view names[BI_PATTERN_NAMES];

    /* Of one that is refused. */
    size_t bad_at;
    const char *why; /* lives for ever */

    uint8_t host_room[BI_HOST_SIZE];
    uint8_t shape_room[BI_PATTERN_SIZE];
};

/* The pattern holds views of `text`, and of itself. False: refused. */
bool bi_pattern_parse(struct bi_pattern *pattern, struct bi_view text);

enum bi_relation {
    BI_RELATION_EQUAL,
    BI_RELATION_NARROWER, /* the first matches less than the second */
    BI_RELATION_WIDER,
    BI_RELATION_OVERLAPPING, /* some match both, and each matches others */
    BI_RELATION_DISJOINT,
};

enum bi_relation bi_shape_relation(struct bi_shape one, struct bi_shape other);

/* How both parts of a whole relate, when these relations are those of their parts. */
enum bi_relation bi_relation_of_both(enum bi_relation one, enum bi_relation other);

/* A path, escaped, that both match, unless they are disjoint. Returns its size, and has written it whole if that is not
 * more than `room`. */
size_t bi_shape_example(struct bi_shape one, struct bi_shape other, uint8_t *out, size_t room);

#endif
