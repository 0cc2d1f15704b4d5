/* SPDX-License-Identifier: MIT */
/* session.h - what the files of this room share: a site's sessions, and that of one request. */
#ifndef BI_HTTP_SESSION_H
#define BI_HTTP_SESSION_H

#include <bight/protocols/http_session.h>

#include "http/server/request.h"

#define BI_SESSION_ID 22 /* characters: 128 bits as base64url */
#define BI_SESSION_MAX_KEYS 8
#define BI_SESSION_MOST_SIGNED 2800 /* bytes of values, of which a cookie of 4 KiB is made */
#define BI_SESSION_MOST_STORED 65536

/* Of a site. */
struct bi_sessions {
    unsigned holds; /* the site's, and one for each session of a request */
    double idle_seconds, absolute_seconds;
    bool secure;
    const struct bight_http_session_store_ops *store; /* NULL: the signed form */
    void *store_context;
    struct bi_session_memory *memory; /* that is the store's context, or NULL */
    size_t key_count;
    struct bight_http_session_key keys[BI_SESSION_MAX_KEYS]; /* owned */
    char name[128];                                          /* of the cookie, and behind "__Host-": */
    char host_name[136];
};

/* Of one request. Values are "name", NUL, "value", NUL, one behind the other. */
struct bi_session {
    struct bi_sessions *sessions;       /* held */
    struct bight_http_request *request; /* while it is loaded, with a hold */
    struct bi_http_buffer values;
    int64_t began, saved;           /* seconds since 1970; 0: never */
    char id[BI_SESSION_ID + 1];     /* "": it has none (yet) */
    char old_id[BI_SESSION_ID + 1]; /* that was renewed, or ended */
    bool is_new, is_dirty, is_ended, has_cookie;
    bool is_loading, was_told; /* the Deferred has fired in its call */
};

/* ---------------------------------------------------------------------------------------- values.c */

const char *bi_session_find(const struct bi_session *session, const char *name);
/* 0, TOO_LONG or OUT_OF_MEMORY. `value` NULL: it goes. */
int bi_session_put(struct bi_session *session, const char *name, const char *value, size_t most);

/* The session as bytes: times, and values. `bytes` has room for BI_SESSION_HEAD more than the values. */
#define BI_SESSION_HEAD 16
void bi_session_write(const struct bi_session *session, uint8_t *bytes);
/* False: it is none, or there is no memory (*no_memory). */
bool bi_session_read(struct bi_session *session, const uint8_t *bytes, size_t size, bool *no_memory);

/* ---------------------------------------------------------------------------------------- signed.c */

/* The cookie of the session, NUL-terminated, of at most BI_SESSION_COOKIE bytes. 0 or a code. */
#define BI_SESSION_COOKIE 4096
int bi_session_sign(const struct bi_session *session, const char *name, char text[BI_SESSION_COOKIE + 1]);
/* What a client says is its session; its times are the caller's to look at. False: it is not. */
bool bi_session_verify(struct bi_session *session, const char *name, const char *text);

/* ---------------------------------------------------------------------------------------- memory.c */

/* NULL when out of memory. */
struct bi_session_memory *bi_session_memory_new(size_t entries, size_t bytes);
void bi_session_memory_free(struct bi_session_memory *memory);
extern const struct bight_http_session_store_ops bi_session_memory_ops;

#endif
