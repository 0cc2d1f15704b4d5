/* SPDX-License-Identifier: MIT */
/* report.h - why something failed, told to who has asked: a program's user, or a caller. */
#ifndef BI_BASE_REPORT_H
#define BI_BASE_REPORT_H

#include <bight/failure.h>

/* An error of no system whose message is the failure's description: "ask: cannot connect to 127.0.0.1:9: refused". */
void bi_report_failure(const struct bight_failure *failure);

/* Gives a failure, or NULL, to a caller who has a place for it, whose hold it is then; else it is released. */
static inline void bi_failure_tell(struct bight_failure **place, struct bight_failure *failure)
{
    if (place != NULL) {
        *place = failure;
    } else {
        bight_failure_release(failure);
    }
}

#endif
