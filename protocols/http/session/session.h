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
    bool secure, on_demand;
    const struct bight_http_session_store_ops *store; /* NULL: the signed form */
    void *store_context;
    struct bi_session_memory *memory; /* that is the store's context, or NULL */
    size_t key_count;
    struct bight_http_session_key keys[BI_SESSION_MAX_KEYS]; /* owned */
    char name[128];                                          /* of the cookie, and behind "__Host-": */
    char host_name[136];
};

enum bi_session_state {
    BI_SESSION_READY, /* it has been loaded, or there is nothing to load */
    BI_SESSION_NOT_LOADED,
    BI_SESSION_LOADING,
};

struct bi_session_waiter;

/* Of one request. Values are "name", NUL, "value", NUL, one behind the other. */
struct bi_session {
    struct bi_sessions *sessions; /* held */
    struct bi_http_buffer values;
    int64_t began, saved;           /* seconds since 1970; 0: never */
    char id[BI_SESSION_ID + 1];     /* "": it has none (yet) */
    char old_id[BI_SESSION_ID + 1]; /* that was renewed, or ended */
    bool is_new, is_dirty, is_ended, has_cookie;
    bool is_stopped; /* the request waits for it before its handler */
    enum bi_session_state state;
    struct bight_deferred *loading; /* while it is; the load's own end holds it */
    struct bi_session_waiter *waiters;
};

/* -------------------------------------------------------------------------------------------- use.c */

/* NULL: the request has none (yet). */
struct bi_session *bi_session_of(const struct bight_http_request *request);
int64_t bi_session_wall_time(struct bight_reactor *reactor);

/* -------------------------------------------------------------------------------------------- load.c */

/* Asks the store; the state says whether it has come. What fails is answered, or told to the waiters. OUT_OF_MEMORY:
 * nobody has been told anything. */
int bi_session_load(struct bi_session *session, struct bight_http_request *request);
/* It has been read: is it still good, or to be saved again? */
void bi_session_look_at_times(struct bi_session *session, int64_t now);
/* It is none. */
void bi_session_forget(struct bi_session *session);

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
