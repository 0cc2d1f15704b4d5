/* SPDX-License-Identifier: MIT */
/* families.c - the order in which the addresses of a name are tried (RFC 8305, section 4). Pure; sorts in place, since
 * the lists are short. */
#include "endpoint/race.h"

#include <string.h>

/* Moves the address at `from` up to `to`; those in between move down. */
static void move_up(struct bight_address *addresses, size_t from, size_t to)
{
    struct bight_address moved = addresses[from];
    memmove(&addresses[to + 1], &addresses[to], (from - to) * sizeof *addresses);
    addresses[to] = moved;
}

void bi_interleave_families(struct bight_address *addresses, size_t count)
{
    for (size_t place = 1; place < count; place++) {
        for (size_t found = place; found < count; found++) {
            if (addresses[found].family != addresses[place - 1].family) {
                move_up(addresses, found, place);
                break;
            }
        }
    }
}
