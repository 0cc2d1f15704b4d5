/* SPDX-License-Identifier: MIT */
/* gathered.c - how the block of a message grows: at once to what is announced, as far as that can be believed. */
#include "http/websocket/gathered.h"

#include <bight/memory.h>

#define BELIEVED 65536

/* `size` is at most half of what there can be. */
static size_t choose_room(size_t size, uint64_t behind)
{
    size_t believed = size > BELIEVED ? size : BELIEVED;
    return size + (behind < believed ? (size_t)behind : believed);
}

uint8_t *bi_gathered_room(struct bi_gathered **gathered, size_t size, uint64_t behind)
{
    struct bi_gathered *block = *gathered;
    size_t has = block != NULL ? block->size : 0;
    if (block != NULL && block->room - has >= size) {
        return block->bytes + has;
    }
    if (size > SIZE_MAX / 4 - has) {
        return NULL;
    }
    size_t room = choose_room(has + size, behind);
    size_t twice = block != NULL ? block->room + block->room / 2 : 0;
    room = room < twice ? twice : room;
    struct bi_gathered *grown = bight_realloc(block, sizeof *block + room + 1); /* of no bytes, it has its end */
    if (grown == NULL) {
        return NULL;
    }
    grown->size = has;
    grown->room = room;
    *gathered = grown;
    return grown->bytes + has;
}

void bi_gathered_drop(struct bi_gathered **gathered)
{
    bight_free(*gathered);
    *gathered = NULL;
}
