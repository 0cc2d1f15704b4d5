/* SPDX-License-Identifier: MIT */
/* line.h - what the line receiver's files share: its states, the rule of its factory, spans of input.
 *
 * The one idea: the input that is kept is the beginning of a line and nothing else. What a handler on the stack has not
 * been given is in a span, which handlers can reach through `delivering`; all that must wait is the transport's. */
#ifndef BI_PROTOCOLS_BASIC_LINE_H
#define BI_PROTOCOLS_BASIC_LINE_H

#include <bight/protocols/line.h>

#include "transport/input.h"

/* What a receiver keeps. It is made together with the receiver. */
struct bight_line_state {
    const struct bight_line_ops *ops;   /* the factory's: it may be gone before the receiver is */
    struct bight_input *input;          /* the beginning of a line; NULL when there is none */
    struct bight_line_span *delivering; /* what a handler on the stack has not been given yet */
    uint32_t state;
};

#define LINE_RAW (1u << 0)
#define LINE_SKIPPING (1u << 1) /* within a line that was too long */

#define LINE_LIMIT_CEILING ((size_t)1 << 30)

/* Input that is being delivered. The spans on the stack are linked, the innermost first. */
struct bight_line_span {
    const uint8_t *data;
    size_t size;
    size_t given; /* right before `data`: what raw_data_received has at present */
    bool is_own;  /* bytes may be changed in it, and put back: see bi_input_is_own */
    struct bight_line_span *outer;
};

/* What the factory says, with its defaults filled in. */
struct bi_line_rule {
    const struct bight_line_ops *ops;
    const char *delimiter;
    size_t delimiter_size;
    bool either;  /* a CR before the LF is part of the delimiter */
    size_t limit; /* of a line without its delimiter */
    size_t longest;
};

struct bi_line_rule bi_line_rule_of(const struct bight_line_receiver *receiver);

/* Returns to the transport what the spans on the stack hold; and the beginning of a line. */
void bi_line_return_spans(struct bight_line_receiver *receiver);
void bi_line_return_input(struct bight_line_receiver *receiver);

#endif
