/* SPDX-License-Identifier: MIT */
/* faults.c - allocators for tests: one that refuses what it is told to and knows what is still out, one that counts.
 *
 * The first is in place while bight_testing_with_faults runs. Each of its blocks has a header in front, linked in a
 * ring, so that what a run left behind can be named: by the number of the asking that made it, which is the same in
 * each run of a deterministic body. The counting one only passes on to the C library, so that memory may have been
 * taken before it and be released after it. Both may be asked from any thread. Process-wide, as the hook is. */
#include <bight/log.h>
#include <bight/memory.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fork.h"
#include "testing/faults/blame.h"
#include "testing/kit/testing.h"
#include "thread/pool.h"

#define DEFAULT_LIMIT 2000
#define SECONDS_PER_RUN 20 /* of real time; a run that takes longer hangs */
#define LEAKS_NAMED 5
#define MOMENTS 200000 /* of 0.1 ms: 20 s */

struct block {
    struct bi_link link;
    size_t size;
    size_t asking;        /* which one of its run made it */
    max_align_t memory[]; /* what the asker got */
};

static struct {
    pthread_mutex_t lock;
    size_t fail_from; /* the asking that fails; 0: none */
    bool fail_all;    /* and all after it */
    size_t askings;   /* of this run: allocations, and pooled objects */
    size_t foreign;   /* of this run: those of whose memory is past the hook */
    bool injected;    /* one of this run was refused */
    struct bi_link blocks;
    struct bi_link lost;           /* left by earlier runs; kept, since they may still be in use */
    bool (*grants)(void *context); /* NULL: all */
    void *grants_context;
} faults = { .lock = PTHREAD_MUTEX_INITIALIZER };
BI_FORK_GUARD(faults.lock, BI_FORK_FAULTS, NULL)

static atomic_size_t allocations;
static atomic_bool counting;
static bool counter_installed;

void *bi_testing_plain_realloc(void *memory, size_t size)
{
    return realloc(memory, size);
}

void bi_testing_plain_free(void *memory)
{
    free(memory);
}

static void count_one(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    }
}

/* ------------------------------------------------------------------------------ the faulty allocator */

/* Under the lock. */
static bool grant(void)
{
    size_t asking = ++faults.askings;
    bool refused =
        faults.fail_from != 0 && (asking == faults.fail_from || (faults.fail_all && asking > faults.fail_from));
    faults.injected = faults.injected || refused;
    if (refused) {
        bi_blame_here();
    }
    return !refused;
}

static bool faulty_permit(void *context)
{
    (void)context;
    pthread_mutex_lock(&faults.lock);
    bool granted = grant() && (faults.grants == NULL || faults.grants(faults.grants_context));
    pthread_mutex_unlock(&faults.lock);
    return granted;
}

/* Outside of a loop nothing is refused, nor counted. Which ones count changes from run to run, so that in the end most
 * places have been met. */
bool bi_testing_grants(size_t every)
{
    bool granted = true;
    pthread_mutex_lock(&faults.lock);
    if (faults.fail_from != 0 && ++faults.foreign % every == faults.fail_from % every) {
        granted = grant();
    }
    pthread_mutex_unlock(&faults.lock);
    return granted;
}

static void *enlist(struct block *block, size_t size)
{
    block->size = size;
    block->asking = faults.askings;
    bi_list_append(&faults.blocks, &block->link);
    return block->memory;
}

static void *faulty_allocate(void *context, size_t size)
{
    void *memory = NULL;
    (void)context;
    count_one();
    pthread_mutex_lock(&faults.lock);
    if (grant() && size <= SIZE_MAX - sizeof(struct block)) {
        struct block *block = malloc(sizeof *block + size);
        memory = block == NULL ? NULL : enlist(block, size);
    }
    pthread_mutex_unlock(&faults.lock);
    return memory;
}

static void faulty_release(void *context, void *memory)
{
    (void)context;
    struct block *block = BI_CONTAINER(memory, struct block, memory);
    pthread_mutex_lock(&faults.lock);
    bi_list_remove(&block->link);
    pthread_mutex_unlock(&faults.lock);
    free(block);
}

/* Always moves, so that a pointer kept across it is found. */
static void *faulty_reallocate(void *context, void *memory, size_t size)
{
    void *moved = faulty_allocate(context, size);
    if (moved != NULL && memory != NULL) {
        size_t old_size = BI_CONTAINER(memory, struct block, memory)->size;
        memcpy(moved, memory, old_size < size ? old_size : size);
        faulty_release(context, memory);
    }
    return moved;
}

static const struct bight_allocator faulty_allocator = {
    .size = sizeof(struct bight_allocator),
    .allocate = faulty_allocate,
    .reallocate = faulty_reallocate,
    .release = faulty_release,
    .permit = faulty_permit,
};

/* ---------------------------------------------------------------------------------------- the loop */

struct trial {
    bool (*body)(void *context);
    void *context;
    size_t limit;
};

/* Threads that the body's reactors left behind have memory, and may have descriptors, until they come back. */
void bi_testing_await_threads(void)
{
    const struct timespec moment = { .tv_nsec = 100000 };
    for (int i = 0; bi_threads_left_behind() != 0 && i < MOMENTS; i++) {
        (void)nanosleep(&moment, NULL);
    }
}

/* Names the first few blocks that are still out and returns their number; they count as lost from here on. */
static size_t report_leaks(void)
{
    size_t leaked = 0;
    bi_testing_await_threads();
    BI_LIST_EACH_TAKEN (link, &faults.blocks) {
        struct block *block = BI_CONTAINER(link, struct block, link);
        bi_list_append(&faults.lost, &block->link);
        if (++leaked <= LEAKS_NAMED) {
            bi_blame_report("left %zu bytes made by allocation %zu", block->size, block->asking);
        }
    }
    if (leaked > LEAKS_NAMED) {
        bi_blame_report("left %zu blocks in all", leaked);
    }
    return leaked;
}

static void begin_run(size_t fail_from, bool fail_all)
{
    faults.fail_from = fail_from;
    faults.fail_all = fail_all;
    faults.askings = 0;
    faults.foreign = 0;
    faults.injected = false;
}

/* Runs the body once. True when it went well; faults.injected tells whether the fault was met. */
static bool run_once(const struct trial *trial, size_t fail_from, bool fail_all)
{
    begin_run(fail_from, fail_all);
    bi_blame_run("allocation %zu %s", fail_from,
        fail_from == 0 ? "with no fault"
        : fail_all     ? "all failing from"
                       : "failing");
    bool well = trial->body(trial->context);
    if (!well) {
        bi_blame_report("the body gave false");
    }
    return report_leaks() == 0 && well;
}

/* With a fault at each place in turn, until a run has none. */
static size_t run_with_each(const struct trial *trial, bool fail_all)
{
    size_t wrong = 0;
    for (size_t n = 1; n <= trial->limit; n++) {
        wrong += run_once(trial, n, fail_all) ? 0 : 1;
        if (!faults.injected) {
            break;
        }
    }
    return wrong;
}

static void install_counter(void);

void bi_testing_track_memory(void)
{
    begin_run(0, false);
    bi_list_init(&faults.blocks);
    if (faults.lost.next == NULL) {
        bi_list_init(&faults.lost);
    }
    (void)bight_set_allocator(&faulty_allocator);
}

void bi_testing_ask_for_pooled(bool (*grants)(void *context), void *context)
{
    faults.grants = grants;
    faults.grants_context = context;
}

size_t bi_testing_report_leaks(void)
{
    size_t leaked = report_leaks();
    begin_run(0, false);
    return leaked;
}

void bi_testing_untrack_memory(void)
{
    begin_run(0, false);
    (void)bight_set_allocator(NULL);
    if (counter_installed) {
        install_counter();
    }
}

size_t bight_testing_with_faults(bool (*body)(void *context), void *context, size_t limit)
{
    struct trial trial = { body, context, limit == 0 ? DEFAULT_LIMIT : limit };
    bi_testing_track_memory();
    bi_blame_begin(SECONDS_PER_RUN);
    size_t wrong = run_once(&trial, 0, false) ? 0 : 1;
    wrong += run_with_each(&trial, false);
    wrong += run_with_each(&trial, true);
    bi_blame_end();
    bi_testing_untrack_memory();
    return wrong;
}

bool bight_testing_fault_injected(void)
{
    pthread_mutex_lock(&faults.lock);
    bool injected = faults.injected;
    pthread_mutex_unlock(&faults.lock);
    return injected;
}

/* ------------------------------------------------------------------------------------ the counting one */

static void *counting_allocate(void *context, size_t size)
{
    (void)context;
    count_one();
    return malloc(size);
}

static void *counting_reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    count_one();
    return realloc(memory, size);
}

static void counting_release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const struct bight_allocator counting_allocator = {
    .size = sizeof(struct bight_allocator),
    .allocate = counting_allocate,
    .reallocate = counting_reallocate,
    .release = counting_release,
};

static void install_counter(void)
{
    (void)bight_set_allocator(&counting_allocator);
    counter_installed = true;
}

void bight_testing_count_allocations(bool on)
{
    if (on && !counter_installed) {
        install_counter();
    }
    if (on) {
        atomic_store(&allocations, 0);
    }
    atomic_store(&counting, on);
}

size_t bight_testing_allocation_count(void)
{
    return atomic_load(&allocations);
}
