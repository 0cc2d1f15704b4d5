/* SPDX-License-Identifier: MIT */
/* owner.h - an owner of Deferreds: what a connection or a scope embeds so that Deferreds can be tied to it (D32).
 *
 * When the owner ends, every tied Deferred is cancelled; `finished` is called once, when the owner has ended and the
 * last tied Deferred has finished (at rest, or freed), so that the owner's memory can go. */
#ifndef BI_DEFERRED_OWNER_H
#define BI_DEFERRED_OWNER_H

#include <bight/deferred.h>

struct bight_owner {
    struct bight_deferred *first_tied; /* intrusive list, newest last */
    struct bight_deferred *last_tied;
    size_t tied;
    bool ended;
    bool ending; /* inside bi_owner_end */
    void (*finished)(struct bight_owner *owner);
    /* In debug mode, before what is tied to an ended owner is cancelled; changes nothing. NULL: not called. */
    void (*refused)(struct bight_owner *owner, const struct bight_deferred *deferred);
};

void bi_owner_init(struct bight_owner *owner, void (*finished)(struct bight_owner *owner));

/* Cancels all that is tied; allocates nothing. `finished` may run inside. A second call does nothing. */
void bi_owner_end(struct bight_owner *owner);

/* Cancels once more what is still tied to an owner that has ended: what was cancelled may have gone on to wait for
 * something else. As above. */
void bi_owner_sweep(struct bight_owner *owner);

#endif
