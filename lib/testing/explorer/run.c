/* SPDX-License-Identifier: MIT */
/* run.c - one seed of a scenario, in this process: what came of it, and what it left behind.
 *
 * The hook's memory is tracked around the run, so a program that runs a scenario here may have none of it out. The
 * simulation's own memory is past the hook. A second run in the same process, where memory and what is cached differ
 * from the first one's, must come to the same trace. */
#include "testing/explorer/explorer.h"

#include <bight/log.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "testing/faults/blame.h"
#include "testing/kit/testing.h"
#include "testing/kit/trial.h"
#include "testing/simulation/simulation.h"

/* The first finding of a run stands. */
static void find(struct bi_verdict *verdict, enum bi_trouble trouble, const char *format, ...) BIGHT_PRINTF(3, 4);
static void find(struct bi_verdict *verdict, enum bi_trouble trouble, const char *format, ...)
{
    va_list arguments;
    if (verdict->trouble != BI_TROUBLE_NONE) {
        return;
    }
    verdict->trouble = trouble;
    va_start(arguments, format);
    (void)vsnprintf(verdict->text, sizeof verdict->text, format, arguments);
    va_end(arguments);
}

static void look_at_log(struct bi_verdict *verdict)
{
    char line[300];
    if (bi_trial_first_logged(line, sizeof line) != 0) {
        find(verdict, BI_TROUBLE_LOGGED, "logged: %s", line);
    }
}

static void look_for_descriptors(const struct bight_simulation *simulation, struct bi_verdict *verdict)
{
    if (simulation->loop_count != 0) {
        find(verdict, BI_TROUBLE_LEAK, "%zu reactors were not freed", simulation->loop_count);
        return;
    }
    for (uint32_t i = 0; i < simulation->host_count; i++) {
        const struct bight_host *host = simulation->hosts[i];
        if (host->descriptors != 0) {
            find(verdict, BI_TROUBLE_LEAK, "%zu descriptors of host %s were left open", host->descriptors, host->name);
        }
    }
}

static void run_simulation(const struct bi_run *run, struct bight_simulation *simulation, struct bi_verdict *verdict)
{
    static const uint32_t none;
    if (!run->faults.all) {
        const uint32_t *numbers = run->faults.count == 0 ? &none : run->faults.numbers;
        bight_simulation_allow_faults(simulation, numbers, run->faults.count);
    }
    bight_simulation_set_trace(simulation, run->trace ? stderr : NULL);
    const char *wrong = run->scenario->run(simulation, run->scenario->context);
    bight_simulation_set_trace(simulation, NULL);
    if (wrong != NULL) {
        find(verdict, BI_TROUBLE_SAID, "%s", wrong);
    }
    verdict->hash = bight_simulation_trace_hash(simulation);
    verdict->fault_count = bight_simulation_fault_count(simulation);
}

static void run_once(const struct bi_run *run, struct bi_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    bi_testing_track_memory();
    bi_trial_begin_logging(stderr);
    struct bight_simulation *simulation = bight_simulation_new(run->seed);
    if (simulation == NULL) {
        find(verdict, BI_TROUBLE_SAID, "no memory for a simulation");
    } else {
        run_simulation(run, simulation, verdict);
        look_for_descriptors(simulation, verdict);
        if (simulation->loop_count == 0) { /* else it cannot be freed */
            bight_simulation_free(simulation);
        }
    }
    bi_trial_end_logging();
    look_at_log(verdict);
    bight_log_set_level(BIGHT_LOG_WARNING);
    bi_blame_run("seed %" PRIu64, run->seed);
    size_t leaked = bi_testing_report_leaks();
    if (leaked != 0) {
        find(verdict, BI_TROUBLE_LEAK, "%zu blocks of memory were not released", leaked);
    }
    bi_testing_untrack_memory();
}

void bi_explorer_run(const struct bi_run *run, struct bi_verdict *verdict)
{
    run_once(run, verdict);
    if (!run->twice || verdict->trouble != BI_TROUBLE_NONE) {
        return;
    }
    struct bi_verdict second;
    struct bi_run again = *run;
    again.trace = false;
    run_once(&again, &second);
    if (second.trouble != BI_TROUBLE_NONE) {
        find(verdict, BI_TROUBLE_DIFFERS, "only the second run went wrong: %.300s", second.text);
    } else if (second.hash != verdict->hash) {
        find(verdict, BI_TROUBLE_DIFFERS, "two runs have different traces, %016" PRIx64 " and %016" PRIx64,
            verdict->hash, second.hash);
    }
}

const char *bight_explore_one(
    const struct bight_scenario *scenario, uint64_t seed, const uint32_t *faults, size_t fault_count, bool trace)
{
    static _Thread_local struct bi_verdict verdict; /* what is given lives until the next call */
    const struct bi_run run = {
        .scenario = scenario,
        .seed = seed,
        .faults = { .all = faults == NULL, .numbers = faults, .count = fault_count },
        .twice = true,
        .trace = trace,
    };
    bi_explorer_run(&run, &verdict);
    return verdict.trouble == BI_TROUBLE_NONE ? NULL : verdict.text;
}
