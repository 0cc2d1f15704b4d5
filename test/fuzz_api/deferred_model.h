/* SPDX-License-Identifier: MIT */
/* deferred_model.h - the functions of Deferreds as a table, with two bodies: bight's, and a simple model of it.
 *
 * The same driver plays a program on both, and what it sees must be the same to the letter. Results, values and
 * failures are those of lib/base in both; the model's Deferreds and owners are its own, behind the same opaque
 * pointers. */
#ifndef BIGHT_TEST_FUZZ_API_DEFERRED_MODEL_H
#define BIGHT_TEST_FUZZ_API_DEFERRED_MODEL_H

#include <bight/combine.h>

/* What makes one Deferred of several. */
enum combination {
    COMBINE_LIST,
    COMBINE_ONE_CALLBACK,
    COMBINE_ONE_ERRBACK,
    COMBINE_EITHER_CONSUMING, /* one callback or one errback, errors consumed */
    COMBINE_GATHER,
    COMBINE_RACE,
    COMBINE_WHEN_FIRST,
    COMBINE_WHEN_ALL,
    COMBINE_SHIELD, /* of the first member; the only one */
    COMBINATIONS
};

struct deferred_api {
    struct bight_deferred *(*make)(
        struct bight_promise *promise, bight_canceller canceller, void *context, bight_release_function release);
    struct bight_deferred *(*succeed)(const struct bight_type *type, void *value);
    struct bight_deferred *(*fail)(struct bight_failure *failure);
    int (*callback)(struct bight_promise promise, const struct bight_type *type, void *value);
    int (*errback)(struct bight_promise promise, struct bight_failure *failure);
    int (*abandon)(struct bight_promise promise);
    bool (*is_open)(struct bight_promise promise);
    int (*add)(struct bight_deferred *deferred, bight_handler callback, bight_handler errback, void *context,
        bight_release_function release);
    int (*chain)(struct bight_deferred *deferred, struct bight_promise promise);
    void (*cancel)(struct bight_deferred *deferred);
    int (*add_timeout)(struct bight_deferred *deferred, double seconds, struct bight_clock *clock,
        bight_handler handler, void *context, bight_release_function release);
    void (*pause)(struct bight_deferred *deferred);
    void (*unpause)(struct bight_deferred *deferred);
    struct bight_deferred *(*hold)(struct bight_deferred *deferred);
    void (*release)(struct bight_deferred *deferred);
    struct bight_deferred *(*tie)(struct bight_deferred *deferred, struct bight_owner *owner);
    bool (*has_fired)(const struct bight_deferred *deferred);
    struct bight_result *(*result)(struct bight_deferred *deferred);
    void (*result_chain)(struct bight_result *result, struct bight_deferred *inner);
    struct bight_deferred *(*combine)(enum combination how, struct bight_deferred *const *members, size_t count);
    struct bight_owner *(*owner_new)(void (*finished)(struct bight_owner *owner));
    void (*owner_end)(struct bight_owner *owner);
    void (*owner_sweep)(struct bight_owner *owner);
    void (*owner_free)(struct bight_owner *owner);
};

extern const struct deferred_api deferred_of_bight, deferred_of_model;

/* The model starts again; `report` is notified of failures that nobody handled, as bight's log does. */
void deferred_model_begin(void (*report)(const struct bight_failure *failure));
void deferred_model_end(void);

#endif
