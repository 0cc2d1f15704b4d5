/* SPDX-License-Identifier: MIT */
/* process.c - a run in a process of its own, so that a crash or a hang is a verdict like any other.
 *
 * Each run gets a fresh fork of the program: nothing that one seed leaves in the process can reach another, so a seed
 * that fails among hundreds fails alone. The verdict comes through a pipe, whose end also tells that the process has
 * gone; what the process prints goes to an unnamed file. */
#include "testing/explorer/explorer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_TRIALS 256

double bi_explorer_clock(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_child(const struct bi_run *run, int answer, int output)
{
    struct bi_verdict verdict;
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    bi_explorer_run(run, &verdict);
    (void)fflush(NULL);
    ssize_t written = write(answer, &verdict, sizeof verdict); /* fits a pipe */
    _exit(written == (ssize_t)sizeof verdict ? 0 : 1);
}

bool bi_trial_start(struct bi_trial *trial, const struct bi_run *run)
{
    int ends[2];
    trial->output = memfd_create("bight-explorer", MFD_CLOEXEC);
    if (trial->output < 0) {
        return false;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)close(trial->output);
        return false;
    }
    (void)fflush(NULL); /* or the child prints it too */
    pid_t pid = fork();
    if (pid == 0) {
        run_child(run, ends[1], trial->output);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        (void)close(trial->output);
        return false;
    }
    trial->pid = pid;
    trial->seed = run->seed;
    trial->answer = ends[0];
    trial->deadline = bi_explorer_clock() + run->seconds;
    trial->received = 0;
    memset(&trial->verdict, 0, sizeof trial->verdict);
    return true;
}

/* True when the process has closed its end. */
static bool read_answer(struct bi_trial *trial)
{
    char *at = (char *)&trial->verdict + trial->received;
    ssize_t count = read(trial->answer, at, sizeof trial->verdict - trial->received);
    if (count < 0) {
        return errno != EINTR;
    }
    trial->received += (size_t)count;
    return count == 0 || trial->received == sizeof trial->verdict;
}

static void judge(struct bi_trial *trial, int status, bool overdue)
{
    struct bi_verdict *verdict = &trial->verdict;
    if (trial->received == sizeof *verdict) {
        return;
    }
    memset(verdict, 0, sizeof *verdict);
    verdict->trouble = overdue ? BI_TROUBLE_HANG : BI_TROUBLE_CRASH;
    if (overdue) {
        (void)snprintf(verdict->text, sizeof verdict->text, "the run hangs");
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(
            verdict->text, sizeof verdict->text, "the run crashes with signal %s", strsignal(WTERMSIG(status)));
    } else {
        (void)snprintf(
            verdict->text, sizeof verdict->text, "the run ends the process with status %d", WEXITSTATUS(status));
    }
}

static void end(struct bi_trial *trial, bool overdue)
{
    int status = 0;
    if (overdue) {
        (void)kill(trial->pid, SIGKILL);
    }
    (void)close(trial->answer);
    while (waitpid(trial->pid, &status, 0) < 0 && errno == EINTR) {
    }
    trial->pid = 0;
    judge(trial, status, overdue);
}

static struct bi_trial *find_overdue(struct bi_trial *trials, size_t count)
{
    double now = bi_explorer_clock();
    for (size_t i = 0; i < count; i++) {
        if (trials[i].pid != 0 && trials[i].deadline <= now) {
            return &trials[i];
        }
    }
    return NULL;
}

/* Returns the milliseconds to the nearest deadline; -1 when none is under way. */
static int prepare_poll(const struct bi_trial *trials, size_t count, struct pollfd *polled)
{
    double nearest = -1, now = bi_explorer_clock();
    for (size_t i = 0; i < count; i++) {
        bool is_under_way = trials[i].pid != 0;
        polled[i] = (struct pollfd) { .fd = is_under_way ? trials[i].answer : -1, .events = POLLIN };
        if (is_under_way && (nearest < 0 || trials[i].deadline < nearest)) {
            nearest = trials[i].deadline;
        }
    }
    if (nearest < 0) {
        return -1;
    }
    double left = (nearest - now) * 1000 + 1;
    return left < 0 ? 0 : left > 1e6 ? 1000000 : (int)left;
}

struct bi_trial *bi_trial_wait(struct bi_trial *trials, size_t count)
{
    struct pollfd polled[MAX_TRIALS];
    count = count < MAX_TRIALS ? count : MAX_TRIALS;
    for (;;) {
        int milliseconds = prepare_poll(trials, count, polled);
        if (milliseconds < 0) {
            return NULL;
        }
        (void)poll(polled, count, milliseconds);
        for (size_t i = 0; i < count; i++) {
            if (polled[i].revents != 0 && read_answer(&trials[i])) {
                end(&trials[i], false);
                return &trials[i];
            }
        }
        struct bi_trial *overdue = find_overdue(trials, count);
        if (overdue != NULL) {
            end(overdue, true);
            return overdue;
        }
    }
}

void bi_trial_run(const struct bi_run *run, struct bi_verdict *verdict, int *output)
{
    struct bi_trial trial = { 0 };
    if (!bi_trial_start(&trial, run)) {
        *verdict = (struct bi_verdict) { .trouble = BI_TROUBLE_NOT_RUN, .text = "no process could be made" };
        if (output != NULL) {
            *output = -1;
        }
        return;
    }
    (void)bi_trial_wait(&trial, 1);
    *verdict = trial.verdict;
    if (output != NULL) {
        *output = trial.output;
    } else {
        (void)close(trial.output);
    }
}
