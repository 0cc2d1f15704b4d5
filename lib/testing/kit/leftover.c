/* SPDX-License-Identifier: MIT */
/* leftover.c - what a reactor and a trial leave over, each with the place where it was made (the "dirty reactor").
 *
 * What is pending or open is read off the reactor's own books: its wheel, its hub, what is open. The places come from
 * debug mode's memory (base/places.h), which knows the watches and the Deferreds too. Threads of pools that are idle
 * are no left-overs: they end with the run. */
#include <stdlib.h>
#include <string.h>

#include "base/places.h"
#include "process/process.h"
#include "testing/kit/testing.h"
#include "testing/kit/trial.h"
#include "thread/pool.h"
#include "transport/socket.h"
#include "transport/state.h"

#define MAX_SLOTS 256

struct writer {
    struct bi_trial_text *to;
    size_t count;
};

static void write_one(struct writer *writer, const char *what, const char *place)
{
    bi_trial_write(writer->to, "left over: %s (made at %s)\n", what, place == NULL ? "an unknown place" : place);
    writer->count++;
}

static void write_call(const struct bi_wheel_entry *entry, void *context)
{
    const struct bight_timer_slot *slot = bi_reactor_call_of(entry);
    write_one(context, "a pending call", bi_places_find(slot, slot->generation, NULL));
}

static void write_connections(struct writer *writer, struct bight_reactor *reactor)
{
    size_t cursor = 0;
    const struct bi_hub *hub = bi_hub_of(reactor);
    const struct bight_transport *transport;
    while (hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL) {
        if (bi_life_of(transport) != BI_LOST) {
            write_one(writer, "a connection", bi_places_find(transport, transport->id, NULL));
        }
    }
}

static void write_open(struct writer *writer, struct bight_reactor *reactor)
{
    struct bi_open *open = NULL;
    while ((open = bi_open_next(reactor, open)) != NULL) {
        write_one(writer, "a port, or an attempt to connect", bi_places_find(open, 0, NULL));
    }
}

static void write_processes(struct writer *writer, struct bight_reactor *reactor)
{
    struct bight_process *process = NULL;
    while ((process = bi_process_next(reactor, process)) != NULL) {
        write_one(writer, "a child process", bi_places_find(process, 0, NULL));
    }
}

/* Cancelled ones that a thread has begun count too, until the thread has done with them. */
static void write_jobs(struct writer *writer, const struct bight_thread_pool *pool)
{
    for (struct bi_link *link = pool->outstanding.next; link != &pool->outstanding; link = link->next) {
        const struct bi_job *job = BI_CONTAINER(link, const struct bi_job, outstanding);
        write_one(writer, "a job of the thread pool", bi_places_find(job->promise.slot, job->promise.generation, NULL));
    }
}

static int compare(const void *left, const void *right)
{
    const struct bi_place *one = left, *other = right;
    return one->number < other->number ? -1 : one->number > other->number;
}

static size_t write_slots(struct bi_trial_text *to, uint64_t since, const char *kind, const char *what)
{
    struct writer writer = { to, 0 };
    struct bi_place places[MAX_SLOTS];
    size_t count = bi_places_live_slots(since, places, MAX_SLOTS);
    count = count < MAX_SLOTS ? count : MAX_SLOTS;
    qsort(places, count, sizeof places[0], compare);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(places[i].kind, kind) == 0) {
            write_one(&writer, what, places[i].place);
        }
    }
    return writer.count;
}

size_t bi_trial_write_deferreds(struct bi_trial_text *to, uint64_t since)
{
    return write_slots(to, since, "Deferred", "a Deferred");
}

size_t bi_trial_write_left_over(struct bi_trial_text *to, struct bight_reactor *reactor, uint64_t since)
{
    struct writer writer = { to, 0 };
    bi_testing_visit_calls(reactor, write_call, &writer);
    write_connections(&writer, reactor);
    write_open(&writer, reactor);
    write_processes(&writer, reactor);
    for (const struct bight_thread_pool *pool = bi_thread_pools(reactor); pool != NULL; pool = pool->next) {
        write_jobs(&writer, pool);
    }
    writer.count += write_slots(to, since, "watch", "a watch of a descriptor");
    return writer.count + bi_trial_write_deferreds(to, since);
}
