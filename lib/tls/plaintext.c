/* SPDX-License-Identifier: MIT */
/* plaintext.c - plaintext that waits to be encrypted: how stretches are added, copied and released.
 *
 * When it is encrypted is output.c's. */
#include "tls/plaintext.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------ stretches */

static void append(struct bi_tls_plaintext *text, struct bi_tls_stretch *stretch)
{
    stretch->next = NULL;
    if (text->last != NULL) {
        text->last->next = stretch;
    } else {
        text->first = stretch;
    }
    text->last = stretch;
}

static void count(struct bi_tls_plaintext *text, size_t size, bool is_counted)
{
    text->queued += size;
    text->counted += is_counted ? size : 0;
}

static void discount(struct bi_tls_plaintext *text, size_t size, bool is_counted)
{
    text->queued -= size;
    text->counted -= is_counted ? size : 0;
}

/* Under injected faults each block is asked for. */
static struct bi_tls_stretch *take_block(struct bi_tls_hub *hub)
{
    struct bi_tls_stretch *block = hub->spare_block;
    if (BI_UNLIKELY(block == NULL || bi_memory_asks_permit)) {
        return bi_pool_take(&hub->blocks);
    }
    hub->spare_block = NULL;
    return block;
}

static void give(struct bi_tls_hub *hub, struct bi_tls_stretch *stretch)
{
    if (BI_LIKELY(stretch->room != NULL && hub->spare_block == NULL)) {
        hub->spare_block = stretch;
    } else {
        bi_pool_give(stretch->room != NULL ? &hub->blocks : &hub->references, stretch);
    }
}

static struct bi_tls_stretch *new_block(struct bi_tls_hub *hub)
{
    struct bi_tls_stretch *block = take_block(hub);
    if (block != NULL) {
        *block = (struct bi_tls_stretch) { .data = block->bytes, .room = block->bytes, .is_counted = true };
    }
    return block;
}

static size_t room_of(const struct bi_tls_stretch *block)
{
    return block == NULL || block->room == NULL ? 0 : (size_t)(block->bytes + BI_TLS_RECORD - block->room);
}

/* A stretch that is out of the queue. Its memory may have to be released, which must not happen inside a write. */
static void retire(struct bi_tls_hub *hub, struct bi_tls_plaintext *text, struct bi_tls_stretch *stretch)
{
    if (stretch->release != NULL) {
        stretch->next = text->used;
        text->used = stretch;
    } else {
        give(hub, stretch);
    }
}

/* ------------------------------------------------------------------------------------------- adding */

/* Into the last block, and into a new one behind it. */
static int copy(struct bi_tls_hub *hub, struct bi_tls_plaintext *text, const uint8_t *data, size_t size)
{
    while (size > 0) {
        struct bi_tls_stretch *block = text->last;
        size_t room = room_of(block);
        if (room == 0) {
            block = new_block(hub);
            if (block == NULL) {
                return BIGHT_E_OUT_OF_MEMORY;
            }
            append(text, block);
            room = BI_TLS_RECORD;
        }
        size_t part = size < room ? size : room;
        memcpy(block->room, data, part);
        block->room += part;
        block->size += part;
        count(text, part, true);
        data += part;
        size -= part;
    }
    return BIGHT_OK;
}

static struct bi_tls_stretch *new_reference(
    struct bi_tls_hub *hub, const struct bi_tls_plaintext *text, const struct bight_piece *piece)
{
    struct bi_tls_stretch *reference = bi_pool_take(&hub->references);
    if (reference != NULL) {
        *reference = (struct bi_tls_stretch) {
            .is_counted = piece->counted,
            .is_borrowed = piece->release == NULL,
            .write = text->writes,
            .release = piece->release,
            .context = piece->context,
        };
    }
    return reference;
}

/* How much of a piece completes the block that is last. */
static size_t head_of(const struct bi_tls_plaintext *text, size_t size)
{
    size_t room = room_of(text->last);
    return size < room ? size : room;
}

/* The ends of a large piece are copied, so that what is referred to is full records. */
static int add_around(struct bi_tls_hub *hub, struct bi_tls_plaintext *text, const struct bight_piece *piece,
    struct bi_tls_stretch *reference)
{
    size_t head = head_of(text, piece->size);
    size_t middle = (piece->size - head) / BI_TLS_RECORD * BI_TLS_RECORD;
    int code = copy(hub, text, piece->data, head);
    if (code != BIGHT_OK || middle == 0) {
        retire(hub, text, reference);
        return code == BIGHT_OK ? copy(hub, text, piece->data + head, piece->size - head) : code;
    }
    reference->data = piece->data + head;
    reference->size = middle;
    append(text, reference);
    text->borrowed += reference->is_borrowed ? 1 : 0;
    count(text, middle, reference->is_counted);
    return copy(hub, text, piece->data + head + middle, piece->size - head - middle);
}

int bi_tls_plaintext_add(
    struct bi_tls_hub *hub, struct bi_tls_plaintext *text, const struct bight_piece *piece, bool may_borrow)
{
    bool is_small = piece->size < BI_TLS_RECORD || piece->size - head_of(text, piece->size) < BI_TLS_RECORD;
    if (piece->release == NULL && (is_small || !may_borrow)) {
        return copy(hub, text, piece->data, piece->size);
    }
    struct bi_tls_stretch *reference = new_reference(hub, text, piece);
    return reference == NULL ? BIGHT_E_OUT_OF_MEMORY : add_around(hub, text, piece, reference);
}

/* ------------------------------------------------------------------------------- the end of a write */

/* Blocks in the place of what is left of a borrowed stretch; NULL when out of memory. `*last` is the last of them. */
static struct bi_tls_stretch *copy_borrowed(
    struct bi_tls_hub *hub, const struct bi_tls_stretch *stretch, struct bi_tls_stretch **last)
{
    struct bi_tls_plaintext copies = { 0 };
    if (copy(hub, &copies, stretch->data, stretch->size) != BIGHT_OK) {
        bi_tls_plaintext_drop(hub, &copies);
    }
    *last = copies.last;
    return copies.first;
}

int bi_tls_plaintext_copy_borrowed(struct bi_tls_hub *hub, struct bi_tls_plaintext *text)
{
    struct bi_tls_stretch **link = &text->first, *last;
    while (text->borrowed > 0) {
        struct bi_tls_stretch *stretch = *link;
        if (!stretch->is_borrowed) {
            link = &stretch->next;
            continue;
        }
        struct bi_tls_stretch *copies = copy_borrowed(hub, stretch, &last);
        if (copies == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
        last->next = stretch->next;
        *link = copies;
        link = &last->next;
        text->last = text->last == stretch ? last : text->last;
        text->borrowed--;
        bi_pool_give(&hub->references, stretch);
    }
    return BIGHT_OK;
}

static void forget_releases(struct bi_tls_stretch *stretch, uint32_t write)
{
    for (; stretch != NULL; stretch = stretch->next) {
        stretch->release = stretch->write == write ? NULL : stretch->release;
    }
}

/* The connection ends with it: what is queued is never encrypted any more. */
void bi_tls_plaintext_refuse(struct bi_tls_plaintext *text, uint32_t write)
{
    forget_releases(text->first, write);
    forget_releases(text->used, write);
    text->borrowed = 0;
}

/* ------------------------------------------------------------------------------------------ letting go */

void bi_tls_plaintext_consume(struct bi_tls_hub *hub, struct bi_tls_plaintext *text, size_t size)
{
    struct bi_tls_stretch *stretch = text->first;
    discount(text, size, stretch->is_counted);
    stretch->data += size;
    stretch->size -= size;
    if (stretch->size > 0) {
        return;
    }
    text->first = stretch->next;
    text->last = text->first == NULL ? NULL : text->last;
    text->borrowed -= stretch->is_borrowed ? 1 : 0;
    retire(hub, text, stretch);
}

void bi_tls_plaintext_release_all_used(struct bi_tls_hub *hub, struct bi_tls_plaintext *text)
{
    while (text->used != NULL) {
        struct bi_tls_stretch *stretch = text->used;
        bight_release_function release = stretch->release;
        void *context = stretch->context;
        text->used = stretch->next;
        give(hub, stretch);
        if (release != NULL) {
            release(context);
        }
    }
}

void bi_tls_plaintext_drop(struct bi_tls_hub *hub, struct bi_tls_plaintext *text)
{
    while (text->first != NULL) {
        bi_tls_plaintext_consume(hub, text, text->first->size);
    }
    bi_tls_plaintext_release_used(hub, text);
}
