/* SPDX-License-Identifier: MIT */
/* memory.c - the allocation hook and the helpers over it.
 *
 * The hook is process-wide, set before anything else of bight is used and read-only afterwards (which is why
 * it needs no lock). Pools stand in pool.c and slab.c; they ask bi_memory_permits() before they hand out a pooled
 * object, because with a pool in between an n-th allocation that fails would never be seen. */
#include <bight/memory.h>

#include <stdlib.h>
#include <string.h>

#include <bight/error.h>

#include "base/check.h"
#include "base/options.h"
#include "base/pages.h"

static void *default_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *default_reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size);
}

static void default_release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const struct bight_allocator default_allocator = {
    .size = sizeof(struct bight_allocator),
    .allocate = default_allocate,
    .reallocate = default_reallocate,
    .release = default_release,
};

static struct bight_allocator hook = {
    .size = sizeof(struct bight_allocator),
    .allocate = default_allocate,
    .reallocate = default_reallocate,
    .release = default_release,
};

bool bi_memory_asks_permit;

int bight_set_allocator(const struct bight_allocator *allocator)
{
    if (allocator == NULL) {
        allocator = &default_allocator;
    }
    if (allocator->size != sizeof *allocator || allocator->allocate == NULL || allocator->reallocate == NULL ||
        allocator->release == NULL) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE,
            "bight_set_allocator: the member `size` is not the struct's, or a function is missing");
    }
    hook = *allocator;
    bi_memory_asks_permit = hook.permit != NULL;
    return BIGHT_OK;
}

int bight_get_allocator(struct bight_allocator *allocator)
{
    return bi_give_figures("bight_get_allocator", allocator, &hook, sizeof hook);
}

bool bi_memory_permits(void)
{
    return hook.permit == NULL || hook.permit(hook.context);
}

bool bi_memory_is_hooked(void)
{
    return hook.allocate != default_allocate;
}

/* What malloc(0) returns differs between C libraries; one byte is the same everywhere. */
static size_t at_least_one(size_t size)
{
    return size == 0 ? 1 : size;
}

void *bight_malloc(size_t size)
{
    return hook.allocate(hook.context, at_least_one(size));
}

void *bight_calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *memory = bight_malloc(count * size);
    return memory == NULL ? NULL : memset(memory, 0, count * size);
}

void *bight_realloc(void *memory, size_t size)
{
    return hook.reallocate(hook.context, memory, at_least_one(size));
}

void bight_free(void *memory)
{
    if (memory != NULL) {
        hook.release(hook.context, memory);
    }
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = bight_malloc(length + 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *bight_strdup(const char *text)
{
    return copy_text(text, strlen(text));
}

char *bight_strndup(const char *text, size_t size)
{
    return copy_text(text, strnlen(text, size));
}
