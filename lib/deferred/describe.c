/* SPDX-License-Identifier: MIT */
/* describe.c - Deferreds in a dump: their names, and lists of those that are tied to something. */
#include "deferred/describe.h"

#include <stdio.h>

#include "base/places.h"
#include "base/text.h"
#include "deferred/deferred.h"

void bight_dump_name(const struct bight_deferred *deferred, char name[BIGHT_DUMP_NAME_SIZE])
{
    struct bight_place place;
    if (bight_places_look_up(deferred, deferred->generation, &place)) {
        snprintf(name, BIGHT_DUMP_NAME_SIZE, "#%llu", (unsigned long long)place.number);
    } else {
        snprintf(name, BIGHT_DUMP_NAME_SIZE, "%p", (const void *)deferred);
    }
}

const char *bight_dump_ties(
    struct bight_dump *dump, const char *name, const struct bight_owner *owner, char list[BIGHT_DUMP_LIST_SIZE])
{
    struct bight_text text = { list, BIGHT_DUMP_LIST_SIZE, 0 };
    const struct bight_deferred *tied = owner == NULL ? NULL : owner->first_tied;
    bight_text_append_string(&text, tied == NULL ? "" : "\ntied to it:");
    for (; tied != NULL; tied = tied->next_tied) {
        char other[BIGHT_DUMP_NAME_SIZE];
        bight_dump_name(tied, other);
        bight_dump_edge(dump, name, other, "ties");
        bight_text_append_string(&text, " ");
        bight_text_append_string(&text, other);
    }
    (void)bight_text_end(&text);
    return list;
}
