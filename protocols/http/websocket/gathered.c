/* SPDX-License-Identifier: MIT */
/* gathered.c - how the block of a message grows: at once to what is announced, as far as that can be believed. */
#include "http/websocket/gathered.h"

#include <bight/memory.h>

#define BELIEVED 65536

/* 0: it cannot be. */
static size_t choose_room(size_t size, uint64_t behind)
{
    size_t believed = size > BELIEVED ? size : BELIEVED;
    believed = behind < believed ? (size_t)behind : believed;
    return size <= SIZE_MAX / 4 ? size + believed : 0;
}

uint8_t *bi_gathered_room(struct bi_gathered **gathered, size_t size, uint64_t behind)
{
    struct bi_gathered *block = *gathered;
    size_t has = block != NULL ? block->size : 0;
    if (block != NULL && block->room - has >= size) {
        return block->bytes + has;
    }
    size_t room = size <= SIZE_MAX / 4 - has ? choose_room(has + size, behind) : 0;
    size_t twice = block != NULL ? block->room + block->room / 2 : 0;
    room = room > 0 && room < twice ? twice : room;
    struct bi_gathered *grown = room > 0 ? bight_realloc(block, sizeof *block + room + 1) : NULL;
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
