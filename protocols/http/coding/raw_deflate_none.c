/* SPDX-License-Identifier: MIT */
/* raw_deflate_none.c - without zlib: there is none. */
#include "http/coding/raw_deflate.h"

struct bi_raw_deflater *bi_raw_deflater_new(int level, unsigned bits, bool keeps)
{
    (void)level;
    (void)bits;
    (void)keeps;
    return NULL;
}

void bi_raw_deflater_free(struct bi_raw_deflater *deflater)
{
    (void)deflater;
}

size_t bi_raw_deflate(struct bi_raw_deflater *deflater, struct bi_view data, uint8_t *room, size_t size)
{
    (void)deflater;
    (void)data;
    (void)room;
    (void)size;
    return 0;
}

struct bi_raw_inflater *bi_raw_inflater_new(unsigned bits, bool keeps)
{
    (void)bits;
    (void)keeps;
    return NULL;
}

void bi_raw_inflater_free(struct bi_raw_inflater *inflater)
{
    (void)inflater;
}

void bi_raw_inflater_begin(struct bi_raw_inflater *inflater)
{
    (void)inflater;
}

enum bi_inflate_result bi_raw_inflate(
    struct bi_raw_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size)
{
    (void)inflater;
    (void)data;
    (void)room;
    *size = 0;
    return BI_INFLATE_REFUSED;
}
