/* SPDX-License-Identifier: MIT */
/* connect.c - bight_connect: reads the string and lets its type connect (E2).
 *
 * Whatever is wrong comes through the Deferred, the string's faults too. How a type connects is in its own file; what
 * all of them share, the race between addresses, is in race.c. */
#include "base/places.h"
#include "endpoint/grammar.h"

struct bight_deferred *bight_connect_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    struct bi_parsed_endpoint parsed;
    struct bight_argument arguments[BI_ENDPOINT_PART_LIMIT];
    struct bight_failure *failure = bi_endpoint_check_call(place, "bight_connect", reactor, factory);
    if (failure != NULL) {
        return bight_fail_at(place, failure);
    }
    const struct bight_endpoint_type *type =
        bi_endpoint_read(endpoint, BI_ENDPOINT_CONNECT, &parsed, arguments, &failure);
    if (type == NULL) {
        return bight_fail_at(place, failure);
    }
    const char *before = bi_places_here(place);
    struct bight_deferred *connecting = type->connect(reactor, arguments, factory);
    bi_places_here(before);
    return bi_endpoint_tell_tried(BI_ENDPOINT_CONNECT, endpoint, connecting);
}
