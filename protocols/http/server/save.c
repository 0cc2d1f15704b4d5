/* SPDX-License-Identifier: MIT */
/* save.c - the body of a request goes to a file (A4), by threads of the pool: storing.c's are the bytes on their way,
 * draft.c's the file. */
#include <bight/memory.h>
#include <bight/sys/digest.h>

#include <string.h>

#include "http/server/draft.h"
#include "http/server/storing.h"

struct save {
    struct bi_storing storing;
    /* The loop's. */
    uint64_t reported;
    bight_http_progress_function progress;
    void *context;
    /* The job's, while there is one. */
    struct bi_draft draft;
    char path[];
};

static struct save *save_of(const struct bi_storing *storing)
{
    return (struct save *)(uintptr_t)storing;
}

/* -------------------------------------------------------------------------------------- in the thread */

/* A save that is over keeps nothing. */
static struct bight_failure *write_draft(struct bi_storing *storing, const uint8_t *data, size_t size, bool is_last)
{
    struct save *save = save_of(storing);
    int number = bi_draft_write(&save->draft, data, size);
    if (number == 0 && is_last && !atomic_load(&storing->is_over)) {
        number = bi_draft_keep(&save->draft);
    }
    return number != 0 ? bight_failure_from_errno(number, save->path) : NULL;
}

static void discard_draft(struct bi_storing *storing)
{
    bi_draft_discard(&save_of(storing)->draft);
}

static bool has_draft(const struct bi_storing *storing)
{
    return save_of(storing)->draft.file >= 0;
}

static void free_save(struct bi_storing *storing)
{
    bight_free(save_of(storing));
}

/* --------------------------------------------------------------------------------------------- in the loop */

static void report(struct bi_storing *storing)
{
    struct save *save = save_of(storing);
    uint64_t written = save->draft.written;
    bool has_news = written > save->reported;
    save->reported = written;
    if (has_news && save->progress != NULL) {
        save->progress(storing->request, written, bight_http_request_content_length(storing->request), save->context);
    }
}

static void stop(struct bi_storing *storing)
{
    bi_body_stop(storing->request, storing);
}

static void succeed(struct bi_storing *storing)
{
    intptr_t size = (intptr_t)save_of(storing)->reported;
    (void)bight_callback(storing->promise, &bight_type_integer, bight_integer(size));
}

static const struct bi_storing_ops storing_ops = {
    .write = write_draft,
    .discard = discard_draft,
    .is_there = has_draft,
    .wrote = report,
    .stop = stop,
    .succeed = succeed,
    .free = free_save,
};

/* ------------------------------------------------------------------------------------------- the consumer */

static bool take(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)request;
    return bi_storing_add(context, data, size);
}

static void take_end(struct bight_http_request *request, void *context)
{
    (void)request;
    bi_storing_end(context, true);
}

static void take_failure(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    bi_storing_fail(context, bight_failure_hold(failure));
}

static const struct bight_http_consumer consumer = {
    .size = sizeof consumer,
    .data = take,
    .end = take_end,
    .failed = take_failure,
};

/* ------------------------------------------------------------------------------------------ asking for it */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member)                                                                                \
    ((options) != NULL &&                                                                                     \
                (options)->size >= offsetof(struct bight_http_save_options, member) + sizeof(options)->member \
            ? (options)->member                                                                               \
            : 0)

static struct save *new_save(
    struct bight_http_request *request, const char *path, const struct bight_http_save_options *options)
{
    size_t size = strlen(path) + 1;
    struct save *save = bight_calloc(1, sizeof *save + size);
    if (save == NULL) {
        return NULL;
    }
    bi_storing_init(&save->storing, &storing_ops, request);
    memcpy(save->path, path, size);
    save->progress = GIVEN(options, progress);
    save->context = GIVEN(options, context);
    save->draft = (struct bi_draft) {
        .path = save->path,
        .name = bi_draft_name_in(save->path),
        .mode = GIVEN(options, mode),
        .replaces = GIVEN(options, replace),
        .is_hurried = GIVEN(options, no_sync),
        .directory = -1,
        .file = -1,
    };
    return save;
}

/* A name that others could guess would be theirs to take, again and again. */
static int draw_number(struct save *save)
{
    struct bight_reactor *reactor = save->storing.reactor;
    return reactor == NULL ? BIGHT_E_CLOSED : bight_random(reactor, &save->draft.number, sizeof save->draft.number);
}

static void start(struct save *save, uint64_t limit)
{
    int code = draw_number(save);
    if (code == BIGHT_OK) {
        code = bight_http_request_consume(save->storing.request, limit, &consumer, save);
    }
    if (code != BIGHT_OK) {
        bi_storing_fail(&save->storing, bi_body_why_not(save->storing.request, code));
    }
}

struct bight_deferred *bight_http_request_save(
    struct bight_http_request *request, const char *path, const struct bight_http_save_options *options)
{
    if (path == NULL || bi_draft_name_in(path) == NULL) {
        return bight_fail(bight_failure_of(
            bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a body of a request: its path names no file to save it to")));
    }
    struct save *save = new_save(request, path, options);
    if (save == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bi_storing_defer(&save->storing);
    if (bight_promise_is_open(save->storing.promise)) {
        start(save, GIVEN(options, limit));
    }
    bi_storing_drop(&save->storing);
    return deferred;
}
