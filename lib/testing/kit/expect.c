/* SPDX-License-Identifier: MIT */
/* expect.c - what a test expects of a Deferred, and how it is told what is wrong.
 *
 * Telling is the test framework's: a function that is set, once a process. It may never return, so whatever is said
 * here is said last, with nothing held. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing/kit/trial.h"

#define MESSAGE_SIZE 6000

static struct {
    bight_trial_failure_function function;
    void *context;
} listener;

void bight_trial_set_failure(bight_trial_failure_function function, void *context)
{
    listener.function = function;
    listener.context = context;
}

void bi_trial_write(struct bi_trial_text *to, const char *format, ...)
{
    va_list arguments;
    size_t room = to->length < to->size ? to->size - to->length : 0;
    va_start(arguments, format);
    int length = vsnprintf(room == 0 ? NULL : to->text + to->length, room, format, arguments);
    va_end(arguments);
    to->length += length < 0 ? 0 : (size_t)length;
}

bool bi_trial_fail(const char *place, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (listener.function != NULL) {
        listener.function(place, message, listener.context);
        return false;
    }
    (void)fprintf(stderr, "%s: %s\n", place, message);
    abort();
}

static const char *type_name(const struct bight_type *type)
{
    return type == NULL ? "nothing" : type->name;
}

static struct bight_result *result_of(const char *place, struct bight_deferred *deferred, const char *expected)
{
    struct bight_result *result = bight_deferred_result(deferred);
    if (result == NULL) {
        (void)bi_trial_fail(place, "expected %s, but the Deferred has no result yet", expected);
    }
    return result;
}

void *bight_expect_value_at(const char *place, struct bight_deferred *deferred, const struct bight_type *type)
{
    struct bight_result *result = result_of(place, deferred, type_name(type));
    if (result == NULL) {
        return NULL;
    }
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        char text[500];
        (void)bight_failure_format(failure, text, sizeof text);
        (void)bi_trial_fail(place, "expected %s, but the Deferred has failed: %s", type_name(type), text);
        return NULL;
    }
    if (result->type != type) {
        (void)bi_trial_fail(place, "expected %s, found %s", type_name(type), type_name(result->type));
        return NULL;
    }
    return type == NULL ? NULL : bight_result_take(result, type);
}

struct bight_failure *bight_expect_failure_at(const char *place, struct bight_deferred *deferred, int kind)
{
    struct bight_result *result = result_of(place, deferred, bight_error_name(kind));
    if (result == NULL) {
        return NULL;
    }
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure == NULL) {
        (void)bi_trial_fail(place, "expected %s, found %s", bight_error_name(kind), type_name(result->type));
        return NULL;
    }
    if (!bight_failure_is(failure, kind)) {
        char text[500];
        (void)bight_failure_format(failure, text, sizeof text);
        (void)bi_trial_fail(place, "expected %s, found another failure: %s", bight_error_name(kind), text);
        return NULL;
    }
    return bight_result_take_failure(result);
}

bool bight_expect_no_result_at(const char *place, struct bight_deferred *deferred)
{
    const struct bight_result *result = bight_deferred_result(deferred);
    if (result == NULL) {
        return true;
    }
    return bi_trial_fail(place, "expected no result, found %s", type_name(result->type));
}
