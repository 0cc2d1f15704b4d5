/* SPDX-License-Identifier: MIT */
/* source.c - PEM from a file or from memory, and the certificates in it.
 *
 * A file is opened once, and only a regular one: whatever is asked of it later is asked of what was read. Keys are
 * among what is read, so it is wiped. Contexts are of no reactor, so the system calls are the kernel's. */
#include "tls/source.h"

#include <errno.h>
#include <stdio.h>

#include <bight/memory.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* --------------------------------------------------------------------------------------------- texts */

static const char *hint_of(int number)
{
    switch (number) {
    case EACCES:
        return " (may the user that this program runs as read it, and search its directories?)";
    case EFBIG:
        return " (it is too large)";
    case EISDIR:
    case EINVAL:
        return " (it must be a regular file)";
    case EAGAIN:
        return " (it is being written)";
    default:
        return "";
    }
}

struct bight_failure *bi_tls_cannot_read(const char *what, const char *path, int number)
{
    if (number == ENOMEM) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_failure *cause = bight_failure_from_errno(number, "reading it");
    return bight_failure_new(
        BIGHT_E_UNUSABLE_CERTIFICATE, number, cause, "the %s cannot be read from %s%s", what, path, hint_of(number));
}

bool bi_tls_text_read(struct bi_tls_text *text, const struct bight_pem *pem, const char *what, size_t limit,
    struct bi_tls_problems *problems)
{
    *text = (struct bi_tls_text) { .data = pem->text, .size = pem->size };
    if (pem->file == NULL) {
        (void)snprintf(text->name, sizeof text->name, "the %s in memory", what);
        return true;
    }
    (void)snprintf(text->name, sizeof text->name, "%s", pem->file);
    int result = bi_disk_read(pem->file, limit, &text->file);
    text->data = text->file.content;
    text->size = text->file.size;
    if (result < 0) {
        bi_tls_add_problem(problems, bi_tls_cannot_read(what, pem->file, -result));
    }
    return result == 0;
}

void bi_tls_text_finish(struct bi_tls_text *text)
{
    if (text->file.content != NULL) {
        OPENSSL_cleanse(text->file.content, text->file.size);
        bight_free(text->file.content);
    }
}

BIO *bi_tls_text_open(const struct bi_tls_text *text)
{
    return BIO_new_mem_buf(text->size > 0 ? (const void *)text->data : "", (int)text->size);
}

/* ----------------------------------------------------------------------------------- certificates */

/* PEM_read_bio goes to the end, and says there that no more has begun. */
bool bi_tls_is_at_end_of_pem(void)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static struct bight_failure *read_certificates(BIO *bio, STACK_OF(X509) * certificates, size_t limit, const char *name)
{
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
        if ((size_t)sk_X509_num(certificates) >= limit) {
            X509_free(certificate);
            return bight_failure_new(
                BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL, "%s: more than %zu certificates", name, limit);
        }
        if (sk_X509_push(certificates, certificate) == 0) {
            X509_free(certificate);
            return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        }
    }
    if (!bi_tls_is_at_end_of_pem()) {
        return bi_tls_take_errors(
            BIGHT_E_UNUSABLE_CERTIFICATE, "%s: certificate number %d is damaged", name, sk_X509_num(certificates) + 1);
    }
    ERR_clear_error();
    return NULL;
}

bool bi_tls_text_certificates(
    const struct bi_tls_text *text, STACK_OF(X509) * certificates, size_t limit, struct bi_tls_problems *problems)
{
    BIO *bio = bi_tls_text_open(text);
    struct bight_failure *failure = bio == NULL ? bi_tls_take_errors(BIGHT_E_TLS, "%s", text->name)
                                                : read_certificates(bio, certificates, limit, text->name);
    BIO_free(bio);
    if (failure != NULL) {
        bi_tls_add_problem(problems, failure);
    }
    return failure == NULL;
}
