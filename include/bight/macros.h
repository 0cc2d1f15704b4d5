/* SPDX-License-Identifier: MIT */
/* bight/macros.h - what every public header needs: export marks, places in the source, attributes.
 *
 * Nothing here is an object of its own. Programs get it through the other headers. */
#ifndef BIGHT_MACROS_H
#define BIGHT_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BIGHT_BEGIN extern "C" {
#define BIGHT_END }
#else
#define BIGHT_BEGIN
#define BIGHT_END
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define BIGHT_API __attribute__((visibility("default")))

/* The compiler checks a format string at argument `position` against the arguments from `first` on. */
#define BIGHT_PRINTF(position, first) __attribute__((format(printf, position, first)))

/* The compiler warns when the answer is ignored: on every function that returns something which the caller must keep or
 * released. Not on codes, nor where an argument is given back. */
#define BIGHT_MUST_USE __attribute__((warn_unused_result))

#define BIGHT_STRINGIFY_(x) #x
#define BIGHT_STRINGIFY(x) BIGHT_STRINGIFY_(x)

/* The place in the source where this stands, as "file.c:123". It is a string literal and lives for ever.
 * Macros of the same spelling as a Twisted name pass it to a function ending in _at, so that failures, debug
 * mode and usage errors can name the caller's line. */
#define BIGHT_HERE __FILE__ ":" BIGHT_STRINGIFY(__LINE__)

/* D33: how a context, a value or a piece of lent memory is released. Called exactly once. NULL: borrowed. */
typedef void (*bight_release_function)(void *context);

#endif
