/* SPDX-License-Identifier: MIT */
/* revoked.c - lists of revoked certificates (CRLs), from one file of PEM.
 *
 * They are not put into the store of trusted certificates, since that may be the whole process's. verify.c looks at
 * them. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tls/source.h"
#include "tls/trust.h"

enum { FILE_LIMIT = 64 << 20, MAX_LISTS = 1000 };

static struct bight_failure *read_lists(BIO *bio, STACK_OF(X509_CRL) * lists, const char *name)
{
    X509_CRL *list;
    while ((list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_CRL_num(lists) == MAX_LISTS) {
            X509_CRL_free(list);
            return bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                "%s: more than %d lists of revoked certificates", name, MAX_LISTS);
        }
        if (sk_X509_CRL_push(lists, list) == 0) {
            X509_CRL_free(list);
            return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        }
    }
    if (!bi_tls_is_at_end_of_pem()) {
        return bi_tls_take_errors(BIGHT_E_UNUSABLE_CERTIFICATE, "%s: list number %d of revoked certificates is damaged",
            name, sk_X509_CRL_num(lists) + 1);
    }
    ERR_clear_error();
    return sk_X509_CRL_num(lists) > 0
               ? NULL
               : bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                     "%s: there is no list of revoked certificates in it (it must be PEM, with BEGIN X509 CRL)", name);
}

static struct bight_failure *read_text(struct bi_tls_revoked *revoked, const struct bi_tls_text *text)
{
    BIO *bio = bi_tls_text_open(text);
    revoked->lists = sk_X509_CRL_new_null();
    struct bight_failure *failure =
        bio == NULL || revoked->lists == NULL ||
                EVP_Digest(text->data, text->size, revoked->digest, NULL, EVP_sha256(), NULL) != 1
            ? bi_tls_take_errors(BIGHT_E_TLS, "%s", text->name)
            : read_lists(bio, revoked->lists, text->name);
    BIO_free(bio);
    return failure;
}

bool bi_tls_revoked_load(struct bi_tls_revoked *revoked, const struct bight_pem *crl, struct bi_tls_problems *problems)
{
    struct bi_tls_text text;
    size_t before = problems->count;
    *revoked = (struct bi_tls_revoked) { .lists = NULL };
    if (bi_tls_text_read(&text, crl, "list of revoked certificates", FILE_LIMIT, problems)) {
        struct bight_failure *failure = read_text(revoked, &text);
        if (failure != NULL) {
            bi_tls_add_problem(problems, failure);
        }
    }
    bi_tls_text_finish(&text);
    if (problems->count == before) {
        return true;
    }
    bi_tls_revoked_finish(revoked);
    revoked->lists = NULL;
    return false;
}

static X509_CRL *share(const X509_CRL *list)
{
    X509_CRL *shared = (X509_CRL *)(uintptr_t)list;
    return X509_CRL_up_ref(shared) == 1 ? shared : NULL;
}

bool bi_tls_revoked_copy(struct bi_tls_revoked *copy, const struct bi_tls_revoked *revoked)
{
    memcpy(copy->digest, revoked->digest, sizeof copy->digest);
    copy->lists = revoked->lists == NULL ? NULL : sk_X509_CRL_deep_copy(revoked->lists, share, X509_CRL_free);
    return (copy->lists != NULL) == (revoked->lists != NULL);
}

void bi_tls_revoked_finish(struct bi_tls_revoked *revoked)
{
    sk_X509_CRL_pop_free(revoked->lists, X509_CRL_free);
}
