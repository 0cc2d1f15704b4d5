/* SPDX-License-Identifier: MIT */
/* settings.c - copies of the options that a context was asked for.
 *
 * They are kept, texts in memory too, so that everything can be made again from them. What they mean is in the files
 * that make it. Private keys may be among the texts: these are wiped. */
#include "tls/settings.h"

#include <string.h>

#include <bight/memory.h>

#include <openssl/crypto.h>

#include "base/check.h"
#include "base/options.h"
#include "tls/source.h"

enum { LARGEST_TEXT = 64 << 20 };

/* ------------------------------------------------------------------------------------------ texts */

/* It may hold any bytes. */
static int copy_text(struct bight_pem *copy, const struct bight_pem *pem)
{
    if (pem->size > LARGEST_TEXT) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: a PEM text in memory of more than 64 MiB");
    }
    char *text = bight_malloc(pem->size + 1);
    if (text == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(text, pem->text, pem->size);
    copy->text = text;
    copy->size = pem->size;
    return BIGHT_OK;
}

static int copy_pem(struct bight_pem *copy, const struct bight_pem *pem)
{
    if (pem->file != NULL && pem->text != NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: a PEM text is given by file and in memory");
    }
    if (pem->text != NULL) {
        return copy_text(copy, pem);
    }
    copy->file = pem->file == NULL ? NULL : bight_strdup(pem->file);
    return copy->file == NULL && pem->file != NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
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
    if (count > BI_TLS_MAX_IDENTITIES) {
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

/* ------------------------------------------------------------------------------------- of both kinds */

static int check_versions(const struct bi_tls_settings *settings)
{
    const enum bight_tls_version min = settings->min_version, max = settings->max_version;
    if ((unsigned)min > BIGHT_TLS_1_3 || (unsigned)max > BIGHT_TLS_1_3 || (max != BIGHT_TLS_DEFAULT && min > max)) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: no version is left between the lowest and the highest");
    }
    return BIGHT_OK;
}

/* NULL is copied, too. */
static int copy_string(char **copy, const char *string)
{
    *copy = string == NULL ? NULL : bight_strdup(string);
    return *copy == NULL && string != NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

static int copy_strings(struct bi_tls_settings *settings, const char *alpn, const char *keylog_file)
{
    int code = copy_string(&settings->alpn, alpn);
    return code == BIGHT_OK ? copy_string(&settings->keylog_file, keylog_file) : code;
}

/* ------------------------------------------------------------------------------------------ servers */

static enum bi_tls_verification verification_of(const struct bight_tls_server_options *options)
{
    if (!bi_pem_is_given(&options->client_ca)) {
        return BI_TLS_UNVERIFIED;
    }
    return options->client_auth == BIGHT_TLS_CLIENT_AUTH_OPTIONAL ? BI_TLS_VERIFIED_IF_SENT : BI_TLS_VERIFIED;
}

static int check_server(const struct bight_tls_server_options *options)
{
    const char *problem = NULL;
    if (options->identity_count == 0 && (options->directory == NULL || !options->refuses_unknown_names) &&
        options->choose == NULL) {
        problem = "there is no certificate for those who do not say whom they want";
    } else if ((unsigned)options->client_auth > BIGHT_TLS_CLIENT_AUTH_OPTIONAL) {
        problem = "there is no such client authentication";
    } else if (bi_pem_is_given(&options->crl) && !bi_pem_is_given(&options->client_ca)) {
        problem = "there is a list of revoked certificates, but clients need none";
    }
    return problem == NULL ? BIGHT_OK
                           : bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL, "bight_tls_server_new: %s", problem);
}

static int copy_server(struct bi_tls_settings *settings, const struct bight_tls_server_options *options)
{
    int code = copy_identities(settings, options->identities, options->identity_count);
    code = code == BIGHT_OK ? copy_pem(&settings->ca, &options->client_ca) : code;
    code = code == BIGHT_OK ? copy_pem(&settings->crl, &options->crl) : code;
    code = code == BIGHT_OK ? copy_string(&settings->directory, options->directory) : code;
    return code == BIGHT_OK ? copy_strings(settings, options->alpn, options->keylog_file) : code;
}

int bi_tls_settings_of_server(struct bi_tls_settings *settings, const struct bight_tls_server_options *options)
{
    struct bight_tls_server_options known;
    bi_take_options(&known, sizeof known, options);
    *settings = (struct bi_tls_settings) {
        .is_server = true,
        .refuses_unknown_names = known.refuses_unknown_names,
        .is_without_resumption = known.without_tickets,
        .verification = verification_of(&known),
        .min_version = known.min_version,
        .max_version = known.max_version,
        .choose = known.choose,
        .choose_context = known.choose_context,
    };
    int code = check_versions(settings);
    code = code == BIGHT_OK ? check_server(&known) : code;
    return code == BIGHT_OK ? copy_server(settings, &known) : code;
}

/* ------------------------------------------------------------------------------------------ clients */

static int copy_client(struct bi_tls_settings *settings, const struct bight_tls_client_options *options)
{
    size_t identity_count = bi_pem_is_given(&options->identity.certificate) ? 1 : 0;
    int code = copy_identities(settings, &options->identity, identity_count);
    code = code == BIGHT_OK ? copy_pem(&settings->ca, &options->ca) : code;
    code = code == BIGHT_OK ? copy_pem(&settings->crl, &options->crl) : code;
    code = code == BIGHT_OK ? copy_string(&settings->ca_directory, options->ca_directory) : code;
    return code == BIGHT_OK ? copy_strings(settings, options->alpn, options->keylog_file) : code;
}

static int check_client(const struct bight_tls_client_options *options)
{
    bool wants_verification =
        bi_pem_is_given(&options->ca) || options->ca_directory != NULL || bi_pem_is_given(&options->crl);
    if (options->without_verification && wants_verification) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, NULL,
            "bight_tls_client_new: whom to trust is said, and that nothing is verified");
    }
    return BIGHT_OK;
}

int bi_tls_settings_of_client(struct bi_tls_settings *settings, const struct bight_tls_client_options *options)
{
    struct bight_tls_client_options known;
    bi_take_options(&known, sizeof known, options);
    *settings = (struct bi_tls_settings) {
        .verification = known.without_verification ? BI_TLS_UNVERIFIED : BI_TLS_VERIFIED,
        .is_without_resumption = known.without_resumption,
        .min_version = known.min_version,
        .max_version = known.max_version,
    };
    int code = check_versions(settings);
    code = code == BIGHT_OK ? check_client(&known) : code;
    return code == BIGHT_OK ? copy_client(settings, &known) : code;
}

void bi_tls_settings_finish(struct bi_tls_settings *settings)
{
    for (size_t i = 0; i < settings->identity_count; i++) {
        finish_identity(&settings->identities[i]);
    }
    bight_free(settings->identities);
    finish_pem(&settings->ca);
    finish_pem(&settings->crl);
    bight_free(settings->directory);
    bight_free(settings->ca_directory);
    bight_free(settings->alpn);
    bight_free(settings->keylog_file);
}
