/* SPDX-License-Identifier: MIT */
/* test_tls_check.c - what the layer does by itself behind a handshake: it keeps no buffer (L11), forgets the keys that
 * were exchanged, and looks at who the peer is (L6), since OpenSSL verifies nothing when it resumes a session, and has
 * no opinion of whom the session was with. Here sessions are offered that no client of ours would have kept. */
#include "transport/transport.h"

#include "tls_raw_support.h"

#include <malloc.h>

#include "tls/layer.h"
#include "tls/tickets.h"

static SSL_SESSION *session;
static struct bi_tls_layer *layer; /* the client's */

/* Of a connection of `client` with the server; both must be good. */
static void take_session(struct bight_tls *client, const char *name)
{
    struct tls_talk talk;
    talk_tls(&talk, ends[SERVER].tls, client, name);
    assert_both_good(&talk);
    session = SSL_SESSION_dup(SSL_get0_session(talk.client.ssl)); /* OpenSSL spoils its own in the end */
    ck_assert(SSL_SESSION_is_resumable(session));
    end_talk(&talk);
}

/* A connection whose client offers the session, and writes before it knows its peer. */
static void join_with_session(void)
{
    struct bight_failure *failure;
    ends[CLIENT].starts_late = true;
    join();
    layer = bi_tls_layer_new(reactor, ends[CLIENT].tls, ends[CLIENT].peer_name, 443, &failure);
    ck_assert_ptr_nonnull(layer);
    ck_assert_int_eq(SSL_set_session(layer->ssl, session), 1);
    SSL_SESSION_free(session);
    ck_assert_int_eq(bight_transport_push_layer(transport_of(CLIENT), &layer->base), BIGHT_OK);
    bi_tls_begin(layer);
    write_to(CLIENT, "hello", 5);
    pump();
}

static struct bight_tls_client_options of_version(int version)
{
    return (struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)),
        .max_version = (enum bight_tls_version)version,
        .without_resumption = true };
}

static void use_client(struct bight_tls *client)
{
    bight_tls_release(ends[CLIENT].tls);
    ends[CLIENT].tls = client;
}

/* What the tests below stand on: such a session is resumed. */
START_TEST(a_session_that_was_verified_for_this_peer_is_resumed) /* L6 */
{
    use_client(make_client(of_version(_i)));
    take_session(ends[CLIENT].tls, "localhost");
    join_with_session();
    ck_assert(bight_transport_tls(transport_of(SERVER))->is_resumed);
    ck_assert(bight_transport_tls(transport_of(CLIENT))->is_resumed);
    ck_got(SERVER, "hello", 5);
    heard[0] = '\0';
}
END_TEST

START_TEST(a_session_that_nobody_verified_is_not_believed) /* L6 */
{
    struct bight_tls *careless = make_client(
        (struct bight_tls_client_options) { .without_verification = true, .max_version = (enum bight_tls_version)_i });
    use_client(make_client(of_version(_i)));
    take_session(careless, "localhost");
    bight_tls_release(careless);
    join_with_session();
    ck_assert_ptr_nonnull(strstr(heard, "c:NOT_VERIFIED"));
    ck_assert_ptr_null(strstr(heard, "c:secure"));
    ck_got(SERVER, "", 0);
}
END_TEST

START_TEST(a_session_with_another_name_is_not_believed) /* L6 */
{
    use_client(make_client(of_version(_i)));
    take_session(ends[CLIENT].tls, "localhost");
    ends[CLIENT].peer_name = "example.com";
    join_with_session();
    ck_assert_ptr_nonnull(strstr(heard, "c:WRONG_NAME"));
    ck_assert_ptr_null(strstr(heard, "c:secure"));
    ck_assert_ptr_nonnull(strstr(ends[CLIENT].reason, "not for example.com"));
    ck_got(SERVER, "", 0);
}
END_TEST

/* The same tickets and, since that alone would lead to a full handshake (L12), the same context for sessions. */
static void share_sessions(struct bight_tls *one, struct bight_tls *other)
{
    struct bight_tls *servers[] = { one, other };
    const uint8_t secret[BIGHT_TLS_TICKET_SECRET_SIZE] = { 1, 2, 3 };
    for (int i = 0; i < 2; i++) {
        SSL_CTX *ctx = bi_tls_hold_ctx(servers[i]);
        ck_assert_int_eq(SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"one", 3), 1);
        SSL_CTX_free(ctx);
        ck_assert_int_eq(bight_tls_add_ticket_secret(servers[i], bi_tls_tickets_hour(), secret), BIGHT_OK);
    }
}

START_TEST(a_session_without_the_certificate_that_a_client_must_have_is_not_believed) /* L7, L12 */
{
    struct bight_tls_identity identity = bight_testing_identity(good);
    struct bight_tls *strict = make_server((struct bight_tls_server_options) {
        .identities = &identity, .identity_count = 1, .client_ca = pem_of(bight_testing_ca_pem(ca)) });
    use_client(make_client(of_version(_i)));
    share_sessions(ends[SERVER].tls, strict);
    take_session(ends[CLIENT].tls, "localhost");
    bight_tls_release(ends[SERVER].tls);
    ends[SERVER].tls = strict;
    join_with_session();
    ck_assert_ptr_nonnull(strstr(heard, "s:NOT_VERIFIED"));
    ck_assert_ptr_null(strstr(heard, "s:secure"));
    ck_assert_ptr_nonnull(strstr(ends[SERVER].reason, "no certificate"));
    ck_got(SERVER, "", 0);
}
END_TEST

static void ck_empty(EVP_PKEY *key)
{
    unsigned char bytes[4096]; /* those of X25519MLKEM768 are long */
    size_t size = sizeof bytes;
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, bytes, &size), 0);
    ck_assert_int_eq(EVP_PKEY_get_raw_private_key(key, bytes, &size), 0);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

/* Returns how many keys there are, all of them empty. */
static int count_forgotten(SSL *ssl)
{
    int count = 0;
    EVP_PKEY *key;
    if (SSL_get_tmp_key(ssl, &key) == 1) {
        ck_empty(key);
        count++;
    }
    if (SSL_get_peer_tmp_key(ssl, &key) == 1) {
        ck_empty(key);
        count++;
    }
    return count;
}

static struct bi_tls_layer *layer_of(int side)
{
    return bi_tls_layer_of(transport_of(side)->extension->top);
}

static void use_group(struct bight_tls *tls, const char *group)
{
    SSL_CTX *ctx = bi_tls_hold_ctx(tls);
    ck_assert_int_eq(SSL_CTX_set1_groups_list(ctx, group), 1);
    SSL_CTX_free(ctx);
}

/* With X25519 each side has two keys, its own and the peer's. With X25519MLKEM768, which is what comes first where
 * OpenSSL has it (3.5), the client alone makes a key, and the server one that is encrypted to it: nobody has two. */
START_TEST(the_keys_that_were_exchanged_are_forgotten) /* L2 */
{
    const char *group = _i == 0 ? "x25519" : NULL;
    use_client(make_client(of_version(BIGHT_TLS_1_3)));
    if (group != NULL) {
        use_group(ends[CLIENT].tls, group);
    }
    take_session(ends[CLIENT].tls, "localhost");
    join_with_session();
    bool is_encrypted = strstr(bight_transport_tls(transport_of(CLIENT))->group, "MLKEM") != NULL;
    ck_assert(group == NULL || strcmp(bight_transport_tls(transport_of(CLIENT))->group, group) == 0);
    ck_assert_int_eq(count_forgotten(layer_of(CLIENT)->ssl), is_encrypted ? 1 : 2);
    ck_assert_int_eq(count_forgotten(layer_of(SERVER)->ssl), is_encrypted ? 1 : 2);
    ck_assert_int_eq(SSL_key_update(layer->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    ends[SERVER].data = echo;
    write_to(CLIENT, " again", 6);
    pump();
    ck_got(SERVER, "hello again", 11);
    ck_got(CLIENT, " again", 6);
    heard[0] = '\0';
}
END_TEST

/* Blocks of OpenSSL's that have room for a record. */
static int large;

static void *counted(void *block, int by)
{
    large += malloc_usable_size(block) >= BI_TLS_RECORD ? by : 0;
    return block;
}

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return counted(malloc(size), 1);
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return counted(realloc(counted(old, -1), size), 1);
}

static void release(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(counted(block, -1));
}

/* Before OpenSSL has allocated anything. */
static void __attribute__((constructor)) count_blocks(void)
{
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1) {
        abort();
    }
}

/* From the client to the server. */
static void talk(size_t size)
{
    uint8_t *data = make_data(size);
    write_to(CLIENT, data, size);
    pump();
    ck_got(SERVER, data, size);
    free(data);
}

#define MUCH 40000 /* several records, which come in one view */

static int kept_by(unsigned most_warm)
{
    bi_tls_hub_of(reactor)->most_warm = most_warm;
    for (int records = 0; records < BI_TLS_USES; records++) {
        talk(100);
    }
    return large;
}

START_TEST(a_connection_at_rest_keeps_no_buffer) /* L11 */
{
    int before = large;
    join_securely();
    talk(100); /* so little is not worth keeping anything for */
    ck_assert_int_eq(large, before);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(kept_by(BI_TLS_MAX_WARM), before + 2);
        bight_testing_advance(reactor, 0.9);
        ck_assert_int_eq(kept_by(BI_TLS_MAX_WARM), before + 2);
        bight_testing_advance(reactor, 0.9);
        ck_assert_int_eq(large, before + 2);
        bight_testing_advance(reactor, 2);
        ck_assert_int_eq(large, before);
    }
}
END_TEST

START_TEST(a_connection_that_moves_much_keeps_no_buffer) /* L11 */
{
    int before = large;
    join_securely();
    for (int records = 0; records < 2 * BI_TLS_USES; records++) {
        talk(MUCH);
        ck_assert_int_eq(large, before);
    }
    ck_assert_int_eq(kept_by(BI_TLS_MAX_WARM), before + 2);
    talk(MUCH);
    ck_assert_int_eq(large, before);
}
END_TEST

START_TEST(only_so_many_connections_keep_their_buffers_while_they_are_in_use) /* L11 */
{
    int before = large;
    join_securely();
    bight_testing_advance(reactor, 3);
    ck_assert_int_eq(kept_by(0), before);
    ck_assert_int_eq(kept_by(1), before + 1);
    ck_assert_int_eq(kept_by(1), before + 1);
    ck_assert_int_eq(kept_by(2), before + 2);
}
END_TEST

/* But for the message that is being put together. */
START_TEST(a_handshake_that_waits_keeps_no_buffer_for_records) /* L11 */
{
    int before = large;
    ends[SERVER].starts_late = true;
    join();
    pump();
    ck_assert_uint_gt(ends[SERVER].size, 0);
    ck_assert_int_eq(large, before + 1);
}
END_TEST

/* What goes out has its buffer released, which must not be where the part has its own. */
START_TEST(an_answer_may_go_out_in_the_midst_of_a_record_that_comes) /* L11 */
{
    uint8_t record[64];
    char answer;
    int error;
    raw_connect(TLS1_3_VERSION);
    for (int cut = 1, size = 0; cut <= size || size == 0; cut++) {
        raw_write("hello", 5);
        size = BIO_read(raw.out, record, sizeof record);
        bight_string_feed(raw.peer, record, (size_t)cut);
        ck_assert_int_eq(bight_transport_write(raw_transport(), "!", 1), BIGHT_OK);
        bight_testing_settle(reactor, 100);
        ck_assert_int_eq(raw_read(&answer, 1, &error), 1);
        ck_got(SERVER, "hello", cut == size ? 5 : 0);
        bight_string_feed(raw.peer, record + cut, (size_t)(size - cut));
        ck_got(SERVER, "hello", cut == size ? 0 : 5);
    }
    bight_transport_abort_connection(raw_transport());
    bight_testing_settle(reactor, 100);
    raw_free();
    heard[0] = '\0';
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    const int first = BIGHT_TLS_1_2, behind = BIGHT_TLS_1_3 + 1;
    tcase_add_test(tests, a_handshake_that_waits_keeps_no_buffer_for_records);
    tcase_add_test(tests, a_connection_at_rest_keeps_no_buffer);
    tcase_add_test(tests, a_connection_that_moves_much_keeps_no_buffer);
    tcase_add_test(tests, only_so_many_connections_keep_their_buffers_while_they_are_in_use);
    tcase_add_test(tests, an_answer_may_go_out_in_the_midst_of_a_record_that_comes);
    tcase_add_loop_test(tests, the_keys_that_were_exchanged_are_forgotten, 0, 2);
    tcase_add_loop_test(tests, a_session_that_was_verified_for_this_peer_is_resumed, first, behind);
    tcase_add_loop_test(tests, a_session_that_nobody_verified_is_not_believed, first, behind);
    tcase_add_loop_test(tests, a_session_with_another_name_is_not_believed, first, behind);
    tcase_add_loop_test(
        tests, a_session_without_the_certificate_that_a_client_must_have_is_not_believed, first, behind);
}

BIGHT_TEST_MAIN("tls_check", add_tests)
