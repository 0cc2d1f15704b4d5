/* SPDX-License-Identifier: MIT */
/* syscalls.c - the loop that runs a body with each system call failing in each way, and looks what it left behind.
 *
 * For a kind of call and an errno it goes on from n to n + 1 until a run does not come to an n-th call. A kind that is
 * never called costs one run. Memory is watched by the allocator of faults.c, descriptors by what /proc/self/fd shows.
 * A run before the first puts the process in order: what libraries open once and keep is no leak. */
#include "testing/faults/syscalls.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "reactor/reactor.h"
#include "testing/faults/blame.h"
#include "testing/kit/testing.h"

#define DEFAULT_LIMIT 64
#define DEFAULT_SECONDS 20
#define MAX_DESCRIPTORS 1024

struct loop {
    bool (*body)(void *context);
    void *context;
    size_t limit;
    size_t wrong;
};

static size_t runs;

void bight_faulty_system_init(struct bight_faulty_system *faulty, struct bight_system *inner)
{
    memset(faulty, 0, sizeof *faulty);
    faulty->system.ops = &bi_faulty_ops;
    faulty->inner = inner != NULL ? inner : bight_system_real();
}

void bight_faulty_system_insert(struct bight_faulty_system *faulty, struct bight_reactor *reactor)
{
    bight_faulty_system_init(faulty, reactor->system);
    reactor->system = &faulty->system;
    reactor->loop->edge = 0; /* a call that is cut short here is no news to what waits below */
}

/* --------------------------------------------------------------------------------------- descriptors */

struct descriptors {
    bool open[MAX_DESCRIPTORS];
};

static void read_descriptors(struct descriptors *descriptors)
{
    memset(descriptors, 0, sizeof *descriptors);
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd < MAX_DESCRIPTORS && fd != dirfd(directory)) {
            descriptors->open[fd] = true;
        }
    }
    (void)closedir(directory);
}

static bool report_descriptors(const struct descriptors *before)
{
    struct descriptors after;
    bool well = true;
    read_descriptors(&after);
    for (int fd = 0; fd < MAX_DESCRIPTORS; fd++) {
        if (after.open[fd] && !before->open[fd]) {
            char path[40], what[80] = "";
            (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            ssize_t length = readlink(path, what, sizeof what - 1);
            bi_blame_report("left descriptor %d (%.*s) open", fd, length < 0 ? 0 : (int)length, what);
            well = false;
        }
    }
    return well;
}

/* ----------------------------------------------------------------------------------------- the runs */

static void run_once(struct loop *loop)
{
    struct descriptors before;
    read_descriptors(&before);
    bool well = loop->body(loop->context);
    if (!well) {
        bi_blame_report("the body gave false");
    }
    bi_testing_await_threads();
    well = report_descriptors(&before) && well;
    well = bi_testing_report_leaks() == 0 && well;
    loop->wrong += well ? 0 : 1;
    runs++;
}

/* False when the body never comes to a first call of this kind. */
static bool run_with_each(struct loop *loop, size_t call, const struct bi_errno_name *error)
{
    size_t n = 1;
    for (; n <= loop->limit; n++) {
        bi_blame_run(
            "%s number %zu %s", bi_syscalls[call].name, n, error == NULL ? bi_syscalls[call].less : error->name);
        bi_syscall_plan(call, n, error == NULL ? 0 : error->number);
        run_once(loop);
        if (!bi_syscall_was_hit()) {
            break;
        }
    }
    return n > 1;
}

static void run_call(struct loop *loop, size_t call)
{
    const struct bi_errno_name *error = bi_syscalls[call].errnos;
    if (!run_with_each(loop, call, error)) {
        return;
    }
    for (error++; error->number != 0; error++) {
        (void)run_with_each(loop, call, error);
    }
    if (bi_syscalls[call].less != NULL) {
        (void)run_with_each(loop, call, NULL);
    }
}

static void run_without_fault(struct loop *loop)
{
    bi_syscall_plan(0, 0, 0);
    bi_blame_run("no system call failing");
    (void)loop->body(loop->context);
    (void)bi_testing_report_leaks();
    run_once(loop);
}

size_t bight_testing_with_system_faults(
    bool (*body)(void *context), void *context, const struct bight_system_fault_options *given)
{
    struct bight_system_fault_options options;
    bi_take_options(&options, sizeof options, given);
    struct loop loop = { body, context, options.limit == 0 ? DEFAULT_LIMIT : options.limit, 0 };
    runs = 0;
    bi_testing_track_memory();
    bi_blame_begin(options.seconds == 0 ? DEFAULT_SECONDS : options.seconds);
    run_without_fault(&loop);
    for (size_t call = 0; call < bi_syscall_count; call++) {
        if (options.only == NULL || strcmp(options.only, bi_syscalls[call].name) == 0) {
            run_call(&loop, call);
        }
    }
    bi_syscall_plan(0, 0, 0);
    bi_blame_end();
    bi_testing_untrack_memory();
    return loop.wrong;
}

bool bight_testing_system_fault_injected(void)
{
    return bi_syscall_has_failed();
}

size_t bight_testing_system_fault_runs(void)
{
    return runs;
}
