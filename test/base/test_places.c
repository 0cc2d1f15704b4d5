/* SPDX-License-Identifier: MIT */
/* The table of places where things were made, which debug mode fills, and the production source of randomness: small
 * parts of base that the higher rooms use in few ways. */
#include "support.h"

#include "base/places.h"
#include "base/random.h"

static char objects[4000];

static void note(size_t index, uint64_t generation, const char *place)
{
    const struct bi_place entry = {
        .object = &objects[index], .generation = generation, .kind = "thing", .place = place
    };
    bi_places_note(&entry);
}

START_TEST(nothing_is_known_before_anything_is_noted)
{
    const char *kind = "none";
    ck_assert_ptr_null(bi_places_find(&objects[0], 1, &kind));
    ck_assert_str_eq(kind, "none");
    ck_assert_uint_eq(bi_places_count(), 0);
}
END_TEST

START_TEST(a_place_is_found_by_object_and_generation)
{
    const char *kind = NULL;
    note(0, 1, "here.c:1");
    ck_assert_str_eq(bi_places_find(&objects[0], 1, &kind), "here.c:1");
    ck_assert_str_eq(kind, "thing");
    ck_assert_str_eq(bi_places_find(&objects[0], 1, NULL), "here.c:1");
    ck_assert_ptr_null(bi_places_find(&objects[0], 2, NULL));
    ck_assert_ptr_null(bi_places_find(&objects[1], 1, NULL));
    note(0, 2, "there.c:2");
    ck_assert_ptr_null(bi_places_find(&objects[0], 1, NULL));
    ck_assert_str_eq(bi_places_find(&objects[0], 2, NULL), "there.c:2");
}
END_TEST

START_TEST(thousands_of_places_are_kept)
{
    for (size_t i = 0; i < sizeof objects; i++) {
        note(i, i, i % 2 == 0 ? "even.c:1" : "odd.c:1");
    }
    ck_assert_uint_eq(bi_places_count(), sizeof objects);
    for (size_t i = 0; i < sizeof objects; i++) {
        ck_assert_str_eq(bi_places_find(&objects[i], i, NULL), i % 2 == 0 ? "even.c:1" : "odd.c:1");
    }
}
END_TEST

START_TEST(what_is_made_for_a_caller_has_the_callers_place)
{
    ck_assert_ptr_null(bi_places_here("caller.c:7"));
    note(5, 1, "callee.c:8");
    ck_assert_str_eq(bi_places_here(NULL), "caller.c:7");
    note(6, 1, "callee.c:8");
    ck_assert_str_eq(bi_places_find(&objects[5], 1, NULL), "caller.c:7");
    ck_assert_str_eq(bi_places_find(&objects[6], 1, NULL), "callee.c:8");
}
END_TEST

START_TEST(only_slots_in_use_are_live)
{
    static uint64_t slots[3] = { 3, 4, 5 }; /* a slot's first word is its generation */
    struct bi_place found[2];
    for (size_t i = 0; i < 3; i++) {
        bi_places_note(&(struct bi_place) {
            .object = &slots[i], .generation = 3 + i, .kind = "slot", .place = "a.c:1", .is_slot = true });
    }
    note(0, 3, "no slot");
    ck_assert_uint_eq(bi_places_live_slots(0, found, 2), 3);
    slots[1]++;
    ck_assert_uint_eq(bi_places_live_slots(0, found, 2), 2);
    ck_assert_uint_eq(bi_places_live_slots(bi_places_count(), found, 2), 0);
}
END_TEST

START_TEST(what_was_noted_has_its_thread_and_time)
{
    struct bi_place place;
    uint64_t before = bi_places_now();
    note(7, 1, "here.c:1");
    ck_assert(bi_places_look_up(&objects[7], 1, &place));
    ck_assert(pthread_equal(place.thread, pthread_self()));
    ck_assert_uint_ge(place.made, before);
    ck_assert_uint_le(place.made, bi_places_now());
    ck_assert_uint_eq(place.number, bi_places_count());
    ck_assert(!bi_places_look_up(&objects[7], 2, &place));
}
END_TEST

START_TEST(randomness_fills_the_buffer_and_differs)
{
    unsigned char first[64] = { 0 }, second[64] = { 0 }, untouched = 7;
    ck_assert_int_eq(bi_random_openssl(NULL, first, sizeof first), 0);
    ck_assert_int_eq(bi_random_openssl(NULL, second, sizeof second), 0);
    ck_assert_mem_ne(first, second, sizeof first);
    ck_assert_int_eq(bi_random_openssl(NULL, &untouched, 0), 0);
    ck_assert_uint_eq(untouched, 7);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, nothing_is_known_before_anything_is_noted);
    tcase_add_test(tests, a_place_is_found_by_object_and_generation);
    tcase_add_test(tests, thousands_of_places_are_kept);
    tcase_add_test(tests, what_is_made_for_a_caller_has_the_callers_place);
    tcase_add_test(tests, only_slots_in_use_are_live);
    tcase_add_test(tests, what_was_noted_has_its_thread_and_time);
    tcase_add_test(tests, randomness_fills_the_buffer_and_differs);
}

BIGHT_TEST_MAIN("places", add_tests)
