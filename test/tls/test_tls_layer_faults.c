/* SPDX-License-Identifier: MIT */
/* test_tls_layer_faults.c - memory that is refused, bight's and OpenSSL's, at every moment of a connection (L15). What
 * is refused while contexts are reloaded is in test_tls_reload_faults.c. */
#include "tls/layer.h"
#include "transport/transport.h"

#include "tls_faults_support.h"

/* ----------------------------------------------------------------------------------- what happens */

START_TEST(a_connection_ends_well_or_with_a_failure) /* L15 */
{
    ck_all_moments(speak);
}
END_TEST

static bool speak_to_another(void)
{
    begin();
    say(secret, sizeof secret);
    run_out();
    bool is_over = pair == NULL || bight_pair_is_over(pair);
    forget();
    return is_over && !was_secure("c") && ends[SERVER].size == 0 && !was_seen;
}

START_TEST(no_want_of_memory_makes_a_peer_good) /* L15, L6 */
{
    ends[CLIENT].peer_name = "example.com";
    ck_all_moments(speak_to_another);
}
END_TEST

static bool start_late(int side)
{
    struct bight_transport *transport = transport_of(side);
    return transport != NULL && start_or_abort(transport, &ends[side]);
}

static bool speak_plainly_first(void)
{
    begin();
    say("STARTTLS", 8);
    carry();
    bool is_plain = ends[SERVER].size == 8 && memcmp(ends[SERVER].got, "STARTTLS", 8) == 0;
    ends[SERVER].size = 0;
    if (start_late(SERVER) && start_late(CLIENT)) {
        say(secret, sizeof secret);
        say(bulk, BULK);
    }
    return end() && (is_plain || bight_testing_fault_injected());
}

START_TEST(what_is_written_after_start_tls_is_secret_or_not_sent) /* L15, L5 */
{
    ends[SERVER].starts_late = ends[CLIENT].starts_late = true;
    ck_all_moments(speak_plainly_first);
}
END_TEST

/* Goes out before what is written next, and has the peer change its own. */
static void change_keys(int side)
{
    struct bight_transport *transport = transport_of(side);
    struct bi_tls_layer *layer = transport == NULL ? NULL : bi_tls_layer_of(bi_extension_of(transport)->top);
    if (layer != NULL && layer->state == BI_TLS_OPEN) {
        (void)SSL_key_update(layer->ssl, SSL_KEY_UPDATE_REQUESTED);
    }
}

static bool speak_with_new_keys(void)
{
    begin();
    say(secret, sizeof secret);
    carry();
    change_keys(CLIENT);
    say(bulk, BULK / 2);
    carry();
    change_keys(SERVER);
    change_keys(CLIENT);
    say(bulk + BULK / 2, BULK - BULK / 2);
    return end();
}

START_TEST(keys_are_changed_or_the_connection_ends) /* L15, L10 */
{
    ck_all_moments(speak_with_new_keys);
}
END_TEST

/* What a handler asks about. */
static void look(struct end *end)
{
    int side = end == &ends[SERVER] ? SERVER : CLIENT;
    const struct bight_tls_session *session = bight_transport_tls(transport_of(side));
    if (session != NULL && side == CLIENT && (!session->is_verified || session->peer == NULL)) {
        hear("c:a stranger");
    }
}

static bool speak_and_look(void)
{
    return speak() && strstr(heard, "a stranger") == NULL;
}

START_TEST(what_a_session_tells_is_whole_or_nothing) /* L15, L7 */
{
    ends[SERVER].secure = ends[CLIENT].secure = look;
    ck_all_moments(speak_and_look);
}
END_TEST

/* ----------------------------------------------------------------------------------- without faults */

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

int main(void)
{
    if (!hook_openssl(23)) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("tls_layer_faults");
    TCase *connections = add_faults_case(suite, "connections"), *counts = tcase_create("counts");
    tcase_add_test(connections, a_connection_ends_well_or_with_a_failure);
    tcase_add_test(connections, no_want_of_memory_makes_a_peer_good);
    tcase_add_test(connections, what_is_written_after_start_tls_is_secret_or_not_sent);
    tcase_add_test(connections, keys_are_changed_or_the_connection_ends);
    tcase_add_test(connections, what_a_session_tells_is_whole_or_nothing);
    tcase_add_test(counts, a_message_allocates_nothing);
    suite_add_tcase(suite, counts);
    return bight_test_run(suite);
}
