/* SPDX-License-Identifier: MIT */
/* download.c - a response's body goes to a file, by threads of the pool: storing.c's are the bytes on their way,
 * draft.c's the file, partial.c's what is kept of one that did not come whole.
 *
 * First a thread looks what there is, if it may be gone on with; then the call is sent, which asks for the rest of that
 * if it is still the same (RFC 9110, section 13.1.5); then it is streamed. Each of the three is a Deferred that is
 * cancelled with ours. */
#include <bight/memory.h>
#include <bight/protocols/http_download.h>
#include <bight/sys/digest.h>
#include <bight/thread.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/message/content_range.h"
#include "http/client/partial.h"
#include "http/client/sending.h"
#include "http/message/date.h"
#include "http/message/etag.h"
#include "http/server/storing.h"

struct download {
    struct bi_storing storing;
    /* The loop's. */
    struct bight_http_call *call;            /* until it is sent */
    struct bight_deferred *looking, *asking; /* NULL: it is not under way */
    struct bight_http_response *response;    /* once its head has come */
    uint64_t limit, received, reported;      /* bytes: of it, of this response, told of */
    int64_t length;                          /* of the whole; -1: not known */
    bight_http_download_head_function head;
    bight_http_download_progress_function progress;
    void *context;
    bool resumes, is_fresh;
    /* The job's, while there is one. */
    struct bi_draft draft;
    struct bi_partial partial;
    bool has_begun, is_broken; /* it is broken where the disk has refused something */
    char *url;
    char path[];
};

static struct download *download_of(const struct bi_storing *storing)
{
    return (struct download *)(uintptr_t)storing;
}

/* -------------------------------------------------------------------------------------- in the thread */

static int begin(struct download *download)
{
    if (!download->resumes || download->has_begun) {
        return 0;
    }
    download->has_begun = true;
    return bi_partial_begin(&download->partial, &download->draft, download->is_fresh);
}

static int keep(struct download *download)
{
    return download->resumes ? bi_partial_keep(&download->partial, &download->draft) : bi_draft_keep(&download->draft);
}

/* One that is over keeps nothing. */
static struct bight_failure *write_file(struct bi_storing *storing, const uint8_t *data, size_t size, bool is_last)
{
    struct download *download = download_of(storing);
    int number = begin(download);
    number = number == 0 ? bi_draft_write(&download->draft, data, size) : number;
    if (number == 0 && is_last && !atomic_load(&storing->is_over)) {
        number = keep(download);
    }
    download->is_broken = number != 0;
    return number != 0 ? bight_failure_from_errno(number, download->path) : NULL;
}

static void write_buffer(struct download *download, const struct bi_http_buffer *buffer)
{
    if (!download->is_broken && bi_http_buffer_size(buffer) > 0) {
        int number = bi_draft_write(&download->draft, bi_http_buffer_data(buffer), bi_http_buffer_size(buffer));
        download->is_broken = number != 0;
    }
}

/* What has come belongs to what is kept: that of a job that never ran, then what waits. */
static void write_rest(struct download *download)
{
    if (download->has_begun && download->draft.file >= 0) {
        write_buffer(download, &download->storing.writing);
        write_buffer(download, &download->storing.waiting);
    }
}

static void discard(struct bi_storing *storing)
{
    struct download *download = download_of(storing);
    if (download->resumes) {
        write_rest(download);
        bi_partial_leave(&download->partial, &download->draft);
    } else {
        bi_draft_discard(&download->draft);
    }
}

static void look(struct bight_result *result, void *context)
{
    struct download *download = context;
    int number = bi_partial_look(&download->partial, &download->draft);
    if (number != 0) {
        bight_result_fail(result, bight_failure_from_errno(number, download->path));
    }
}

/* While a thread looks, what it has found is closed with the last hold. */
static bool is_there(const struct bi_storing *storing)
{
    const struct download *download = download_of(storing);
    return download->looking == NULL && (download->draft.file >= 0 || download->draft.directory >= 0);
}

static void free_download(struct bi_storing *storing)
{
    struct download *download = download_of(storing);
    bight_free(download->url);
    bight_free(download);
}

/* --------------------------------------------------------------------------------------------- in the loop */

static void report(struct bi_storing *storing)
{
    struct download *download = download_of(storing);
    uint64_t written = download->draft.written;
    bool has_news = written > download->reported;
    download->reported = written;
    if (has_news && download->progress != NULL) {
        download->progress(written, download->length, download->context);
    }
}

static void resume(struct bi_storing *storing)
{
    bight_http_response_resume(download_of(storing)->response);
}

/* Each of them is NULL before its handlers run, inside. */
static void stop(struct bi_storing *storing)
{
    struct download *download = download_of(storing);
    struct bight_http_response *response = download->response;
    struct bight_http_call *call = download->call;
    download->response = NULL;
    download->call = NULL;
    bight_http_call_free(call);
    if (download->looking != NULL) {
        bight_deferred_cancel(download->looking);
    }
    if (download->asking != NULL) {
        bight_deferred_cancel(download->asking);
    }
    bight_http_response_release(response);
}

static void succeed(struct bi_storing *storing)
{
    intptr_t size = (intptr_t)download_of(storing)->reported;
    (void)bight_callback(storing->promise, &bight_type_integer, bight_integer(size));
}

static const struct bi_storing_ops storing_ops = {
    .write = write_file,
    .discard = discard,
    .is_there = is_there,
    .wrote = report,
    .resume = resume,
    .stop = stop,
    .succeed = succeed,
    .free = free_download,
};

static void fail(struct download *download, int code, const char *why)
{
    bi_storing_fail(&download->storing, bight_failure_new(code, 0, NULL, "%s", why));
}

/* ------------------------------------------------------------------------------------------- the body */

static bool take(struct bight_http_response *response, const uint8_t *data, size_t size, void *context)
{
    struct download *download = context;
    (void)response;
    download->received += size;
    if (download->received > download->limit) {
        fail(download, BIGHT_E_TOO_LONG, "what is downloaded is longer than its limit");
        return false;
    }
    return bi_storing_add(&download->storing, data, size);
}

static void take_end(struct bight_http_response *response, void *context)
{
    struct download *download = context;
    (void)response;
    if (download->length >= 0 && download->received != (uint64_t)download->length) {
        fail(download, BIGHT_E_INCOMPLETE, "the response has brought another part than the rest");
    } else {
        bi_storing_end(&download->storing, true);
    }
}

static void take_failure(struct bight_http_response *response, const struct bight_failure *failure, void *context)
{
    struct download *download = context;
    (void)response;
    bi_storing_fail(&download->storing, bight_failure_hold(failure));
}

static const struct bight_http_response_consumer consumer = {
    .size = sizeof consumer,
    .data = take,
    .end = take_end,
    .failed = take_failure,
};

/* ------------------------------------------------------------------------------------------- the head */

/* What says that a later response is of the same: a strong entity-tag, or a date that lies back long enough (RFC 9110,
 * section 8.8.2.2). */
static void note_validator(struct download *download)
{
    const char *tag = bight_http_response_field(download->response, "ETag");
    struct bi_etag parsed;
    int64_t now, modified;
    char *validator = download->partial.validator;
    validator[0] = '\0';
    if (tag != NULL && strlen(tag) < BI_PARTIAL_VALIDATOR && bi_etag_parse(bi_view_of(tag), &parsed) && !parsed.weak) {
        (void)snprintf(validator, BI_PARTIAL_VALIDATOR, "%s", tag);
        return;
    }
    const char *date = bight_http_response_field(download->response, "Date");
    bool has_date = date != NULL && bi_date_parse(bi_view_of(date), 0, &now);
    const char *last = bight_http_response_field(download->response, "Last-Modified");
    if (has_date && last != NULL && strlen(last) < BI_PARTIAL_VALIDATOR &&
        bi_date_parse(bi_view_of(last), now, &modified) && modified < now - 60) {
        (void)snprintf(validator, BI_PARTIAL_VALIDATOR, "%s", last);
    }
}

static int64_t content_length(struct bight_http_response *response)
{
    const char *text = bight_http_response_field(response, "Content-Length");
    const char *coding = bight_http_response_field(response, "Transfer-Encoding");
    return text != NULL && coding == NULL ? (int64_t)strtoll(text, NULL, 10) : -1;
}

/* The rest of what there is, or that there is none. */
static bool goes_on(struct download *download, int status)
{
    struct bi_content_range range;
    const char *text = bight_http_response_field(download->response, "Content-Range");
    uint64_t size = download->partial.size;
    if (size == 0 || text == NULL || !bi_content_range_parse(bi_view_of(text), &range) ||
        (status == 206 ? range.first : (uint64_t)range.total) != size) {
        return false;
    }
    download->received = size;
    download->length = range.total;
    return true;
}

static void begin_again(struct download *download)
{
    download->is_fresh = true;
    download->length = content_length(download->response);
    if (download->resumes) {
        note_validator(download);
    }
}

/* NULL: the body is taken. */
static struct bight_failure *find_place(struct download *download, int status)
{
    if ((status == 206 || status == 416) && goes_on(download, status)) {
        return NULL;
    }
    if (status == 206) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "the response brings a part that was not asked for");
    }
    if (status < 200 || status >= 300) {
        return bight_failure_new_status(BIGHT_E_HTTP_STATUS, status, NULL, "the response's status is %d", status);
    }
    begin_again(download);
    return NULL;
}

static void take_head(struct download *download)
{
    int status = bight_http_response_status(download->response);
    struct bight_failure *failure = find_place(download, status);
    if (failure != NULL) {
        bi_storing_fail(&download->storing, failure);
        return;
    }
    if (download->head != NULL) {
        download->head(download->response, download->context);
    }
    if (atomic_load(&download->storing.is_over)) {
        return;
    }
    if (download->length >= 0 && (uint64_t)download->length > download->limit) {
        fail(download, BIGHT_E_TOO_LONG, "what is downloaded is longer than its limit");
    } else if (status == 416) {
        bi_storing_end(&download->storing, true); /* there is all of it */
    } else if (bight_http_response_consume(download->response, &consumer, download) != BIGHT_OK) {
        fail(download, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    }
}

static void has_head(struct bight_result *result, void *context)
{
    struct download *download = context;
    struct bight_deferred *asking = download->asking;
    struct bight_failure *failure = bight_result_take_failure(result);
    download->asking = NULL;
    bi_storing_hold(&download->storing);
    if (atomic_load(&download->storing.is_over)) {
        bight_result_discard(result);
    } else if (failure != NULL) {
        bi_storing_fail(&download->storing, bight_failure_hold(failure));
    } else {
        download->response = bight_result_take(result, &bight_type_http_response);
        take_head(download);
    }
    bight_failure_release(failure);
    bight_deferred_release(asking);
    bi_storing_drop(&download->storing);
}

/* ------------------------------------------------------------------------------------------- asking */

static int ask_for_rest(struct download *download)
{
    char range[40];
    struct bight_http_call *call = download->call;
    if (download->partial.size == 0) {
        return BIGHT_OK;
    }
    (void)snprintf(range, sizeof range, "bytes=%" PRIu64 "-", download->partial.size);
    int code = bight_http_call_set(call, "Range", range);
    code = code == BIGHT_OK ? bight_http_call_set(call, "If-Range", download->partial.validator) : code;
    call->resumes_at = download->partial.size;
    return code;
}

/* What is stored is what the server has. */
static int ask_for_it_plain(struct bight_http_call *call)
{
    size_t size;
    bool says = call->fields.end > 0 && bi_fields_find(&call->fields, "Accept-Encoding", &size) != NULL;
    return says ? BIGHT_OK : bight_http_call_set(call, "Accept-Encoding", "identity");
}

static void ask(struct download *download)
{
    struct bight_http_call *call = download->call;
    (void)ask_for_it_plain(call); /* the call remembers what was wrong */
    (void)ask_for_rest(download);
    download->call = NULL;
    struct bight_deferred *asking = bight_http_call_stream(call);
    download->asking = asking;
    (void)bi_storing_hold(&download->storing);
    if (bight_deferred_add_both(asking, has_head, download) != BIGHT_OK) {
        download->asking = NULL;
        bight_deferred_cancel(asking);
        bight_deferred_release(asking);
        fail(download, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    }
    bi_storing_drop(&download->storing);
}

static void has_looked(struct bight_result *result, void *context)
{
    struct download *download = context;
    struct bight_deferred *looking = download->looking;
    struct bight_failure *failure = bight_result_take_failure(result);
    bi_storing_hold(&download->storing);
    download->looking = NULL;
    bight_result_discard(result);
    if (!atomic_load(&download->storing.is_over)) {
        if (failure != NULL) {
            bi_storing_fail(&download->storing, bight_failure_hold(failure));
        } else {
            ask(download);
        }
    }
    bight_failure_release(failure);
    bight_deferred_release(looking);
    bi_storing_drop(&download->storing);
}

static void drop_hold(void *context)
{
    struct download *download = context;
    bi_storing_drop(&download->storing);
}

static void look_first(struct download *download)
{
    (void)bi_storing_hold(&download->storing);
    struct bight_deferred *looking = bight_defer_to_thread_full(download->storing.reactor, look, download, drop_hold);
    download->looking = looking;
    if (bight_deferred_add_both(looking, has_looked, download) != BIGHT_OK) {
        bight_deferred_cancel(looking);
        bight_deferred_release(looking);
        fail(download, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    }
}

/* ------------------------------------------------------------------------------------------- beginning */

#define GIVEN(options, member)                                                                                    \
    ((options) != NULL &&                                                                                         \
                (options)->size >= offsetof(struct bight_http_download_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                   \
            : 0)

/* The URL tells in the end of what there is a part. */
static char *copy_url(const struct bight_http_call *call)
{
    return bight_strndup((const char *)call->url_text.at, call->url_text.size);
}

static struct download *new_download(
    struct bight_http_call *call, const char *path, const struct bight_http_download_options *options)
{
    size_t size = strlen(path) + 1;
    struct download *download = bight_calloc(1, sizeof *download + size);
    if (download == NULL) {
        return NULL;
    }
    bi_storing_init(&download->storing, &storing_ops, NULL);
    download->storing.reactor = call->client->reactor;
    memcpy(download->path, path, size);
    download->limit = GIVEN(options, limit) != 0 ? GIVEN(options, limit) : INT64_MAX;
    download->length = -1;
    download->head = GIVEN(options, head);
    download->progress = GIVEN(options, progress);
    download->context = GIVEN(options, context);
    download->resumes = GIVEN(options, resume);
    download->url = copy_url(call);
    download->partial.url = download->url;
    download->draft = (struct bi_draft) {
        .path = download->path,
        .name = bi_draft_name_in(download->path),
        .mode = GIVEN(options, mode),
        .replaces = GIVEN(options, replace),
        .is_hurried = GIVEN(options, no_sync),
        .directory = -1,
        .file = -1,
    };
    return download;
}

static void start(struct download *download)
{
    struct bi_draft *draft = &download->draft;
    int code = bight_random(download->storing.reactor, &draft->number, sizeof draft->number);
    if (code != BIGHT_OK) {
        fail(download, code, "there are no random bytes for a name");
    } else if (download->url == NULL) {
        fail(download, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    } else if (download->resumes) {
        look_first(download);
    } else {
        ask(download);
    }
}

struct bight_deferred *bight_http_call_download(
    struct bight_http_call *call, const char *path, const struct bight_http_download_options *options)
{
    if (call == NULL || call->url_text.at == NULL) {
        return bight_http_call_send(call); /* it says what is wrong */
    }
    if (path == NULL || bi_draft_name_in(path) == NULL) {
        bight_http_call_free(call);
        return bight_fail(bight_failure_of(
            bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a download: its path names no file to save it to")));
    }
    struct download *download = new_download(call, path, options);
    if (download == NULL) {
        bight_http_call_free(call);
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    download->call = call;
    struct bight_deferred *deferred = bi_storing_defer(&download->storing);
    if (bight_promise_is_open(download->storing.promise)) {
        start(download);
    } else {
        stop(&download->storing);
    }
    bi_storing_drop(&download->storing);
    return deferred;
}

struct bight_deferred *bight_http_download(struct bight_http_client *client, const char *url, const char *path,
    const struct bight_http_download_options *options)
{
    struct bight_http_call *call = bight_http_call_new(client, "GET", url);
    const struct bight_http_call_options *how = GIVEN(options, call);
    if (call != NULL && how != NULL) {
        (void)bight_http_call_configure(call, how);
    }
    return bight_http_call_download(call, path, options);
}
