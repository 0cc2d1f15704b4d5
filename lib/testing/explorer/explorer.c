/* SPDX-License-Identifier: MIT */
/* explorer.c - a scenario over many seeds: as many processes at once as there are processors, and the report.
 *
 * The sweep only collects the seeds that fail, one line each. Afterwards the first few that look different are shrunk
 * to the least set of faults, run once more with the trace, and reported with what that run printed and the names of
 * its faults. A sweep that finds little but failures ends early. */
#include "testing/explorer/explorer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "testing/kit/testing.h"

#define DEFAULT_SEEDS 300
#define DEFAULT_SECONDS 20
#define MAX_PROCESSES 64
#define MAX_FINDINGS 100 /* then the sweep ends */
#define MAX_HANGS 5
#define MAX_SHRUNK 3
#define PATIENCE_WITH_SHRINKING 60 /* seconds each */
#define MAX_LINES 60               /* of what a run prints */
#define MAX_NUMBERS 64             /* of faults, in a report */
#define TWICE_EVERY 10

struct finding {
    uint64_t seed;
    struct bi_verdict verdict;
};

struct sweep {
    const struct bight_scenario *scenario;
    const char *replay;
    double seconds;
    uint64_t next, left; /* seeds to be started */
    struct bi_trial trials[MAX_PROCESSES];
    unsigned processes;
    size_t failed, hangs;
    struct finding findings[MAX_SHRUNK]; /* those that look different */
    size_t finding_count;
};

static struct bi_run run_of(const struct sweep *sweep, uint64_t seed, bool twice)
{
    return (struct bi_run) {
        .scenario = sweep->scenario, .seed = seed, .faults.all = true, .twice = twice, .seconds = sweep->seconds
    };
}

/* ---------------------------------------------------------------------------------------- reporting */

static void print_numbers(const struct bi_least_faults *least)
{
    if (least->count == 0) {
        (void)fprintf(stderr, " --faults none");
        return;
    }
    for (size_t i = 0; i < least->count; i++) {
        (void)fprintf(stderr, "%s%" PRIu32, i == 0 ? " --faults " : ",", least->numbers[i]);
    }
}

static void print_replay(const struct sweep *sweep, uint64_t seed, const struct bi_least_faults *least)
{
    (void)fprintf(stderr, "    replay: %s %" PRIu64, sweep->replay, seed);
    if (least != NULL && least->count <= MAX_NUMBERS) {
        print_numbers(least);
    }
    (void)fputs(" --trace\n", stderr);
}

static bool is_of_the_trace(const char *line)
{
    const char *after = line + strspn(line, "0123456789.");
    return after > line + 10 && *after == ' ';
}

/* The faults that happened, and what was printed apart from the trace. */
static void print_output(int output)
{
    char line[512];
    unsigned lines = 0;
    FILE *file = fdopen(output, "r");
    if (file == NULL) {
        (void)close(output);
        return;
    }
    rewind(file);
    while (lines < MAX_LINES && fgets(line, sizeof line, file) != NULL) {
        bool is_wanted =
            is_of_the_trace(line) ? strstr(line, " - fault ") != NULL && strstr(line, "(left out)") == NULL : true;
        if (is_wanted) {
            (void)fprintf(stderr, "    | %s", line);
            lines++;
        }
    }
    (void)fclose(file);
}

static void print_least(const struct bi_least_faults *least)
{
    if (least->count == 0) {
        (void)fputs("    fails without any fault\n", stderr);
    } else {
        (void)fprintf(stderr, "    shrunk from %" PRIu32 " faults to %zu%s\n", least->of, least->count,
            least->is_least ? "" : " (there was no time for more)");
    }
}

static void print_finding(const struct sweep *sweep, uint64_t seed, const struct bi_verdict *verdict)
{
    (void)fprintf(stderr, "bight: explorer: %s: seed %" PRIu64 ": %s\n", sweep->scenario->name, seed, verdict->text);
}

static void report(const struct sweep *sweep, const struct finding *finding)
{
    struct bi_run run = run_of(sweep, finding->seed, finding->verdict.trouble == BI_TROUBLE_DIFFERS);
    struct bi_verdict verdict;
    struct bi_least_faults least;
    int output = -1;
    print_finding(sweep, finding->seed, &finding->verdict);
    if (!bi_explorer_shrink(&run, &finding->verdict, PATIENCE_WITH_SHRINKING, &least)) {
        (void)fputs("    not shrunk: it did not come to the same again\n", stderr);
        print_replay(sweep, finding->seed, NULL);
        return;
    }
    run.faults = (struct bi_fault_set) { .numbers = least.numbers, .count = least.count };
    run.trace = true;
    bi_trial_run(&run, &verdict, &output);
    print_least(&least);
    (void)fprintf(stderr, "    then: %s\n", verdict.text);
    print_output(output);
    print_replay(sweep, finding->seed, &least);
    bi_testing_plain_free(least.numbers);
}

/* ----------------------------------------------------------------------------------------- sweeping */

/* Runs end in no particular order: of those that look the same the lowest seed is kept, whichever was first. */
static void keep_finding(struct sweep *sweep, uint64_t seed, const struct bi_verdict *verdict)
{
    for (size_t i = 0; i < sweep->finding_count; i++) {
        struct finding *finding = &sweep->findings[i];
        if (bi_verdict_same(&finding->verdict, verdict)) {
            *finding = seed < finding->seed ? (struct finding) { seed, *verdict } : *finding;
            return;
        }
    }
    if (sweep->finding_count < MAX_SHRUNK && verdict->trouble != BI_TROUBLE_NOT_RUN) {
        sweep->findings[sweep->finding_count++] = (struct finding) { seed, *verdict };
    }
}

static void take_verdict(struct sweep *sweep, uint64_t seed, const struct bi_verdict *verdict)
{
    if (verdict->trouble == BI_TROUBLE_NONE) {
        return;
    }
    sweep->failed++;
    sweep->hangs += verdict->trouble == BI_TROUBLE_HANG;
    print_finding(sweep, seed, verdict);
    keep_finding(sweep, seed, verdict);
    if (sweep->left != 0 && (sweep->failed >= MAX_FINDINGS || sweep->hangs >= MAX_HANGS)) {
        (void)fprintf(stderr, "bight: explorer: %s: too many findings; %" PRIu64 " seeds are not tried\n",
            sweep->scenario->name, sweep->left);
        sweep->left = 0;
    }
}

static bool start_next(struct sweep *sweep, struct bi_trial *trial)
{
    struct bi_run run = run_of(sweep, sweep->next, sweep->next % TWICE_EVERY == 0);
    bool started = bi_trial_start(trial, &run);
    if (started) {
        sweep->next++;
        sweep->left--;
    }
    return started;
}

/* With nothing under way either, no process can be made at all: that seed counts as failed. */
static void give_up_one(struct sweep *sweep)
{
    const struct bi_verdict verdict = { .trouble = BI_TROUBLE_NOT_RUN, .text = "no process could be made" };
    sweep->left--;
    take_verdict(sweep, sweep->next++, &verdict);
}

static void sweep_seeds(struct sweep *sweep)
{
    for (;;) {
        for (unsigned i = 0; i < sweep->processes && sweep->left != 0; i++) {
            if (sweep->trials[i].pid == 0 && !start_next(sweep, &sweep->trials[i])) {
                break;
            }
        }
        struct bi_trial *done = bi_trial_wait(sweep->trials, sweep->processes);
        if (done != NULL) {
            (void)close(done->output);
            take_verdict(sweep, done->seed, &done->verdict);
        } else if (sweep->left != 0) {
            give_up_one(sweep);
        } else {
            return;
        }
    }
}

static unsigned process_count(unsigned wanted)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = wanted != 0 ? wanted : processors > 0 ? (unsigned)processors : 1;
    return count < MAX_PROCESSES ? count : MAX_PROCESSES;
}

size_t bight_explore(const struct bight_scenario *scenario, const struct bight_exploration *options)
{
    struct sweep sweep = {
        .scenario = scenario,
        .replay = options->replay == NULL ? scenario->name : options->replay,
        .seconds = options->seconds_per_run > 0 ? options->seconds_per_run : DEFAULT_SECONDS,
        .next = options->first_seed,
        .left = options->seeds == 0 ? DEFAULT_SEEDS : options->seeds,
        .processes = process_count(options->processes),
    };
    sweep_seeds(&sweep);
    for (size_t i = 0; i < sweep.finding_count; i++) {
        report(&sweep, &sweep.findings[i]);
    }
    return sweep.failed;
}
