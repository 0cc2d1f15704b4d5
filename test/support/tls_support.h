/* SPDX-License-Identifier: MIT */
/* tls_support.h - two TLS sessions that talk through memory, without any layer, and a CA for their certificates. */
#ifndef BIGHT_TEST_TLS_SUPPORT_H
#define BIGHT_TEST_TLS_SUPPORT_H

#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bight/testing.h>
#include <bight/tls.h>

#include <openssl/err.h>

#include "tls/context.h"

static inline struct bight_pem pem_of(const char *text)
{
    return (struct bight_pem) { .text = text, .size = strlen(text) };
}

/* What was logged, a line each. */
static char tls_logged[8192];

static inline void keep_tls_log(const struct bight_log_event *event, void *context)
{
    (void)context;
    size_t used = strlen(tls_logged);
    snprintf(tls_logged + used, sizeof tls_logged - used, "%s\n", event->message);
}

static inline bool was_logged(const char *part)
{
    return strstr(tls_logged, part) != NULL;
}

/* ------------------------------------------------------------------------------------------- contexts */

static inline struct bight_tls *make_server(struct bight_tls_server_options options)
{
    struct bight_failure *failure;
    options.size = sizeof options;
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    ck_assert_msg(tls != NULL, "%s", tls == NULL ? bight_failure_message(bight_failure_root(failure)) : "");
    return tls;
}

static inline struct bight_tls *make_client(struct bight_tls_client_options options)
{
    struct bight_failure *failure;
    options.size = sizeof options;
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    ck_assert_msg(tls != NULL, "%s", tls == NULL ? bight_failure_message(bight_failure_root(failure)) : "");
    return tls;
}

/* Why it cannot be made. */
static inline struct bight_failure *refuse_server(struct bight_tls_server_options options)
{
    struct bight_failure *failure;
    options.size = sizeof options;
    ck_assert_ptr_null(bight_tls_server_new(&options, &failure));
    return failure;
}

static inline struct bight_failure *refuse_client(struct bight_tls_client_options options)
{
    struct bight_failure *failure;
    options.size = sizeof options;
    ck_assert_ptr_null(bight_tls_client_new(&options, &failure));
    return failure;
}

static inline struct bight_tls *server_of(const struct bight_testing_certificate *certificate)
{
    struct bight_tls_identity identity = bight_testing_identity(certificate);
    return make_server((struct bight_tls_server_options) { .identities = &identity, .identity_count = 1 });
}

static inline struct bight_tls *client_trusting(const char *ca)
{
    return make_client((struct bight_tls_client_options) { .ca = pem_of(ca) });
}

/* ---------------------------------------------------------------------------------------------- files */

/* A directory of the test's own. */
static char tls_place[64];

static inline void make_place(void)
{
    strcpy(tls_place, "/tmp/bight-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(tls_place));
}

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static inline void remove_place(void)
{
    ck_assert_int_eq(nftw(tls_place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A path in it; good until the eighth after it. */
static inline const char *in_place(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", tls_place, name);
    return path;
}

/* The file is another one afterwards, as after a renewal. Returns its path. */
static inline const char *put_file(const char *name, const char *text, mode_t mode)
{
    const char *path = in_place(name);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

/* --------------------------------------------------------------------------------- memory that is refused */

/* Of OpenSSL's allocations one in `one_in` fails in its turn, so that a run of the tests is short; BIGHT_TEST_EVERY=1
 * has every one do, which takes minutes, and 7 one in seven. First thing in main. */
static inline bool hook_openssl(size_t one_in)
{
    const char *every = getenv("BIGHT_TEST_EVERY");
    return bight_testing_hook_openssl(every == NULL ? one_in : strtoul(every, NULL, 10));
}

static inline void ck_survives_faults(bool (*body)(void *context), void *context)
{
    ck_assert_uint_eq(bight_testing_with_faults(body, context, SIZE_MAX), 0);
}

static inline void give_faults_time(TCase *tests)
{
    tcase_set_timeout(tests, getenv("BIGHT_TEST_EVERY") == NULL ? 100 : 7200);
}

/* ----------------------------------------------------------------------------------------- a handshake */

struct tls_end {
    SSL *ssl;
    bool is_done;
    struct bight_failure *failure;
};

struct tls_talk {
    struct tls_end server, client;
};

static inline void begin_end(struct tls_end *end, struct bight_tls *tls, const char *name)
{
    *end = (struct tls_end) { .ssl = bi_tls_session_new(tls, name, 443, &end->failure) };
    ck_assert_ptr_nonnull(end->ssl);
}

static inline void step_end(struct tls_end *end)
{
    if (end->is_done || end->failure != NULL) {
        return;
    }
    int result = SSL_do_handshake(end->ssl);
    int error = SSL_get_error(end->ssl, result);
    if (result == 1) {
        end->is_done = true;
        end->failure = bi_tls_check(end->ssl);
    } else if (error != SSL_ERROR_WANT_READ) {
        end->failure = bi_tls_failure(end->ssl, error, "the handshake failed");
    }
    ck_assert(ERR_peek_error() == 0 || bight_testing_fault_injected());
}

/* What is after a handshake: tickets, and a TLS 1.3 server's view of the client's certificate. Each message by itself.
 */
static inline void read_rest(struct tls_end *end)
{
    char byte;
    for (int i = 0; i < 4 && end->is_done && end->failure == NULL; i++) {
        int result = SSL_read(end->ssl, &byte, 1);
        int error = SSL_get_error(end->ssl, result);
        if (result <= 0 && error != SSL_ERROR_WANT_READ) {
            end->failure = bi_tls_failure(end->ssl, error, "the connection failed");
        }
    }
}

/* Through memory. */
static inline void begin_talk(
    struct tls_talk *talk, struct bight_tls *server, struct bight_tls *client, const char *name)
{
    BIO *ours, *theirs;
    begin_end(&talk->server, server, NULL);
    begin_end(&talk->client, client, name);
    ck_assert_int_eq(BIO_new_bio_pair(&ours, 1 << 17, &theirs, 1 << 17), 1);
    SSL_set_bio(talk->server.ssl, ours, ours);
    SSL_set_bio(talk->client.ssl, theirs, theirs);
}

/* The handshake and what follows it, until neither gets on. */
static inline void go_on_talking(struct tls_talk *talk)
{
    for (int i = 0; i < 8; i++) {
        step_end(&talk->client);
        step_end(&talk->server);
    }
    read_rest(&talk->client);
    read_rest(&talk->server);
}

static inline void talk_tls(struct tls_talk *talk, struct bight_tls *server, struct bight_tls *client, const char *name)
{
    begin_talk(talk, server, client, name);
    go_on_talking(talk);
}

static inline bool both_are_good(const struct tls_talk *talk)
{
    return talk->server.is_done && talk->client.is_done && talk->server.failure == NULL && talk->client.failure == NULL;
}

static inline void say_failure(const char *who, const struct bight_failure *failure)
{
    char text[1024];
    if (failure != NULL) {
        bight_failure_format(failure, text, sizeof text);
        fprintf(stderr, "the %s failed: %s\n", who, text);
    }
}

static inline void assert_both_good(const struct tls_talk *talk)
{
    if (!both_are_good(talk)) {
        say_failure("server", talk->server.failure);
        say_failure("client", talk->client.failure);
    }
    ck_assert(both_are_good(talk));
}

static inline void end_talk(struct tls_talk *talk)
{
    bight_failure_release(talk->server.failure);
    bight_failure_release(talk->client.failure);
    SSL_free(talk->server.ssl);
    SSL_free(talk->client.ssl);
}

static inline void assert_says(const struct bight_failure *failure, const char *part)
{
    char text[2048] = "no failure";
    if (failure != NULL) {
        bight_failure_describe(failure, text, sizeof text);
    }
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" does not say \"%s\"", text, part);
}

#endif
