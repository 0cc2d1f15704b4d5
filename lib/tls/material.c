/* SPDX-License-Identifier: MIT */
/* material.c - reading what settings name, entry by entry, so that one that cannot be used keeps what it had.
 *
 * Making it and reloading it are the same, but for what there was before. */
#include "tls/material.h"

#include <string.h>

#include <bight/memory.h>

#include <openssl/evp.h>

#include "system/disk.h"
#include "tls/keylog.h"
#include "tls/source.h"

static void lack_memory(struct bi_tls_problems *problems)
{
    bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
}

static void load_identities(struct bi_tls_material *material, const struct bi_tls_settings *settings,
    const struct bi_tls_material *old, SSL_CTX *trial, struct bi_tls_problems *problems)
{
    material->identities = bight_calloc(settings->identity_count, sizeof(struct bi_tls_identity *));
    if (material->identities == NULL) {
        lack_memory(problems);
        return;
    }
    material->identity_count = settings->identity_count;
    for (size_t i = 0; i < settings->identity_count; i++) {
        material->identities[i] = bi_tls_identity_load(&settings->identities[i], trial, problems);
        if (material->identities[i] == NULL && old != NULL) {
            material->identities[i] = bi_tls_identity_hold(old->identities[i]);
        }
    }
}

static void load_trust(struct bi_tls_material *material, const struct bi_tls_settings *settings,
    const struct bi_tls_material *old, struct bi_tls_problems *problems)
{
    if (settings->verification == BI_TLS_UNVERIFIED) {
        return;
    }
    if (!bi_tls_trust_load(&material->trust, &settings->ca, settings->ca_directory, problems) && old != NULL &&
        !bi_tls_trust_copy(&material->trust, &old->trust)) {
        lack_memory(problems);
    }
    if (bi_pem_is_given(&settings->crl) && !bi_tls_revoked_load(&material->revoked, &settings->crl, problems) &&
        old != NULL && !bi_tls_revoked_copy(&material->revoked, &old->revoked)) {
        lack_memory(problems);
    }
}

static void load_names(struct bi_tls_material *material, const struct bi_tls_settings *settings,
    const struct bi_tls_material *old, SSL_CTX *trial, struct bi_tls_problems *problems)
{
    if (settings->directory == NULL && !settings->refuses_unknown_names) {
        return;
    }
    material->names = bi_tls_names_new(problems);
    if (material->names == NULL) {
        return;
    }
    if (settings->directory != NULL) {
        bi_tls_names_load(material->names, settings->directory, old == NULL ? NULL : old->names, trial, problems);
    }
    for (size_t i = 0; i < material->identity_count && material->identities[i] != NULL; i++) {
        bi_tls_names_add_default(material->names, material->identities[i], problems);
    }
}

static void load_certificates(struct bi_tls_material *material, const struct bi_tls_settings *settings,
    const struct bi_tls_material *old, struct bi_tls_problems *problems)
{
    SSL_CTX *trial = bi_tls_trial_new(problems);
    if (trial != NULL) {
        load_identities(material, settings, old, trial, problems);
        load_names(material, settings, old, trial, problems);
    }
    SSL_CTX_free(trial);
}

static void load_plain(struct bi_tls_material *material, const struct bi_tls_settings *settings,
    const struct bi_tls_material *old, struct bi_tls_tickets *tickets, struct bi_tls_problems *problems)
{
    material->is_server = settings->is_server;
    material->refuses_unknown_names = settings->refuses_unknown_names;
    material->verification = settings->verification;
    material->choose = settings->choose;
    material->choose_context = settings->choose_context;
    material->tickets = tickets == NULL ? NULL : bi_tls_tickets_hold(tickets);
    (void)bi_tls_alpn_parse(&material->alpn, settings->alpn, problems);
    material->keylog = bi_tls_keylog_open(settings->keylog_file, problems);
    if (material->keylog < 0 && old != NULL && old->keylog >= 0) {
        material->keylog = bi_disk_share(old->keylog);
    }
    if (!settings->is_server && !settings->is_without_resumption && settings->verification == BI_TLS_VERIFIED) {
        material->sessions = bi_tls_sessions_new(problems);
    }
}

struct bi_tls_material *bi_tls_material_load(const struct bi_tls_settings *settings, const struct bi_tls_material *old,
    struct bi_tls_tickets *tickets, struct bi_tls_problems *problems)
{
    struct bi_tls_material *material = bight_calloc(1, sizeof *material);
    if (material == NULL) {
        lack_memory(problems);
        return NULL;
    }
    load_plain(material, settings, old, tickets, problems);
    load_certificates(material, settings, old, problems);
    load_trust(material, settings, old, problems);
    return material;
}

void bi_tls_material_free(struct bi_tls_material *material)
{
    if (material == NULL) {
        return;
    }
    for (size_t i = 0; i < material->identity_count; i++) {
        bi_tls_identity_release(material->identities[i]);
    }
    bight_free(material->identities);
    bi_tls_names_free(material->names);
    bi_tls_trust_finish(&material->trust);
    bi_tls_revoked_finish(&material->revoked);
    bi_tls_alpn_finish(&material->alpn);
    bi_tls_tickets_release(material->tickets);
    bi_tls_sessions_free(material->sessions);
    if (material->keylog >= 0) {
        bi_disk_close(material->keylog);
    }
    bight_free(material);
}

/* NULL for `identity`: all that there are for everybody. */
static size_t collect_names(
    const struct bi_tls_material *material, const struct bi_tls_identity *identity, uint8_t *out)
{
    if (identity != NULL) {
        memcpy(out, identity->names, sizeof identity->names);
        return sizeof identity->names;
    }
    for (size_t i = 0; i < material->identity_count; i++) {
        memcpy(out + i * sizeof material->identities[i]->names, material->identities[i]->names,
            sizeof material->identities[i]->names);
    }
    return material->identity_count * sizeof identity->names;
}

bool bi_tls_material_session_context(
    const struct bi_tls_material *material, const struct bi_tls_identity *identity, uint8_t *digest)
{
    uint8_t all[(BI_TLS_MAX_IDENTITIES + 3) * BI_TLS_DIGEST_SIZE];
    size_t size = collect_names(material, identity, all);
    memcpy(all + size, material->trust.digest, BI_TLS_DIGEST_SIZE);
    memcpy(all + size + BI_TLS_DIGEST_SIZE, material->revoked.digest, BI_TLS_DIGEST_SIZE);
    size += 2 * (size_t)BI_TLS_DIGEST_SIZE;
    all[size++] = (uint8_t)material->verification;
    return EVP_Digest(all, size, digest, NULL, EVP_sha256(), NULL) == 1;
}
