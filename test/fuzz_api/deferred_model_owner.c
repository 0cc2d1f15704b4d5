/* SPDX-License-Identifier: MIT */
/* deferred_model_owner.c - the model's ties (D32) and timeouts (D17).
 *
 * An owner is a list of what is tied to it, in the order of tying. A sweep asks each of them once. */
#include "deferred_model_inside.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------------- ties */

static void finish_when_over(struct model_owner *owner)
{
    if (owner->ended && !owner->ending && owner->tied == 0) {
        owner->finished((struct bight_owner *)owner);
    }
}

static void append(struct model_owner *owner, struct model *model)
{
    model->next_tied = NULL;
    model->previous_tied = owner->last_tied;
    *(owner->last_tied == NULL ? &owner->first_tied : &owner->last_tied->next_tied) = model;
    owner->last_tied = model;
}

static void take_out(struct model_owner *owner, struct model *model)
{
    *(model->previous_tied == NULL ? &owner->first_tied : &model->previous_tied->next_tied) = model->next_tied;
    *(model->next_tied == NULL ? &owner->last_tied : &model->next_tied->previous_tied) = model->previous_tied;
}

static void link_tied(struct model_owner *owner, struct model *model)
{
    model->owner = owner;
    append(owner, model);
    owner->tied++;
}

static struct model_owner *unlink_tied(struct model *model)
{
    struct model_owner *owner = model->owner;
    model->owner = NULL;
    model->was_asked = false;
    take_out(owner, model);
    owner->tied--;
    return owner;
}

void model_untie(struct model *model)
{
    finish_when_over(unlink_tied(model));
}

/* Tied before the former owner is notified of it, who may end or free the new one. */
static void move_tie(struct model *model, struct model_owner *owner)
{
    struct model_owner *former = model->owner != NULL ? unlink_tied(model) : NULL;
    link_tied(owner, model);
    model->was_asked = owner->ended;
    if (former != NULL) {
        finish_when_over(former);
    }
}

static void untie_all(struct model *model)
{
    while (model->owner != NULL) {
        model_untie(model);
    }
}

static void tie_to_ended(struct model *model, struct model_owner *owner)
{
    if ((owner->ending || owner->tied > 0) && !model_is_at_rest(model)) {
        move_tie(model, owner);
    } else {
        untie_all(model);
    }
    model_cancel(model, true);
}

struct bight_deferred *model_tie(struct bight_deferred *deferred, struct bight_owner *face)
{
    struct model *model = (struct model *)deferred;
    struct model_owner *owner = (struct model_owner *)face;
    if (model->owner == owner) {
        return deferred;
    }
    deferred_of_model.hold(deferred);
    if (owner == NULL) {
        untie_all(model);
    } else if (owner->ended) {
        tie_to_ended(model, owner);
    } else {
        move_tie(model, owner);
    }
    deferred_of_model.release(deferred);
    return deferred;
}

/* ------------------------------------------------------------------------------------------ owners */

struct bight_owner *model_owner_new(void (*finished)(struct bight_owner *owner))
{
    struct model_owner *owner = calloc(1, sizeof *owner);
    if (owner == NULL) {
        abort();
    }
    owner->finished = finished;
    model_remember_owner(owner);
    return (struct bight_owner *)owner;
}

static void ask(struct model_owner *owner, struct model *model)
{
    struct bight_deferred *face = (struct bight_deferred *)model;
    take_out(owner, model);
    append(owner, model);
    model->was_asked = true;
    deferred_of_model.hold(face);
    model_cancel(model, true);
    model_settle(model);
    deferred_of_model.release(face);
}

void model_owner_sweep(struct bight_owner *face)
{
    struct model_owner *owner = (struct model_owner *)face;
    if (owner->ending) {
        return;
    }
    owner->ending = true;
    for (struct model *each = owner->first_tied; each != NULL; each = each->next_tied) {
        each->was_asked = false;
    }
    while (owner->first_tied != NULL && !owner->first_tied->was_asked) {
        ask(owner, owner->first_tied);
    }
    owner->ending = false;
    finish_when_over(owner);
}

void model_owner_end(struct bight_owner *face)
{
    struct model_owner *owner = (struct model_owner *)face;
    if (!owner->ended) {
        owner->ended = true;
        model_owner_sweep(face);
    }
}

void model_owner_free(struct bight_owner *owner)
{
    (void)owner; /* goes with the rest */
}

/* ---------------------------------------------------------------------------------------- timeouts */

struct model_timeout {
    struct bight_deferred *deferred;
    struct bight_timer timer;
    bool is_up;
    bight_handler handler;
    void *context;
    bight_release_function release;
};

static void time_is_up(void *context)
{
    struct model_timeout *timeout = context;
    timeout->is_up = true;
    deferred_of_model.cancel(timeout->deferred);
}

static void reach(struct bight_result *result, void *context)
{
    struct model_timeout *timeout = context;
    bight_timer_cancel(timeout->timer);
    if (timeout->is_up && timeout->handler != NULL) {
        timeout->handler(result, timeout->context);
        return;
    }
    const struct bight_failure *failure = bight_result_failure(result);
    if (timeout->is_up && failure != NULL && bight_failure_code(failure) == BIGHT_E_CANCELLED) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_TIMED_OUT));
    }
}

static void free_timeout(void *context)
{
    struct model_timeout *timeout = context;
    if (timeout->release != NULL) {
        timeout->release(timeout->context);
    }
    free(timeout);
}

int model_add_timeout(struct bight_deferred *deferred, double seconds, struct bight_clock *clock, bight_handler handler,
    void *context, bight_release_function release)
{
    struct model_timeout *timeout = calloc(1, sizeof *timeout);
    if (timeout == NULL) {
        abort();
    }
    *timeout = (struct model_timeout) { deferred, { NULL, 0 }, false, handler, context, release };
    (void)bight_clock_call_later(clock, seconds, time_is_up, timeout, NULL, &timeout->timer);
    return deferred_of_model.add(deferred, reach, reach, timeout, free_timeout);
}
