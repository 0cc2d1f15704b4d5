/* SPDX-License-Identifier: MIT */
/* bight/testing/explorer.h - runs a scenario over many seeds, in parallel processes, and shrinks what fails.
 *
 * A scenario sets up hosts, reactors and faults on a fresh simulation, runs it, and says what was wrong. It must clean
 * up all it made, also on failure. */
#ifndef BIGHT_TESTING_EXPLORER_H
#define BIGHT_TESTING_EXPLORER_H

#include <bight/testing/simulation.h>

BIGHT_BEGIN

struct bight_scenario {
    const char *name;
    /* NULL: all was well. Else what was wrong, one line (static or in `context`). */
    const char *(*run)(struct bight_simulation *simulation, void *context);
    void *context;
};

struct bight_exploration {
    size_t size; /* sizeof(struct bight_exploration) */
    uint64_t first_seed;
    uint64_t seeds;         /* how many; 0: 300 */
    unsigned processes;     /* 0: as many as there are processors */
    double seconds_per_run; /* real seconds after which a run counts as hung; 0: 20 */
    const char *replay;     /* how to replay, for the report: "test_sim_echo --seed" */
};

/* Runs the scenario once for each seed, each in a process of its own, every tenth seed twice to compare the traces. A
 * crash, a hang, a leak of descriptors or memory of the hook, a difference of traces, what the scenario says, or an
 * event of the log from BIGHT_LOG_ERROR on that it did not flush (bight_trial_flush_logged), is a finding: it is
 * printed to standard error with the seed. The first few that differ follow once more, with the least set of faults
 * that still shows them, what the run printed, and how to replay it. Returns the number of seeds that failed; after
 * 100, or 5 that hang, the rest is not tried. The calling program must have one thread only. */
BIGHT_API size_t bight_explore(const struct bight_scenario *scenario, const struct bight_exploration *options);

/* One seed alone in this process, twice to compare the traces, with the trace on standard error when `trace`; `faults`
 * as for bight_simulation_allow_faults. Returns what was wrong, which lives until the next call in this thread, or
 * NULL. No memory of the hook may be out. */
BIGHT_API const char *bight_explore_one(
    const struct bight_scenario *scenario, uint64_t seed, const uint32_t *faults, size_t fault_count, bool trace);

/* A main() for scenario programs: [NAME ...] [--seeds N] [--from S] [--processes N], or NAME --seed S
 * [--faults A,B,C|none] [--trace], or --list. Seeds begin at 1. Returns the exit status: 0 when nothing was found, 1,
 * or 64 for a command line that makes no sense. */
BIGHT_API int bight_explorer_main(const struct bight_scenario *scenarios, size_t count, int argc, char **argv);

BIGHT_END

#endif
