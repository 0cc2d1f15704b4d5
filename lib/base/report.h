/* SPDX-License-Identifier: MIT */
/* report.h - why a program ends, reported to its user. */
#ifndef BI_BASE_REPORT_H
#define BI_BASE_REPORT_H

#include <bight/failure.h>

/* An error of no system whose message is the failure's description: "ask: cannot connect to 127.0.0.1:9: refused". */
void bi_report_failure(const struct bight_failure *failure);

#endif
