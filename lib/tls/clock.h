/* SPDX-License-Identifier: MIT */
/* clock.h - what time it is for tickets and for sessions that are kept. */
#ifndef BI_TLS_CLOCK_H
#define BI_TLS_CLOCK_H

#include <bight/macros.h>

/* In seconds since 1970; tests replace it. OpenSSL has its own. */
extern int64_t (*bi_tls_clock)(void);

#endif
