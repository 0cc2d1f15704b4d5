/* SPDX-License-Identifier: MIT */
/* keylog.c - the secrets of sessions, in the format that Wireshark reads, in a file that no other user may read.
 *
 * With it the connections can be read; so it is written only when a program asks for it, and never without a line in
 * the log. The environment (SSLKEYLOGFILE) is not asked. */
#include "tls/keylog.h"

#include <stdio.h>
#include <string.h>

#include <bight/log.h>

#include <openssl/crypto.h>

#include "system/disk.h"
#include "tls/material.h"
#include "tls/own.h"
#include "tls/source.h"

enum { LINE_SIZE = 512 }; /* a label, 64 digits of the client's random, at most 128 of a secret */

int bi_tls_keylog_open(const char *path, struct bi_tls_problems *problems)
{
    if (path == NULL) {
        return -1;
    }
    int fd = bi_disk_open_private(path);
    if (fd >= 0) {
        bight_log(BIGHT_LOG_WARNING, "tls", NULL, "the keys of TLS sessions are written to %s, as was asked for", path);
        return fd;
    }
    struct bight_failure *cause = bight_failure_from_errno(-fd, "opening it");
    bi_tls_add_problem(problems,
        bight_failure_new(bight_failure_code(cause), -fd, cause,
            "keys cannot be logged to %s (it must be a regular file that its owner alone may read, and no link)",
            path));
    return -1;
}

static void log_key(const SSL *ssl, const char *line)
{
    char text[LINE_SIZE];
    int length = snprintf(text, sizeof text, "%s\n", line);
    if (length > 0 && (size_t)length < sizeof text) {
        bi_disk_append(bi_tls_material_of(ssl)->keylog, text, (size_t)length);
    }
    OPENSSL_cleanse(text, sizeof text);
}

void bi_tls_keylog_use(SSL_CTX *ctx)
{
    SSL_CTX_set_keylog_callback(ctx, log_key);
}
