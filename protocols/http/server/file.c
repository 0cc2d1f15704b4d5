/* SPDX-License-Identifier: MIT */
/* file.c - a file as an answer: opened and looked at by a thread of the reactor's pool (F4).
 *
 * What the thread finds is a Deferred's value, and the answer comes by bight_http_respond_later: so the route's time,
 * the client's leaving and a cancel mean what they mean for any answer. What is then sent is file_answer.c's. */
#include <bight/memory.h>
#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server/again.h"
#include "http/server/file.h"
#include "http/server/file_type.h"

/* ------------------------------------------------------------------------------------------ in the thread */

static void destroy(void *value)
{
    struct bi_file_content *file = value;
    (void)close(file->descriptor);
    bight_free(file);
}

static const struct bight_type file_type = { .name = "file", .destroy = destroy };

static void free_path(void *path)
{
    bight_free(path);
}

/* That it is not there is the client's business, all else the program's. */
static struct bight_failure *failure_of(int number, const char *path)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return bight_http_failure(404, "there is no such file");
    default:
        return bight_failure_from_errno(number, path);
    }
}

/* Without waiting for the other end of what turns out to be a FIFO, or becoming a terminal's. */
static int open_regular(const char *path, struct stat *status)
{
    int descriptor;
    BI_AGAIN(descriptor, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (descriptor < 0) {
        return -errno;
    }
    int number = fstat(descriptor, status) != 0 ? errno : S_ISREG(status->st_mode) ? 0 : ENOENT;
    if (number != 0) {
        (void)close(descriptor);
        return -number;
    }
    return descriptor;
}

static void open_file(struct bight_result *result, void *context)
{
    const char *path = context;
    struct stat status;
    int descriptor = open_regular(path, &status);
    if (descriptor < 0) {
        bight_result_fail(result, failure_of(-descriptor, path));
        return;
    }
    struct bi_file_content *file = bight_malloc(sizeof *file);
    if (file == NULL) {
        (void)close(descriptor);
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    *file = (struct bi_file_content) {
        .descriptor = descriptor,
        .size = (uint64_t)status.st_size,
        .modified = status.st_mtim.tv_sec,
        .nanoseconds = status.st_mtim.tv_nsec,
        .type = bi_file_type(path),
        .release = destroy,
        .context = file,
    };
    bight_result_set(result, &file_type, file);
}

/* ------------------------------------------------------------------------------------------- in the loop */

bool bi_answer_with_file(struct bight_http_request *request, struct bight_result *result)
{
    if (result->type != &file_type) {
        return false;
    }
    struct bi_file_content *file = bight_result_take(result, &file_type);
    bi_file_answer(request, file);
    return true;
}

int bight_http_respond_file(struct bight_http_request *request, const char *path)
{
    int code = bi_answer_check(request, 200);
    if (code != BIGHT_OK) {
        return code;
    }
    char *copy = bight_strdup(path);
    if (copy == NULL) {
        return bight_http_respond_failure(request, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    return bight_http_respond_later(request, bight_defer_to_thread_full(reactor, open_file, copy, free_path));
}
