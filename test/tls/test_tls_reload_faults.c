/* SPDX-License-Identifier: MIT */
/* test_tls_reload_faults.c - memory that is refused while contexts are made, in use, and reloaded under connections
 * (L13, L15). */
#include "tls_faults_support.h"

/* True when it was, or for want of memory. */
static bool reload(struct bight_tls *tls)
{
    struct bight_failure *failure = bight_tls_reload(tls);
    bool is_good = failure == NULL || bight_testing_fault_injected();
    bight_failure_release(failure);
    return is_good;
}

/* The old connection and a new one. */
static bool speak_across_a_reload(void)
{
    begin();
    say(secret, sizeof secret);
    carry();
    bool is_good = reload(ends[SERVER].tls) && reload(ends[CLIENT].tls);
    say(bulk, BULK);
    is_good = end() && is_good;
    return speak() && is_good;
}

/* What is made again must be the run's own. */
static bool speak_with_own_contexts(void)
{
    struct bight_failure *failures[2];
    struct bight_tls *kept[2] = { ends[0].tls, ends[1].tls };
    const struct bight_tls_identity identity = bight_testing_identity(good);
    const struct bight_tls_server_options server = {
        .size = sizeof server, .identities = &identity, .identity_count = 1
    };
    const struct bight_tls_client_options client = {
        .size = sizeof client, .ca = pem_of(bight_testing_ca_pem(ca)), .without_resumption = true
    };
    ends[SERVER].tls = bight_tls_server_new(&server, &failures[0]);
    ends[CLIENT].tls = bight_tls_client_new(&client, &failures[1]);
    bool are_made = ends[SERVER].tls != NULL && ends[CLIENT].tls != NULL;
    bool is_good = are_made ? speak_across_a_reload() : bight_testing_fault_injected();
    for (int i = 0; i < 2; i++) {
        bight_tls_release(ends[i].tls);
        bight_failure_release(failures[i]);
        ends[i].tls = kept[i];
    }
    return is_good;
}

START_TEST(connections_go_on_across_a_reload) /* L15, L13 */
{
    ck_all_moments(speak_with_own_contexts);
}
END_TEST

int main(void)
{
    if (!hook_openssl(199)) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("tls_reload_faults");
    tcase_add_test(add_faults_case(suite, "reload"), connections_go_on_across_a_reload);
    return bight_test_run(suite);
}
