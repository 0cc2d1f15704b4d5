/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_session.h - what a site remembers of a visitor from one request to the next: A9.
 *
 *     bight_http_use_sessions(site, NULL);
 *     ...
 *     bight_http_session_renew(request);
 *     bight_http_session_set(request, "user", name);
 *
 * A session is a small table of texts. It is kept on the server, by a store, and the client has its id in a cookie; or
 * it is in the cookie itself, signed. docs/http_sessions.md says which is for what. Only in the reactor's thread. */
#ifndef BIGHT_PROTOCOLS_HTTP_SESSION_H
#define BIGHT_PROTOCOLS_HTTP_SESSION_H

#include <bight/protocols/http_middleware.h>

BIGHT_BEGIN

/* Where sessions are kept. `id` is a text of 22 characters, random, and goes with the call. The functions return
 * Deferreds, which are taken; a failure of `load` is answered as any failure, those of the others are logged. A load
 * that still waits is cancelled when the request is over; the others never are. */
struct bight_http_session_store_ops {
    size_t size; /* sizeof(struct bight_http_session_store_ops) */
    /* Of the bytes that were saved (bight_type_bytes); of nothing: there is no such session, or it has expired. */
    struct bight_deferred *(*load)(struct bight_reactor *reactor, const char *id, void *context);
    /* The bytes (borrowed, to be held) are to be kept for `seconds`. Unless `is_new`, only if the session is still
     * there: one that was removed must not come back. */
    struct bight_deferred *(*save)(struct bight_reactor *reactor, const char *id, struct bight_bytes *bytes,
        double seconds, bool is_new, void *context);
    /* Also of one that is not there. */
    struct bight_deferred *(*remove)(struct bight_reactor *reactor, const char *id, void *context);
};

/* A secret of at least 32 random bytes. */
struct bight_http_session_key {
    const void *data;
    size_t size;
};

/* 0, NULL, false: the default. */
struct bight_http_session_options {
    size_t size;             /* sizeof(struct bight_http_session_options) */
    const char *name;        /* of the cookie: "session". Through TLS it is called "__Host-session" */
    double idle_seconds;     /* without a request: 1800 */
    double absolute_seconds; /* since it began, or was renewed: 43200 */
    bool secure;             /* TLS ends at a proxy: the cookie is as through TLS */
    /* The signed form: the first key signs, all of them verify, so that keys can be changed. Copied. NULL: a store. */
    const struct bight_http_session_key *keys;
    size_t key_count;
    /* A store of the program's, borrowed. NULL: one in memory, bounded by `entries` sessions (10000) and `bytes` (16
     * MiB), past which the one that was used longest ago goes. */
    const struct bight_http_session_store_ops *store;
    void *store_context;
    size_t entries, bytes;
    /* A store is asked by bight_http_session_load only, for requests whose handlers call that: files, figures and what
     * else knows no visitor cost it nothing. False: it is asked before the handler of each request with a cookie. */
    bool on_demand;
    const void *reserved[4];
};

/* Sessions for requests of the site, and of sites mounted in it, which share them also if they have their own. 0;
 * INVALID_ARGUMENT, a usage error, for options that cannot be (a key that is too short, a name that is no token, a time
 * that is none); OUT_OF_MEMORY. After a code the site does not serve. */
BIGHT_API int bight_http_use_sessions(struct bight_http_site *site, const struct bight_http_session_options *options);

/* With on_demand: a Deferred of nothing, fired when the store has been asked; at once when there is nothing to ask, or
 * it has been. It fails as the store does, and may be tried again then; with CLOSED when the request is over before. As
 * long as it waits the request waits for its answer, as with a hold. Until it has fired there is no session, and asking
 * for one is a usage error. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_session_load(struct bight_http_request *request);

/* A value; NULL: there is none, or no session. It stays until the session is changed. */
BIGHT_API const char *bight_http_session_get(struct bight_http_request *request, const char *name);

/* Sets one, and begins a session if there is none; it is saved when the answer's head is sent. 0; USAGE, a usage error,
 * when that has been sent, or the site has no sessions; TOO_LONG: the session would be more than 2800 bytes in the
 * signed form, and 65536 in a store; INVALID_ARGUMENT, a usage error, for an empty name; OUT_OF_MEMORY, and nothing has
 * changed. */
BIGHT_API int bight_http_session_set(struct bight_http_request *request, const char *name, const char *value);
BIGHT_API int bight_http_session_remove(struct bight_http_request *request, const char *name);

/* To be called when a visitor logs in, or gets other rights: the session goes on under a new id, and the old one is
 * void, so that whoever knew that knows nothing (session fixation). In the signed form, which has no id, its time
 * begins again. 0 or a code as above. */
BIGHT_API int bight_http_session_renew(struct bight_http_request *request);

/* The session ends: the store forgets it, and so does the client. A signed cookie that somebody has copied stays good
 * until it expires. 0 or a code as above. */
BIGHT_API int bight_http_session_end(struct bight_http_request *request);

/* Saves what has changed (also a renewal, or an end) now, and not with the answer's head: a Deferred of nothing, fired
 * when the store has done it, or failing as that does. An answer does not wait for its session to be saved, so the next
 * request of the same client may come before: where that matters, as with a redirect behind a login, wait for this
 * first. What is in its cookie, signed, is saved with the answer in any case. Fails with the codes above. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_session_save(struct bight_http_request *request);

BIGHT_END

#endif
