/* SPDX-License-Identifier: MIT */
/* explorer.h - what the explorer_*.c files share: one run and its verdict, a process around it, the least set of
 * faults.
 */
#ifndef BIGHT_TESTING_EXPLORER_INTERNAL_H
#define BIGHT_TESTING_EXPLORER_INTERNAL_H

#include <bight/testing/explorer.h>

#include <sys/types.h>

enum bight_trouble {
    BIGHT_TROUBLE_NONE,
    BIGHT_TROUBLE_SAID,   /* by the scenario */
    BIGHT_TROUBLE_LOGGED, /* an error that the scenario did not flush */
    BIGHT_TROUBLE_LEAK,
    BIGHT_TROUBLE_DIFFERS, /* from itself: two runs of one seed */
    BIGHT_TROUBLE_CRASH,
    BIGHT_TROUBLE_HANG,
    BIGHT_TROUBLE_NOT_RUN /* no process could be made */
};

#define BIGHT_VERDICT_TEXT 400

struct bight_verdict {
    enum bight_trouble trouble;
    uint32_t fault_count;
    uint64_t hash;
    char text[BIGHT_VERDICT_TEXT];
};

/* The faults that may happen. */
struct bight_fault_set {
    bool all;
    const uint32_t *numbers;
    size_t count;
};

struct bight_run {
    const struct bight_scenario *scenario;
    uint64_t seed;
    struct bight_fault_set faults;
    bool twice; /* and compare */
    bool trace;
    double seconds; /* that it may take, as a process */
};

/* run.c: in this process. */
void bight_explorer_run(const struct bight_run *run, struct bight_verdict *verdict);

/* ---------------------------------------------------------------------------- process.c */

struct bight_trial {
    pid_t pid; /* 0: none */
    uint64_t seed;
    int answer;      /* a pipe from it */
    int output;      /* what it writes to standard output and error: an unnamed file */
    double deadline; /* of the host's clock */
    size_t received;
    struct bight_verdict verdict;
};

double bight_explorer_clock(void);

/* Starts a process that runs it and reports; false when there can be none. Zeroed before. */
bool bight_trial_start(struct bight_trial *trial, const struct bight_run *run);
/* Waits until one of them has ended or is overdue, and gives it, its verdict filled in; its `output` is the caller's to
 * close. NULL when none is under way. */
struct bight_trial *bight_trial_wait(struct bight_trial *trials, size_t count);
/* Both, for one alone; *output gets the file (NULL: closed). */
void bight_trial_run(const struct bight_run *run, struct bight_verdict *verdict, int *output);

/* ----------------------------------------------------------------------------- shrink.c */

struct bight_least_faults {
    uint32_t *numbers; /* bight_testing_plain_free */
    size_t count;
    uint32_t of;   /* so many happened, or may have */
    bool is_least; /* false: time was up */
};

/* True when the two would be called the same fault of the program: one kind, and one text up to its first number. */
bool bight_verdict_same(const struct bight_verdict *one, const struct bight_verdict *other);

/* The least set of faults with which the run still comes to the same verdict. False when it never does again. */
bool bight_explorer_shrink(const struct bight_run *run, const struct bight_verdict *verdict, double patience,
    struct bight_least_faults *least);

#endif
