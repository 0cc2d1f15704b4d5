/* SPDX-License-Identifier: MIT */
/* listing.c - a directory's page as an answer (F3, F4): read, sorted and written by threads, a part at a time, and sent
 * as fast as the client takes it.
 *
 * So of a page there are the names and one part in memory, whatever the directory's size, and the loop does no more
 * than to hand the part on. A listing belongs to its Deferred and to the job that is under way, in turn; the job may be
 * left behind by the reactor's end. */
#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <string.h>

#include "http/files/files.h"
#include "http/files/listing.h"
#include "http/message/accept.h"
#include "http/message/path.h"

#define SHOWN 2048 /* bytes of a path */

struct listing {
    atomic_uint holds; /* the Deferred's, a job's */
    struct bi_files *files;
    struct bight_http_request *request; /* whom the Deferred keeps */
    struct bight_reactor *reactor;
    struct bight_promise promise;
    struct bight_deferred *waiting; /* for a job, or for room */
    bool is_over;
    /* The job's, while there is one. */
    bool is_read;
    int number;
    struct bi_listing names;
    struct bi_listing_page page;
    size_t size; /* of the part */
    char part[BI_PAGE_PART];
    char directory[BI_FILES_NAME_SIZE];
    char path[]; /* shown */
};

static void drop_hold(void *context)
{
    struct listing *listing = context;
    if (atomic_fetch_sub_explicit(&listing->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    bi_listing_finish(&listing->names);
    bi_files_release(listing->files);
    bight_free(listing);
}

/* ------------------------------------------------------------------------------------------ in the thread */

static void work(struct bight_result *result, void *context)
{
    struct listing *listing = context;
    struct bi_files *files = listing->files;
    (void)result;
    if (!listing->is_read) {
        listing->is_read = true;
        listing->number =
            bi_listing_read(&listing->names, &files->below, listing->directory, files->dot_files, files->listing_limit);
        bi_listing_sort(&listing->names, listing->page.order, listing->page.reverse);
    }
    listing->size = bi_listing_write(&listing->page, listing->part, sizeof listing->part);
}

/* ------------------------------------------------------------------------------------------- its steps */

static void begin_job(struct listing *listing);

static void end(struct listing *listing, struct bight_failure *failure)
{
    listing->is_over = true;
    if (failure != NULL) {
        (void)bight_errback(listing->promise, failure);
    } else {
        (void)bight_callback(listing->promise, NULL, NULL);
    }
}

/* Behind what was waited for; what the client has gone from fails here too. */
static bool may_go_on(struct listing *listing, struct bight_result *result)
{
    bight_deferred_release(listing->waiting);
    listing->waiting = NULL;
    if (!listing->is_over && bight_result_failure(result) != NULL) {
        end(listing, bight_result_take_failure(result));
    }
    bight_result_discard(result);
    return !listing->is_over;
}

static void has_room(struct bight_result *result, void *context)
{
    if (may_go_on(context, result)) {
        begin_job(context);
    }
}

/* Waits for what is taken; its handler may run at once, and the listing be over. */
static void wait_for(struct listing *listing, struct bight_deferred *deferred, bight_handler handler)
{
    atomic_fetch_add_explicit(&listing->holds, 1, memory_order_relaxed);
    listing->waiting = bight_deferred_hold(deferred);
    if (bight_deferred_add_both_full(deferred, handler, listing, drop_hold) != BIGHT_OK) {
        bight_deferred_release(listing->waiting);
        listing->waiting = NULL;
        bight_deferred_cancel(deferred);
        end(listing, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        drop_hold(listing);
    }
    bight_deferred_release(deferred);
}

static const char *type_of(const struct listing *listing)
{
    return listing->page.is_json ? "application/json" : "text/html; charset=utf-8";
}

/* 0, or a code: the answer is over. */
static int write_part(struct listing *listing)
{
    struct bight_http_request *request = listing->request;
    bool is_done = listing->page.stage == BI_PAGE_DONE;
    if (request->answer.state == BI_ANSWER_NONE && is_done) {
        return bight_http_respond(request, 200, type_of(listing), listing->part, listing->size);
    }
    int code = BIGHT_OK;
    if (request->answer.state == BI_ANSWER_NONE) {
        code = bight_http_respond_begin(request, 200, type_of(listing), -1);
    }
    if (code == BIGHT_OK) {
        code = bight_http_respond_write(request, listing->part, listing->size);
    }
    return code == BIGHT_OK && (is_done || request->answer.bodiless) ? bight_http_respond_finish(request) : code;
}

static void send_part(struct listing *listing)
{
    bool is_last = listing->page.stage == BI_PAGE_DONE || listing->request->head.method_known == BI_METHOD_HEAD;
    int code = write_part(listing);
    if (code != BIGHT_OK || is_last) {
        end(listing, code != BIGHT_OK ? bight_failure_of(code) : NULL);
    } else {
        wait_for(listing, bight_http_respond_drain(listing->request), has_room);
    }
}

static struct bight_failure *failure_of(const struct listing *listing)
{
    int number = listing->number;
    return bi_below_is_absence(number) ? bight_http_failure(404, NULL)
                                       : bight_failure_from_errno(number, "a directory to be listed");
}

static void has_worked(struct bight_result *result, void *context)
{
    struct listing *listing = context;
    if (!may_go_on(listing, result)) {
        return;
    }
    if (listing->number != 0) {
        end(listing, failure_of(listing));
    } else {
        send_part(listing);
    }
}

static void begin_job(struct listing *listing)
{
    atomic_fetch_add_explicit(&listing->holds, 1, memory_order_relaxed);
    wait_for(listing, bight_defer_to_thread_full(listing->reactor, work, listing, drop_hold), has_worked);
}

static void cancel(struct bight_promise promise, void *context)
{
    struct listing *listing = context;
    (void)promise;
    listing->is_over = true;
    if (listing->waiting != NULL) {
        bight_deferred_cancel(listing->waiting);
    }
}

/* ---------------------------------------------------------------------------------------- what is asked */

static bool prefers_json(const struct bight_http_request *request)
{
    static const char *const offers[] = { "text/html", "application/json" };
    struct bi_view room[BI_FILES_LINES];
    return bi_accept_choose(BI_ACCEPT_MEDIA, bi_files_lines(request, BI_NAME_ACCEPT, room), offers, 2) == 1;
}

static enum bi_listing_order find_order(struct bight_http_request *request)
{
    const char *order = bight_http_request_query(request, "sort");
    if (order != NULL && strcmp(order, "size") == 0) {
        return BI_LISTING_BY_SIZE;
    }
    return order != NULL && strcmp(order, "time") == 0 ? BI_LISTING_BY_TIME : BI_LISTING_BY_NAME;
}

static int set_fields(struct bight_http_request *request, bool is_json)
{
    static const char *const fields[][2] = {
        { "Cache-Control", "no-cache" },
        { "Vary", "Accept" },
        { "X-Content-Type-Options", "nosniff" },
        { "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'" },
    };
    int code = BIGHT_OK;
    for (size_t i = 0; i < (is_json ? 3u : 4u) && code == BIGHT_OK; i++) {
        code = bi_fields_set(&request->answer.fields, fields[i][0], fields[i][1], false);
    }
    return code;
}

/* The name of a directory has a slash at its end, or is empty. */
static struct listing *make(struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key)
{
    size_t name = key->size - 1;
    struct bi_view path = { request->path.at, request->path.size < SHOWN ? request->path.size : SHOWN };
    struct listing *listing = bight_malloc(sizeof *listing + path.size + 1);
    if (listing == NULL) {
        return NULL;
    }
    memset(listing, 0, offsetof(struct listing, part));
    atomic_init(&listing->holds, 1);
    listing->files = bi_files_hold(files);
    listing->request = request;
    listing->reactor = bight_http_request_reactor(request);
    memcpy(listing->directory, name > 0 ? key->text + 1 : ".", name > 0 ? name - 1 : 1);
    listing->directory[name > 0 ? name - 1 : 1] = '\0';
    listing->path[bi_path_decode(path, (uint8_t *)listing->path)] = '\0';
    listing->page = (struct bi_listing_page) {
        .listing = &listing->names,
        .path = listing->path,
        .is_json = prefers_json(request),
        .has_parent = name > 0,
        .order = find_order(request),
        .reverse = bight_http_request_query(request, "reverse") != NULL,
    };
    return listing;
}

struct bight_deferred *bi_files_list(
    struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key)
{
    struct listing *listing = make(files, request, key);
    if (listing == NULL || set_fields(request, listing->page.is_json) != BIGHT_OK) {
        if (listing != NULL) {
            drop_hold(listing);
        }
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_full(&promise, cancel, listing, drop_hold);
    if (bight_promise_is_open(promise)) { /* else the listing has gone */
        listing->promise = promise;
        begin_job(listing);
    }
    return deferred;
}
