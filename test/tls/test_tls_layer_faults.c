/* SPDX-License-Identifier: MIT */
/* test_tls_layer_faults.c - memory that is refused, bight's and OpenSSL's, at every moment of a connection: it ends
 * well or with a failure, never unverified and never in the clear (L15). */
#include "tls_pair_support.h"

#include <openssl/crypto.h>

/* ------------------------------------------------------------------------------ OpenSSL's allocations */

static struct {
    bool on;
    size_t asked, refused_at; /* 0: none */
    bool goes_on;             /* all from there on */
} plan;

static bool is_refused(void)
{
    if (!plan.on) {
        return false;
    }
    size_t number = ++plan.asked;
    return plan.refused_at != 0 && (number == plan.refused_at || (plan.goes_on && number > plan.refused_at));
}

static void *plan_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return is_refused() ? NULL : malloc(size);
}

static void *plan_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return is_refused() ? NULL : realloc(memory, size);
}

static void plan_free(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

/* ------------------------------------------------------------------------------------- the connections */

static const char secret[] = "this is the secret that nobody may see";
static uint8_t *bulk;
enum { BULK = 100000 };

static bool was_secure(const char *name)
{
    char word[16];
    snprintf(word, sizeof word, "%s:secure", name);
    return strstr(heard, word) != NULL;
}

static void answer(struct end *end, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    struct bight_transport *transport = transport_of(SERVER);
    if (end->size == sizeof secret + BULK && transport != NULL) {
        (void)bight_transport_write(transport, secret, sizeof secret);
        (void)bight_transport_lose_connection(transport);
    }
}

/* What crosses is looked at on its way: nothing of it is the secret. */
static void talk(void)
{
    pair = bight_pair_connect(reactor, &ends[SERVER].factory, &ends[CLIENT].factory);
    struct bight_transport *client = transport_of(CLIENT);
    if (client != NULL) {
        (void)bight_transport_write(client, secret, sizeof secret);
        (void)bight_transport_write(client, bulk, BULK);
    }
    if (pair != NULL) {
        (void)bight_pair_pump(pair, 0);
    }
    for (int i = 0; i < 12; i++) {
        bight_testing_advance(reactor, 6); /* whoever hangs runs into a time limit */
    }
}

static void forget(void)
{
    bight_pair_free(pair);
    pair = NULL;
    (void)bight_testing_settle(reactor, 100);
    ends[SERVER].size = ends[CLIENT].size = 0;
    heard[0] = '\0';
}

static bool got_all(void)
{
    return ends[SERVER].size == sizeof secret + BULK && memcmp(ends[SERVER].got, secret, sizeof secret) == 0 &&
           memcmp(ends[SERVER].got + sizeof secret, bulk, BULK) == 0 && ends[CLIENT].size == sizeof secret;
}

static bool ended_in_good_order(void)
{
    return strstr(heard, "s:CONNECTION_DONE") != NULL && strstr(heard, "c:CONNECTION_DONE") != NULL;
}

/* Whatever happened, both ends have heard of the end; a good one means that everything came. */
static void ck_outcome(size_t n)
{
    bool is_over = pair == NULL || bight_pair_is_over(pair);
    ck_assert_msg(is_over, "%zu: still connected: %s", n, heard);
    ck_assert_msg(!ended_in_good_order() || got_all(), "%zu: a good end, but not all came: %s", n, heard);
}

static void set_up_talk(void)
{
    set_up();
    bulk = make_data(BULK);
    ends[SERVER].data = answer;
    for (int i = 0; i < 3; i++) { /* what OpenSSL keeps is there then */
        talk();
        ck_assert(got_all() && ended_in_good_order());
        forget();
    }
}

static void tear_down_talk(void)
{
    free(bulk);
    tear_down();
}

/* How many allocations a run takes. */
static size_t count_askings(void)
{
    plan.on = true;
    plan.asked = plan.refused_at = 0;
    talk();
    plan.on = false;
    forget();
    return plan.asked;
}

static void run_refusing(size_t n, bool goes_on)
{
    plan.on = true;
    plan.asked = 0;
    plan.refused_at = n;
    plan.goes_on = goes_on;
    talk();
    plan.on = false;
    ERR_clear_error();
}

/* One in so many, each time others, so that a run of the tests is short: all of them with BIGHT_TEST_ALL. */
static size_t stride(void)
{
    return getenv("BIGHT_TEST_ALL") != NULL ? 1 : 5;
}

START_TEST(each_allocation_of_openssl_may_fail) /* L15 */
{
    size_t count = count_askings();
    ck_assert_uint_gt(count, 100);
    for (size_t n = 1 + (size_t)_i; n <= count; n += stride()) {
        run_refusing(n, _i % 2 == 1);
        ck_outcome(n);
        forget();
    }
}
END_TEST

START_TEST(no_allocation_that_fails_makes_a_peer_good) /* L15, L6 */
{
    ends[CLIENT].peer_name = "example.com";
    size_t count = count_askings();
    ck_assert_uint_gt(count, 100);
    for (size_t n = 1 + (size_t)_i; n <= count; n += stride()) {
        run_refusing(n, _i % 2 == 1);
        ck_assert_msg(!was_secure("c") && ends[SERVER].size == 0, "%zu: %s", n, heard);
        ck_outcome(n);
        forget();
    }
}
END_TEST

/* ------------------------------------------------------------------------------------ bight's own */

static bool talk_with_faults(void *context)
{
    (void)context;
    heard[0] = '\0';
    ends[SERVER].size = ends[CLIENT].size = 0;
    reactor = bight_testing_reactor_new();
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    talk();
    bool is_good = bight_testing_fault_injected() ? !ended_in_good_order() || got_all() : got_all();
    bight_pair_free(pair);
    pair = NULL;
    bight_reactor_free(reactor);
    reactor = NULL;
    return is_good;
}

START_TEST(each_allocation_of_bight_may_fail) /* L15 */
{
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_uint_eq(bight_testing_with_faults(talk_with_faults, NULL, 0), 0);
}
END_TEST

START_TEST(a_message_allocates_nothing)
{
    static uint8_t message[64], large[16384];
    set_up();
    ends[SERVER].data = echo;
    bight_testing_count_allocations(true);
    join_securely();
    for (int i = 0; i < 20; i++) {
        if (i == 10) {
            bight_testing_count_allocations(true);
        }
        write_to(CLIENT, message, sizeof message);
        bight_pair_pump(pair, 0);
        write_to(CLIENT, large, sizeof large);
        bight_pair_pump(pair, 0);
    }
    size_t count = bight_testing_allocation_count();
    bight_testing_count_allocations(false);
    ck_assert_uint_eq(count, 0);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_talk, tear_down_talk);
    tcase_set_timeout(tests, 100);
    tcase_add_loop_test(tests, each_allocation_of_openssl_may_fail, 0, 2);
    tcase_add_loop_test(tests, no_allocation_that_fails_makes_a_peer_good, 0, 2);
    tcase_add_test(tests, each_allocation_of_bight_may_fail);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(plan_malloc, plan_realloc, plan_free) != 1) {
        return 1;
    }
    Suite *suite = suite_create("tls_layer_faults");
    TCase *faults = tcase_create("faults"), *counts = tcase_create("counts");
    add_tests(faults);
    tcase_add_test(counts, a_message_allocates_nothing);
    suite_add_tcase(suite, faults);
    suite_add_tcase(suite, counts);
    return bight_test_run(suite);
}
