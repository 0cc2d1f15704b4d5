/* SPDX-License-Identifier: MIT */
/* trust.c - stores of trusted certificates, read whole, so that nothing is read from disk in a handshake.
 *
 * What the system trusts takes 65 to 165 ms and half a megabyte, so it is read once, when it is first asked for, and
 * shared by all contexts of the process. A failure to read it is not kept. Lists of revoked certificates are in
 * revoked.c. */
#include "tls/trust.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bight/memory.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/fork.h"
#include "tls/source.h"

enum { FILE_LIMIT = 16 << 20, MAX_CERTIFICATES = 10000, MAX_FILES = 10000, NAMES_TOLD = 64 };

/* ------------------------------------------------------------------------------------------ reading */

/* What is gathered from one file or more. */
struct gathered {
    STACK_OF(X509) * certificates;
    EVP_MD_CTX *digest;
};

static bool begin_gathering(struct gathered *gathered)
{
    gathered->certificates = sk_X509_new_null();
    gathered->digest = EVP_MD_CTX_new();
    return gathered->certificates != NULL && gathered->digest != NULL &&
           EVP_DigestInit_ex(gathered->digest, EVP_sha256(), NULL) == 1;
}

static void finish_gathering(struct gathered *gathered)
{
    sk_X509_pop_free(gathered->certificates, X509_free);
    EVP_MD_CTX_free(gathered->digest);
}

/* Returns the number of certificates in it; negative: problems were added. */
static int gather(struct gathered *gathered, const struct bight_pem *pem, struct bi_tls_problems *problems)
{
    struct bi_tls_text text;
    int before = sk_X509_num(gathered->certificates);
    bool is_good = bi_tls_text_read(&text, pem, "list of trusted certificates", FILE_LIMIT, problems) &&
                   bi_tls_text_certificates(&text, gathered->certificates, MAX_CERTIFICATES, problems);
    if (is_good && EVP_DigestUpdate(gathered->digest, text.data, text.size) != 1) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_TLS, "%s", text.name));
        is_good = false;
    }
    bi_tls_text_finish(&text);
    return is_good ? sk_X509_num(gathered->certificates) - before : -1;
}

static void gather_file(struct gathered *gathered, const struct bight_pem *pem, struct bi_tls_problems *problems)
{
    if (gather(gathered, pem, problems) == 0) {
        bi_tls_add_problem(problems,
            bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                "%s: there is no certificate in it that could be trusted (it must be PEM, with BEGIN CERTIFICATE)",
                pem->file == NULL ? "the list of trusted certificates in memory" : pem->file));
    }
}

/* Subdirectories and files without certificates are passed over: what is in a directory is not all for us. */
static void gather_entry(
    struct gathered *gathered, const char *directory, const char *name, struct bi_tls_problems *problems)
{
    char path[4096];
    struct bi_tls_problems own = { .count = 0 };
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path ||
        gather(gathered, &(struct bight_pem) { .file = path }, &own) >= 0) {
        return;
    }
    for (size_t i = 0; i < own.count && i < BI_TLS_MAX_PROBLEMS; i++) {
        if (bight_failure_errno(own.list[i]) == EISDIR) {
            bight_failure_release(own.list[i]);
        } else {
            bi_tls_add_problem(problems, own.list[i]);
        }
    }
}

static void gather_directory(struct gathered *gathered, const char *path, struct bi_tls_problems *problems)
{
    struct bi_disk_directory directory;
    int result = bi_disk_list(path, MAX_FILES, &directory);
    if (result < 0) {
        bi_tls_add_problem(problems, bi_tls_cannot_read("directory of trusted certificates", path, -result));
        return;
    }
    int before = sk_X509_num(gathered->certificates);
    for (size_t i = 0; i < directory.count; i++) {
        gather_entry(gathered, path, directory.names[i], problems);
    }
    bight_free(directory.names);
    if (sk_X509_num(gathered->certificates) == before) {
        bi_tls_add_problem(problems, bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                                         "%s: there is no file with a certificate that could be trusted in it", path));
    }
}

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
static bool make_store(struct bi_tls_trust *trust, const STACK_OF(X509) * certificates)
{
    trust->store = X509_STORE_new();
    return trust->store != NULL && X509_STORE_set_flags(trust->store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
           add_all(trust->store, certificates);
}

/* So that a client finds the one of its certificates that will do. Of many it would learn nothing. */
static bool make_names(struct bi_tls_trust *trust, const STACK_OF(X509) * certificates)
{
    if (sk_X509_num(certificates) > NAMES_TOLD) {
        return true;
    }
    trust->names = sk_X509_NAME_new_null();
    for (int i = 0; trust->names != NULL && i < sk_X509_num(certificates); i++) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(certificates, i)));
        if (name == NULL || sk_X509_NAME_push(trust->names, name) == 0) {
            X509_NAME_free(name);
            return false;
        }
    }
    return trust->names != NULL;
}

static void make_trust(struct bi_tls_trust *trust, struct gathered *gathered, struct bi_tls_problems *problems)
{
    if (!make_store(trust, gathered->certificates) || !make_names(trust, gathered->certificates) ||
        EVP_DigestFinal_ex(gathered->digest, trust->digest, NULL) != 1) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_OUT_OF_MEMORY, "trusting certificates"));
    }
}

static void load(
    struct bi_tls_trust *trust, const struct bight_pem *ca, const char *directory, struct bi_tls_problems *problems)
{
    size_t before = problems->count;
    struct gathered gathered;
    if (!begin_gathering(&gathered)) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_OUT_OF_MEMORY, "trusting certificates"));
    } else {
        if (bi_pem_is_given(ca)) {
            gather_file(&gathered, ca, problems);
        }
        if (directory != NULL) {
            gather_directory(&gathered, directory, problems);
        }
    }
    if (problems->count == before) {
        make_trust(trust, &gathered, problems);
    }
    finish_gathering(&gathered);
    ERR_clear_error();
}

/* ---------------------------------------------------------------------------------- the system's */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static X509_STORE *system_store; /* kept for as long as the process */
BI_FORK_GUARD(lock, BI_FORK_TRUST, NULL)

/* Of a program that runs with another's rights the environment is a stranger's. */
static const char *ask_environment(const char *name)
{
    bool is_another = getuid() != geteuid() || getgid() != getegid();
    const char *value = is_another ? NULL : getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

/* Where OpenSSL's own file is not there, as on Debian, these are where systems keep it. NULL: in none of them. */
static const char *find_file(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
        "/etc/ssl/ca-bundle.pem",
    };
    const char *found = ask_environment(X509_get_default_cert_file_env());
    if (found != NULL) {
        return found;
    }
    found = X509_get_default_cert_file();
    for (size_t i = 0; access(found, R_OK) != 0; i++) {
        if (i == sizeof places / sizeof places[0]) {
            return NULL;
        }
        found = places[i];
    }
    return found;
}

/* SSL_CERT_DIR stands beside the file, as it does for OpenSSL. */
static const char *find_directory(void)
{
    const char *found = ask_environment(X509_get_default_cert_dir_env());
    return found != NULL && access(found, R_OK) == 0 ? found : NULL;
}

static struct bight_failure *no_file(void)
{
    return bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, ENOENT, NULL,
        "this system has no list of trusted certificates where such are kept, as /etc/ssl/certs/ca-certificates.crt: "
        "install one (the package ca-certificates, as a rule), or name what is trusted");
}

static X509_STORE *load_system_store(struct bi_tls_problems *problems)
{
    struct bi_tls_trust trust = { .store = NULL };
    const char *file = find_file(), *directory = find_directory();
    size_t before = problems->count;
    if (file == NULL && directory == NULL) {
        bi_tls_add_problem(problems, no_file());
        return NULL;
    }
    load(&trust, &(struct bight_pem) { .file = file }, directory, problems);
    sk_X509_NAME_pop_free(trust.names, X509_NAME_free);
    if (problems->count > before) {
        X509_STORE_free(trust.store);
        return NULL;
    }
    return trust.store;
}

static void share_system_store(struct bi_tls_trust *trust, struct bi_tls_problems *problems)
{
    pthread_mutex_lock(&lock);
    if (system_store == NULL) {
        system_store = load_system_store(problems);
    }
    if (system_store != NULL && X509_STORE_up_ref(system_store) == 1) {
        trust->store = system_store;
    }
    pthread_mutex_unlock(&lock);
}

/* ------------------------------------------------------------------------------------------ all of it */

bool bi_tls_trust_load(
    struct bi_tls_trust *trust, const struct bight_pem *ca, const char *directory, struct bi_tls_problems *problems)
{
    size_t before = problems->count;
    *trust = (struct bi_tls_trust) { .store = NULL };
    if (bi_pem_is_given(ca) || directory != NULL) {
        load(trust, ca, directory, problems);
    } else {
        share_system_store(trust, problems);
    }
    if (problems->count == before) {
        return true;
    }
    bi_tls_trust_finish(trust);
    *trust = (struct bi_tls_trust) { .store = NULL };
    return false;
}

bool bi_tls_trust_copy(struct bi_tls_trust *copy, const struct bi_tls_trust *trust)
{
    *copy = (struct bi_tls_trust) { .store = NULL };
    memcpy(copy->digest, trust->digest, sizeof copy->digest);
    if (trust->names != NULL) {
        copy->names = sk_X509_NAME_deep_copy(trust->names, X509_NAME_dup, X509_NAME_free);
    }
    if (X509_STORE_up_ref(trust->store) == 1) {
        copy->store = trust->store;
    }
    return copy->store != NULL && (copy->names != NULL) == (trust->names != NULL);
}

void bi_tls_trust_finish(struct bi_tls_trust *trust)
{
    X509_STORE_free(trust->store);
    sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
}
