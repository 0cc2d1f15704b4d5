/* SPDX-License-Identifier: MIT */
/* thread.c - jobs of thread pools, run in the one thread at times that are drawn.
 *
 * A job of a real pool ends some time after it was started, while the loop does anything else. Here it runs, all at
 * once, between turns, up to 2 ms later, or up to a second when the host's threads are late. Its result comes home as
 * in production: through the mailbox and its descriptor. */
#include <errno.h>

#include "testing/simulation/simulation.h"
#include "testing/kit/testing.h"

#define USUAL_DELAY (2 * BIGHT_SIM_MILLISECOND)

struct sim_job {
    struct bight_link link;
    struct bight_sim_event event;
    void (*run)(void *context);
    void *context;
};

static void run_job(struct bight_sim_event *event)
{
    struct sim_job *job = BIGHT_CONTAINER(event, struct sim_job, event);
    void (*run)(void *context) = job->run;
    void *context = job->context;
    bight_list_remove(&job->link);
    bight_testing_plain_free(job);
    run(context);
}

int bight_sim_start_job(struct bight_system *system, void (*run)(void *context), void *context)
{
    struct bight_host *host = bight_sim_loop_of(system)->host;
    struct bight_simulation *simulation = host->simulation;
    struct sim_job *job = bight_sim_allocate(sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    uint64_t delay = bight_simulation_draw(simulation, USUAL_DELAY);
    if (bight_sim_fault(simulation, host->kernel.thread_late, "late thread")) {
        delay = bight_sim_detail(simulation, BIGHT_NANOSECONDS_PER_SECOND);
    }
    job->run = run;
    job->context = context;
    bight_sim_event_init(&job->event, simulation, NULL, NULL, run_job);
    bight_list_append(&simulation->jobs, &job->link);
    bight_sim_event_arm(&job->event, simulation->now + delay);
    bight_sim_trace(host, BIGHT_SIM_start_job, 0, (int64_t)delay, 0);
    return 0;
}

/* Their pools have been shut down: they find nothing to do and let go of them. */
void bight_sim_finish_jobs(struct bight_simulation *simulation)
{
    while (!bight_list_is_empty(&simulation->jobs)) {
        struct sim_job *job = BIGHT_CONTAINER(simulation->jobs.next, struct sim_job, link);
        bight_sim_event_disarm(&job->event);
        run_job(&job->event);
    }
}
