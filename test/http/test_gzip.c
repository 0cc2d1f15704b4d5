/* SPDX-License-Identifier: MIT */
/* Tests of the coding gzip (protocols/http/coding/gzip.c): there and back, cut anywhere, damaged, without memory. */
#include <bight/testing.h>

#include "http/coding/gzip.h"
#include "support.h"

/* "hello\n", as gzip -9n writes it. */
static const uint8_t hello[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 2, 0, 0x20,
    0x30, 0x3a, 0x36, 6, 0, 0, 0 };

#define MOST 200000
static uint8_t plain[MOST], packed[MOST + 1000], back[MOST + 1];

static void fill(void)
{
    uint32_t number = 7;
    for (size_t i = 0; i < MOST; i++) {
        number = number * 1664525 + 1013904223;
        plain[i] = (uint8_t)("abcdefgh"[number >> 29]);
    }
}

/* Compresses in pieces of `piece` into rooms of `room`; returns the size. */
static size_t pack(struct bi_deflater *deflater, size_t size, size_t piece, size_t room, bool flushes)
{
    size_t used = 0, made = 0;
    bi_deflater_begin(deflater);
    do {
        bool done = false;
        struct bi_view data = { plain + used, size - used < piece ? size - used : piece };
        used += data.size;
        while (!done) {
            enum bi_deflate_mode mode = used == size ? BI_DEFLATE_END : flushes ? BI_DEFLATE_FLUSH : BI_DEFLATE_GATHER;
            made += bi_deflater_write(deflater, &data, mode, packed + made, room, &done);
        }
        ck_assert_uint_eq(data.size, 0);
    } while (used < size);
    return made;
}

struct reading {
    enum bi_inflate_result result;
    size_t size;
    bool is_whole;
};

static struct reading unpack(const uint8_t *data, size_t size, size_t piece, size_t room)
{
    struct reading reading = { .result = BI_INFLATE_MORE };
    struct bi_inflater *inflater = bi_inflater_new();
    ck_assert_ptr_nonnull(inflater);
    for (size_t at = 0; at < size && reading.result == BI_INFLATE_MORE; at += piece) {
        struct bi_view view = { data + at, size - at < piece ? size - at : piece };
        do {
            size_t made = MOST + 1 - reading.size < room ? MOST + 1 - reading.size : room;
            reading.result = bi_inflater_read(inflater, &view, back + reading.size, &made);
            reading.size += made;
        } while (reading.result == BI_INFLATE_FULL && reading.size <= MOST);
    }
    reading.is_whole = bi_inflater_is_whole(inflater);
    bi_inflater_free(inflater);
    return reading;
}

START_TEST(what_was_compressed_comes_back) /* A10, A4 */
{
    static const size_t sizes[] = { 0, 1, 1000, MOST }, pieces[] = { 1, 7, 4096, MOST }, rooms[] = { 13, 5000, MOST };
    struct bi_deflater *deflater = bi_deflater_new(1 + _i % 9);
    fill();
    ck_assert_ptr_nonnull(deflater);
    for (size_t i = 0; i < 4 * 4 * 3 * 2; i++) {
        size_t size = sizes[i % 4], piece = pieces[i / 4 % 4];
        if (size == MOST && piece < 4096) {
            size = 20000;
        }
        size_t made = pack(deflater, size, piece, rooms[i / 16 % 3], i / 48 == 1);
        struct reading reading = unpack(packed, made, pieces[i / 3 % 4], rooms[i / 7 % 3]);
        ck_assert(reading.result == BI_INFLATE_MORE && reading.is_whole);
        ck_assert(reading.size == size && memcmp(back, plain, size) == 0);
    }
    bi_deflater_free(deflater);
}
END_TEST

START_TEST(others_bytes_are_read) /* A4 */
{
    for (size_t piece = 1; piece <= sizeof hello; piece++) {
        struct reading reading = unpack(hello, sizeof hello, piece, 1 + piece % 7);
        ck_assert(reading.result == BI_INFLATE_MORE && reading.is_whole);
        ck_assert(reading.size == 6 && memcmp(back, "hello\n", 6) == 0);
    }
}
END_TEST

START_TEST(members_in_a_row_are_one_body) /* A4 */
{
    uint8_t twice[2 * sizeof hello];
    memcpy(twice, hello, sizeof hello);
    memcpy(twice + sizeof hello, hello, sizeof hello);
    for (size_t piece = 1; piece <= sizeof twice; piece++) {
        struct reading reading = unpack(twice, sizeof twice, piece, 100);
        ck_assert(reading.is_whole && reading.size == 12 && memcmp(back, "hello\nhello\n", 12) == 0);
    }
}
END_TEST

START_TEST(what_is_cut_is_not_whole) /* A4 */
{
    ck_assert(unpack(hello, 0, 1, 100).is_whole); /* nothing is an empty body */
    for (size_t size = 1; size < sizeof hello; size++) {
        struct reading reading = unpack(hello, size, size, 100);
        ck_assert(reading.result == BI_INFLATE_MORE && !reading.is_whole);
    }
}
END_TEST

START_TEST(what_is_damaged_is_refused) /* A4 */
{
    uint8_t damaged[sizeof hello + 4];
    memcpy(damaged, hello, sizeof hello);
    memcpy(damaged + sizeof hello, "more", 4);
    ck_assert_int_eq(unpack(damaged, sizeof damaged, 100, 100).result, BI_INFLATE_REFUSED);
    for (size_t i = sizeof hello - 8; i < sizeof hello; i++) { /* the sum, and the size */
        memcpy(damaged, hello, sizeof hello);
        damaged[i] ^= 1;
        ck_assert_int_eq(unpack(damaged, sizeof hello, 3, 100).result, BI_INFLATE_REFUSED);
    }
    ck_assert_int_eq(unpack((const uint8_t *)"no gzip at all", 14, 100, 100).result, BI_INFLATE_REFUSED);
}
END_TEST

START_TEST(a_flush_can_be_read_at_once) /* A10 */
{
    struct bi_deflater *deflater = bi_deflater_new(5);
    struct bi_view data = { (const uint8_t *)"some", 4 };
    bool done;
    bi_deflater_begin(deflater);
    size_t size = bi_deflater_write(deflater, &data, BI_DEFLATE_FLUSH, packed, sizeof packed, &done);
    ck_assert(done);
    struct reading reading = unpack(packed, size, size, 100);
    ck_assert(!reading.is_whole && reading.size == 4 && memcmp(back, "some", 4) == 0);
    bi_deflater_begin(deflater); /* what was begun is forgotten */
    ck_assert_uint_gt(pack(deflater, 10, 10, 100, false), 0);
    bi_deflater_free(deflater);
}
END_TEST

/* What cannot be had is said, and nothing is left of it. */
static bool go_there_and_back(void *context)
{
    struct bi_deflater *deflater = bi_deflater_new(6);
    struct bi_inflater *inflater = bi_inflater_new();
    bool good = bight_testing_fault_injected(), done;
    (void)context;
    if (deflater != NULL && inflater != NULL) {
        struct bi_view data = { plain, 40000 };
        bi_deflater_begin(deflater);
        struct bi_view made = { packed,
            bi_deflater_write(deflater, &data, BI_DEFLATE_END, packed, sizeof packed, &done) };
        size_t room = 30000;
        enum bi_inflate_result result = bi_inflater_read(inflater, &made, back, &room);
        good = result == (bight_testing_fault_injected() ? BI_INFLATE_NO_MEMORY : BI_INFLATE_FULL);
    }
    bi_deflater_free(deflater);
    bi_inflater_free(inflater);
    return good;
}

START_TEST(every_allocation_may_fail) /* A10 */
{
    fill();
    ck_assert_uint_eq(bight_testing_with_faults(go_there_and_back, NULL, 0), 0);
}
END_TEST

START_TEST(a_body_after_the_first_costs_no_allocation) /* A10 */
{
    bight_testing_count_allocations(true);
    struct bi_deflater *deflater = bi_deflater_new(5);
    fill();
    size_t before = bight_testing_allocation_count();
    for (size_t i = 0; i < 3; i++) {
        (void)pack(deflater, MOST, 4096, 5000, i == 1);
    }
    ck_assert_uint_eq(bight_testing_allocation_count(), before);
    bight_testing_count_allocations(false);
    bi_deflater_free(deflater);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_was_compressed_comes_back, 0, 9);
    tcase_add_test(tests, others_bytes_are_read);
    tcase_add_test(tests, members_in_a_row_are_one_body);
    tcase_add_test(tests, what_is_cut_is_not_whole);
    tcase_add_test(tests, what_is_damaged_is_refused);
    tcase_add_test(tests, a_flush_can_be_read_at_once);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, a_body_after_the_first_costs_no_allocation);
}

BIGHT_TEST_MAIN("http_gzip", add_tests)
