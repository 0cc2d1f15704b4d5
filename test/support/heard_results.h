/* SPDX-License-Identifier: MIT */
/* heard_results.h - results of Deferreds, written down where a test writes what it hears. */
#ifndef BIGHT_TEST_HEARD_RESULTS_H
#define BIGHT_TEST_HEARD_RESULTS_H

#include <bight/bytes.h>
#include <bight/deferred.h>
#include <bight/log.h>

#include "heard.h"

/* A code's name (the failure is released), a number, 'bytes' escaped, [size] for long ones, - for what is none of
 * these; behind a name. */
__attribute__((unused)) static void note_result(struct bight_result *result, void *name)
{
    struct bight_failure *failure = bight_result_failure(result);
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    const char *label = name == NULL ? "" : name;
    if (bytes != NULL) { /* none that is noted is lent */
        ck_assert_int_eq(bight_bytes_data(bytes)[bight_bytes_size(bytes)], '\0');
    }
    if (failure != NULL) {
        hear("%s%s", label, bight_error_name(bight_failure_code(failure)));
        bight_result_clear(result);
    } else if (result->type == &bight_type_integer) {
        hear("%s%ld", label, (long)bight_integer_value(result->value));
    } else if (bytes == NULL) {
        hear("%s-", label);
    } else if (bight_bytes_size(bytes) > 40) {
        hear("%s[%zu]", label, bight_bytes_size(bytes));
    } else {
        char text[256];
        bight_escape(bight_bytes_data(bytes), bight_bytes_size(bytes), text, sizeof text);
        hear("%s'%s'", label, text);
    }
}

/* Takes the Deferred. */
__attribute__((unused)) static void note_named(struct bight_deferred *deferred, const char *name)
{
    bight_deferred_add_both(deferred, note_result, (void *)(uintptr_t)name);
    bight_deferred_release(deferred);
}

__attribute__((unused)) static void note(struct bight_deferred *deferred)
{
    note_named(deferred, NULL);
}

#endif
