/* SPDX-License-Identifier: MIT */
/* shape.c - how the paths that patterns match relate: two shapes side by side, segment by segment.
 *
 * Which one is served when several match is a relation of the two and nothing else: no order of adding, no counting of
 * literals. Overlapping patterns without one being narrower are refused when they are added, so that all that match one
 * request stand in a row, each narrower than the next. */
#include "http/message/path.h"
#include "http/site/pattern.h"

enum kind {
    LITERAL,
    NAME,
    REST, /* all segments from here on, at least one */
    END,  /* there was none */
};

struct segment {
    enum kind kind;
    struct bi_view text; /* of a literal */
};

struct reading {
    struct bi_shape shape;
    size_t at;
};

static struct segment next(struct reading *reading)
{
    struct bi_view text = reading->shape.text;
    if (reading->at >= text.size) {
        return (struct segment) { .kind = END };
    }
    size_t begin = reading->at + 1; /* behind its slash */
    const uint8_t *slash = begin < text.size ? memchr(text.at + begin, '/', text.size - begin) : NULL;
    size_t end = slash != NULL ? (size_t)(slash - text.at) : text.size;
    reading->at = end;
    if (begin == text.size && reading->shape.has_rest) {
        return (struct segment) { .kind = REST };
    }
    bool name = begin < end && text.at[begin] == BI_SHAPE_NAME;
    return (struct segment) { name ? NAME : LITERAL, { text.at + begin, end - begin } };
}

/* Neither is END, nor the rest. */
static enum bi_relation segment_relation(struct segment one, struct segment other)
{
    if (one.kind == NAME && other.kind == NAME) {
        return BI_RELATION_EQUAL;
    }
    if (one.kind == NAME) {
        return other.text.size > 0 ? BI_RELATION_WIDER : BI_RELATION_DISJOINT;
    }
    if (other.kind == NAME) {
        return one.text.size > 0 ? BI_RELATION_NARROWER : BI_RELATION_DISJOINT;
    }
    return bi_view_equal(one.text, other.text) ? BI_RELATION_EQUAL : BI_RELATION_DISJOINT;
}

enum bi_relation bi_relation_of_both(enum bi_relation one, enum bi_relation other)
{
    if (one == BI_RELATION_DISJOINT || other == BI_RELATION_DISJOINT) {
        return BI_RELATION_DISJOINT;
    }
    if (one == BI_RELATION_EQUAL || one == other) {
        return other;
    }
    return other == BI_RELATION_EQUAL ? one : BI_RELATION_OVERLAPPING;
}

enum bi_relation bi_shape_relation(struct bi_shape one, struct bi_shape other)
{
    struct reading first = { one, 0 };
    struct reading second = { other, 0 };
    enum bi_relation relation = BI_RELATION_EQUAL;
    while (relation != BI_RELATION_DISJOINT) {
        struct segment left = next(&first);
        struct segment right = next(&second);
        if (left.kind == END || right.kind == END) {
            return left.kind == right.kind ? relation : BI_RELATION_DISJOINT;
        }
        if (left.kind == REST && right.kind == REST) {
            return relation;
        }
        if (left.kind == REST || right.kind == REST) {
            return bi_relation_of_both(relation, left.kind == REST ? BI_RELATION_WIDER : BI_RELATION_NARROWER);
        }
        relation = bi_relation_of_both(relation, segment_relation(left, right));
    }
    return relation;
}

/* What both segments match; what the rest matches is up to the other, and nothing if both are it. */
static struct bi_view common(struct segment one, struct segment other)
{
    if (one.kind == LITERAL) {
        return one.text;
    }
    if (other.kind == LITERAL) {
        return other.text;
    }
    return bi_view_of(one.kind == NAME || other.kind == NAME ? "x" : "");
}

size_t bi_shape_example(struct bi_shape one, struct bi_shape other, uint8_t *out, size_t room)
{
    struct reading first = { one, 0 };
    struct reading second = { other, 0 };
    size_t size = 0;
    for (;;) {
        struct segment left = next(&first);
        struct segment right = next(&second);
        if (left.kind == END && right.kind == END) {
            return size;
        }
        struct bi_location segment = { .path = common(left, right) };
        if (size < room) {
            out[size] = '/';
        }
        size++;
        size += bi_location_write(&segment, out + (size < room ? size : room), size < room ? room - size : 0);
    }
}
