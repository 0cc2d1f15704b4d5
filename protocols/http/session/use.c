/* SPDX-License-Identifier: MIT */
/* use.c - sessions as middleware: a site's options; a session is read before the handler, and saved with the head of
 * the answer. How a store is waited for is load.c's.
 *
 * An id is made here and nowhere else: one that a client says is only ever looked for. */
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/protocols/http_cookie.h>
#include <bight/sys/digest.h>
#include <bight/sys/system.h>

#include <string.h>

#include "http/middleware/provided.h"
#include "http/session/session.h"

#define LEAST_KEY 32

/* --------------------------------------------------------------------------------------------- its life */

static void release_sessions(void *context)
{
    struct bi_sessions *sessions = context;
    if (--sessions->holds > 0) {
        return;
    }
    for (size_t i = 0; i < sessions->key_count; i++) {
        bight_free((void *)(uintptr_t)sessions->keys[i].data);
    }
    bi_session_memory_free(sessions->memory);
    bight_free(sessions);
}

static void destroy(void *value)
{
    struct bi_session *session = value;
    release_sessions(session->sessions);
    bi_http_buffer_free(&session->values);
    bight_free(session);
}

static const struct bight_type session_type = { .name = "session", .destroy = destroy };

struct bi_session *bi_session_of(const struct bight_http_request *request)
{
    return bight_http_request_attached(request, &session_type);
}

static struct bi_session *new_session(struct bi_sessions *sessions, struct bight_http_request *request)
{
    struct bi_session *session = bight_calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->sessions = sessions;
    sessions->holds++;
    return bight_http_request_attach(request, &session_type, session) == BIGHT_OK ? session : NULL;
}

int64_t bi_session_wall_time(struct bight_reactor *reactor)
{
    struct bight_system *system = bight_reactor_system(reactor);
    return (int64_t)(system->ops->wall_time(system) / BIGHT_NANOSECONDS_PER_SECOND);
}

static bool is_secure(const struct bi_sessions *sessions, const struct bight_http_request *request)
{
    return sessions->secure || bight_http_request_is_secure(request);
}

static const char *name_of(const struct bi_sessions *sessions, const struct bight_http_request *request)
{
    return is_secure(sessions, request) ? sessions->host_name : sessions->name;
}

/* ---------------------------------------------------------------------------------------------- before */

static bool is_id(const char *text)
{
    uint8_t bytes[16];
    return strlen(text) == BI_SESSION_ID &&
           bight_base64_decode(BIGHT_BASE64URL, text, BI_SESSION_ID, bytes, sizeof bytes) == sizeof bytes;
}

static bool fail(struct bight_http_request *request)
{
    (void)bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    return false;
}

/* True: it has been loaded, or cannot be. */
static bool load(struct bi_session *session, struct bight_http_request *request)
{
    if (bi_session_load(session, request) != BIGHT_OK) {
        return fail(request);
    }
    session->is_stopped = session->state == BI_SESSION_LOADING;
    return !session->is_stopped;
}

/* A site that is mounted in one with sessions may have its own: the outer ones count, and it shares them. */
static bool before(struct bight_http_request *request, void *context)
{
    struct bi_sessions *sessions = context;
    if (bi_session_of(request) != NULL) {
        return true;
    }
    struct bi_session *session = new_session(sessions, request);
    if (session == NULL) {
        return fail(request);
    }
    const char *name = name_of(sessions, request), *cookie = bight_http_request_cookie(request, name);
    session->has_cookie = cookie != NULL;
    if (cookie != NULL && sessions->store == NULL && bi_session_verify(session, name, cookie)) {
        bi_session_look_at_times(session, bi_session_wall_time(bight_http_request_reactor(request)));
    } else if (cookie != NULL && sessions->store != NULL && is_id(cookie)) {
        memcpy(session->id, cookie, sizeof session->id);
        session->state = BI_SESSION_NOT_LOADED;
    }
    return session->state == BI_SESSION_READY || sessions->on_demand || load(session, request);
}

/* ------------------------------------------------------------------------------------------------ head */

static void set_cookie(struct bi_session *session, struct bight_http_request *request, const char *value)
{
    bool secure = is_secure(session->sessions, request);
    const struct bight_http_cookie_options options = { .size = sizeof options, .secure = secure };
    const char *name = name_of(session->sessions, request);
    int code = value != NULL ? bight_http_respond_set_cookie(request, name, value, &options)
                             : bight_http_respond_clear_cookie(request, name, &options);
    if (code != BIGHT_OK) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "the cookie of a session could not be set");
    }
}

static void save_signed(struct bi_session *session, struct bight_http_request *request)
{
    char text[BI_SESSION_COOKIE + 1];
    if (bi_session_sign(session, name_of(session->sessions, request), text) == BIGHT_OK) {
        set_cookie(session, request, text);
    }
}

/* From now until it expires. */
static double seconds_left(const struct bi_session *session)
{
    const struct bi_sessions *sessions = session->sessions;
    double left = sessions->absolute_seconds - (double)(session->saved - session->began);
    return left < sessions->idle_seconds ? left : sessions->idle_seconds;
}

static bool get_id(struct bi_session *session, struct bight_reactor *reactor)
{
    uint8_t bytes[16];
    if (session->id[0] != '\0') {
        return true;
    }
    if (bight_random(reactor, bytes, sizeof bytes) != BIGHT_OK) {
        return false;
    }
    (void)bight_base64_encode(BIGHT_BASE64URL, bytes, sizeof bytes, session->id);
    session->is_new = true;
    return true;
}

/* A Deferred of what the store says. */
static struct bight_deferred *save_stored(struct bi_session *session, struct bight_http_request *request)
{
    const struct bi_sessions *sessions = session->sessions;
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    uint8_t *content;
    struct bight_bytes *bytes =
        bight_bytes_new_uninitialised(BI_SESSION_HEAD + bi_http_buffer_size(&session->values), &content);
    if (bytes == NULL || !get_id(session, reactor)) {
        bight_bytes_release(bytes);
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bi_session_write(session, content);
    struct bight_deferred *saving = sessions->store->save(
        reactor, session->id, bytes, seconds_left(session), session->is_new, sessions->store_context);
    bight_bytes_release(bytes);
    if (session->is_new) {
        session->is_new = false;
        set_cookie(session, request, session->id);
    }
    return saving;
}

static void note(struct bight_result *result, void *context)
{
    if (bight_result_failure(result) != NULL) {
        bight_log(BIGHT_LOG_ERROR, "http", bight_result_failure(result), "%s", (const char *)context);
    }
    bight_result_discard(result);
}

/* Nobody else waits. */
static void leave(struct bight_deferred *deferred, const char *what)
{
    if (bight_deferred_add_both(deferred, note, (void *)(uintptr_t)what) != BIGHT_OK) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "%s", what);
    }
    bight_deferred_release(deferred);
}

static bool has_old(const struct bi_session *session)
{
    return session->sessions->store != NULL && session->old_id[0] != '\0';
}

static struct bight_deferred *remove_old(struct bi_session *session, struct bight_http_request *request)
{
    const struct bi_sessions *sessions = session->sessions;
    struct bight_deferred *removing =
        sessions->store->remove(bight_http_request_reactor(request), session->old_id, sessions->store_context);
    session->old_id[0] = '\0';
    return removing;
}

/* Nothing is kept of it, on either side. */
static struct bight_deferred *save_end(struct bi_session *session, struct bight_http_request *request)
{
    if (session->has_cookie) {
        session->has_cookie = false;
        set_cookie(session, request, NULL);
    }
    return has_old(session) ? remove_old(session, request) : bight_succeed(NULL, NULL);
}

static struct bight_deferred *save_values(struct bi_session *session, struct bight_http_request *request)
{
    if (has_old(session)) {
        leave(remove_old(session, request), "a session could not be removed");
    }
    session->saved = bi_session_wall_time(bight_http_request_reactor(request));
    session->began = session->began == 0 ? session->saved : session->began;
    if (session->sessions->store == NULL) {
        save_signed(session, request);
        return bight_succeed(NULL, NULL);
    }
    return save_stored(session, request);
}

static struct bight_deferred *save(struct bi_session *session, struct bight_http_request *request)
{
    bool is_over = bi_http_buffer_size(&session->values) == 0 && session->is_ended;
    session->is_dirty = session->is_ended = false;
    return is_over ? save_end(session, request) : save_values(session, request);
}

static void head(struct bight_http_request *request, int status, void *context)
{
    struct bi_session *session = bi_session_of(request);
    (void)status;
    if (session != NULL && session->sessions == context && (session->is_dirty || session->is_ended)) {
        leave(save(session, request), "a session could not be saved");
    }
}

static const struct bight_http_middleware_ops session_ops = {
    .size = sizeof session_ops, .before = before, .head = head
};

/* ---------------------------------------------------------------------------------------- the program's */

/* 0, or why it cannot be changed. */
static int check(const struct bight_http_request *request, struct bi_session **session)
{
    *session = bi_session_of(request);
    if (*session == NULL) {
        return bi_http_usage(BIGHT_E_USAGE, "a session: the site has none");
    }
    if ((*session)->state != BI_SESSION_READY && !request->gone) {
        return bi_http_usage(BIGHT_E_USAGE, "a session: it has not been loaded");
    }
    return request->gone ? BIGHT_E_CLOSED
           : request->answer.state > BI_ANSWER_ANNOUNCED
               ? bi_http_usage(BIGHT_E_USAGE, "a session: the answer's head has been sent")
               : BIGHT_OK;
}

const char *bight_http_session_get(struct bight_http_request *request, const char *name)
{
    const struct bi_session *session = bi_session_of(request);
    if (session != NULL && session->state != BI_SESSION_READY && bight_http_request_is_open(request)) {
        (void)bi_http_usage(BIGHT_E_USAGE, "a session: it has not been loaded");
    }
    return session != NULL ? bi_session_find(session, name) : NULL;
}

static int put(struct bight_http_request *request, const char *name, const char *value)
{
    struct bi_session *session;
    int code = check(request, &session);
    if (code == BIGHT_OK && *name == '\0') {
        code = bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a session: a value needs a name");
    }
    if (code == BIGHT_OK) {
        bool is_stored = session->sessions->store != NULL;
        code = bi_session_put(session, name, value, is_stored ? BI_SESSION_MOST_STORED : BI_SESSION_MOST_SIGNED);
    }
    if (code == BIGHT_OK) {
        session->is_dirty = true;
    }
    return code;
}

int bight_http_session_set(struct bight_http_request *request, const char *name, const char *value)
{
    return put(request, name, value);
}

int bight_http_session_remove(struct bight_http_request *request, const char *name)
{
    return bight_http_session_get(request, name) != NULL ? put(request, name, NULL) : BIGHT_OK;
}

/* The first one that the client had: what came between was never saved. */
static void give_up_id(struct bi_session *session)
{
    if (session->old_id[0] == '\0') {
        memcpy(session->old_id, session->id, sizeof session->id);
    }
    session->id[0] = '\0';
    session->began = 0;
}

int bight_http_session_renew(struct bight_http_request *request)
{
    struct bi_session *session;
    int code = check(request, &session);
    if (code == BIGHT_OK) {
        give_up_id(session);
        session->is_dirty = true;
    }
    return code;
}

int bight_http_session_end(struct bight_http_request *request)
{
    struct bi_session *session;
    int code = check(request, &session);
    if (code == BIGHT_OK) {
        give_up_id(session);
        bi_http_buffer_free(&session->values);
        session->is_ended = true;
    }
    return code;
}

struct bight_deferred *bight_http_session_save(struct bight_http_request *request)
{
    struct bi_session *session;
    int code = check(request, &session);
    if (code != BIGHT_OK) {
        return bight_fail(bight_failure_of(code));
    }
    bool is_any = session->sessions->store != NULL && (session->is_dirty || session->is_ended);
    return is_any ? save(session, request) : bight_succeed(NULL, NULL);
}

/* ---------------------------------------------------------------------------------------------- options */

static const char *find_mistake(const struct bight_http_session_options *options)
{
    const char *name = BI_GIVEN(options, name);
    const struct bight_http_session_key *keys = BI_GIVEN(options, keys);
    size_t count = keys != NULL ? BI_GIVEN(options, key_count) : 0;
    if (name != NULL && (!bi_is_token(bi_view_of(name)) || strlen(name) > 100 || strncmp(name, "__", 2) == 0)) {
        return "sessions: the cookie's name is no token, too long, or begins with a prefix";
    }
    if (!bi_provided_is_time(BI_GIVEN(options, idle_seconds)) ||
        !bi_provided_is_time(BI_GIVEN(options, absolute_seconds))) {
        return "sessions: a time that is none";
    }
    if (keys != NULL && (count == 0 || count > BI_SESSION_MAX_KEYS)) {
        return "sessions: there are no keys, or more than 8";
    }
    for (size_t i = 0; i < count; i++) {
        if (keys[i].size < LEAST_KEY) {
            return "sessions: a key of less than 32 bytes";
        }
    }
    return NULL;
}

static bool copy_keys(struct bi_sessions *sessions, const struct bight_http_session_options *options)
{
    const struct bight_http_session_key *keys = BI_GIVEN(options, keys);
    size_t count = keys != NULL ? BI_GIVEN(options, key_count) : 0;
    for (size_t i = 0; i < count; i++) {
        void *copy = bight_malloc(keys[i].size);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, keys[i].data, keys[i].size);
        sessions->keys[sessions->key_count++] = (struct bight_http_session_key) { copy, keys[i].size };
    }
    return true;
}

#define OR(given, usual) ((given) != 0 ? (given) : (usual))

/* False: no memory. */
static bool choose_store(struct bi_sessions *sessions, const struct bight_http_session_options *options)
{
    if (sessions->key_count > 0) {
        return true;
    }
    sessions->store = BI_GIVEN(options, store);
    sessions->store_context = BI_GIVEN(options, store_context);
    if (sessions->store == NULL) {
        sessions->memory = bi_session_memory_new(
            OR(BI_GIVEN(options, entries), 10000), OR(BI_GIVEN(options, bytes), (size_t)16 << 20));
        sessions->store = &bi_session_memory_ops;
        sessions->store_context = sessions->memory;
    }
    return sessions->store_context != NULL || sessions->memory != NULL || BI_GIVEN(options, store) != NULL;
}

static struct bi_sessions *make(const struct bight_http_session_options *options)
{
    struct bi_sessions *sessions = bight_calloc(1, sizeof *sessions);
    if (sessions == NULL) {
        return NULL;
    }
    const char *name = BI_GIVEN(options, name);
    name = name != NULL ? name : "session";
    sessions->holds = 1;
    sessions->idle_seconds = BI_GIVEN(options, idle_seconds) > 0 ? options->idle_seconds : 1800;
    sessions->absolute_seconds = BI_GIVEN(options, absolute_seconds) > 0 ? options->absolute_seconds : 43200;
    sessions->secure = BI_GIVEN(options, secure);
    sessions->on_demand = BI_GIVEN(options, on_demand);
    memcpy(sessions->name, name, strlen(name) + 1);
    memcpy(sessions->host_name, "__Host-", 7);
    memcpy(sessions->host_name + 7, name, strlen(name) + 1);
    if (!copy_keys(sessions, options) || !choose_store(sessions, options)) {
        release_sessions(sessions);
        return NULL;
    }
    return sessions;
}

int bight_http_use_sessions(struct bight_http_site *site, const struct bight_http_session_options *options)
{
    const char *mistake = find_mistake(options);
    if (mistake != NULL) {
        return bi_provided_refuse(site, mistake);
    }
    return bi_provided_use(site, &session_ops, make(options), release_sessions);
}
