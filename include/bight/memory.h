/* SPDX-License-Identifier: MIT */
/* bight/memory.h - the one hook that all of bight's allocation goes through.
 *
 * Set it before anything else of bight is used; it is read-only afterwards. The functions below are what
 * bight itself calls; programs may use them for what they hand to bight. */
#ifndef BIGHT_MEMORY_H
#define BIGHT_MEMORY_H

#include <bight/macros.h>

BIGHT_BEGIN

/* All slots but `permit` must be set. They may be called from any thread. */
struct bight_allocator {
    size_t size; /* sizeof(struct bight_allocator) */
    void *(*allocate)(void *context, size_t size);
    void *(*reallocate)(void *context, void *memory, size_t size);
    void (*release)(void *context, void *memory);
    /* Asked before a pooled object is handed out; false means "as if there were no memory". For tests that
     * inject faults: with it set, pools cannot hide an allocation. NULL: always granted. */
    bool (*permit)(void *context);
    void *context;
};

/* Installs a copy of `allocator`; NULL brings the C library's back. Returns 0, or USAGE
 * when `size` is wrong or a slot is missing. Memory of the allocator before must not be out any more. */
BIGHT_API int bight_set_allocator(const struct bight_allocator *allocator);

/* The one that is installed, for one of your own to be put before it: fills as much as allocator->size says. 0, or
 * INVALID_ARGUMENT for what is no size. */
BIGHT_API int bight_get_allocator(struct bight_allocator *allocator);

/* NULL when out of memory. A size of 0 returns a pointer that can be freed. */
BIGHT_API BIGHT_MUST_USE void *bight_malloc(size_t size);

/* Zeroed memory for count objects; NULL when out of memory or when the product overflows. */
BIGHT_API BIGHT_MUST_USE void *bight_calloc(size_t count, size_t size);

/* As realloc: on failure NULL, and `memory` is as it was. */
BIGHT_API BIGHT_MUST_USE void *bight_realloc(void *memory, size_t size);

BIGHT_API void bight_free(void *memory);

/* A copy of `text`, of at most its first `size` bytes for the second form, with a NUL behind; NULL without
 * memory. */
BIGHT_API BIGHT_MUST_USE char *bight_strdup(const char *text);
BIGHT_API BIGHT_MUST_USE char *bight_strndup(const char *text, size_t size);

BIGHT_END

#endif
