/* SPDX-License-Identifier: MIT */
/* settings.c - copies of the options that a context was asked for.
 *
 * They are kept, texts in memory too, so that everything can be made again from them. What they mean is in the files
 * that make it. Private keys may be among the texts: these are wiped. */
#include "tls/settings.h"

#include <bight/memory.h>

#include <openssl/crypto.h>

#include "base/check.h"
#include "base/options.h"

enum { MOST_IDENTITIES = 16 };

/* ------------------------------------------------------------------------------------------ texts */

static int copy_pem(struct bight_pem *copy, const struct bight_pem *pem)
{
    if (pem->file != NULL && pem->text != NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: a PEM text is given by file and in memory");
    }
    if (pem->file != NULL) {
        copy->file = bight_strdup(pem->file);
    } else if (pem->text != NULL) {
        copy->text = bight_strndup(pem->text, pem->size);
        copy->size = pem->size;
    } else {
        return BIGHT_OK;
    }
    return copy->file == NULL && copy->text == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

static void finish_pem(struct bight_pem *pem)
{
    bight_free((char *)(uintptr_t)pem->file);
    if (pem->text != NULL) {
        OPENSSL_cleanse((char *)(uintptr_t)pem->text, pem->size);
        bight_free((char *)(uintptr_t)pem->text);
    }
}

/* ------------------------------------------------------------------------------------- identities */

static int copy_identity(struct bight_tls_identity *copy, const struct bight_tls_identity *identity)
{
    copy->password = identity->password;
    copy->password_context = identity->password_context;
    int code = copy_pem(&copy->certificate, &identity->certificate);
    code = code == BIGHT_OK ? copy_pem(&copy->key, &identity->key) : code;
    return code == BIGHT_OK ? copy_pem(&copy->chain, &identity->chain) : code;
}

static int copy_identities(struct bi_tls_settings *settings, const struct bight_tls_identity *identities, size_t count)
{
    if (count > MOST_IDENTITIES) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: more than 16 identities");
    }
    settings->identities = bight_calloc(count, sizeof *identities);
    if (settings->identities == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = BIGHT_OK;
    for (size_t i = 0; i < count && code == BIGHT_OK; i++) {
        settings->identity_count++;
        code = copy_identity(&settings->identities[i], &identities[i]);
    }
    return code;
}

static void finish_identity(struct bight_tls_identity *identity)
{
    finish_pem(&identity->certificate);
    finish_pem(&identity->key);
    finish_pem(&identity->chain);
}

/* ------------------------------------------------------------------------------------- all of it */

static int check_versions(const struct bi_tls_settings *settings)
{
    const enum bight_tls_version min = settings->min_version, max = settings->max_version;
    if ((unsigned)min > BIGHT_TLS_1_3 || (unsigned)max > BIGHT_TLS_1_3 || (max != BIGHT_TLS_DEFAULT && min > max)) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: no version is left between the lowest and the highest");
    }
    return BIGHT_OK;
}

int bi_tls_settings_of_server(struct bi_tls_settings *settings, const struct bight_tls_server_options *options)
{
    struct bight_tls_server_options known;
    bi_take_options(&known, sizeof known, options);
    *settings = (struct bi_tls_settings) {
        .is_server = true,
        .min_version = known.min_version,
        .max_version = known.max_version,
    };
    int code = check_versions(settings);
    if (code == BIGHT_OK && known.identity_count == 0) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "bight_tls_server_new: there is no identity");
    }
    return code == BIGHT_OK ? copy_identities(settings, known.identities, known.identity_count) : code;
}

int bi_tls_settings_of_client(struct bi_tls_settings *settings, const struct bight_tls_client_options *options)
{
    struct bight_tls_client_options known;
    bi_take_options(&known, sizeof known, options);
    *settings = (struct bi_tls_settings) {
        .verification = known.without_verification ? BI_TLS_UNVERIFIED : BI_TLS_VERIFIED,
        .min_version = known.min_version,
        .max_version = known.max_version,
    };
    int code = check_versions(settings);
    return code == BIGHT_OK ? copy_pem(&settings->ca, &known.ca) : code;
}

void bi_tls_settings_finish(struct bi_tls_settings *settings)
{
    for (size_t i = 0; i < settings->identity_count; i++) {
        finish_identity(&settings->identities[i]);
    }
    bight_free(settings->identities);
    finish_pem(&settings->ca);
}
