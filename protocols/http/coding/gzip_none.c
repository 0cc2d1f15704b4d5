/* SPDX-License-Identifier: MIT */
/* gzip_none.c - in place of gzip.c where there is no zlib: nothing is compressed or read. */
#include "http/coding/gzip.h"

bool bi_gzip_is_built_in(void)
{
    return false;
}

struct bi_deflater *bi_deflater_new(int level)
{
    (void)level;
    return NULL;
}

void bi_deflater_free(struct bi_deflater *deflater)
{
    (void)deflater;
}

void bi_deflater_begin(struct bi_deflater *deflater)
{
    (void)deflater;
}

size_t bi_deflater_write(struct bi_deflater *deflater, struct bi_view *data, enum bi_deflate_mode mode, uint8_t *room,
    size_t size, bool *done)
{
    (void)deflater;
    (void)data;
    (void)mode;
    (void)room;
    (void)size;
    *done = true;
    return 0;
}

struct bi_inflater *bi_inflater_new(void)
{
    return NULL;
}

void bi_inflater_free(struct bi_inflater *inflater)
{
    (void)inflater;
}

enum bi_inflate_result bi_inflater_read(struct bi_inflater *inflater, struct bi_view *data, uint8_t *room, size_t *size)
{
    (void)inflater;
    (void)data;
    (void)room;
    *size = 0;
    return BI_INFLATE_REFUSED;
}

bool bi_inflater_is_whole(const struct bi_inflater *inflater)
{
    (void)inflater;
    return false;
}
