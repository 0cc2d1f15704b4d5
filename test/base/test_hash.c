/* SPDX-License-Identifier: MIT */
/* test_hash.c - SipHash's published vectors, and a table that keeps what it was given. */
#include <bight/sys/hash.h>

#include "faults.h"
#include "support.h"

static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

/* From the test vectors of the reference implementation (key and input 00 01 02 ...); the one of 15 bytes also
 * from appendix A of the paper. */
START_TEST(siphash_gives_its_published_vectors)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {
        { 0, UINT64_C(0x726fdb47dd0e0e31) },
        { 1, UINT64_C(0x74f839c593dc67fd) },
        { 2, UINT64_C(0x0d6c8009d9a94f5a) },
        { 3, UINT64_C(0x85676696d7fb7e2d) },
        { 7, UINT64_C(0xab0200f58b01d137) },
        { 8, UINT64_C(0x93f5f5799a932462) },
        { 15, UINT64_C(0xa129ca6149be45e5) },
    };
    uint8_t input[16];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        ck_assert_uint_eq(bight_siphash(key, input, vectors[i].size), vectors[i].hash);
    }
}
END_TEST

static int released;
static void count_release(void *value)
{
    released++;
    ++*(int *)value;
}

START_TEST(a_key_has_the_value_that_was_set_last)
{
    int one = 0, two = 0;
    struct bight_hash table;
    bight_hash_init(&table, key, count_release);
    ck_assert_ptr_null(bight_hash_get(&table, "key", 3));
    ck_assert_int_eq(bight_hash_set(&table, "key", 3, &one), 0);
    ck_assert_ptr_eq(bight_hash_get(&table, "key", 3), &one);
    ck_assert_int_eq(bight_hash_set(&table, "key", 3, &two), 0);
    ck_assert_int_eq(one, 1);
    ck_assert_ptr_eq(bight_hash_get(&table, "key", 3), &two);
    ck_assert_ptr_null(bight_hash_get(&table, "key", 2));
    ck_assert_uint_eq(table.count, 1);
    bight_hash_finish(&table);
    ck_assert_int_eq(two, 1);
    ck_assert_uint_eq(table.count, 0);
}
END_TEST

START_TEST(keys_are_bytes_and_may_be_empty)
{
    int a = 0, b = 0, c = 0;
    struct bight_hash table;
    bight_hash_init(&table, key, NULL);
    bight_hash_set(&table, NULL, 0, &a);
    bight_hash_set(&table, "\0", 1, &b);
    bight_hash_set(&table, "\0\0", 2, &c);
    ck_assert_ptr_eq(bight_hash_get(&table, NULL, 0), &a);
    ck_assert_ptr_eq(bight_hash_get(&table, "\0", 1), &b);
    ck_assert_ptr_eq(bight_hash_get(&table, "\0\0", 2), &c);
    bight_hash_finish(&table);
}
END_TEST

START_TEST(taking_gives_the_value_away_and_removing_releases_it)
{
    int one = 0, two = 0;
    struct bight_hash table;
    bight_hash_init(&table, key, count_release);
    bight_hash_set(&table, "one", 3, &one);
    bight_hash_set(&table, "two", 3, &two);
    ck_assert_ptr_eq(bight_hash_take(&table, "one", 3), &one);
    ck_assert_int_eq(one, 0);
    ck_assert_ptr_null(bight_hash_take(&table, "one", 3));
    ck_assert(bight_hash_remove(&table, "two", 3));
    ck_assert_int_eq(two, 1);
    ck_assert(!bight_hash_remove(&table, "two", 3));
    ck_assert_uint_eq(table.count, 0);
    bight_hash_finish(&table);
}
END_TEST

START_TEST(a_zeroed_table_may_be_finished)
{
    struct bight_hash table = { 0 };
    ck_assert_ptr_null(bight_hash_get(&table, "key", 3));
    ck_assert(!bight_hash_remove(&table, "key", 3));
    bight_hash_finish(&table);
}
END_TEST

START_TEST(a_hundred_thousand_keys_are_found_walked_and_removed)
{
    enum { MANY = 100000 };
    static int seen[MANY];
    struct bight_hash table;
    bight_hash_init(&table, key, NULL);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(bight_hash_set(&table, &i, sizeof i, &seen[i]), 0);
    }
    size_t cursor = 0, size;
    const void *found;
    void *value;
    while (bight_hash_next(&table, &cursor, &found, &size, &value)) {
        ck_assert_uint_eq(size, sizeof(int));
        ++*(int *)value;
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(seen[i], 1);
        ck_assert_ptr_eq(bight_hash_get(&table, &i, sizeof i), &seen[i]);
    }
    for (int i = 0; i < MANY; i += 2) {
        ck_assert_ptr_eq(bight_hash_take(&table, &i, sizeof i), &seen[i]);
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert_ptr_eq(bight_hash_get(&table, &i, sizeof i), i % 2 == 0 ? NULL : &seen[i]);
    }
    bight_hash_finish(&table);
}
END_TEST

START_TEST(keys_that_come_and_go_neither_grow_the_table_nor_get_lost)
{
    enum { KEPT = 40, ROUNDS = 20000 };
    static int values[KEPT];
    int present[KEPT] = { 0 };
    struct bight_hash table;
    uint32_t state = 1;
    bight_hash_init(&table, key, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        state = state * UINT32_C(1664525) + UINT32_C(1013904223);
        int i = (int)((state >> 16) % KEPT);
        if (present[i]) {
            ck_assert(bight_hash_remove(&table, &i, sizeof i));
        } else {
            ck_assert_int_eq(bight_hash_set(&table, &i, sizeof i, &values[i]), 0);
        }
        present[i] = !present[i];
        for (int k = 0; k < KEPT; k++) {
            ck_assert_ptr_eq(bight_hash_get(&table, &k, sizeof k), present[k] ? &values[k] : NULL);
        }
    }
    ck_assert_uint_le(table.capacity, 64);
    bight_hash_finish(&table);
}
END_TEST

/* Sets 50 keys while the n-th allocation fails; returns the allocations asked for. */
static unsigned fill_with_fault(unsigned n)
{
    struct bight_test_memory memory;
    int values[50] = { 0 }, refused = 0;
    struct bight_hash table;
    bight_test_fail_nth(&memory, n);
    bight_hash_init(&table, key, count_release);
    for (int i = 0; i < 50; i++) {
        if (bight_hash_set(&table, &i, sizeof i, &values[i]) != BIGHT_OK) {
            refused++;
            ck_assert_ptr_null(bight_hash_get(&table, &i, sizeof i));
            ck_assert_int_eq(values[i], 0);
            ck_assert_uint_eq(table.count, i);
            ck_assert_int_eq(bight_hash_set(&table, &i, sizeof i, &values[i]), BIGHT_OK);
        }
        for (int k = 0; k <= i; k++) {
            ck_assert_ptr_eq(bight_hash_get(&table, &k, sizeof k), &values[k]);
        }
    }
    ck_assert_int_eq(refused, n == 0 ? 0 : 1);
    released = 0;
    bight_hash_finish(&table);
    ck_assert_int_eq(released, 50);
    ck_assert_int_eq(memory.out, 0);
    bight_set_allocator(NULL);
    return memory.asked;
}

START_TEST(whichever_allocation_fails_nothing_changes) /* D33 */
{
    unsigned total = fill_with_fault(0);
    ck_assert_uint_gt(total, 50);
    for (unsigned n = 1; n <= total; n++) {
        fill_with_fault(n);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, siphash_gives_its_published_vectors);
    tcase_add_test(tests, a_key_has_the_value_that_was_set_last);
    tcase_add_test(tests, keys_are_bytes_and_may_be_empty);
    tcase_add_test(tests, taking_gives_the_value_away_and_removing_releases_it);
    tcase_add_test(tests, a_zeroed_table_may_be_finished);
    tcase_add_test(tests, a_hundred_thousand_keys_are_found_walked_and_removed);
    tcase_add_test(tests, keys_that_come_and_go_neither_grow_the_table_nor_get_lost);
    tcase_add_test(tests, whichever_allocation_fails_nothing_changes);
}

BIGHT_TEST_MAIN("hash", add_tests)
