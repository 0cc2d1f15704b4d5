/* SPDX-License-Identifier: MIT */
/* Tests of rate limits (protocols/http/middleware/rate_limit.c, buckets.c): tokens, whose bucket it is, and how many
 * there are. */
#include "http/middleware/buckets.h"

#include "site_support.h"

#define SECOND UINT64_C(1000000000)

/* ------------------------------------------------------------------------------------------ buckets */

static struct bi_buckets buckets;

static void begin_buckets(double rate, double burst, uint32_t room)
{
    ck_assert(bi_buckets_init(&buckets, rate, burst, room));
    buckets.key[0] = 1;
}

static uint64_t take(unsigned who, uint64_t now)
{
    uint8_t key[BI_BUCKET_KEY] = { (uint8_t)who, (uint8_t)(who >> 8) };
    return bi_buckets_take(&buckets, key, now);
}

START_TEST(a_bucket_has_a_burst_and_fills_at_its_rate) /* A6 */
{
    uint64_t now = 5 * SECOND;
    begin_buckets(2, 3, 4);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(take(1, now), 0);
    }
    ck_assert_uint_eq(take(1, now), SECOND / 2);
    ck_assert_uint_eq(take(1, now + SECOND / 4), SECOND / 4);
    ck_assert_uint_eq(take(1, now + SECOND / 2), 0);
    ck_assert_uint_eq(take(1, now + SECOND / 2), SECOND / 2);
    ck_assert_uint_eq(take(1, now + SECOND), 0);
    now += 100 * SECOND; /* it is full, and no fuller */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(take(1, now), 0);
    }
    ck_assert_uint_ne(take(1, now), 0);
    bi_buckets_finish(&buckets);
}
END_TEST

START_TEST(each_key_has_a_bucket) /* A6 */
{
    begin_buckets(1, 1, 4);
    ck_assert_uint_eq(take(1, 0), 0);
    ck_assert_uint_eq(take(2, 0), 0);
    ck_assert_uint_ne(take(1, 0), 0);
    ck_assert_uint_ne(take(2, 0), 0);
    bi_buckets_finish(&buckets);
}
END_TEST

START_TEST(the_one_that_was_not_used_for_longest_goes) /* A6 */
{
    begin_buckets(1, 1, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(take(i, 0), 0);
    }
    ck_assert_uint_ne(take(0, 0), 0); /* used again, in vain */
    ck_assert_uint_eq(take(3, 0), 0); /* in 1's place */
    ck_assert_uint_ne(take(0, 0), 0);
    ck_assert_uint_ne(take(2, 0), 0);
    ck_assert_uint_eq(take(1, 0), 0); /* forgotten; in 3's place */
    bi_buckets_finish(&buckets);
}
END_TEST

/* Beside a table that is searched from end to end. */
START_TEST(many_keys_in_few_places_are_kept_as_by_a_plain_list) /* A6 */
{
    enum { ROOM = 7, KEYS = 20 };
    unsigned order[ROOM], count = 0;
    uint64_t full_at[KEYS] = { 0 };
    uint32_t random = 1;
    begin_buckets(1, 2, ROOM);
    for (uint64_t step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        unsigned who = (random >> 16) % KEYS, place = 0;
        uint64_t now = step * SECOND / 16;
        while (place < count && order[place] != who) {
            place++;
        }
        if (place == count) {
            full_at[who] = 0;
            count += count < ROOM;
            place = count - 1;
        }
        memmove(order + 1, order, place * sizeof *order);
        order[0] = who;
        uint64_t next = (full_at[who] > now ? full_at[who] : now) + SECOND;
        uint64_t wait = next - now > 2 * SECOND ? next - now - 2 * SECOND : 0;
        full_at[who] = wait == 0 ? next : full_at[who];
        ck_assert_uint_eq(take(who, now), wait);
    }
    bi_buckets_finish(&buckets);
}
END_TEST

/* ----------------------------------------------------------------------------------------- requests */

#define GET "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void begin(double rate, double burst)
{
    begin_site(NULL);
    add_route("/", hello);
    ck_assert_int_eq(bight_http_use_rate_limit(site,
                         &(struct bight_http_rate_limit_options) {
                             .size = sizeof(struct bight_http_rate_limit_options), .rate = rate, .burst = burst }),
        0);
}

static int status_from(const char *from)
{
    struct bight_address address = { .family = BIGHT_ADDRESS_UNIX };
    if (from != NULL) {
        ck_assert_int_eq(bight_address_parse_ip(&address, from, 4000), 0);
    }
    peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, NULL, &address);
    int status = atoi(say(GET) + strlen("HTTP/1.1 "));
    bight_string_peer_free(peer);
    peer = NULL;
    return status;
}

START_TEST(an_address_that_asks_too_often_is_429) /* A6 */
{
    begin(0.5, 2);
    ck_assert_int_eq(status_from("192.0.2.1"), 200);
    ck_assert_int_eq(status_from("192.0.2.1"), 200);
    ck_assert_int_eq(status_from("192.0.2.1"), 429);
    ck_assert_int_eq(status_from("192.0.2.2"), 200);
    ck_assert_int_eq(status_from("::ffff:192.0.2.1"), 429);
    bight_testing_advance(reactor, 2);
    ck_assert_int_eq(status_from("192.0.2.1"), 200);
    end_site();
}
END_TEST

START_TEST(a_network_of_ipv6_has_one_bucket) /* A6 */
{
    begin(1, 1);
    ck_assert_int_eq(status_from("2001:db8:0:1::1"), 200);
    ck_assert_int_eq(status_from("2001:db8:0:1:ffff::2"), 429);
    ck_assert_int_eq(status_from("2001:db8:0:2::1"), 200);
    end_site();
}
END_TEST

START_TEST(over_unix_sockets_there_is_no_limit) /* A6 */
{
    begin(1, 1);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_int_eq(status_from(NULL), 200);
    }
    end_site();
}
END_TEST

START_TEST(the_answer_says_when_to_come_again) /* A6 */
{
    begin(0.1, 1);
    struct bight_address address;
    ck_assert_int_eq(bight_address_parse_ip(&address, "192.0.2.1", 1), 0);
    peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, NULL, &address);
    (void)say(GET);
    bight_string_clear(peer);
    bight_testing_advance(reactor, 2.5);
    ck_assert(has_line(say(GET), "Retry-After: 8"));
    end_site();
}
END_TEST

START_TEST(behind_a_proxy_it_is_the_clients_address) /* A6, A8 */
{
    static const char *const proxies[] = { "unix", NULL };
    begin_site(NULL);
    add_route("/", hello);
    ck_assert_int_eq(bight_http_use_trusted_proxies(site, proxies, NULL), 0);
    ck_assert_int_eq(bight_http_use_rate_limit(site,
                         &(struct bight_http_rate_limit_options) {
                             .size = sizeof(struct bight_http_rate_limit_options), .rate = 1, .burst = 1 }),
        0);
    const struct bight_address address = { .family = BIGHT_ADDRESS_UNIX };
    peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, NULL, &address);
#define FROM(who) "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " who "\r\n\r\n"
    const char *answers = say(FROM("192.0.2.1") FROM("192.0.2.2") FROM("192.0.2.1"));
    ck_assert_uint_eq(count_of(answers, "HTTP/1.1 200"), 2);
    ck_assert_uint_eq(count_of(answers, "HTTP/1.1 429"), 1);
    end_site();
}
END_TEST

START_TEST(rates_that_cannot_be_are_refused) /* A6 */
{
    const struct bight_http_rate_limit_options wrong[] = {
        { .size = sizeof *wrong, .rate = -1 },
        { .size = sizeof *wrong, .burst = 0.5 },
        { .size = sizeof *wrong, .addresses = UINT32_MAX },
    };
    begin_site(NULL);
    ck_assert_int_eq(bight_http_use_rate_limit(site, &wrong[_i]), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_rate_limit(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_bucket_has_a_burst_and_fills_at_its_rate);
    tcase_add_test(tests, each_key_has_a_bucket);
    tcase_add_test(tests, the_one_that_was_not_used_for_longest_goes);
    tcase_add_test(tests, many_keys_in_few_places_are_kept_as_by_a_plain_list);
    tcase_add_test(tests, an_address_that_asks_too_often_is_429);
    tcase_add_test(tests, a_network_of_ipv6_has_one_bucket);
    tcase_add_test(tests, over_unix_sockets_there_is_no_limit);
    tcase_add_test(tests, the_answer_says_when_to_come_again);
    tcase_add_test(tests, behind_a_proxy_it_is_the_clients_address);
    tcase_add_loop_test(tests, rates_that_cannot_be_are_refused, 0, 3);
}

BIGHT_TEST_MAIN("http_rate_limit", add_tests)
