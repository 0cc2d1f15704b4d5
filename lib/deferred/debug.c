/* SPDX-License-Identifier: MIT */
/* debug.c - the reports of unhandled failures (D18) and of promises fired twice (D4), in debug mode with places (D19).
 *
 * A failure is reported when the last holder releases it, and so never when one forgets to. Debug mode looks for such
 * when a thread's last reactor has gone, for a Deferred knows of its thread and of no reactor: while there is another,
 * that may still handle it. Reports are made on the stack: they allocate nothing. */
#include "deferred/deferred.h"

#include <stdio.h>
#include <string.h>

#include <bight/log.h>

#include "base/places.h"
#include "base/slab.h"

void bight_deferred_set_debug(bool on)
{
    __atomic_store_n(&bi_debug_mode, on ? BI_DEBUG_ON : BI_DEBUG_OFF, __ATOMIC_RELAXED);
}

bool bight_deferred_get_debug(void)
{
    return bi_debug_mode_is_on();
}

/* " (made at a.c:1, fired at b.c:2)", or nothing outside debug mode. */
static void write_places(const struct bight_deferred *deferred, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (deferred == NULL || (deferred->flags & BI_DEFERRED_HAS_PLACES) == 0) {
        return;
    }
    const char *fired_at = deferred->fired_at != NULL ? deferred->fired_at : "nowhere";
    snprintf(buffer, size, " (made at %s, fired at %s)", deferred->made_at, fired_at);
}

/* Only a reactor that ends, or a queue that is shut down, returns SHUTDOWN. What a combinator makes of such failures is
 * no more news than they are. */
bool bi_failure_is_news(const struct bight_failure *failure, bool by_owner)
{
    int kind = by_owner ? BIGHT_E_CANCELLED : BIGHT_E_SHUTDOWN;
    while (bight_failure_code(failure) == BIGHT_E_FIRST_ERROR && bight_failure_cause_count(failure) > 0) {
        failure = bight_failure_cause(failure, 0);
    }
    size_t count = bight_failure_code(failure) == BIGHT_E_ALL_FAILED ? bight_failure_cause_count(failure) : 0;
    for (size_t i = 0; i < count; i++) {
        if (!bight_failure_is(bight_failure_root(bight_failure_cause(failure, i)), kind)) {
            return true;
        }
    }
    return count == 0 && !bight_failure_is(failure, kind);
}

void bi_deferred_report(const struct bight_deferred *deferred)
{
    const struct bight_failure *failure = deferred->result.value;
    if (!bi_failure_is_news(failure, (deferred->flags & BI_DEFERRED_OWNER_ENDED) != 0)) {
        return;
    }
    char places[300];
    write_places(deferred, places, sizeof(places));
    bight_log_at(NULL, BIGHT_LOG_CRITICAL, "deferred", failure, "unhandled failure in a Deferred%s", places);
}

int bi_deferred_refuse(int code, const char *place, const struct bight_deferred *deferred)
{
    char places[300];
    write_places(deferred, places, sizeof(places));
    return bi_usage_error(code, place, "firing a promise%s: %s", places, bight_error_text(code));
}

/* ------------------------------------------------------------------------- failures that are still held */

#define MAX_NAMED 16

struct held {
    struct bi_place oldest[MAX_NAMED];
    size_t count; /* of all */
};

/* The same failures as bi_deferred_collect would report if it was released. */
static bool is_unhandled(const struct bight_deferred *deferred)
{
    const uint32_t busy =
        BI_DEFERRED_RUNNING | BI_DEFERRED_WAITING | BI_DEFERRED_FORWARDING | BI_DEFERRED_WAITED | BI_DEFERRED_NAMED;
    return (deferred->flags & (BI_DEFERRED_FIRED | busy)) == BI_DEFERRED_FIRED && deferred->next == deferred->count &&
           deferred->result.type == &bight_type_failure &&
           bi_failure_is_news(deferred->result.value, (deferred->flags & BI_DEFERRED_OWNER_ENDED) != 0);
}

static void find_held(const struct bi_place *place, void *context)
{
    struct held *held = context;
    if (!place->is_slot || strcmp(place->kind, "Deferred") != 0 || !is_unhandled(place->object)) {
        return;
    }
    size_t i = held->count < MAX_NAMED ? held->count : MAX_NAMED;
    held->count++;
    for (; i > 0 && held->oldest[i - 1].number > place->number; i--) {
        if (i < MAX_NAMED) {
            held->oldest[i] = held->oldest[i - 1];
        }
    }
    if (i < MAX_NAMED) {
        held->oldest[i] = *place;
    }
}

void bi_deferred_name_held(void)
{
    struct held held = { .count = 0 };
    char places[300];
    bi_places_visit(find_held, &held);
    for (size_t i = 0; i < held.count && i < MAX_NAMED; i++) {
        struct bight_deferred *deferred = (struct bight_deferred *)(uintptr_t)held.oldest[i].object;
        if (!bi_slot_is_current(deferred, held.oldest[i].generation) || !is_unhandled(deferred)) {
            continue;
        }
        deferred->flags |= BI_DEFERRED_NAMED;
        write_places(deferred, places, sizeof(places));
        bight_log_at(NULL, BIGHT_LOG_WARNING, "deferred", deferred->result.value,
            "the reactor has gone, and an unhandled failure is still in a Deferred that somebody holds%s", places);
    }
    if (held.count > MAX_NAMED) {
        bight_log_at(NULL, BIGHT_LOG_WARNING, "deferred", NULL, "and %zu more", held.count - MAX_NAMED);
    }
}
