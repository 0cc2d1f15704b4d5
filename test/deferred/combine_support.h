/* SPDX-License-Identifier: MIT */
/* combine_support.h - what the tests of combinators share: members with both ends, and outcomes as text. */
#ifndef BIGHT_TEST_COMBINE_SUPPORT_H
#define BIGHT_TEST_COMBINE_SUPPORT_H

#include <bight/combine.h>

#include "deferred_support.h"

enum { MEMBERS = 8 };

static struct bight_deferred *members[MEMBERS];
static struct bight_promise promises[MEMBERS];
static int cancelled; /* members whose canceller was called */

static inline void count_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    (void)context;
    cancelled++;
}

/* Cancellers that fire. */
static inline void fire_nine(struct bight_promise promise, void *context)
{
    (void)context;
    fire(promise, 9);
}

static inline void fail_closed(struct bight_promise promise, void *context)
{
    (void)context;
    fire_failure(promise, CLOSED);
}

static inline void make_members(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        members[i] = bight_deferred_new(&promises[i], count_cancel, NULL);
    }
}

static inline void note_one(const struct bight_result *result);

static inline void note_results(const struct bight_results *results)
{
    note("[");
    for (size_t i = 0; i < results->count; i++) {
        note(i == 0 ? "" : " ");
        note_one(&results->items[i]);
    }
    note("]");
}

/* "[1 2 !CANCELLED -]", "1:5", "!FIRST_ERROR 1 (CANCELLED)", "c" for a counted value. */
static inline void note_one(const struct bight_result *result)
{
    char text[200];
    const struct bight_failure *failure = bight_result_failure(result);
    if (result->type == &bight_type_results) {
        note_results(result->value);
    } else if (result->type == &bight_type_indexed) {
        const struct bight_indexed *indexed = result->value;
        snprintf(text, sizeof(text), "%zu:", indexed->index);
        note(text);
        note_one(&indexed->result);
    } else if (failure != NULL) {
        snprintf(text, sizeof(text), "!%s", bight_error_name(bight_failure_code(failure)));
        note(text);
        if (bight_failure_is(failure, BIGHT_E_FIRST_ERROR) && bight_failure_cause_count(failure) == 1) {
            snprintf(text, sizeof(text), " %zu (%s)", bight_first_error_index(failure),
                bight_error_name(bight_failure_code(bight_failure_cause(failure, 0))));
            note(text);
        }
    } else {
        snprintf(text, sizeof(text), "%d", (int)bight_integer_value(result->value));
        note(result->type == NULL ? "-" : result->type == &counted ? "c" : text);
    }
}

/* A handler that notes the outcome and a space, and clears it. */
static inline void outcome(struct bight_result *result, void *context)
{
    (void)context;
    note_one(result);
    note(" ");
    bight_result_clear(result);
}

/* Notes what results from it and releases it. */
static inline void watch(struct bight_deferred *deferred)
{
    ck_assert_int_eq(bight_deferred_add_both(deferred, outcome, NULL), BIGHT_OK);
    bight_deferred_release(deferred);
}

static inline struct bight_deferred *value(int number)
{
    return bight_succeed(&bight_type_integer, bight_integer(number));
}

static inline int fire_counted(struct bight_promise promise)
{
    static int something;
    return bight_callback(promise, &counted, &something);
}

#endif
