/* SPDX-License-Identifier: MIT */
/* thread.c - jobs of thread pools, run in the one thread at times that are drawn.
 *
 * A job of a real pool ends some time after it was started, while the loop does anything else. Here it runs, all at
 * once, between turns, up to 2 ms later, or up to a second when the host's threads are late. Its result comes home as
 * in production: through the mailbox and its descriptor. Pools, queues and limits are lib/thread's, and real. */
#include <errno.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define USUAL_DELAY (2 * BI_SIM_MILLISECOND)

struct sim_job {
    struct bi_link link;
    struct bi_sim_event event;
    void (*run)(void *context);
    void *context;
};

static void run_job(struct bi_sim_event *event)
{
    struct sim_job *job = BI_CONTAINER(event, struct sim_job, event);
    void (*run)(void *context) = job->run;
    void *context = job->context;
    bi_list_remove(&job->link);
    bi_testing_plain_free(job);
    run(context);
}

int bi_sim_start_job(struct bight_system *system, void (*run)(void *context), void *context)
{
    struct bight_host *host = bi_sim_loop_of(system)->host;
    struct bight_simulation *simulation = host->simulation;
    struct sim_job *job = bi_sim_allocate(sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    uint64_t delay = bight_simulation_draw(simulation, USUAL_DELAY);
    if (bi_sim_fault(simulation, host->kernel.thread_late, "late thread")) {
        delay = bi_sim_detail(simulation, BIGHT_NANOSECONDS_PER_SECOND);
    }
    job->run = run;
    job->context = context;
    bi_sim_event_init(&job->event, simulation, NULL, NULL, run_job);
    bi_list_append(&simulation->jobs, &job->link);
    bi_sim_event_arm(&job->event, simulation->now + delay);
    bi_sim_trace(host, BI_SIM_start_job, 0, (int64_t)delay, 0);
    return 0;
}

/* Their pools have been shut down: they find nothing to do and release them. */
void bi_sim_finish_jobs(struct bight_simulation *simulation)
{
    while (!bi_list_is_empty(&simulation->jobs)) {
        struct sim_job *job = BI_CONTAINER(simulation->jobs.next, struct sim_job, link);
        bi_sim_event_disarm(&job->event);
        run_job(&job->event);
    }
}
