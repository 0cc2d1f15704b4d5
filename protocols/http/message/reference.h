/* SPDX-License-Identifier: MIT */
/* reference.h - what a reference means where it was found: a Location, or any other relative URL.
 *
 * RFC 3986, section 5, strictly: a reference with a scheme stands for itself. No bytes are judged here; the result is
 * parsed by the code that follows it. */
#ifndef BI_HTTP_REFERENCE_H
#define BI_HTTP_REFERENCE_H

#include "http/message/tokens.h"

/* Writes what `reference` means as found in `base`, which has a scheme, into the `room` bytes of `buffer`; neither may
 * lie in it. As many bytes as the two have, and one more, are always room enough. Returns the size of the result; 0:
 * `base` has no scheme, the room is too small, or the result would have a path that reads as an authority. Linear time.
 */
size_t bi_reference_resolve(struct bi_view base, struct bi_view reference, uint8_t *buffer, size_t room);

#endif
