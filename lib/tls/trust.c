/* SPDX-License-Identifier: MIT */
/* trust.c - stores of trusted certificates, read whole, so that nothing is read from disk in a handshake.
 *
 * What the system trusts takes 65 to 165 ms and half a megabyte, so it is read once, when it is first asked for, and
 * shared by all contexts of the process. A failure to read it is not kept. */
#include "tls/trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/fork.h"
#include "tls/source.h"

enum { FILE_LIMIT = 16 << 20, MOST_CERTIFICATES = 10000 };

/* ------------------------------------------------------------------------------------------ a store */

static bool add_all(X509_STORE *store, const STACK_OF(X509) * certificates)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(certificates, i)) != 1) {
            return false;
        }
    }
    return true;
}

/* Without the flag only roots, which signed themselves, would do. */
static X509_STORE *make_store(const STACK_OF(X509) * certificates)
{
    X509_STORE *store = X509_STORE_new();
    if (store != NULL &&
        (X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1 || !add_all(store, certificates))) {
        X509_STORE_free(store);
        store = NULL;
    }
    return store;
}

static X509_STORE *store_of_text(const struct bi_tls_text *text, struct bi_tls_problems *problems)
{
    X509_STORE *store = NULL;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    if (certificates == NULL) {
        bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return NULL;
    }
    if (bi_tls_text_certificates(text, certificates, MOST_CERTIFICATES, problems)) {
        store = sk_X509_num(certificates) == 0 ? NULL : make_store(certificates);
        if (store == NULL) {
            bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_UNUSABLE_CERTIFICATE,
                                             "%s: there is no certificate in it that could be trusted", text->name));
        }
    }
    sk_X509_pop_free(certificates, X509_free);
    return store;
}

static X509_STORE *store_of(const struct bight_pem *pem, struct bi_tls_problems *problems)
{
    struct bi_tls_text text;
    X509_STORE *store = NULL;
    if (bi_tls_text_read(&text, pem, "list of trusted certificates", FILE_LIMIT, problems)) {
        store = store_of_text(&text, problems);
    }
    bi_tls_text_finish(&text);
    return store;
}

/* ---------------------------------------------------------------------------------- the system's */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static X509_STORE *system_store; /* kept for as long as the process */
BI_FORK_GUARD(lock, BI_FORK_TRUST, NULL)

/* Where OpenSSL's own place is empty, as Debian's is, these are where systems keep them. */
static const char *find_file(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
        "/etc/ssl/ca-bundle.pem",
    };
    const char *named = secure_getenv(X509_get_default_cert_file_env());
    if (named != NULL && *named != '\0') {
        return named;
    }
    const char *found = X509_get_default_cert_file();
    for (size_t i = 0; i < sizeof places / sizeof places[0] && access(found, R_OK) != 0; i++) {
        found = places[i];
    }
    return found;
}

static X509_STORE *share_system_store(struct bi_tls_problems *problems)
{
    pthread_mutex_lock(&lock);
    if (system_store == NULL) {
        system_store = store_of(&(struct bight_pem) { .file = find_file() }, problems);
    }
    X509_STORE *store = system_store;
    if (store != NULL && X509_STORE_up_ref(store) != 1) {
        store = NULL;
    }
    pthread_mutex_unlock(&lock);
    return store;
}

X509_STORE *bi_tls_trust(const struct bight_pem *ca, struct bi_tls_problems *problems)
{
    return bi_pem_is_given(ca) ? store_of(ca, problems) : share_system_store(problems);
}
