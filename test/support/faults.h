/* SPDX-License-Identifier: MIT */
/* faults.h - an allocator for the tests of lib/base: counts what is out, and lets the n-th asking fail.
 *
 * Tests of higher rooms use the fault loop of <bight/testing.h>; base stands below it. Not for several threads. */
#ifndef BIGHT_TEST_FAULTS_H
#define BIGHT_TEST_FAULTS_H

#include <stdlib.h>

#include <bight/memory.h>

struct bight_test_memory {
    unsigned asked;    /* allocations and permits asked for */
    unsigned fail_nth; /* counted from 1; 0: none fails */
    int out;           /* blocks not yet released */
};

static inline bool bight_test_grant(void *context)
{
    struct bight_test_memory *memory = (struct bight_test_memory *)context;
    memory->asked++;
    return memory->asked != memory->fail_nth;
}

static inline void *bight_test_allocate(void *context, size_t size)
{
    struct bight_test_memory *memory = (struct bight_test_memory *)context;
    if (!bight_test_grant(context)) {
        return NULL;
    }
    memory->out++;
    return malloc(size);
}

static inline void *bight_test_reallocate(void *context, void *old, size_t size)
{
    struct bight_test_memory *memory = (struct bight_test_memory *)context;
    if (!bight_test_grant(context)) {
        return NULL;
    }
    memory->out += old == NULL ? 1 : 0;
    return realloc(old, size);
}

static inline void bight_test_release(void *context, void *old)
{
    struct bight_test_memory *memory = (struct bight_test_memory *)context;
    memory->out--;
    free(old);
}

/* From here on the n-th asking fails (0: none), and all is counted in `memory`, which is begun again. */
static inline void bight_test_fail_nth(struct bight_test_memory *memory, unsigned n)
{
    *memory = (struct bight_test_memory) { .fail_nth = n };
    const struct bight_allocator allocator = {
        .size = sizeof allocator,
        .allocate = bight_test_allocate,
        .reallocate = bight_test_reallocate,
        .release = bight_test_release,
        .permit = bight_test_grant,
        .context = memory,
    };
    bight_set_allocator(&allocator);
}

#endif
