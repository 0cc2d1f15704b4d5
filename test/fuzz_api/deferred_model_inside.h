/* SPDX-License-Identifier: MIT */
/* deferred_model_inside.h - the model's Deferred, for the model's own files. */
#ifndef BIGHT_TEST_FUZZ_API_DEFERRED_MODEL_INSIDE_H
#define BIGHT_TEST_FUZZ_API_DEFERRED_MODEL_INSIDE_H

#include "deferred_model.h"

struct model_level {
    bight_handler callback, errback;
    void *context;
    bight_release_function release;
    bool forwards; /* D9: `promise` is fired instead */
    struct bight_promise promise;
    struct model_group *group; /* which hears the result as that of the member at `index` */
    size_t index;
};

struct model {
    uint64_t generation;
    unsigned holds, pauses;
    bool has_fired, is_running, is_cancelling, is_cancelled, is_freed;
    bool is_set_aside;  /* some run goes on with it later */
    bool is_kept;       /* it has fired, and is about to be run */
    bool is_forwarding; /* the handlers of what its promise fired are running (D9) */
    bool owner_ended;  /* D18: a CANCELLED in it comes from an owner's end */
    struct bight_result result;
    bight_canceller canceller;
    void *canceller_context;
    bight_release_function canceller_release;
    struct model *waiting_on, *first_waiter, *next_waiter;
    unsigned wait_index;       /* how many levels of waiting_on run before */
    struct model_group *group; /* that fires it */
    struct model_owner *owner;
    struct model *previous_tied, *next_tied;
    bool was_asked;
    struct model *next_made;
    unsigned next, count, capacity;
    struct model_level *levels; /* those that have run stay */
};

struct model_owner {
    struct model *first_tied, *last_tied;
    size_t tied;
    bool ended, ending;
    void (*finished)(struct bight_owner *owner);
    struct model_owner *next_made;
};

struct model *model_new(void);
void model_accept(struct model *model, const struct bight_type *type, void *value);
void model_add_level(struct model *model, struct model_level level);
void model_release(struct model *model);
void model_report(const struct bight_failure *failure);
bool model_is_at_rest(const struct model *model);
void model_run(struct model *model);
void model_settle(struct model *model);
void model_cancel(struct model *model, bool for_owner);
void model_untie(struct model *model);
void model_remember_owner(struct model_owner *owner);

/* deferred_model_group.c */
struct model *model_hear(struct model *from, const struct model_level *level);
void model_cancel_group(struct model_group *group);
struct bight_deferred *model_combine(enum combination how, struct bight_deferred *const *members, size_t count);
void model_end_groups(void);

struct bight_deferred *model_tie(struct bight_deferred *deferred, struct bight_owner *owner);
struct bight_owner *model_owner_new(void (*finished)(struct bight_owner *owner));
void model_owner_end(struct bight_owner *owner);
void model_owner_sweep(struct bight_owner *owner);
void model_owner_free(struct bight_owner *owner);
int model_add_timeout(struct bight_deferred *deferred, double seconds, struct bight_clock *clock, bight_handler handler,
    void *context, bight_release_function release);

#endif
