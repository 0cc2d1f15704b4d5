/* SPDX-License-Identifier: MIT */
/* explorer.h - what the explorer_*.c files share: one run and its verdict, a process around it, the least set of
 * faults.
 */
#ifndef BI_TESTING_EXPLORER_EXPLORER_H
#define BI_TESTING_EXPLORER_EXPLORER_H

#include <bight/testing/explorer.h>

#include <sys/types.h>

enum bi_trouble {
    BI_TROUBLE_NONE,
    BI_TROUBLE_SAID,   /* by the scenario */
    BI_TROUBLE_LOGGED, /* an error that the scenario did not flush */
    BI_TROUBLE_LEAK,
    BI_TROUBLE_DIFFERS, /* from itself: two runs of one seed */
    BI_TROUBLE_CRASH,
    BI_TROUBLE_HANG,
    BI_TROUBLE_NOT_RUN /* no process could be made */
};

#define BI_VERDICT_TEXT 400

struct bi_verdict {
    enum bi_trouble trouble;
    uint32_t fault_count;
    uint64_t hash;
    char text[BI_VERDICT_TEXT];
};

/* The faults that may happen. */
struct bi_fault_set {
    bool all;
    const uint32_t *numbers;
    size_t count;
};

struct bi_run {
    const struct bight_scenario *scenario;
    uint64_t seed;
    struct bi_fault_set faults;
    bool twice; /* and compare */
    bool trace;
    double seconds; /* that it may take, as a process */
};

/* run.c: in this process. */
void bi_explorer_run(const struct bi_run *run, struct bi_verdict *verdict);

/* ---------------------------------------------------------------------------- process.c */

struct bi_trial {
    pid_t pid; /* 0: none */
    uint64_t seed;
    int answer;      /* a pipe from it */
    int output;      /* what it writes to standard output and error: an unnamed file */
    double deadline; /* of the host's clock */
    size_t received;
    struct bi_verdict verdict;
};

double bi_explorer_clock(void);

/* Starts a process that runs it and reports; false when there can be none. Zeroed before. */
bool bi_trial_start(struct bi_trial *trial, const struct bi_run *run);
/* Waits until one of them has ended or is overdue, and returns it, its verdict filled in; its `output` is the caller's
 * to close. NULL when none is under way. */
struct bi_trial *bi_trial_wait(struct bi_trial *trials, size_t count);
/* Both, for one alone; *output gets the file (NULL: closed). */
void bi_trial_run(const struct bi_run *run, struct bi_verdict *verdict, int *output);

/* ----------------------------------------------------------------------------- shrink.c */

struct bi_least_faults {
    uint32_t *numbers; /* bi_testing_plain_free */
    size_t count;
    uint32_t of;   /* so many happened, or may have */
    bool is_least; /* false: time was up */
};

/* True when the two would be called the same fault of the program: one kind, and one text up to its first number. */
bool bi_verdict_same(const struct bi_verdict *one, const struct bi_verdict *other);

/* The least set of faults with which the run still comes to the same verdict. False when it never does again. */
bool bi_explorer_shrink(
    const struct bi_run *run, const struct bi_verdict *verdict, double patience, struct bi_least_faults *least);

#endif
