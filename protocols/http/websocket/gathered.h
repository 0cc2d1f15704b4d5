/* SPDX-License-Identifier: MIT */
/* gathered.h - a message that comes in parts, put together in one block. */
#ifndef BI_WEBSOCKET_GATHERED_H
#define BI_WEBSOCKET_GATHERED_H

#include <stddef.h>
#include <stdint.h>

struct bi_gathered {
    size_t size, room; /* there is room for a NUL behind it */
    uint8_t bytes[];
};

/* Where the next `size` bytes go, to be counted by `size`; `behind` more are said to come. NULL when out of memory:
 * then all is as it was. What is only said to come gets no more memory than what has come, or 64 KiB. */
uint8_t *bi_gathered_room(struct bi_gathered **gathered, size_t size, uint64_t behind);

void bi_gathered_drop(struct bi_gathered **gathered);

#endif
