/* SPDX-License-Identifier: MIT */
/* result.c - the slot in which a result travels, and the built-in types.
 *
 * What chains a result to another Deferred is in lib/deferred; here a slot is just a type and a value with
 * one owner. The one idea: a slot gets its new content before the old one is destroyed, so that a destroy
 * function which comes back to the slot finds it whole (D31). */
#include <bight/result.h>

#include <bight/memory.h>

#include "base/check.h"

static void destroy_failure(void *value)
{
    bight_failure_release(value);
}

const struct bight_type bight_type_failure = { .name = "failure", .destroy = destroy_failure };
const struct bight_type bight_type_integer = { .name = "integer" };
const struct bight_type bight_type_text = { .name = "text", .destroy = bight_free };
const struct bight_type bight_type_pointer = { .name = "pointer" };

/* Puts a value in the slot and returns what was there, which the caller releases. */
static struct bight_result exchange(struct bight_result *result, const struct bight_type *type, void *value)
{
    struct bight_result old = *result;
    result->type = type;
    result->value = value;
    return old;
}

static void destroy(struct bight_result old)
{
    if (old.type != NULL && old.type->destroy != NULL && old.value != NULL) {
        old.type->destroy(old.value);
    }
}

void *bight_result_take(struct bight_result *result, const struct bight_type *type)
{
    if (result->type != type) {
        bi_usage_error(BIGHT_E_WRONG_TYPE, BIGHT_HERE, "bight_result_take: the result is not of the type %s",
            type == NULL ? "none" : type->name);
        return NULL;
    }
    return exchange(result, NULL, NULL).value;
}

struct bight_failure *bight_result_take_failure(struct bight_result *result)
{
    if (result->type != &bight_type_failure) {
        return NULL;
    }
    return exchange(result, NULL, NULL).value;
}

void bight_result_set(struct bight_result *result, const struct bight_type *type, void *value)
{
    destroy(exchange(result, type, value));
}

void bight_result_clear(struct bight_result *result)
{
    destroy(exchange(result, NULL, NULL));
}

void bight_result_discard(struct bight_result *result)
{
    struct bight_result old = exchange(result, NULL, NULL);
    if (old.type == NULL || old.type->discard == NULL) {
        destroy(old);
    } else if (old.value != NULL) {
        old.type->discard(old.value);
    }
}

void bight_result_fail(struct bight_result *result, struct bight_failure *failure)
{
    if (failure == NULL) {
        failure = bight_failure_of(
            bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_result_fail: there is no failure"));
    }
    if (bight_result_failure(result) == failure) {
        return;
    }
    destroy(exchange(result, &bight_type_failure, failure));
}

void bight_result_move(struct bight_result *to, struct bight_result *from)
{
    if (to == from) {
        return;
    }
    struct bight_result moved = exchange(from, NULL, NULL);
    destroy(exchange(to, moved.type, moved.value));
}
