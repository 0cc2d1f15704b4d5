/* SPDX-License-Identifier: MIT */
/* file.c - the table of descriptors, and the small things that they name: eventfds, timerfds, the null device.
 *
 * Numbers are unique in a simulation and come back as late as possible, so that a descriptor used after its close, or
 * on another host, is told from a good one. Such uses are bight's own faults: the program ends there, with the place of
 * the call as "program+offset" for addr2line. Sockets, pipes and what is on the disk are in files of their own. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define FIRST_DESCRIPTOR 1000
#define FREE_AT_LEAST 1024 /* numbers rest in this company before they are used again */

/* ------------------------------------------------------------------------------------------ the table */

_Noreturn void bi_sim_broken(
    const struct bight_host *host, const char *call, int fd, const char *what, const void *caller)
{
    char message[256], place[512] = "simulation";
    Dl_info where;
    if (caller != NULL && dladdr(caller, &where) != 0 && where.dli_fname != NULL) {
        (void)snprintf(
            place, sizeof place, "%s+%#tx", where.dli_fname, (const char *)caller - (const char *)where.dli_fbase);
    }
    (void)snprintf(message, sizeof message, "%s(%d) on host %s: %s", call, fd, host->name, what);
    bi_invariant_broken(message, place);
}

void bi_sim_file_init(struct bi_sim_file *file, const struct bi_sim_file_ops *ops, struct bight_host *host)
{
    file->ops = ops;
    file->host = host;
    file->fd = -1;
    bi_list_init(&file->watches);
}

static bool grow(struct bight_simulation *simulation)
{
    size_t room = simulation->file_room * 2 + 64;
    struct bi_sim_file **files = bi_testing_plain_realloc(simulation->files, room * sizeof *files);
    simulation->files = files != NULL ? files : simulation->files;
    int *ring = bi_sim_allocate(room * sizeof *ring);
    if (files == NULL || ring == NULL) {
        bi_testing_plain_free(ring);
        return false;
    }
    for (size_t i = 0; i < simulation->free_count; i++) {
        ring[i] = simulation->free_files[(simulation->free_first + i) % simulation->file_room];
    }
    bi_testing_plain_free(simulation->free_files);
    simulation->free_files = ring;
    simulation->free_first = 0;
    simulation->file_room = room;
    return true;
}

int bi_sim_file_open(struct bi_sim_file *file)
{
    struct bight_simulation *simulation = file->host->simulation;
    size_t index = simulation->file_count;
    if (simulation->free_count > FREE_AT_LEAST) {
        index = (size_t)simulation->free_files[simulation->free_first];
        simulation->free_first = (simulation->free_first + 1) % simulation->file_room;
        simulation->free_count--;
    } else if (index == simulation->file_room && !grow(simulation)) {
        return -ENOMEM;
    } else {
        simulation->file_count++;
    }
    simulation->files[index] = file;
    file->fd = (int)index + FIRST_DESCRIPTOR;
    file->host->descriptors++;
    return file->fd;
}

struct bi_sim_file *bi_sim_file_find(const struct bi_sim_loop *loop, int fd, const char *call, const void *caller)
{
    const struct bight_simulation *simulation = loop->simulation;
    if (fd < FIRST_DESCRIPTOR || (size_t)(fd - FIRST_DESCRIPTOR) >= simulation->file_count) {
        return NULL;
    }
    struct bi_sim_file *file = simulation->files[fd - FIRST_DESCRIPTOR];
    if (BI_UNLIKELY(file == NULL)) {
        bi_sim_broken(loop->host, call, fd, "the descriptor has been closed", caller);
    }
    if (BI_UNLIKELY(file->host != loop->host)) {
        bi_sim_broken(loop->host, call, fd, "the descriptor is another host's", caller);
    }
    return file;
}

struct bi_sim_file *bi_sim_file_get(const struct bi_sim_loop *loop, int fd, const char *call, const void *caller)
{
    struct bi_sim_file *file = bi_sim_file_find(loop, fd, call, caller);
    if (BI_UNLIKELY(file == NULL)) {
        bi_sim_broken(loop->host, call, fd, "no such descriptor", caller);
    }
    return file;
}

void bi_sim_file_close(struct bi_sim_file *file, const void *caller)
{
    struct bight_simulation *simulation = file->host->simulation;
    if (!bi_list_is_empty(&file->watches)) {
        bi_sim_broken(file->host, "close", file->fd, "the descriptor is still watched", caller);
    }
    size_t index = (size_t)(file->fd - FIRST_DESCRIPTOR);
    size_t behind = (simulation->free_first + simulation->free_count++) % simulation->file_room;
    simulation->files[index] = NULL;
    simulation->free_files[behind] = (int)index;
    file->host->descriptors--;
    file->ops->close(file);
}

void bi_sim_file_news(struct bi_sim_file *file)
{
    for (struct bi_link *link = file->watches.next; link != &file->watches; link = link->next) {
        struct bi_sim_watch *watch = BI_CONTAINER(link, struct bi_sim_watch, of_file);
        if ((file->ready & (unsigned)watch->what) != 0 && bi_list_is_empty(&watch->ready)) {
            bi_list_append(&watch->loop->ready, &watch->ready);
        }
    }
}

void bi_sim_file_changed(struct bi_sim_file *file, unsigned ready)
{
    unsigned risen = ready & ~file->ready;
    file->ready = ready;
    for (struct bi_link *link = file->watches.next; link != &file->watches; link = link->next) {
        struct bi_sim_watch *watch = BI_CONTAINER(link, struct bi_sim_watch, of_file);
        unsigned told = watch->what & BIGHT_EDGE ? risen : ready;
        if ((ready & (unsigned)watch->what) == 0) {
            bi_list_remove(&watch->ready);
        } else if ((told & (unsigned)watch->what) != 0 && bi_list_is_empty(&watch->ready)) {
            bi_list_append(&watch->loop->ready, &watch->ready);
        }
    }
}

static int open_or_free(struct bi_sim_file *file)
{
    int fd = bi_sim_file_open(file);
    if (fd < 0) {
        file->ops->close(file);
    }
    return fd;
}

/* ---------------------------------------------------------------------------------------- eventfd(2) */

struct counter {
    struct bi_sim_file file; /* first */
    uint64_t count;
    struct bi_sim_event seen; /* from when on a late wake-up can be seen */
};

static void update_counter(struct counter *counter)
{
    bool is_late = bi_sim_event_is_armed(&counter->seen);
    unsigned readable = counter->count != 0 && !is_late ? BIGHT_READABLE : 0;
    bi_sim_file_set_ready(&counter->file, readable | BIGHT_WRITABLE);
}

static void counter_seen(struct bi_sim_event *event)
{
    update_counter(BI_CONTAINER(event, struct counter, seen));
}

static ssize_t read_counter(struct bi_sim_file *file, void *buffer, size_t size)
{
    struct counter *counter = (struct counter *)file;
    if (size < sizeof counter->count) {
        return -EINVAL;
    }
    if (counter->count == 0) {
        return -EAGAIN;
    }
    memcpy(buffer, &counter->count, sizeof counter->count);
    counter->count = 0;
    bi_sim_event_disarm(&counter->seen);
    update_counter(counter);
    return (ssize_t)sizeof counter->count;
}

/* A wake-up, from a thread: it may be seen late. */
static ssize_t write_counter(struct bi_sim_file *file, const void *data, size_t size)
{
    struct counter *counter = (struct counter *)file;
    struct bight_simulation *simulation = file->host->simulation;
    uint64_t more;
    if (size < sizeof more) {
        return -EINVAL;
    }
    memcpy(&more, data, sizeof more);
    if (counter->count > UINT64_MAX - 1 - more) {
        return -EAGAIN;
    }
    if (counter->count == 0 && bi_sim_fault(simulation, file->host->kernel.thread_late, "late wake-up")) {
        uint64_t late = bi_sim_detail(simulation, BIGHT_NANOSECONDS_PER_SECOND);
        bi_sim_event_arm(&counter->seen, simulation->now + late);
    }
    counter->count += more;
    update_counter(counter);
    return (ssize_t)sizeof more;
}

static void close_counter(struct bi_sim_file *file)
{
    bi_sim_event_disarm(&((struct counter *)file)->seen);
    bi_testing_plain_free(file);
}

int bi_sim_eventfd(struct bight_host *host, unsigned initial)
{
    static const struct bi_sim_file_ops ops = { read_counter, write_counter, close_counter };
    struct counter *counter = bi_sim_allocate(sizeof *counter);
    if (counter == NULL) {
        return -ENOMEM;
    }
    bi_sim_file_init(&counter->file, &ops, host);
    bi_sim_event_init(&counter->seen, host->simulation, NULL, NULL, counter_seen);
    counter->count = initial;
    update_counter(counter);
    return open_or_free(&counter->file);
}

/* --------------------------------------------------------------------------------- timerfd_create(2) */

struct alarm {
    struct bi_sim_file file; /* first */
    struct bi_sim_event event;
};

static void alarm_expired(struct bi_sim_event *event)
{
    bi_sim_file_set_ready(&BI_CONTAINER(event, struct alarm, event)->file, BIGHT_READABLE);
}

static ssize_t read_alarm(struct bi_sim_file *file, void *buffer, size_t size)
{
    const uint64_t expirations = 1;
    if (size < sizeof expirations) {
        return -EINVAL;
    }
    if (file->ready == 0) {
        return -EAGAIN;
    }
    memcpy(buffer, &expirations, sizeof expirations);
    bi_sim_file_set_ready(file, 0);
    return (ssize_t)sizeof expirations;
}

static ssize_t write_nothing(struct bi_sim_file *file, const void *data, size_t size)
{
    (void)file;
    (void)data;
    (void)size;
    return -EINVAL;
}

static void close_alarm(struct bi_sim_file *file)
{
    bi_sim_event_disarm(&((struct alarm *)file)->event);
    bi_testing_plain_free(file);
}

int bi_sim_timerfd(struct bight_host *host)
{
    static const struct bi_sim_file_ops ops = { read_alarm, write_nothing, close_alarm };
    struct alarm *alarm = bi_sim_allocate(sizeof *alarm);
    if (alarm == NULL) {
        return -ENOMEM;
    }
    bi_sim_file_init(&alarm->file, &ops, host);
    bi_sim_event_init(&alarm->event, host->simulation, NULL, NULL, alarm_expired);
    return open_or_free(&alarm->file);
}

int bi_sim_timerfd_set(struct bi_sim_file *file, uint64_t deadline)
{
    if (file->ops->read != read_alarm) {
        return -EINVAL;
    }
    struct alarm *alarm = (struct alarm *)file;
    bi_sim_file_set_ready(file, 0);
    if (deadline == 0) {
        bi_sim_event_disarm(&alarm->event);
    } else {
        bi_sim_event_arm(&alarm->event, deadline);
    }
    return 0;
}

/* -------------------------------------------------------------------------------------------- null(4) */

static ssize_t read_null(struct bi_sim_file *file, void *buffer, size_t size)
{
    (void)file;
    (void)buffer;
    (void)size;
    return 0;
}

static ssize_t write_null(struct bi_sim_file *file, const void *data, size_t size)
{
    (void)file;
    (void)data;
    return (ssize_t)size;
}

static void close_null(struct bi_sim_file *file)
{
    bi_testing_plain_free(file);
}

int bi_sim_null_device(struct bight_host *host)
{
    static const struct bi_sim_file_ops ops = { read_null, write_null, close_null };
    struct bi_sim_file *file = bi_sim_allocate(sizeof *file);
    if (file == NULL) {
        return -ENOMEM;
    }
    bi_sim_file_init(file, &ops, host);
    file->ready = BIGHT_READABLE | BIGHT_WRITABLE;
    return open_or_free(file);
}
