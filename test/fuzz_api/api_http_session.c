/* SPDX-License-Identifier: MIT */
/* api_http_session.c - sessions in memory, signed, and in a store that takes its time, fails and forgets: what a
 * request finds in one was put there for its own client, or there is nothing (A9). */
#include "api_http.h"

#include <stdio.h>
#include <string.h>

enum { KEPT = 40, WAITING = 60, ID = 24 };

static struct {
    char id[ID];
    struct bight_bytes *bytes;
} kept[KEPT];

/* What the store has been asked, and not answered. */
static struct waiting {
    bool waits;
    struct bight_promise promise;
    struct bight_bytes *bytes; /* to be loaded; or NULL */
} waiting[WAITING];
static unsigned asked_store;

/* ------------------------------------------------------------------------------------------ the store */

static unsigned find_kept(const char *id)
{
    unsigned at = 0;
    while (at < KEPT && strcmp(kept[at].id, id) != 0) {
        at++;
    }
    return at;
}

static void drop(unsigned at)
{
    if (at < KEPT) {
        bight_bytes_release(kept[at].bytes);
        kept[at].bytes = NULL;
        kept[at].id[0] = '\0';
    }
}

/* Now, later or never well. Takes the bytes. */
static struct bight_deferred *answer(struct bight_bytes *bytes)
{
    unsigned drawn = (unsigned)draw_from(++asked_store * 353u) % 4;
    for (unsigned i = 0; i < WAITING && drawn < 2 && !world.is_ending; i++) {
        if (!waiting[i].waits) {
            waiting[i] = (struct waiting) { .waits = true, .bytes = bytes };
            return bight_deferred_new(&waiting[i].promise, NULL, NULL);
        }
    }
    if (drawn == 2) {
        bight_bytes_release(bytes);
        return bight_fail(bight_failure_of(BIGHT_E_SYSTEM));
    }
    return bight_succeed(bytes != NULL ? &bight_type_bytes : NULL, bytes);
}

static void answer_waiting(struct waiting *one, bool fails)
{
    struct bight_bytes *bytes = one->bytes;
    one->waits = false;
    one->bytes = NULL;
    if (fails) {
        bight_bytes_release(bytes);
        (void)bight_errback(one->promise, bight_failure_of(BIGHT_E_SYSTEM));
    } else {
        (void)bight_callback(one->promise, bytes != NULL ? &bight_type_bytes : NULL, bytes);
    }
}

static struct bight_deferred *load(struct bight_reactor *reactor, const char *id, void *context)
{
    unsigned at = find_kept(id);
    (void)reactor;
    (void)context;
    return answer(at < KEPT ? bight_bytes_hold(kept[at].bytes) : NULL);
}

static struct bight_deferred *save(struct bight_reactor *reactor, const char *id, struct bight_bytes *bytes,
    double seconds, bool is_new, void *context)
{
    unsigned at = find_kept(id);
    (void)reactor;
    (void)context;
    if (seconds < 0) {
        fuzz_fail("a session is kept for %f s", seconds);
    }
    if (at == KEPT && is_new) {
        at = asked_store % KEPT;
        drop(at);
        (void)snprintf(kept[at].id, ID, "%s", id);
    }
    if (at < KEPT) {
        bight_bytes_release(kept[at].bytes);
        kept[at].bytes = bight_bytes_hold(bytes);
    }
    return answer(NULL);
}

static struct bight_deferred *forget(struct bight_reactor *reactor, const char *id, void *context)
{
    (void)reactor;
    (void)context;
    drop(find_kept(id));
    return answer(NULL);
}

static const struct bight_http_session_store_ops store = {
    .size = sizeof store, .load = load, .save = save, .remove = forget
};

void act_store(struct fuzz_operation *operation, void *context)
{
    (void)context;
    for (unsigned i = 0; i < WAITING; i++) {
        struct waiting *one = &waiting[(operation->subject + i) % WAITING];
        if (one->waits) {
            unsigned in_call = step_outside(); /* a handler may be next */
            answer_waiting(one, fuzz_choose(operation, 4) == 0);
            step_inside(in_call);
            return;
        }
    }
}

/* --------------------------------------------------------------------------------------------- sites */

void add_sessions(struct bight_http_site *site, uint64_t drawn)
{
    static const char key[] = "0123456789abcdef0123456789abcdef";
    static const struct bight_http_session_key keys[] = { { key, 32 } };
    struct bight_http_session_options options = { .size = sizeof options, .entries = 5 };
    switch (drawn % 6) {
    case 0:
        break;
    case 1:
        options.keys = keys;
        options.key_count = 1;
        break;
    case 2:
    case 3:
        options.store = &store;
        options.on_demand = drawn % 6 == 2;
        break;
    default:
        return;
    }
    (void)bight_http_use_sessions(site, &options);
}

static void check_owner(struct asked *asked)
{
    char own[20];
    const char *owner = bight_http_session_get(asked->request, "owner");
    if (owner == NULL || asked->ask == ASKS) {
        return;
    }
    (void)snprintf(own, sizeof own, "%u", http.asks[asked->ask].asker);
    if (strcmp(owner, own) != 0) {
        fuzz_fail("request %u of asker %s has the session of asker %s", asked->id, own, owner);
    }
}

static void claim(struct asked *asked)
{
    char own[20];
    if (asked->ask < ASKS) {
        (void)snprintf(own, sizeof own, "%u", http.asks[asked->ask].asker);
        (void)bight_http_session_set(asked->request, "owner", own);
    }
}

static void wait_for(struct bight_deferred *deferred, const char *what)
{
    struct item *item = world.is_ending ? NULL : new_item(what, 0);
    if (item != NULL) {
        watch_deferred(item, deferred);
    } else {
        bight_deferred_release(deferred);
    }
}

void act_session(struct fuzz_operation *operation, void *context)
{
    struct asked *asked = find_asked(operation->subject);
    static char much[2000];
    (void)context;
    if (asked == NULL) {
        return;
    }
    begin_use(asked);
    check_owner(asked);
    switch (fuzz_choose(operation, 8)) {
    case 0:
    case 1:
        claim(asked);
        break;
    case 2:
        memset(much, 'm', sizeof much - 1);
        (void)bight_http_session_set(asked->request, fuzz_choose(operation, 2) == 0 ? "much" : "more", much);
        break;
    case 3:
        (void)bight_http_session_remove(asked->request, "owner");
        break;
    case 4:
        (void)bight_http_session_renew(asked->request);
        break;
    case 5:
        (void)bight_http_session_end(asked->request);
        break;
    case 6:
        wait_for(bight_http_session_load(asked->request), "load of a session");
        break;
    default:
        wait_for(bight_http_session_save(asked->request), "save of a session");
        break;
    }
    end_use(asked);
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(kept, 0, sizeof kept);
    memset(waiting, 0, sizeof waiting);
    asked_store = 0;
}

static void check(void)
{
}

static void end(void)
{
    for (unsigned i = 0; i < WAITING; i++) {
        if (waiting[i].waits) {
            answer_waiting(&waiting[i], false);
        }
    }
}

static void finish(void)
{
    end();
    for (unsigned i = 0; i < KEPT; i++) {
        drop(i);
    }
}

const struct part http_session_part = { begin, check, end, finish };
