/* SPDX-License-Identifier: MIT */
/* form_file.c - files of a form, read and saved by threads of the pool (A11). A job has a hold of the spool, and knows
 * where in it the file is: the form may go meanwhile. */
#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/thread.h>

#include <string.h>

#include "http/server/draft.h"
#include "http/server/form.h"

#define MOST_READ ((size_t)16 << 20)

struct job {
    struct bi_spool *spool;
    uint64_t offset, size;
    bool whole;
    struct bi_draft draft; /* of a saving */
    char path[];
};

static void free_job(void *context)
{
    struct job *job = context;
    bi_draft_discard(&job->draft);
    bi_spool_drop(job->spool);
    bight_free(job);
}

/* NULL when out of memory. */
static struct job *new_job(const struct bight_http_form_file *file, const char *path)
{
    size_t size = strlen(path) + 1;
    struct job *job = bight_calloc(1, sizeof *job + size);
    if (job != NULL) {
        memcpy(job->path, path, size);
        job->spool = bi_spool_hold(file->form->spool);
        job->offset = file->offset;
        job->size = file->size;
        job->draft.directory = job->draft.file = -1;
    }
    return job;
}

/* ---------------------------------------------------------------------------------------------- reading */

static void read_file(struct bight_result *result, void *context)
{
    const struct job *job = context;
    uint8_t *content;
    struct bight_bytes *bytes = bight_bytes_new_uninitialised((size_t)job->size, &content);
    int number = bytes != NULL ? bi_spool_read(job->spool, job->offset, content, (size_t)job->size) : 0;
    if (bytes == NULL) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (number != 0) {
        bight_bytes_release(bytes);
        bight_result_fail(result, bight_failure_from_errno(number, bi_spool_directory(job->spool)));
    } else {
        bight_result_set(result, &bight_type_bytes, bytes);
    }
}

struct bight_deferred *bight_http_form_file_read(struct bight_http_form_file *file, uint64_t offset, size_t size)
{
    if (size == 0) {
        return bight_fail(bight_failure_of(
            bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a file of a form: no bytes of it are to be read")));
    }
    uint64_t left = offset < file->size ? file->size - offset : 0;
    size_t most = size < MOST_READ ? size : MOST_READ;
    struct job *job = new_job(file, "");
    if (job == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    job->offset += file->size - left;
    job->size = left < most ? left : most;
    return bight_defer_to_thread_full(file->form->reactor, read_file, job, free_job);
}

/* ----------------------------------------------------------------------------------------------- saving */

static void save_file(struct bight_result *result, void *context)
{
    struct job *job = context;
    int number = bi_spool_copy(job->spool, job->offset, job->size, &job->draft, job->whole);
    if (number == 0) {
        number = bi_draft_keep(&job->draft);
    }
    bi_draft_discard(&job->draft);
    if (number != 0) {
        bight_result_fail(result, bight_failure_from_errno(number, job->path));
    } else {
        bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)job->size));
    }
}

/* The only file may be given the spool itself, once. */
static bool take_spool(struct bight_http_form_file *file)
{
    struct bight_http_form *form = file->form;
    bool whole = form->file_count == 1 && !form->is_given;
    form->is_given = form->is_given || whole;
    return whole;
}

/* Options of an older caller are shorter. */
static int prepare(struct job *job, struct bight_http_form_file *file, const struct bight_http_save_options *options)
{
    struct bight_http_save_options all = { .size = sizeof all };
    if (options != NULL) {
        memcpy(&all, options, options->size < sizeof all ? options->size : sizeof all);
    }
    job->draft.path = job->path;
    job->draft.name = bi_draft_name_in(job->path);
    job->draft.mode = all.mode;
    job->draft.replaces = all.replace;
    job->draft.is_hurried = all.no_sync;
    job->whole = take_spool(file);
    return bight_random(file->form->reactor, &job->draft.number, sizeof job->draft.number);
}

struct bight_deferred *bight_http_form_file_save(
    struct bight_http_form_file *file, const char *path, const struct bight_http_save_options *options)
{
    if (path == NULL || bi_draft_name_in(path) == NULL) {
        return bight_fail(bight_failure_of(
            bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a file of a form: its path names no file to save it to")));
    }
    struct job *job = new_job(file, path);
    if (job == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    int code = prepare(job, file, options);
    if (code != BIGHT_OK) {
        free_job(job);
        return bight_fail(bight_failure_of(code));
    }
    return bight_defer_to_thread_full(file->form->reactor, save_file, job, free_job);
}
