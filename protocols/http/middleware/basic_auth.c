/* SPDX-License-Identifier: MIT */
/* basic_auth.c - users with passwords, by HTTP's Basic authentication (RFC 7617): passwords are hashed by threads of
 * the reactor's pool, a few at once, and requests wait meanwhile.
 *
 * A user whom there is not costs the same hash. What has been proved is remembered (logins.c). A check holds its
 * request and what all checks share, which so outlives the site. */
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/thread.h>

#include <stdatomic.h>
#include <stdio.h>

#include "http/middleware/logins.h"
#include "http/middleware/provided.h"
#include "http/middleware/users.h"

#define DEFAULT_SECONDS 300.0
#define DEFAULT_JOBS 4u
#define DEFAULT_WAITING 64u
#define MOST_KEPT (UINT64_C(86400) * 365 * 1000000000)
#define MOST_REALM 128

/* Who is checked for a user that there is not. */
static const struct bi_password nobody = {
    .kind = BI_PASSWORD_PBKDF2_SHA256, .iterations = 600000, .salt_size = 16, .hash_size = 32
};

struct check {
    atomic_uint holds; /* the loop's, and a job's */
    struct check *next;
    struct basic_auth *auth;
    struct bight_http_request *request; /* held */
    bool is_somebody;                   /* there is such a user */
    int code;                           /* of bi_password_check, by the thread */
    struct bi_password password;
    struct bi_credentials credentials;
    uint8_t digest[BIGHT_SHA256_SIZE];
};

struct basic_auth {
    unsigned holds; /* the site's, and those of checks */
    bool has_key;
    struct bi_users users;
    bight_http_password_function find;
    void *context;
    uint64_t kept; /* nanoseconds */
    unsigned jobs, most_jobs;
    size_t waiting, most_waiting;
    struct check *first, **last; /* that wait for a job */
    struct bi_password likely;   /* what a user costs, probably */
    struct bi_logins logins;
    char challenge[2 * MOST_REALM + 64];
};

static void drop_hold(struct basic_auth *auth)
{
    if (--auth->holds > 0) {
        return;
    }
    bi_users_finish(&auth->users);
    bight_wipe(&auth->logins, sizeof auth->logins);
    bight_free(auth);
}

/* -------------------------------------------------------------------------------------------- answers */

static void challenge(const struct basic_auth *auth, struct bight_http_request *request)
{
    (void)bight_http_respond_set(request, "WWW-Authenticate", auth->challenge);
    (void)bight_http_respond_error(request, 401, NULL);
}

static void refuse_for_now(struct bight_http_request *request)
{
    (void)bight_http_respond_set(request, "Retry-After", "1");
    (void)bight_http_respond_error(request, 503, NULL);
}

/* False when out of memory: then it must not go on as nobody. */
static bool set_user(struct bight_http_request *request, struct bi_view user)
{
    request->hooks.user = bi_request_text(request, user.at, user.size);
    if (request->hooks.user == NULL) {
        bi_exchange_abort(request);
    }
    return request->hooks.user != NULL;
}

/* -------------------------------------------------------------------------------------------- checks */

static void begin_checks(struct basic_auth *auth);

/* In whatever thread: the reactor's, but when a job was left behind by its end. */
static void drop_check(void *context)
{
    struct check *check = context;
    if (atomic_fetch_sub_explicit(&check->holds, 1, memory_order_acq_rel) == 1) {
        bight_wipe(check, sizeof *check);
        bight_free(check);
    }
}

/* The loop has done with it. */
static void leave(struct check *check)
{
    struct basic_auth *auth = check->auth;
    bight_http_request_release(check->request);
    drop_check(check);
    drop_hold(auth);
}

static void run(struct bight_result *result, void *context)
{
    struct check *check = context;
    (void)result;
    check->code = bi_password_check(&check->password, check->credentials.password.at, check->credentials.password.size);
}

static uint64_t now_of(struct bight_http_request *request)
{
    return bight_clock_now(bight_reactor_clock(bight_http_request_reactor(request)));
}

static void admit(struct check *check)
{
    struct basic_auth *auth = check->auth;
    bi_logins_keep(&auth->logins, check->digest, now_of(check->request) + auth->kept);
    if (set_user(check->request, check->credentials.user)) {
        (void)bight_http_request_proceed(check->request);
    }
}

static void conclude(struct check *check, bool has_run)
{
    if (!bight_http_request_is_open(check->request)) {
        return;
    }
    if (!has_run || (check->code != BIGHT_OK && check->code != BIGHT_E_PERMISSION_DENIED)) {
        refuse_for_now(check->request);
    } else if (check->code == BIGHT_OK && check->is_somebody) {
        admit(check);
    } else {
        challenge(check->auth, check->request);
    }
}

static void has_checked(struct bight_result *result, void *context)
{
    struct check *check = context;
    struct basic_auth *auth = check->auth;
    bool has_run = bight_result_failure(result) == NULL;
    bight_result_discard(result);
    auth->jobs--;
    auth->holds++; /* for those that wait */
    conclude(check, has_run);
    leave(check);
    begin_checks(auth);
    drop_hold(auth);
}

/* Its handler runs in any case, perhaps in here. */
static void begin_check(struct check *check)
{
    struct bight_reactor *reactor = bight_http_request_reactor(check->request);
    check->auth->jobs++;
    atomic_store(&check->holds, 2);
    struct bight_deferred *running = bight_defer_to_thread_full(reactor, run, check, drop_check);
    if (bight_deferred_add_both(running, has_checked, check) != BIGHT_OK) {
        check->auth->jobs--;
        refuse_for_now(check->request);
        leave(check);
    }
    bight_deferred_release(running);
}

static void begin_checks(struct basic_auth *auth)
{
    while (auth->first != NULL && auth->jobs < auth->most_jobs) {
        struct check *check = auth->first;
        auth->first = check->next;
        auth->last = auth->first == NULL ? &auth->first : auth->last;
        auth->waiting--;
        if (bight_http_request_is_open(check->request)) {
            begin_check(check);
        } else {
            leave(check);
        }
    }
}

static bool make_check(struct basic_auth *auth, struct bight_http_request *request, const struct check *wanted)
{
    struct check *check = bight_malloc(sizeof *check);
    if (check == NULL || auth->waiting >= auth->most_waiting) {
        bight_free(check);
        refuse_for_now(request);
        return false;
    }
    memcpy(check, wanted, sizeof *check);
    size_t user = wanted->credentials.user.size;
    check->credentials.user.at = check->credentials.bytes;
    check->credentials.password.at = check->credentials.bytes + user + 1;
    check->request = bight_http_request_hold(request);
    check->auth = auth;
    atomic_init(&check->holds, 1);
    auth->holds++;
    auth->waiting++;
    *auth->last = check;
    auth->last = &check->next;
    begin_checks(auth);
    return false;
}

/* ------------------------------------------------------------------------------------------- a request */

/* The hash of the user's, or one that costs as much. True: there is such a user. */
static bool find_password(struct basic_auth *auth, struct bi_view user, struct bi_password *password)
{
    const struct bi_password *listed = bight_hash_get(&auth->users.table, user.at, user.size);
    char name[BI_USERS_NAME + 1];
    const char *text = NULL;
    if (auth->find != NULL) {
        memcpy(name, user.at, user.size);
        name[user.size] = '\0';
        text = auth->find(name, auth->context);
    }
    if (listed == NULL && (text == NULL || !bi_password_parse(password, bi_view_of(text)))) {
        *password = auth->likely;
        return false;
    }
    *password = listed != NULL ? *listed : *password;
    auth->likely = *password;
    return true;
}

static bool seed(struct basic_auth *auth, struct bight_reactor *reactor)
{
    auth->has_key = auth->has_key || bight_random(reactor, auth->logins.key, sizeof auth->logins.key) == BIGHT_OK;
    return auth->has_key;
}

/* What it found out about the request's credentials; `wanted` is filled for a check. */
static bool judge(struct basic_auth *auth, struct bight_http_request *request, struct check *wanted)
{
    struct bi_credentials *credentials = &wanted->credentials;
    if (!bi_credentials_read(credentials, bi_request_field(request, BI_NAME_AUTHORIZATION))) {
        challenge(auth, request);
        return false;
    }
    wanted->is_somebody = find_password(auth, credentials->user, &wanted->password);
    if (!seed(auth, bight_http_request_reactor(request)) ||
        bi_logins_digest(&auth->logins, &wanted->password, credentials, wanted->digest) != BIGHT_OK) {
        refuse_for_now(request);
        return false;
    }
    if (wanted->is_somebody && bi_logins_have(&auth->logins, wanted->digest, now_of(request))) {
        return set_user(request, credentials->user);
    }
    return make_check(auth, request, wanted);
}

static bool authenticate(struct bight_http_request *request, void *context)
{
    struct check wanted = { .next = NULL };
    bool admits = judge(context, request, &wanted);
    bight_wipe(&wanted, sizeof wanted);
    return admits;
}

const char *bight_http_request_user(const struct bight_http_request *request)
{
    return request->has_hooks ? request->hooks.user : NULL;
}

static const struct bight_http_middleware_ops basic_auth_ops = { .size = sizeof basic_auth_ops,
    .before = authenticate };

/* --------------------------------------------------------------------------------------------- options */

static void end_auth(void *context)
{
    drop_hold(context);
}

static void write_challenge(struct basic_auth *auth, const char *realm)
{
    static const char begin[] = "Basic realm=\"";
    char *at = (char *)memcpy(auth->challenge, begin, sizeof begin - 1) + sizeof begin - 1;
    for (; *realm != '\0'; realm++) {
        if (*realm == '"' || *realm == '\\') {
            *at++ = '\\';
        }
        *at++ = *realm;
    }
    memcpy(at, "\", charset=\"UTF-8\"", sizeof "\", charset=\"UTF-8\"");
}

static bool is_realm(const char *realm)
{
    return realm != NULL && strlen(realm) <= MOST_REALM && bi_is_field_value(bi_view_of(realm));
}

/* A user's own, so that one whom there is not takes as long. */
static void find_likely(struct basic_auth *auth)
{
    size_t cursor = 0, size;
    const void *name;
    void *password;
    auth->likely = nobody;
    if (bight_hash_next(&auth->users.table, &cursor, &name, &size, &password)) {
        auth->likely = *(const struct bi_password *)password;
    }
}

static int make(struct basic_auth **made, const char *realm, const struct bight_http_basic_auth_options *options)
{
    static const uint64_t key[2] = { 0, 0 }; /* the names in the table are the program's */
    double seconds = BI_GIVEN(options, seconds);
    unsigned jobs = BI_GIVEN(options, jobs);
    size_t waiting = BI_GIVEN(options, waiting);
    struct basic_auth *auth = *made = bight_calloc(1, sizeof *auth);
    if (auth == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    auth->holds = 1;
    auth->find = BI_GIVEN(options, find);
    auth->context = BI_GIVEN(options, context);
    (void)bight_seconds_to_nanoseconds(seconds > 0 ? seconds : DEFAULT_SECONDS, &auth->kept);
    auth->kept = auth->kept < MOST_KEPT ? auth->kept : MOST_KEPT;
    auth->most_jobs = jobs > 0 ? jobs : DEFAULT_JOBS;
    auth->most_waiting = waiting > 0 ? waiting : DEFAULT_WAITING;
    auth->last = &auth->first;
    write_challenge(auth, realm);
    bight_hash_init(&auth->users.table, key, bight_free);
    const char *file = BI_GIVEN(options, file);
    int code = file != NULL ? bi_users_load(&auth->users, file, key) : BIGHT_OK;
    find_likely(auth);
    return code;
}

int bight_http_use_basic_auth(
    struct bight_http_site *site, const char *realm, const struct bight_http_basic_auth_options *options)
{
    struct basic_auth *auth;
    bool has_file = BI_GIVEN(options, file) != NULL;
    if (!is_realm(realm) || has_file == (BI_GIVEN(options, find) != NULL) ||
        !bi_provided_is_time(BI_GIVEN(options, seconds))) {
        return bi_provided_refuse(site,
            "basic authentication: a realm of at most 128 bytes, a time from 0 on, and either "
            "a file or a function");
    }
    int code = make(&auth, realm, options);
    if (code != BIGHT_OK && auth != NULL) {
        drop_hold(auth);
        auth = NULL;
    }
    int used = bi_provided_use(site, &basic_auth_ops, auth, end_auth);
    return code != BIGHT_OK ? code : used;
}
