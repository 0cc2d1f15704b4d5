/* SPDX-License-Identifier: MIT */
/* holding.c - doing something while a permit is held: bight_lock_run and its like (D28).
 *
 * The Deferred of the acquisition gets two levels: the first takes the token out of the chain and calls the function,
 * the second runs whatever became of that and discards the token, which returns the permit if it is still held. Who
 * gets a permit, and when, is permits.c's. */
#include <bight/memory.h>

#include "base/check.h"
#include "sync/permits.h"

struct holding {
    const struct bight_type *type;
    void *token;
    bight_holding_function function;
    void *context;
    bight_release_function release;
};

static void begin(struct bight_result *result, void *context)
{
    struct holding *holding = context;
    holding->token = bight_result_take(result, holding->type);
    struct bight_deferred *work = holding->function(holding->context);
    if (work != NULL) {
        bight_result_chain(result, work);
    }
}

static void end(struct bight_result *result, void *context)
{
    struct holding *holding = context;
    void *token = holding->token;
    (void)result;
    if (token != NULL) {
        holding->token = NULL;
        bi_token_discard(token);
    }
}

static void free_holding(void *context)
{
    struct holding *holding = context;
    if (holding->release != NULL) {
        holding->release(holding->context);
    }
    bight_free(holding);
}

static struct bight_deferred *refuse(const char *place, int code, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return bi_refuse_wait(place, code);
}

/* A new Deferred has room for two levels, so adding them cannot fail. */
struct bight_deferred *bi_permits_run(const char *place, struct bi_permits *permits, bi_acquire_function acquire,
    bight_holding_function function, void *context, bight_release_function release)
{
    if (function == NULL) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "running while it is held: there is no function");
        return refuse(place, code, context, release);
    }
    struct holding *holding = bight_malloc(sizeof(*holding));
    if (holding == NULL) {
        return refuse(place, BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    *holding = (struct holding) { permits->type, NULL, function, context, release };
    struct bight_deferred *deferred = acquire(place, permits);
    bight_deferred_add_callback(deferred, begin, holding);
    bight_deferred_add_both_full(deferred, end, holding, free_holding);
    return deferred;
}
