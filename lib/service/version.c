/* SPDX-License-Identifier: MIT */
/* version.c - which bight this is, and what it stands on.
 *
 * The versions are those of the libraries that run, not of those that were there at the build, so the text is put
 * together once, when it is first asked for. */
#include <bight/version.h>

#include <pthread.h>

#include "base/random.h"
#include "base/text.h"
#include "coroutine/switch.h"
#include "reactor/reactor.h"

static char features[256];
static pthread_once_t features_are_told = PTHREAD_ONCE_INIT;

const char *bight_version(void)
{
    return BIGHT_VERSION;
}

static void append_line(struct bi_text *text, const char *name, const char *version)
{
    bi_text_append_string(text, name);
    bi_text_append_string(text, " ");
    bi_text_append_string(text, version);
    bi_text_append_string(text, "\n");
}

static void tell_features(void)
{
    struct bi_text text = { features, sizeof features, 0 };
    append_line(&text, "libevent", bi_libevent_version());
    append_line(&text, "OpenSSL", bi_openssl_version());
    append_line(&text, "coroutines by", bi_switch_name());
    (void)bi_text_end(&text);
}

const char *bight_features(void)
{
    (void)pthread_once(&features_are_told, tell_features);
    return features;
}
