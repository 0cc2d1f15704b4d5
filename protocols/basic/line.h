/* SPDX-License-Identifier: MIT */
/* line.h - what the line receiver's files share: its states, the rule of its factory, spans of input.
 *
 * The one idea: input that has not been delivered is either in a span on the stack, which handlers can reach through
 * receiver->delivering, or in receiver->input. */
#ifndef BI_PROTOCOLS_BASIC_LINE_H
#define BI_PROTOCOLS_BASIC_LINE_H

#include <bight/protocols/line.h>

#include "transport/input.h"

/* bight_line_receiver.state */
#define LINE_RAW (1u << 0)
#define LINE_PAUSED (1u << 1)
#define LINE_SKIPPING (1u << 2)  /* within a line that was too long */
#define LINE_PENDING (1u << 3)   /* receiver->input was not looked at yet */
#define LINE_SCHEDULED (1u << 4) /* and a timer will */
#define LINE_OVER (1u << 5)      /* the connection has ended or is another protocol's: nothing is delivered */

#define LINE_LIMIT_CEILING ((size_t)1 << 30)

/* Input that is being delivered. The spans on the stack are linked, the innermost first. */
struct bight_line_span {
    const uint8_t *data;
    size_t size;
    size_t given; /* right before `data`: what raw_data_received has at present */
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

/* True while the next line may be handed out. */
bool bi_line_may_go_on(const struct bight_line_receiver *receiver);

/* Delivers from the span until it is empty or a handler stopped it. */
void bi_line_consume(struct bight_line_receiver *receiver, struct bight_line_span *span);

/* Delivers receiver->input, likewise; what cannot be delivered is there again afterwards. */
void bi_line_drain(struct bight_line_receiver *receiver);
void bi_line_drain_pending(struct bight_line_receiver *receiver);

/* Forgets receiver->input. */
void bi_line_drop_input(struct bight_line_receiver *receiver);

#endif
