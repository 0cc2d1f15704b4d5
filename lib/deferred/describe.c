/* SPDX-License-Identifier: MIT */
/* describe.c - Deferreds in a dump: their names, and lists of those that are tied to something.
 *
 * How nodes and edges are written down is in base/dump.c; which Deferreds are shown, in insight/dump.c. */
#include "deferred/describe.h"

#include <stdio.h>

#include "base/places.h"
#include "base/text.h"
#include "deferred/deferred.h"

void bi_dump_name(const struct bight_deferred *deferred, char name[BI_DUMP_NAME_SIZE])
{
    struct bi_place place;
    if (bi_places_look_up(deferred, deferred->generation, &place)) {
        snprintf(name, BI_DUMP_NAME_SIZE, "#%llu", (unsigned long long)place.number);
    } else {
        snprintf(name, BI_DUMP_NAME_SIZE, "%p", (const void *)deferred);
    }
}

const char *bi_dump_ties(
    struct bi_dump *dump, const char *name, const struct bight_owner *owner, char list[BI_DUMP_LIST_SIZE])
{
    struct bi_text text = { list, BI_DUMP_LIST_SIZE, 0 };
    const struct bight_deferred *tied = owner == NULL ? NULL : owner->first_tied;
    bi_text_append_string(&text, tied == NULL ? "" : "\ntied to it:");
    for (; tied != NULL; tied = tied->next_tied) {
        char other[BI_DUMP_NAME_SIZE];
        bi_dump_name(tied, other);
        bi_dump_edge(dump, name, other, "ties");
        bi_text_append_string(&text, " ");
        bi_text_append_string(&text, other);
    }
    (void)bi_text_end(&text);
    return list;
}
