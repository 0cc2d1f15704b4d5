/* SPDX-License-Identifier: MIT */
/* private.h - what libbight-http exports without declaring it: for libbight-http-testing of the very same version. */
#ifndef BI_HTTP_PRIVATE_H
#define BI_HTTP_PRIVATE_H

#define BI_HTTP_PRIVATE_API __attribute__((visibility("default")))

#endif
