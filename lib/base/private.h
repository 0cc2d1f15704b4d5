/* SPDX-License-Identifier: MIT */
/* private.h - marks the few internal functions that libbight-testing, a shared library of its own, calls in libbight.
 *
 * They are listed in protocols/bight.map under BIGHT_PRIVATE: not for programs, and only of the same version. */
#ifndef BIGHT_BASE_PRIVATE_H
#define BIGHT_BASE_PRIVATE_H

#define BIGHT_PRIVATE_API __attribute__((visibility("default")))

#endif
