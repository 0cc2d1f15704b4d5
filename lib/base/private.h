/* SPDX-License-Identifier: MIT */
/* private.h - marks the few internal functions that libbight-testing, a shared library of its own, calls in libbight.
 *
 * They are listed in protocols/bight.map under BIGHT_PRIVATE: not for programs, and only of the same version. */
#ifndef BI_BASE_PRIVATE_H
#define BI_BASE_PRIVATE_H

#define BI_PRIVATE_API __attribute__((visibility("default")))

#endif
