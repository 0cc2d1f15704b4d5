/* SPDX-License-Identifier: MIT */
/* tls_contexts.c - the TLS contexts of endpoint strings: kept for reloading, and those of clients shared.
 *
 * A program that connects to the same place repeatedly must not read what the system trusts each time: so a client's
 * context is kept for a while, and found again by the text of its arguments (L1). It is made in a thread, since that
 * may take a tenth of a second; callers that want it meanwhile wait for the same one. A server's is made at once, by
 * the call that listens. Both kinds are reloaded on request (L13), in threads, and each keeps what it had when that
 * fails. What contexts are is in lib/tls. */
#include "endpoint/tls_contexts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <bight/endpoint.h>
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/task.h>
#include <bight/thread.h>

#include "base/list.h"
#include "reactor/attachment.h"
#include "reactor/reactor.h"

/* L1: of clients' contexts. */
#define MAX_KEPT 16
#define KEPT_FOR (600 * BIGHT_NANOSECONDS_PER_SECOND)

/* L13: a renewal that is half done is given a second, so many times. */
#define RETRIES 5

struct contexts {
    struct bi_attachment attachment;
    struct bi_link servers; /* struct kept */
    struct bi_link clients; /* the one that was used last comes last */
    size_t client_count;
};

/* What both kinds have. */
struct kept {
    struct bi_link link;       /* in one of the lists; alone: in none any more */
    struct contexts *contexts; /* NULL: they have gone */
    unsigned holds;
    struct bight_tls *tls; /* NULL: it is being made */
    bool is_reloading, reloads_again;
    unsigned retries; /* of a reload */
    struct bight_timer retry;
    void (*free)(struct kept *kept);
};

static bool open_contexts(struct bi_attachment *attachment)
{
    struct contexts *contexts = BI_CONTAINER(attachment, struct contexts, attachment);
    bi_list_init(&contexts->servers);
    bi_list_init(&contexts->clients);
    return true;
}

static void release(struct kept *kept)
{
    if (--kept->holds == 0) {
        bight_tls_release(kept->tls);
        kept->free(kept);
    }
}

static void leave(struct kept *kept)
{
    bi_list_remove(&kept->link);
    kept->contexts = NULL;
    (void)bight_timer_cancel(kept->retry);
    release(kept);
}

static void leave_all(struct bi_link *list)
{
    while (!bi_list_is_empty(list)) {
        leave(BI_CONTAINER(list->next, struct kept, link));
    }
}

static void finish(struct bi_attachment *attachment)
{
    struct contexts *contexts = BI_CONTAINER(attachment, struct contexts, attachment);
    leave_all(&contexts->servers);
    leave_all(&contexts->clients);
}

static const struct bi_attachment_kind kind = {
    .order = BI_ORDER_NAMES,
    .size = sizeof(struct contexts),
    .open = open_contexts,
    .finish = finish,
};

static struct contexts *contexts_of(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_of(reactor, &kind);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct contexts, attachment);
}

/* One hold is the list's. */
static void join(struct contexts *contexts, struct bi_link *list, struct kept *kept)
{
    kept->contexts = contexts;
    kept->holds++;
    bi_list_append(list, &kept->link);
}

/* ------------------------------------------------------------------------------------------- servers */

static const char *keylog_file;

void bight_endpoint_set_keylog(const char *path)
{
    keylog_file = path;
}

const char *bight_endpoint_get_keylog(void)
{
    return keylog_file;
}

struct bi_server_context {
    struct kept kept;
    char password[];
};

static int tell_password(char *buffer, size_t size, void *context)
{
    const char *password = context;
    size_t length = strlen(password);
    if (length > size) {
        return -1;
    }
    memcpy(buffer, password, length);
    return (int)length;
}

static void free_server(struct kept *kept)
{
    struct bi_server_context *server = BI_CONTAINER(kept, struct bi_server_context, kept);
    explicit_bzero(server->password, strlen(server->password));
    bight_free(server);
}

static struct bi_server_context *allocate_server(const char *password)
{
    size_t size = password == NULL ? 0 : strlen(password);
    struct bi_server_context *server = bight_calloc(1, sizeof *server + size + 1);
    if (server != NULL) {
        bi_list_init(&server->kept.link);
        server->kept.holds = 1;
        server->kept.free = free_server;
        memcpy(server->password, password == NULL ? "" : password, size);
    }
    return server;
}

struct bi_server_context *bi_server_context_new(struct bight_reactor *reactor, struct bight_tls_server_options *options,
    struct bight_tls_identity *identity, const char *password, struct bight_failure **failure)
{
    struct contexts *contexts = contexts_of(reactor);
    struct bi_server_context *server = contexts == NULL ? NULL : allocate_server(password);
    if (server == NULL) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    if (password != NULL) {
        identity->password = tell_password;
        identity->password_context = server->password;
    }
    options->keylog_file = keylog_file;
    server->kept.tls = bight_tls_server_new(options, failure);
    if (server->kept.tls == NULL) {
        release(&server->kept);
        return NULL;
    }
    join(contexts, &contexts->servers, &server->kept);
    return server;
}

struct bight_tls *bi_server_context_tls(const struct bi_server_context *server)
{
    return server->kept.tls;
}

void bi_server_context_release(void *context)
{
    struct bi_server_context *server = context;
    if (server->kept.contexts != NULL) {
        leave(&server->kept);
    }
    release(&server->kept);
}

/* ------------------------------------------------------------------------------------------- clients */

enum { CA, CERTIFICATE, KEY, PASSWORD, CRL, ALPN, VERSION, TEXTS };

struct client {
    struct kept kept;
    struct bi_link waiters; /* struct waiter: while it is being made */
    uint64_t used;
    bool without_verification;
    const char *texts[TEXTS]; /* NULL: not given */
    size_t size;
    char memory[]; /* theirs */
};

struct waiter {
    struct bi_link link;
    struct bight_promise promise;
};

static void collect(const struct bi_client_arguments *arguments, const char *texts[TEXTS])
{
    texts[CA] = arguments->ca;
    texts[CERTIFICATE] = arguments->certificate;
    texts[KEY] = arguments->key;
    texts[PASSWORD] = arguments->password;
    texts[CRL] = arguments->crl;
    texts[ALPN] = arguments->alpn;
    texts[VERSION] = arguments->min_version;
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool is_for(const struct client *client, const struct bi_client_arguments *arguments)
{
    const char *texts[TEXTS];
    bool same = client->without_verification == arguments->without_verification;
    collect(arguments, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        same = same && is_same(client->texts[i], texts[i]);
    }
    return same;
}

static void free_client(struct kept *kept)
{
    struct client *client = BI_CONTAINER(kept, struct client, kept);
    explicit_bzero(client->memory, client->size);
    bight_free(client);
}

static struct client *allocate_client(const struct bi_client_arguments *arguments)
{
    const char *texts[TEXTS];
    size_t size = 0;
    collect(arguments, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        size += texts[i] == NULL ? 0 : strlen(texts[i]) + 1;
    }
    struct client *client = bight_calloc(1, sizeof *client + size);
    if (client == NULL) {
        return NULL;
    }
    char *next = client->memory;
    for (size_t i = 0; i < TEXTS; i++) {
        size_t length = texts[i] == NULL ? 0 : strlen(texts[i]) + 1;
        client->texts[i] = texts[i] == NULL ? NULL : memcpy(next, texts[i], length);
        next += length;
    }
    client->size = size;
    client->without_verification = arguments->without_verification;
    client->kept.free = free_client;
    client->kept.holds = 1;
    bi_list_init(&client->kept.link);
    bi_list_init(&client->waiters);
    return client;
}

static struct bight_pem file(const char *path)
{
    return (struct bight_pem) { .file = path };
}

/* In a thread. The arguments do not change. */
static void make_client(struct bight_result *result, void *context)
{
    struct client *client = context;
    struct bight_failure *failure = NULL;
    struct stat status;
    bool is_directory = client->texts[CA] != NULL && stat(client->texts[CA], &status) == 0 && S_ISDIR(status.st_mode);
    struct bight_tls_client_options options = {
        .size = sizeof options,
        .ca = file(is_directory ? NULL : client->texts[CA]),
        .ca_directory = is_directory ? client->texts[CA] : NULL,
        .identity = { .certificate = file(client->texts[CERTIFICATE]), .key = file(client->texts[KEY]) },
        .without_verification = client->without_verification,
        .alpn = client->texts[ALPN],
        .crl = file(client->texts[CRL]),
        .min_version = bi_tls_version_of(client->texts[VERSION]),
        .keylog_file = keylog_file,
    };
    if (client->texts[PASSWORD] != NULL) {
        options.identity.password = tell_password;
        options.identity.password_context = (void *)(uintptr_t)client->texts[PASSWORD];
    }
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    if (tls == NULL) {
        bight_result_fail(result, failure);
    } else {
        bight_result_set(result, &bight_type_tls, tls);
    }
}

/* NULL: there is none. */
static struct client *find_client(struct contexts *contexts, const struct bi_client_arguments *arguments)
{
    for (struct bi_link *link = contexts->clients.next; link != &contexts->clients; link = link->next) {
        struct client *client = BI_CONTAINER(link, struct client, kept.link);
        if (is_for(client, arguments)) {
            return client;
        }
    }
    return NULL;
}

static void drop_client(struct contexts *contexts, struct client *client)
{
    contexts->client_count--;
    leave(&client->kept);
}

/* Those that have not been used for long, and the least recently used one when there are too many. */
static void drop_old_clients(struct contexts *contexts)
{
    uint64_t now = bi_reactor_now(contexts->attachment.reactor);
    while (!bi_list_is_empty(&contexts->clients)) {
        struct client *oldest = BI_CONTAINER(contexts->clients.next, struct client, kept.link);
        bool is_old = now - oldest->used > KEPT_FOR || contexts->client_count > MAX_KEPT;
        if (!is_old || oldest->kept.tls == NULL) {
            return;
        }
        drop_client(contexts, oldest);
    }
}

static void answer(struct client *client, const struct bight_failure *failure)
{
    struct bi_link *link;
    while ((link = bi_list_take_first(&client->waiters)) != NULL) {
        struct waiter *waiter = BI_CONTAINER(link, struct waiter, link);
        struct bight_promise promise = waiter->promise;
        bi_list_init(&waiter->link);
        if (failure != NULL) {
            (void)bight_errback(promise, bight_failure_hold(failure));
        } else {
            (void)bight_callback(promise, &bight_type_tls, bight_tls_hold(client->kept.tls));
        }
    }
}

/* One that could not be made is forgotten: the files may be there the next time. */
static void made(struct bight_result *result, void *context)
{
    struct client *client = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    client->kept.holds++;
    if (failure == NULL) {
        client->kept.tls = bight_result_take(result, &bight_type_tls);
    } else if (client->kept.contexts != NULL) {
        drop_client(client->kept.contexts, client);
    }
    answer(client, failure);
    bight_failure_release(failure);
    release(&client->kept);
}

static void release_client(void *context)
{
    release(&((struct client *)context)->kept);
}

static void begin_making(struct bight_reactor *reactor, struct client *client)
{
    client->kept.holds++;
    struct bight_deferred *making = bight_defer_to_thread(reactor, make_client, client);
    int code = bight_deferred_add_both_full(making, made, client, release_client);
    if (code != BIGHT_OK) {
        bight_deferred_cancel(making);
        struct bight_failure *failure = bight_failure_of(code);
        answer(client, failure);
        bight_failure_release(failure);
        drop_client(client->kept.contexts, client);
        release(&client->kept);
    }
    bight_deferred_release(making);
}

static void forget_waiter(struct bight_promise promise, void *context)
{
    (void)promise;
    bi_list_remove(&((struct waiter *)context)->link);
}

static struct bight_deferred *wait_for(struct client *client)
{
    struct waiter *waiter = bight_calloc(1, sizeof *waiter);
    if (waiter == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bi_list_init(&waiter->link);
    struct bight_deferred *deferred = bight_deferred_new_full(&waiter->promise, forget_waiter, waiter, bight_free);
    if (!bight_deferred_has_fired(deferred)) {
        bi_list_append(&client->waiters, &waiter->link);
    }
    return deferred;
}

static struct client *new_client(struct contexts *contexts, const struct bi_client_arguments *arguments)
{
    struct client *client = allocate_client(arguments);
    if (client != NULL) {
        join(contexts, &contexts->clients, &client->kept);
        contexts->client_count++;
        release(&client->kept); /* the list has it */
    }
    return client;
}

struct bight_deferred *bi_client_context(struct bight_reactor *reactor, const struct bi_client_arguments *arguments)
{
    struct contexts *contexts = contexts_of(reactor);
    struct client *client = contexts == NULL ? NULL : find_client(contexts, arguments);
    bool is_new = client == NULL;
    if (contexts != NULL && is_new) {
        client = new_client(contexts, arguments);
    }
    if (client == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    client->used = bi_reactor_now(reactor);
    bi_list_remove(&client->kept.link);
    bi_list_append(&contexts->clients, &client->kept.link);
    drop_old_clients(contexts);
    if (client->kept.tls != NULL) {
        return bight_succeed(&bight_type_tls, bight_tls_hold(client->kept.tls));
    }
    struct bight_deferred *deferred = wait_for(client);
    if (is_new) {
        begin_making(reactor, client);
    }
    return deferred;
}

enum bight_tls_version bi_tls_version_of(const char *text)
{
    if (text == NULL) {
        return BIGHT_TLS_DEFAULT;
    }
    return strcmp(text, "1.3") == 0 ? BIGHT_TLS_1_3 : BIGHT_TLS_1_2;
}

/* ------------------------------------------------------------------------------------------- reload */

static void reload(struct kept *kept);

static void reload_again(void *context)
{
    reload(context);
}

/* In a thread. */
static void read_again(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_tls_reload(((struct kept *)context)->tls);
    if (failure != NULL) {
        bight_result_fail(result, failure);
    }
}

static bool may_be_half_done(const struct bight_failure *failure)
{
    bool is_half_done = bight_failure_is(failure, BIGHT_E_CERTIFICATE_MISMATCH);
    const struct bight_failure *cause;
    for (size_t i = 0; (cause = bight_failure_cause(failure, i)) != NULL; i++) {
        is_half_done = is_half_done || bight_failure_is(cause, BIGHT_E_CERTIFICATE_MISMATCH);
    }
    return is_half_done;
}

static void reloaded(struct bight_result *result, void *context)
{
    struct kept *kept = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL && kept->contexts != NULL && !bight_failure_is(failure, BIGHT_E_CANCELLED)) {
        bight_log(BIGHT_LOG_ERROR, "tls", failure, "a certificate could not be read again: what there was stays");
        if (may_be_half_done(failure) && kept->retries++ < RETRIES) {
            (void)bight_call_later(kept->contexts->attachment.reactor, 1, reload_again, kept, &kept->retry);
        }
    }
    bight_failure_release(failure);
    kept->is_reloading = false;
    if (kept->reloads_again && kept->contexts != NULL) {
        reload(kept);
    }
}

static void release_kept(void *context)
{
    release(context);
}

static void reload(struct kept *kept)
{
    if (kept->tls == NULL) {
        return; /* it is being made, from what there is now */
    }
    kept->reloads_again = kept->is_reloading;
    if (kept->is_reloading) {
        return; /* one at a time */
    }
    kept->is_reloading = true;
    kept->holds++;
    struct bight_deferred *reading = bight_defer_to_thread(kept->contexts->attachment.reactor, read_again, kept);
    if (bight_deferred_add_both_full(reading, reloaded, kept, release_kept) != BIGHT_OK) {
        bight_deferred_cancel(reading);
        kept->is_reloading = false;
        release(kept);
    }
    bight_deferred_release(reading);
}

static size_t reload_all(struct bi_link *list)
{
    size_t count = 0;
    for (struct bi_link *link = list->next; link != list; link = link->next) {
        struct kept *kept = BI_CONTAINER(link, struct kept, link);
        kept->retries = 0;
        reload(kept);
        count++;
    }
    return count;
}

size_t bight_reload_endpoints(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &kind);
    if (attachment == NULL) {
        return 0;
    }
    struct contexts *contexts = BI_CONTAINER(attachment, struct contexts, attachment);
    return reload_all(&contexts->servers) + reload_all(&contexts->clients);
}
