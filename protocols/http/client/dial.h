/* SPDX-License-Identifier: MIT */
/* dial.h - who sees the addresses that an attempt connects to. */
#ifndef BI_HTTP_DIAL_H
#define BI_HTTP_DIAL_H

#include "http/client/client.h"

/* What the attempt connects with: the client's own factory, or one of its own. NULL when out of memory. */
struct bight_factory *bi_dial_begin(struct bi_attempt *attempt);
/* The attempt is over. */
void bi_dial_end(struct bi_attempt *attempt);

#endif
