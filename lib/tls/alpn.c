/* SPDX-License-Identifier: MIT */
/* alpn.c - the list of protocols, and the choice among what the client offers: the server's order decides.
 *
 * Without a protocol in common the handshake ends with an alert, since going on would speak a protocol to a peer that
 * means another (ALPACA). */
#include "tls/alpn.h"

#include <string.h>

#include <bight/memory.h>

#include "tls/material.h"
#include "tls/own.h"

enum { LONGEST_LIST = 1024 };

/* ----------------------------------------------------------------------------------------- the list */

/* Of one name up to the next comma, at `out`; returns its size with its length, 0: it is none. */
static size_t write_name(uint8_t *out, const char *name)
{
    size_t size = strcspn(name, ",");
    if (size == 0 || size > 255) {
        return 0;
    }
    out[0] = (uint8_t)size;
    memcpy(out + 1, name, size);
    return size + 1;
}

static bool write_names(struct bi_tls_alpn *alpn, const char *text)
{
    for (;;) {
        size_t size = write_name(alpn->names + alpn->size, text);
        if (size == 0) {
            return false;
        }
        alpn->size += size;
        text += size - 1;
        if (*text == '\0') {
            return true;
        }
        text++;
    }
}

bool bi_tls_alpn_parse(struct bi_tls_alpn *alpn, const char *text, struct bi_tls_problems *problems)
{
    *alpn = (struct bi_tls_alpn) { .names = NULL };
    if (text == NULL) {
        return true;
    }
    size_t length = strlen(text);
    alpn->names = length > LONGEST_LIST ? NULL : bight_malloc(length + 2);
    if (length <= LONGEST_LIST && alpn->names == NULL) {
        bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return false;
    }
    if (alpn->names == NULL || !write_names(alpn, text)) {
        bi_tls_add_problem(problems, bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL,
                                         "\"%.64s\" is no list of protocols for ALPN, such as \"h2,http/1.1\"", text));
        return false;
    }
    return true;
}

void bi_tls_alpn_finish(struct bi_tls_alpn *alpn)
{
    bight_free(alpn->names);
}

/* --------------------------------------------------------------------------------------- the choice */

static const uint8_t *find(const uint8_t *names, size_t size, const uint8_t *name, size_t name_size)
{
    for (size_t at = 0; at < size && at + 1 + names[at] <= size; at += 1 + (size_t)names[at]) {
        if (names[at] == name_size && memcmp(names + at + 1, name, name_size) == 0) {
            return names + at + 1;
        }
    }
    return NULL;
}

static int choose(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size, const unsigned char *offered,
    unsigned int offered_size, void *context)
{
    (void)context;
    const struct bi_tls_alpn *alpn = &bi_tls_material_of(ssl)->alpn;
    for (size_t at = 0; at < alpn->size; at += 1 + (size_t)alpn->names[at]) {
        *chosen = find(offered, offered_size, alpn->names + at + 1, alpn->names[at]);
        if (*chosen != NULL) {
            *chosen_size = alpn->names[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool bi_tls_alpn_use(SSL_CTX *ctx, const struct bi_tls_alpn *alpn, bool is_server)
{
    if (alpn->size == 0) {
        return true;
    }
    if (is_server) {
        SSL_CTX_set_alpn_select_cb(ctx, choose, NULL);
        return true;
    }
    return SSL_CTX_set_alpn_protos(ctx, alpn->names, (unsigned)alpn->size) == 0; /* 0 is good, here alone */
}
