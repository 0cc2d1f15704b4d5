/* SPDX-License-Identifier: MIT */
/* settings.h - what a context is made of: the options, of servers and clients alike, in memory of its own. */
#ifndef BI_TLS_SETTINGS_H
#define BI_TLS_SETTINGS_H

#include <bight/tls.h>

enum { BI_TLS_MAX_IDENTITIES = 16 };

enum bi_tls_verification {
    BI_TLS_UNVERIFIED,
    BI_TLS_VERIFIED_IF_SENT, /* a client's certificate */
    BI_TLS_VERIFIED
};

struct bi_tls_settings {
    bool is_server;
    bool refuses_unknown_names;
    bool is_without_resumption; /* or a server's tickets */
    enum bi_tls_verification verification;
    struct bight_tls_identity *identities;
    size_t identity_count;
    struct bight_pem ca, crl;
    char *directory; /* a server's, of certificates for names */
    char *ca_directory, *alpn, *keylog_file;
    enum bight_tls_version min_version, max_version;
    bight_tls_choose_function choose;
    void *choose_context;
};

/* 0 or a code; the settings are to be finished in either case. */
int bi_tls_settings_of_server(struct bi_tls_settings *settings, const struct bight_tls_server_options *options);
int bi_tls_settings_of_client(struct bi_tls_settings *settings, const struct bight_tls_client_options *options);
void bi_tls_settings_finish(struct bi_tls_settings *settings);

#endif
