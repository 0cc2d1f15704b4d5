/* SPDX-License-Identifier: MIT */
/* error_index.h - where a code stands in BIGHT_ERROR_LIST, for constant tables with an entry a code. */
#ifndef BI_BASE_ERROR_INDEX_H
#define BI_BASE_ERROR_INDEX_H

#include <bight/error.h>

enum bi_error_index_constant {
#define BI_ERROR_INDEX_ENUM_(name, value, parent, text) BI_ERROR_INDEX_##name,
    BIGHT_ERROR_LIST(BI_ERROR_INDEX_ENUM_)
#undef BI_ERROR_INDEX_ENUM_
        BI_ERROR_COUNT
};

/* The index of `code`, -1 for a number that is not in the list. */
int bi_error_index(int code);

#endif
