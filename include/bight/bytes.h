/* SPDX-License-Identifier: MIT */
/* bight/bytes.h - counted immutable bytes: encoded once, sent to many.
 *
 * Holds may be taken and released in any thread. The content never changes after it was made. */
#ifndef BIGHT_BYTES_H
#define BIGHT_BYTES_H

#include <bight/macros.h>
#include <bight/result.h>

BIGHT_BEGIN

struct bight_bytes;

/* A copy of `data` with a NUL behind it, which is not counted, so that what is text can be used as a string; NULL if
 * there is no memory. One hold belongs to the caller. */
BIGHT_API BIGHT_MUST_USE struct bight_bytes *bight_bytes_new(const void *data, size_t size);

/* Room for `size` bytes, to be filled through *content before it is shared, and a NUL behind them. NULL if there is no
 * memory. */
BIGHT_API BIGHT_MUST_USE struct bight_bytes *bight_bytes_new_uninitialised(size_t size, uint8_t **content);

/* Wraps memory that the caller lends: release(context) is called once, when the last hold goes. NULL without
 * memory, and then nothing was taken. */
BIGHT_API BIGHT_MUST_USE struct bight_bytes *bight_bytes_new_lent(
    const void *data, size_t size, bight_release_function release, void *context);

BIGHT_API struct bight_bytes *bight_bytes_hold(struct bight_bytes *bytes);

/* NULL is allowed. */
BIGHT_API void bight_bytes_release(struct bight_bytes *bytes);

/* Lent memory has no NUL of bight's behind it. */
BIGHT_API const uint8_t *bight_bytes_data(const struct bight_bytes *bytes);
BIGHT_API size_t bight_bytes_size(const struct bight_bytes *bytes);

/* The type of a result that is a `struct bight_bytes *` hold. */
extern BIGHT_API const struct bight_type bight_type_bytes;

BIGHT_END

#endif
