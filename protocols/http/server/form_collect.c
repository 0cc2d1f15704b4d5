/* SPDX-License-Identifier: MIT */
/* form_collect.c - a form as a Deferred (A11): the consumer that puts its values into memory, and the bytes of its
 * files, one behind the other, on the way to the spool.
 *
 * How a form is read is form_reader.c's, how bytes get to the disk storing.c's. */
#include <bight/memory.h>

#include "http/server/form.h"
#include "http/server/form_reader.h"
#include "http/server/storing.h"

struct collecting {
    struct bi_storing storing;
    struct bi_form_reader *reader;
    struct bight_http_form *form; /* NULL: it has been handed out */
    uint64_t stored;              /* bytes of files */
    bool in_file, is_blank;       /* the part under way */
    struct bight_http_form_options options;
    char directory[]; /* "": the default */
};

static struct collecting *collecting_of(const struct bi_storing *storing)
{
    return (struct collecting *)(uintptr_t)storing;
}

/* --------------------------------------------------------------------------------------------- its storing */

static struct bight_failure *write_spool(struct bi_storing *storing, const uint8_t *data, size_t size, bool is_last)
{
    struct bi_spool *spool = collecting_of(storing)->form->spool;
    int number = bi_spool_write(spool, data, size);
    (void)is_last;
    return number != 0 ? bight_failure_from_errno(number, bi_spool_directory(spool)) : NULL;
}

static void stop(struct bi_storing *storing)
{
    bi_form_reader_stop(collecting_of(storing)->reader);
}

static void succeed(struct bi_storing *storing)
{
    struct bight_http_form *form = collecting_of(storing)->form;
    collecting_of(storing)->form = NULL;
    (void)bight_callback(storing->promise, &bight_type_http_form, form);
}

static void free_collecting(struct bi_storing *storing)
{
    bight_http_form_release(collecting_of(storing)->form);
    bight_free(collecting_of(storing));
}

static const struct bi_storing_ops storing_ops = {
    .write = write_spool,
    .stop = stop,
    .succeed = succeed,
    .free = free_collecting,
};

/* ------------------------------------------------------------------------------------------- the consumer */

static int begin_file(struct collecting *collecting, const struct bight_http_part *part)
{
    struct bight_http_form *form = collecting->form;
    struct bight_http_form_file *file = bi_form_add_file(form);
    const char *type = bight_http_part_type(part);
    const char *directory = collecting->directory[0] != '\0' ? collecting->directory : NULL;
    if (file == NULL || !bi_form_add_text(form, part->form.name.at, part->form.name.size, &file->name) ||
        !bi_form_add_text(form, part->form.label.at, part->form.label.size, &file->label) ||
        !bi_form_add_text(form, type, strlen(type), &file->type)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    file->offset = collecting->stored;
    return form->spool != NULL ? BIGHT_OK : bi_spool_new(form->reactor, directory, &form->spool);
}

/* Its value is put together behind all other texts. */
static int begin_field(struct bight_http_form *form, const struct bight_http_part *part)
{
    struct bi_form_field *field = bi_form_add_field(form);
    if (field == NULL || !bi_form_add_text(form, part->form.name.at, part->form.name.size, &field->name)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    field->value.at = form->texts.end;
    return BIGHT_OK;
}

static bool take_part(struct bight_http_request *request, const struct bight_http_part *part, void *context)
{
    struct collecting *collecting = context;
    (void)request;
    collecting->in_file = part->form.is_file;
    collecting->is_blank = part->form.is_blank;
    int code = part->form.is_file ? begin_file(collecting, part) : begin_field(collecting->form, part);
    if (code != BIGHT_OK) {
        bi_storing_fail(&collecting->storing, bight_failure_of(code));
    }
    return code == BIGHT_OK;
}

static bool take_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct collecting *collecting = context;
    struct bight_http_form *form = collecting->form;
    (void)request;
    if (collecting->in_file) {
        form->files[form->file_count - 1].size += size;
        collecting->stored += size;
        return bi_storing_add(&collecting->storing, data, size);
    }
    if (bi_http_buffer_append(&form->texts, data, size) != BIGHT_OK) {
        bi_storing_fail(&collecting->storing, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return true;
    }
    form->fields[form->field_count - 1].value.size += size;
    return true;
}

/* What browsers send of an input for which no file was chosen is none. */
static void end_part(struct bight_http_request *request, void *context)
{
    struct collecting *collecting = context;
    struct bight_http_form *form = collecting->form;
    (void)request;
    if (!collecting->in_file) {
        if (!bi_form_end_text(form)) {
            bi_storing_fail(&collecting->storing, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        }
    } else if (collecting->is_blank && form->files[form->file_count - 1].size == 0) {
        form->file_count--;
    }
}

static void end(struct bight_http_request *request, void *context)
{
    struct collecting *collecting = context;
    (void)request;
    bi_storing_end(&collecting->storing, false);
}

static void take_failure(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    struct collecting *collecting = context;
    (void)request;
    bi_storing_fail(&collecting->storing, bight_failure_hold(failure));
}

static const struct bight_http_form_consumer consumer = {
    .size = sizeof consumer,
    .part = take_part,
    .data = take_data,
    .part_end = end_part,
    .end = end,
    .failed = take_failure,
};

/* ----------------------------------------------------------------------------------------- asking for it */

static struct collecting *new_collecting(
    struct bight_http_request *request, const struct bight_http_form_options *options)
{
    const char *directory = options->directory != NULL ? options->directory : "";
    size_t size = strlen(directory) + 1;
    struct collecting *collecting = bight_calloc(1, sizeof *collecting + size);
    if (collecting == NULL) {
        return NULL;
    }
    bi_storing_init(&collecting->storing, &storing_ops, request);
    collecting->options = *options;
    memcpy(collecting->directory, directory, size);
    collecting->form = bi_form_new(collecting->storing.reactor);
    if (collecting->form == NULL) {
        bi_storing_drop(&collecting->storing);
        return NULL;
    }
    return collecting;
}

static void start(struct collecting *collecting)
{
    struct bight_http_request *request = collecting->storing.request;
    int code = collecting->storing.reactor == NULL
                   ? BIGHT_E_CLOSED
                   : bi_form_read(request, BI_FORM_URLENCODED | BI_FORM_MULTIPART, &collecting->options, &consumer,
                         collecting, &collecting->reader);
    if (code != BIGHT_OK) {
        bi_storing_fail(&collecting->storing, bi_body_why_not(request, code));
    }
}

struct bight_deferred *bight_http_request_form(
    struct bight_http_request *request, const struct bight_http_form_options *options)
{
    struct bight_http_form_options all = bi_form_options(options);
    struct collecting *collecting = new_collecting(request, &all);
    if (collecting == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bi_storing_defer(&collecting->storing);
    if (bight_promise_is_open(collecting->storing.promise)) {
        start(collecting);
    }
    bi_storing_drop(&collecting->storing);
    return deferred;
}
