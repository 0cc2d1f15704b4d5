/* SPDX-License-Identifier: MIT */
/* partial.h - what there is of a file that did not come whole: NAME.part, and beside it, in NAME.part.from, of what.
 *
 * Everything here waits for a disk, so it is for threads of a pool; one thread at a time. */
#ifndef BI_HTTP_CLIENT_PARTIAL_H
#define BI_HTTP_CLIENT_PARTIAL_H

#include "http/server/draft.h"

#define BI_PARTIAL_VALIDATOR 256

struct bi_partial {
    const char *url;                      /* it is asked for */
    char validator[BI_PARTIAL_VALIDATOR]; /* a strong entity-tag or a date; "": it cannot be told of what it is */
    uint64_t size;                        /* of what there is to go on with */
    bool is_there;                        /* something is kept under its name */
    char from_name[BI_DRAFT_NAME];
};

/* The functions return 0 or an errno. Looks what there is, of a zeroed one with its URL: `size` and `validator` say
 * what can be gone on with. EWOULDBLOCK: somebody is at it. */
int bi_partial_look(struct bi_partial *partial, struct bi_draft *draft);
/* Goes on behind what there is, or, `is_fresh`, makes it again, for what `validator` says. */
int bi_partial_begin(struct bi_partial *partial, struct bi_draft *draft, bool is_fresh);
/* It is whole, and gets its name. */
int bi_partial_keep(struct bi_partial *partial, struct bi_draft *draft);
/* It is not: it stays if it can be gone on with. Any number of times. */
void bi_partial_leave(struct bi_partial *partial, struct bi_draft *draft);

#endif
