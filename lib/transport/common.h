/* SPDX-License-Identifier: MIT */
/* common.h - bytes that many outputs refer to, between common.c and queue.c. */
#ifndef BI_TRANSPORT_COMMON_H
#define BI_TRANSPORT_COMMON_H

#include "transport/transport.h"

/* In the memory of one of hub.blocks; the bytes follow. */
struct bi_common_block {
    size_t users; /* outputs whose `common` refers to it; it goes with the last one */
    uint8_t *room, *end;
};

/* The output's `common` has left the queue. */
void bi_common_retire(struct bi_output *output);

#endif
