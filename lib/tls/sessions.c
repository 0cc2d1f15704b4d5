/* SPDX-License-Identifier: MIT */
/* sessions.c - a client's kept sessions: by name and port, few, none for longer than what was verified holds.
 *
 * OpenSSL verifies nothing when it resumes. So a session is kept only by the context that has verified it, only for the
 * name and port that it was verified for, only until the first certificate of its chain expires; and they go with the
 * material that they are of, so none outlives a reload. One of TLS 1.3 is offered once: two connections with the same
 * ticket could be told to be the same client's (RFC 8446, C.4). */
#include "tls/sessions.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <bight/memory.h>

#include "base/fork.h"
#include "base/list.h"
#include "tls/certificate.h"
#include "tls/clock.h"
#include "tls/context.h"
#include "tls/material.h"
#include "tls/own.h"

enum { MAX_SESSIONS = 256, MAX_OF_ONE = 4, DEFAULT_SECONDS = 2 * 60 * 60, KEY_SIZE = 272 };

struct kept {
    struct bi_link link;
    SSL_SESSION *session;
    int64_t until;     /* seconds since 1970 */
    int64_t not_after; /* of the first certificate of its chain to expire */
    char key[];
};

struct bi_tls_sessions {
    struct bi_link list; /* the oldest first */
    size_t count;
};

/* Over the lists of all contexts. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
BI_FORK_GUARD(lock, BI_FORK_TLS, NULL)

/* ---------------------------------------------------------------------------------------- the list */

static void free_kept(struct kept *kept)
{
    if (kept != NULL) {
        SSL_SESSION_free(kept->session);
        bight_free(kept);
    }
}

struct bi_tls_sessions *bi_tls_sessions_new(struct bi_tls_problems *problems)
{
    struct bi_tls_sessions *sessions = bight_calloc(1, sizeof *sessions);
    if (sessions == NULL) {
        bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return NULL;
    }
    bi_list_init(&sessions->list);
    return sessions;
}

void bi_tls_sessions_free(struct bi_tls_sessions *sessions)
{
    struct bi_link *link;
    if (sessions == NULL) {
        return;
    }
    while ((link = bi_list_take_first(&sessions->list)) != NULL) {
        free_kept(BI_CONTAINER(link, struct kept, link));
    }
    bight_free(sessions);
}

static void take_out(struct bi_tls_sessions *sessions, struct kept *kept)
{
    bi_list_remove(&kept->link);
    sessions->count--;
}

/* The session that a new one replaces: the oldest of its own, when these are many, or of all. NULL: none. */
static struct kept *find_superfluous(struct bi_tls_sessions *sessions, const char *key)
{
    struct kept *oldest = NULL;
    size_t of_one = 0;
    for (struct bi_link *link = sessions->list.previous; link != &sessions->list; link = link->previous) {
        struct kept *kept = BI_CONTAINER(link, struct kept, link);
        if (strcmp(kept->key, key) == 0) {
            of_one++;
            oldest = kept;
        }
    }
    if (of_one >= MAX_OF_ONE) {
        return oldest;
    }
    return sessions->count >= MAX_SESSIONS ? BI_CONTAINER(sessions->list.next, struct kept, link) : NULL;
}

static void put(struct bi_tls_sessions *sessions, struct kept *kept)
{
    pthread_mutex_lock(&lock);
    struct kept *superfluous = find_superfluous(sessions, kept->key);
    if (superfluous != NULL) {
        take_out(sessions, superfluous);
    }
    bi_list_append(&sessions->list, &kept->link);
    sessions->count++;
    pthread_mutex_unlock(&lock);
    free_kept(superfluous);
}

/* The newest; with its time over it is taken for what it is. */
static struct kept *take(struct bi_tls_sessions *sessions, const char *key)
{
    struct kept *found = NULL;
    pthread_mutex_lock(&lock);
    for (struct bi_link *link = sessions->list.previous; link != &sessions->list && found == NULL;
         link = link->previous) {
        struct kept *kept = BI_CONTAINER(link, struct kept, link);
        found = strcmp(kept->key, key) == 0 ? kept : NULL;
    }
    if (found != NULL) {
        take_out(sessions, found);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* ----------------------------------------------------------------------------------------- keeping */

/* When the first certificate of the chain that was verified expires. 0: it is not known. */
static int64_t first_end(SSL *ssl)
{
    const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    int64_t first = 0;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t end = bi_tls_seconds_of(X509_get0_notAfter(sk_X509_value(chain, i)));
        first = i == 0 || end < first ? end : first;
    }
    return first;
}

static int64_t lifetime_of(const SSL_SESSION *session)
{
    unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
    return hint > 0 && hint < DEFAULT_SECONDS ? (int64_t)hint : DEFAULT_SECONDS;
}

/* A copy, since OpenSSL spoils the session of a connection that ends without a close_notify, as many do that were fine.
 */
static struct kept *make(SSL *ssl, const SSL_SESSION *session, const struct bi_tls_own *own)
{
    int64_t not_after = SSL_session_reused(ssl) == 1 ? own->not_after : first_end(ssl);
    int64_t until = bi_tls_clock() + lifetime_of(session);
    size_t size = strlen(own->key) + 1;
    struct kept *kept = bight_malloc(sizeof *kept + size);
    SSL_SESSION *copy = kept == NULL ? NULL : SSL_SESSION_dup(session);
    if (copy == NULL) {
        bight_free(kept);
        return NULL;
    }
    *kept = (struct kept) { .session = copy, .until = until < not_after ? until : not_after, .not_after = not_after };
    memcpy(kept->key, own->key, size);
    return kept;
}

/* It is verified once more, since what is kept here is believed later. */
static bool may_keep(SSL *ssl, const SSL_SESSION *session)
{
    if (SSL_SESSION_is_resumable(session) == 0 || !bi_tls_is_verifying(ssl)) {
        return false;
    }
    struct bight_failure *failure = bi_tls_check(ssl);
    bight_failure_release(failure);
    return failure == NULL;
}

/* 0: the session stays OpenSSL's. */
static int keep(SSL *ssl, SSL_SESSION *session)
{
    const struct bi_tls_own *own = bi_tls_own(ssl);
    struct bi_tls_sessions *sessions = bi_tls_material_of(ssl)->sessions;
    if (own == NULL || own->key == NULL || sessions == NULL || !may_keep(ssl, session)) {
        return 0;
    }
    struct kept *kept = make(ssl, session, own);
    if (kept != NULL) {
        put(sessions, kept);
    }
    return 0;
}

void bi_tls_sessions_use(SSL_CTX *ctx)
{
    if (bi_tls_material_of_ctx(ctx)->sessions != NULL) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, keep);
    }
}

/* ---------------------------------------------------------------------------------------- offering */

/* Before TLS 1.3 a session may be resumed many times, and no new one results from it. */
static SSL_SESSION *copy_for_later(const SSL_SESSION *session)
{
    return SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION ? NULL : SSL_SESSION_dup(session);
}

static void offer(SSL *ssl, struct bi_tls_sessions *sessions, struct bi_tls_own *own)
{
    struct kept *kept = take(sessions, own->key);
    if (kept == NULL) {
        return;
    }
    if (kept->until > bi_tls_clock()) {
        SSL_SESSION *later = copy_for_later(kept->session);
        own->not_after = SSL_set_session(ssl, kept->session) == 1 ? kept->not_after : 0;
        SSL_SESSION_free(kept->session);
        kept->session = later;
    }
    if (kept->session != NULL && kept->until > bi_tls_clock()) {
        put(sessions, kept);
    } else {
        free_kept(kept);
    }
}

void bi_tls_sessions_offer(SSL *ssl, const char *name, uint16_t port)
{
    char key[KEY_SIZE];
    struct bi_tls_sessions *sessions = bi_tls_material_of(ssl)->sessions;
    int length = name == NULL ? -1 : snprintf(key, sizeof key, "%u %s", (unsigned)port, name);
    struct bi_tls_own *own =
        sessions == NULL || length < 0 || (size_t)length >= sizeof key ? NULL : bi_tls_own_or_new(ssl);
    if (own == NULL) {
        return;
    }
    own->key = bight_strdup(key);
    if (own->key != NULL) {
        offer(ssl, sessions, own);
    }
}
