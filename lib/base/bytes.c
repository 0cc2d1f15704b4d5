/* SPDX-License-Identifier: MIT */
/* bytes.c - counted immutable bytes.
 *
 * One block when the content is bight's own: it stands behind the head, and a NUL behind it. Lent content stays where
 * it is and is released by the lender's function with the last hold. Sending them, and how a transport's buffers point
 * at them, is in lib/transport. */
#include <bight/bytes.h>

#include <stdatomic.h>
#include <string.h>

#include <bight/memory.h>

#include "base/bytes.h"
#include "base/check.h"

struct bight_bytes {
    atomic_size_t holds;
    size_t size;
    const uint8_t *data;
    bight_release_function release; /* NULL: the content is ours, or borrowed */
    void *context;
};

static struct bight_bytes *allocate(size_t content_size)
{
    if (content_size >= SIZE_MAX - sizeof(struct bight_bytes)) {
        return NULL;
    }
    struct bight_bytes *bytes = bight_malloc(sizeof *bytes + content_size + 1);
    if (bytes != NULL) {
        *bytes = (struct bight_bytes) { .size = content_size, .data = (const uint8_t *)(bytes + 1) };
        atomic_init(&bytes->holds, 1);
        ((uint8_t *)(bytes + 1))[content_size] = '\0';
    }
    return bytes;
}

struct bight_bytes *bight_bytes_new(const void *data, size_t size)
{
    uint8_t *content;
    struct bight_bytes *bytes = bight_bytes_new_uninitialised(size, &content);
    if (bytes != NULL && size > 0) {
        memcpy(content, data, size);
    }
    return bytes;
}

struct bight_bytes *bight_bytes_new_uninitialised(size_t size, uint8_t **content)
{
    struct bight_bytes *bytes = allocate(size);
    *content = bytes == NULL ? NULL : (uint8_t *)(bytes + 1);
    return bytes;
}

struct bight_bytes *bight_bytes_new_lent(const void *data, size_t size, bight_release_function release, void *context)
{
    struct bight_bytes *bytes = allocate(0);
    if (bytes != NULL) {
        bytes->data = data;
        bytes->size = size;
        bytes->release = release;
        bytes->context = context;
    }
    return bytes;
}

struct bight_bytes *bight_bytes_hold(struct bight_bytes *bytes)
{
    atomic_fetch_add_explicit(&bytes->holds, 1, memory_order_relaxed);
    return bytes;
}

void bight_bytes_release(struct bight_bytes *bytes)
{
    if (bytes == NULL) {
        return;
    }
    size_t before = atomic_fetch_sub_explicit(&bytes->holds, 1, memory_order_acq_rel);
    BI_INVARIANT(before > 0);
    if (before > 1) {
        return;
    }
    if (bytes->release != NULL) {
        bytes->release(bytes->context);
    }
    bight_free(bytes);
}

const uint8_t *bight_bytes_data(const struct bight_bytes *bytes)
{
    return bytes->data;
}

size_t bight_bytes_size(const struct bight_bytes *bytes)
{
    return bytes->size;
}

bool bi_bytes_calls_back(const struct bight_bytes *bytes)
{
    return bytes->release != NULL;
}

static void destroy_bytes(void *value)
{
    bight_bytes_release(value);
}

const struct bight_type bight_type_bytes = { .name = "bytes", .destroy = destroy_bytes };
