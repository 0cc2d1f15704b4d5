/* SPDX-License-Identifier: MIT */
/* deferred_model.c - a Deferred as simple as can be: what statements D1 to D18 and D31 to D33 say, and no more.
 *
 * Nothing is freed before the program's end, levels that have run stay where they are, and a result that goes on to
 * another Deferred is followed by recursion. Owners are in deferred_model_owner.c. */
#include "deferred_model_inside.h"

#include <stdlib.h>

static struct model *all_models;
static struct model_owner *all_owners;
static void (*report_failure)(const struct bight_failure *failure);

static struct bight_deferred *face_of(struct model *model)
{
    return (struct bight_deferred *)model;
}

static bool is_blocked(const struct model *model)
{
    return model->is_running || model->is_forwarding || model->pauses > 0 || model->waiting_on != NULL;
}

bool model_is_at_rest(const struct model *model)
{
    return model->has_fired && !is_blocked(model) && model->first_waiter == NULL && model->next == model->count;
}

struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        abort();
    }
    model->generation = 1;
    model->holds = 1;
    model->result.deferred = face_of(model);
    model->next_made = all_models;
    all_models = model;
    return model;
}

/* ----------------------------------------------------------------------------- its end (D18, D31) */

void model_report(const struct bight_failure *failure)
{
    report_failure(failure);
}

/* D18: an owner's end cancelled it, or each of which it is made. */
static bool is_of_owner(const struct model *model, const struct bight_failure *failure)
{
    size_t count = bight_failure_cause_count(failure);
    bool all = model->owner_ended && (count > 0 || bight_failure_is(failure, BIGHT_E_CANCELLED));
    for (size_t i = 0; i < count && all; i++) {
        all = is_of_owner(model, bight_failure_cause(failure, i));
    }
    return all;
}

static void free_model(struct model *model)
{
    const struct bight_failure *failure = bight_result_failure(&model->result);
    model->is_running = true;
    if (failure != NULL && !is_of_owner(model, failure)) {
        report_failure(failure);
    }
    bight_result_clear(&model->result);
    if (model->owner != NULL) {
        model_untie(model);
    }
    model->is_freed = true;
}

void model_settle(struct model *model)
{
    if (!model_is_at_rest(model) || model->is_set_aside || model->is_kept || model->is_freed) {
        return;
    }
    if (model->holds == 0) {
        free_model(model);
    } else if (model->owner != NULL && model->owner->ended) {
        model_untie(model);
    }
}

/* ---------------------------------------------------------------------- running (D1, D2, D5, D9, D10) */

static void take_result(struct model *to, struct model *from)
{
    if (to->result.type != NULL) {
        bight_result_clear(&to->result);
    }
    to->owner_ended = to->owner_ended || from->owner_ended;
    to->result.type = from->result.type;
    to->result.value = from->result.value;
    from->result.type = NULL;
    from->result.value = NULL;
}

static struct model *hand_over(struct model *from)
{
    struct model *to = from->first_waiter;
    from->first_waiter = to->next_waiter;
    take_result(to, from);
    to->waiting_on = NULL;
    from->holds -= from->holds > 0;
    return to->is_running ? NULL : to;
}

static int check_promise(struct bight_promise promise)
{
    const struct model *model = (const struct model *)promise.slot;
    if (model == NULL || model->is_freed) {
        return BIGHT_E_STALE;
    }
    if (!model->has_fired) {
        return 0;
    }
    return model->is_cancelled ? BIGHT_E_CANCELLED : BIGHT_E_ALREADY_CALLED;
}

void model_accept(struct model *model, const struct bight_type *type, void *value)
{
    model->has_fired = true;
    model->result.type = type;
    model->result.value = value;
    if (model->canceller_release != NULL) {
        bight_release_function release = model->canceller_release;
        model->canceller_release = NULL;
        model->is_running = true;
        release(model->canceller_context);
        model->is_running = false;
    }
}

static struct model *forward(struct model *from, struct bight_promise promise)
{
    struct model *to = (struct model *)promise.slot;
    if (check_promise(promise) != 0) {
        if (bight_result_failure(&from->result) == NULL) {
            bight_result_discard(&from->result);
        }
        return NULL;
    }
    struct bight_result result = { from->result.type, from->result.value, NULL };
    from->result.type = NULL;
    from->result.value = NULL;
    to->owner_ended = to->owner_ended || from->owner_ended;
    model_accept(to, result.type, result.value);
    from->is_forwarding = true;
    return to;
}

/* Runs levels until nothing is left to do here; gives the Deferred that the result went on to. */
static struct model *run_levels(struct model *model)
{
    struct model *other = NULL;
    model->is_running = true;
    while (other == NULL && model->pauses == 0 && model->waiting_on == NULL) {
        if (model->first_waiter != NULL && model->first_waiter->wait_index == model->next) {
            other = hand_over(model);
            continue;
        }
        if (model->next == model->count) {
            break;
        }
        struct model_level level = model->levels[model->next++];
        if (level.forwards) {
            other = forward(model, level.promise);
            continue;
        }
        if (level.group != NULL) {
            other = model_hear(model, &level);
            continue;
        }
        bight_handler handler = bight_result_failure(&model->result) != NULL ? level.errback : level.callback;
        if (handler != NULL) {
            handler(&model->result, level.context);
        }
        if (level.release != NULL) {
            level.release(level.context);
        }
    }
    model->is_running = false;
    return other;
}

/* Whatever runs it does all there is to do, also when another run has set it aside: that finds nothing left. */
void model_run(struct model *model)
{
    while (!is_blocked(model)) {
        model->is_set_aside = false;
        struct model *other = run_levels(model);
        if (other == NULL) {
            break;
        }
        if (model->next == model->count && model->first_waiter == NULL && !model->is_forwarding) {
            bool was_kept = other->is_kept;
            other->is_kept = true; /* what sees this one go may not take the other along */
            model_settle(model);
            other->is_kept = was_kept;
            model_run(other);
            return;
        }
        model->is_set_aside = true;
        model_run(other);
        model->is_set_aside = model->is_forwarding = false;
    }
    model_settle(model);
}

/* -------------------------------------------------------------------------------- the two ends */

static struct bight_deferred *make(
    struct bight_promise *promise, bight_canceller canceller, void *context, bight_release_function release)
{
    struct model *model = model_new();
    model->canceller = canceller;
    model->canceller_context = context;
    model->canceller_release = release;
    *promise = (struct bight_promise) { face_of(model), model->generation };
    return face_of(model);
}

static struct bight_deferred *succeed(const struct bight_type *type, void *value)
{
    struct model *model = model_new();
    model_accept(model, type, value);
    return face_of(model);
}

static struct bight_deferred *fail(struct bight_failure *failure)
{
    return succeed(&bight_type_failure, failure);
}

static int fire(struct bight_promise promise, const struct bight_type *type, void *value)
{
    int code = check_promise(promise);
    if (code != 0) {
        struct bight_result result = { type, value, NULL };
        bight_result_discard(&result);
        return code;
    }
    model_accept((struct model *)promise.slot, type, value);
    model_run((struct model *)promise.slot);
    return 0;
}

static int errback(struct bight_promise promise, struct bight_failure *failure)
{
    return fire(promise, &bight_type_failure, failure);
}

static int abandon(struct bight_promise promise)
{
    int code = check_promise(promise);
    return code != 0 ? code : errback(promise, bight_failure_of(BIGHT_E_ABANDONED));
}

static bool is_open(struct bight_promise promise)
{
    return check_promise(promise) == 0;
}

void model_add_level(struct model *model, struct model_level level)
{
    if (model->count == model->capacity) {
        model->capacity = 2 * model->capacity + 4;
        model->levels = realloc(model->levels, model->capacity * sizeof level);
    }
    if (model->levels == NULL) {
        abort();
    }
    model->levels[model->count++] = level;
    if (model->has_fired) {
        model_run(model);
    }
}

static int add(struct bight_deferred *deferred, bight_handler callback, bight_handler on_failure, void *context,
    bight_release_function release)
{
    model_add_level((struct model *)deferred,
        (struct model_level) { .callback = callback, .errback = on_failure, .context = context, .release = release });
    return 0;
}

static int chain(struct bight_deferred *deferred, struct bight_promise promise)
{
    model_add_level((struct model *)deferred, (struct model_level) { .forwards = true, .promise = promise });
    return 0;
}

static void pause_model(struct bight_deferred *deferred)
{
    ((struct model *)deferred)->pauses++;
}

static void unpause(struct bight_deferred *deferred)
{
    struct model *model = (struct model *)deferred;
    if (--model->pauses == 0 && model->has_fired) {
        model_run(model);
    }
}

static struct bight_deferred *hold(struct bight_deferred *deferred)
{
    ((struct model *)deferred)->holds++;
    return deferred;
}

void model_release(struct model *model)
{
    if (--model->holds > 0) {
        return;
    }
    if (model->pauses == 0) {
        model_settle(model);
        return;
    }
    model->pauses = 0;
    if (model->has_fired) {
        model_run(model);
    }
}

static void release(struct bight_deferred *deferred)
{
    model_release((struct model *)deferred);
}

static bool has_fired(const struct bight_deferred *deferred)
{
    return ((const struct model *)deferred)->has_fired;
}

static struct bight_result *result(struct bight_deferred *deferred)
{
    struct model *model = (struct model *)deferred;
    return model_is_at_rest(model) ? &model->result : NULL;
}

/* ------------------------------------------------------------------------- cancelling (D13 to D16) */

static struct model *find_target(struct model *model)
{
    while (model->waiting_on != NULL) {
        model = model->waiting_on;
    }
    return model->has_fired || model->is_cancelling ? NULL : model;
}

void model_cancel(struct model *model, bool for_owner)
{
    struct model *target = find_target(model);
    if (target == NULL) {
        return;
    }
    model->owner_ended = model->owner_ended || for_owner;
    target->holds++;
    target->is_cancelling = true;
    if (target->group != NULL) {
        model_cancel_group(target->group);
    }
    bool asks = target->canceller != NULL;
    if (asks) {
        bight_release_function release_context = target->canceller_release;
        target->canceller_release = NULL;
        target->canceller((struct bight_promise) { face_of(target), target->generation }, target->canceller_context);
        if (release_context != NULL) {
            release_context(target->canceller_context);
        }
    }
    if (!target->has_fired) {
        target->is_cancelled = !asks && target->group == NULL;
        model_accept(target, &bight_type_failure, bight_failure_of(BIGHT_E_CANCELLED));
        model_run(target);
    }
    release(face_of(target));
}

static void cancel(struct bight_deferred *deferred)
{
    model_cancel((struct model *)deferred, false);
}

/* ------------------------------------------------------------------------- chaining (D5 to D8) */

static bool waits_for(const struct model *inner, const struct model *outer)
{
    while (inner != NULL && inner != outer) {
        inner = inner->waiting_on;
    }
    return inner == outer;
}

static void wait_for(struct model *outer, struct model *inner)
{
    struct model **last = &inner->first_waiter;
    while (*last != NULL) {
        last = &(*last)->next_waiter;
    }
    *last = outer;
    outer->next_waiter = NULL;
    outer->waiting_on = inner;
    outer->wait_index = inner->count;
}

static void result_chain(struct bight_result *slot, struct bight_deferred *deferred)
{
    struct model *outer = (struct model *)slot->deferred;
    struct model *inner = (struct model *)deferred;
    if (outer->waiting_on != NULL) {
        bight_result_fail(slot, bight_failure_of(BIGHT_E_USAGE));
        cancel(deferred);
        release(deferred);
        return;
    }
    bight_result_clear(slot);
    if (waits_for(inner, outer)) {
        bight_result_fail(slot, bight_failure_of(BIGHT_E_CIRCULAR));
        release(deferred);
    } else if (model_is_at_rest(inner)) {
        take_result(outer, inner);
        release(deferred);
    } else {
        wait_for(outer, inner);
    }
}

/* ------------------------------------------------------------------------------------ the table */

void deferred_model_begin(void (*report)(const struct bight_failure *failure))
{
    report_failure = report;
}

void model_remember_owner(struct model_owner *owner)
{
    owner->next_made = all_owners;
    all_owners = owner;
}

void deferred_model_end(void)
{
    while (all_models != NULL) {
        struct model *next = all_models->next_made;
        free(all_models->levels);
        free(all_models);
        all_models = next;
    }
    model_end_groups();
    while (all_owners != NULL) {
        struct model_owner *next = all_owners->next_made;
        free(all_owners);
        all_owners = next;
    }
}

const struct deferred_api deferred_of_model = {
    .make = make,
    .succeed = succeed,
    .fail = fail,
    .callback = fire,
    .errback = errback,
    .abandon = abandon,
    .is_open = is_open,
    .add = add,
    .chain = chain,
    .cancel = cancel,
    .add_timeout = model_add_timeout,
    .pause = pause_model,
    .unpause = unpause,
    .hold = hold,
    .release = release,
    .tie = model_tie,
    .has_fired = has_fired,
    .result = result,
    .result_chain = result_chain,
    .combine = model_combine,
    .owner_new = model_owner_new,
    .owner_end = model_owner_end,
    .owner_sweep = model_owner_sweep,
    .owner_free = model_owner_free,
};
