/* SPDX-License-Identifier: MIT */
/* bight/version.h - which bight this is, at compile time and at run time. */
#ifndef BIGHT_VERSION_H
#define BIGHT_VERSION_H

#include <bight/macros.h>

BIGHT_BEGIN

#define BIGHT_VERSION_MAJOR 0
#define BIGHT_VERSION_MINOR 1
#define BIGHT_VERSION_PATCH 0
#define BIGHT_VERSION "0.1.0"

/* The library's own, "0.1.0". */
BIGHT_API const char *bight_version(void);

/* What was built in and of what, one "name version" per line: "libevent 2.1.12-stable". Lives for ever. */
BIGHT_API const char *bight_features(void);

BIGHT_END

#endif
