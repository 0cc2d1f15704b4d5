/* SPDX-License-Identifier: MIT */
/* error_index.h - where a code stands in BIGHT_ERROR_LIST, for constant tables with an entry a code. */
#ifndef BIGHT_BASE_ERROR_INDEX_H
#define BIGHT_BASE_ERROR_INDEX_H

#include <bight/error.h>

enum bight_error_index_constant {
#define BIGHT_ERROR_INDEX_ENUM_(name, value, parent, text) BIGHT_ERROR_INDEX_##name,
    BIGHT_ERROR_LIST(BIGHT_ERROR_INDEX_ENUM_)
#undef BIGHT_ERROR_INDEX_ENUM_
        BIGHT_ERROR_COUNT
};

/* The index of `code`, -1 for a number that is not in the list. */
int bight_error_index(int code);

#endif
