/* SPDX-License-Identifier: MIT */
/* edge.h - input that ends where memory ends: one byte read beyond it, and the test has crashed. */
#ifndef BIGHT_TEST_HTTP_EDGE_H
#define BIGHT_TEST_HTTP_EDGE_H

#include <check.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The end of one page, made at first use, that an inaccessible one follows. */
static inline uint8_t *edge_end(size_t *room)
{
    static uint8_t *pages = NULL;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (pages == NULL) {
        pages = mmap(NULL, 17 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(pages, MAP_FAILED);
        ck_assert_int_eq(mprotect(pages + 16 * page, page, PROT_NONE), 0);
    }
    *room = 16 * page;
    return pages + 16 * page;
}

/* A copy of `size` bytes, at most 64 KiB, that ends there. It stays until the next. */
static inline uint8_t *edge_copy(const void *bytes, size_t size)
{
    size_t room;
    uint8_t *end = edge_end(&room);
    ck_assert_uint_le(size, room);
    if (size > 0) {
        memcpy(end - size, bytes, size);
    }
    return end - size;
}

#endif
