/* SPDX-License-Identifier: MIT */
/* file_answer.c - from what is known of a file to an answer (F2, A12): its tag, conditions, the part that is asked for.
 *
 * Where the file comes from is the caller's: file.c opens one by its path, files/ has directories of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/message/date.h"
#include "http/message/range.h"
#include "http/server/conditional.h"
#include "http/server/file.h"
#include "http/server/filter.h"

#define GATHERED 4096 /* content below this goes along with its head */

/* ------------------------------------------------------------------------------------------- validators */

static struct bi_view find_field(const struct bight_http_request *request, const char *name)
{
    size_t size = 0;
    const char *value = bi_fields_find(&request->answer.fields, name, &size);
    return (struct bi_view) { (const uint8_t *)value, size };
}

/* Times and size change with the content, but for what is written twice within a tick of the file system's clock: a tag
 * of what has just been written is weak. */
void bi_file_tag(const struct bi_file_content *file, int64_t now, char text[BI_FILE_TAG])
{
    (void)snprintf(text, BI_FILE_TAG, "%s\"%" PRIx64 ".%lx-%" PRIx64 "%s%s\"", now - file->modified < 2 ? "W/" : "",
        (uint64_t)file->modified, (unsigned long)file->nanoseconds, file->size, file->coding != NULL ? "-" : "",
        file->coding != NULL ? file->coding : "");
}

/* What the program has set goes before what the file says. */
static void describe(const struct bight_http_request *request, const struct bi_file_content *file,
    struct bi_representation *representation, char tag[BI_FILE_TAG])
{
    int64_t now = bi_conditional_now(request);
    struct bi_view etag = find_field(request, "ETag"), modified = find_field(request, "Last-Modified");
    bi_file_tag(file, now, tag);
    *representation = (struct bi_representation) { .exists = true, .has_etag = true, .has_modified = true };
    if (etag.at == NULL || !bi_etag_parse(etag, &representation->etag)) {
        (void)bi_etag_parse(bi_view_of(tag), &representation->etag);
    }
    if (modified.at == NULL || !bi_date_parse(modified, now, &representation->modified)) {
        representation->modified = bi_file_modified(file, now);
    }
}

/* ----------------------------------------------------------------------------------------------- ranges */

/* Which part is asked for, RFC 9110, section 14.2. */
static enum bi_range_result find_range(struct bight_http_request *request, const struct bi_file_content *file,
    const struct bi_representation *representation, uint64_t *first, uint64_t *count)
{
    struct bight_http_view range = bight_http_request_field_raw(request, "Range");
    struct bight_http_view condition = bight_http_request_field_raw(request, "If-Range");
    struct bi_view if_range = { (const uint8_t *)condition.data, condition.size };
    *first = 0;
    *count = file->size;
    if (range.data == NULL || request->head.method_known != BI_METHOD_GET ||
        (condition.data != NULL && !bi_if_range_holds(if_range, representation, bi_conditional_now(request)))) {
        return BI_RANGE_WHOLE;
    }
    return bi_range_parse((struct bi_view) { (const uint8_t *)range.data, range.size }, file->size, first, count);
}

static int set_range(struct bight_http_request *request, const struct bi_file_content *file,
    enum bi_range_result result, uint64_t first, uint64_t count)
{
    char text[80];
    if (result == BI_RANGE_PART) {
        (void)snprintf(
            text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, first + count - 1, file->size);
    } else {
        (void)snprintf(text, sizeof text, "bytes */%" PRIu64, file->size);
    }
    return bi_fields_set(&request->answer.fields, "Content-Range", text, true);
}

/* ----------------------------------------------------------------------------------------------- sending */

int bi_file_send_part(
    struct bight_http_request *request, const struct bi_file_content *file, uint64_t first, uint64_t count)
{
    struct bight_transport *transport = request->connection->base.transport;
    int code = file->data != NULL ? bight_transport_write_lent(transport, (const char *)file->data + first,
                                        (size_t)count, file->release, file->context)
                                  : bight_transport_send_file_again(transport, file->descriptor, first, count,
                                        file->pages, file->release, file->context);
    if (code != BIGHT_OK) {
        return bi_answer_lost(request);
    }
    bi_answer_count(request, count);
    return BIGHT_OK;
}

/* Of a request with hooks: BI_FILTERED if it has been answered, and the file taken if it was offered as one. */
static int begin_filtered(
    struct bight_http_request *request, const struct bi_file_content *file, int status, uint64_t first, uint64_t count)
{
    struct bi_http_offer offer = { .kind = BI_OFFER_FILE, .status = status, .length = (int64_t)count };
    if (file->data != NULL) {
        offer.kind = BI_OFFER_DATA;
        offer.data = (struct bi_view) { (const uint8_t *)file->data + first, (size_t)count };
    } else {
        offer.descriptor = file->descriptor;
        offer.first = first;
        offer.release = file->release;
        offer.context = file->context;
    }
    return bi_filter_begin_offered(request, file->type, &offer);
}

/* True: the file has been taken. */
static bool send_part(
    struct bight_http_request *request, const struct bi_file_content *file, int status, uint64_t first, uint64_t count)
{
    bool has_hooks = (request->due & BI_DUE_HOOKS) != 0;
    bool is_in_memory = file->data != NULL, is_gathered = is_in_memory && count < GATHERED, is_taken = false;
    const char *data = is_gathered ? (const char *)file->data + first : NULL;
    int code = has_hooks ? begin_filtered(request, file, status, first, count) : BIGHT_OK;
    if (code != BIGHT_OK) {
        return code == BI_FILTERED && !is_in_memory;
    }
    code = bi_answer_begin_told(request, status, file->type, (int64_t)count, data, is_gathered ? (size_t)count : 0);
    if (code == BIGHT_OK && count > 0 && !is_gathered && !request->answer.bodiless) {
        code = bi_file_send_part(request, file, first, count);
        is_taken = code == BIGHT_OK;
    }
    if (code == BIGHT_OK) {
        (void)bi_answer_written(request, count < SIZE_MAX ? (size_t)count : SIZE_MAX);
    }
    return is_taken;
}

/* Fields that the program may have set for itself. */
static int set_missing(struct bight_http_request *request, const char *name, const char *value)
{
    return find_field(request, name).at != NULL ? BIGHT_OK : bi_fields_set(&request->answer.fields, name, value, true);
}

static int set_fields(struct bight_http_request *request, const struct bi_file_content *file)
{
    int code = set_missing(request, "X-Content-Type-Options", "nosniff");
    if (code == BIGHT_OK) {
        code = set_missing(request, "Accept-Ranges", "bytes");
    }
    return code == BIGHT_OK && file->coding != NULL
               ? bi_fields_set(&request->answer.fields, "Content-Encoding", file->coding, true)
               : code;
}

/* True: the file has been taken. */
static bool answer(struct bight_http_request *request, const struct bi_file_content *file,
    const struct bi_representation *representation)
{
    uint64_t first, count;
    enum bi_range_result range = find_range(request, file, representation, &first, &count);
    int code = set_fields(request, file);
    if (code == BIGHT_OK && range != BI_RANGE_WHOLE) {
        code = set_range(request, file, range, first, count);
    }
    if (code != BIGHT_OK) {
        (void)bight_http_respond_failure(request, bight_failure_of(code));
        return false;
    }
    if (range == BI_RANGE_UNSATISFIABLE) {
        (void)bight_http_respond_error(request, 416, NULL);
        return false;
    }
    return send_part(request, file, range == BI_RANGE_PART ? 206 : 200, first, count);
}

void bi_file_answer(struct bight_http_request *request, const struct bi_file_content *file)
{
    struct bi_representation representation;
    char tag[BI_FILE_TAG];
    describe(request, file, &representation, tag);
    if (bi_conditional_answer(request, &representation) || !answer(request, file, &representation)) {
        file->release(file->context);
    }
}
