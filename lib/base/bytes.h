/* SPDX-License-Identifier: MIT */
/* bytes.h - what of counted bytes only bight asks. */
#ifndef BI_BASE_BYTES_H
#define BI_BASE_BYTES_H

#include <bight/bytes.h>

/* Releasing the last hold calls a function of the program. */
bool bi_bytes_calls_back(const struct bight_bytes *bytes);

#endif
