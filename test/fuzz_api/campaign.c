/* SPDX-License-Identifier: MIT */
/* campaign.c - the command of a fuzzer: many programs, and what to do about one that fails.
 *
 * Programs are played by worker processes, some hundred each; a shared page says which one is being played, so that a
 * worker's death names its program. That one is made short (shrink.c) and printed, with the command that replays it. */
#include "tape.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROGRAMS_A_WORKER = 400, SECONDS_A_PROGRAM = 60 };

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
static bool has_leaked(void)
{
    return __lsan_do_recoverable_leak_check() != 0;
}
#else
static bool has_leaked(void)
{
    return false;
}
#endif

struct settings {
    uint64_t operations, seed;
    const char *keep; /* NULL: everything */
    bool tells;
};

/* Written by a worker, read by its parent. */
struct progress {
    uint64_t seed;
    bool is_done; /* with all programs: what failed is that they leaked */
};

/* ------------------------------------------------------------------------------------- one program */

static void play_kept(const struct fuzz_target *target, uint64_t seed, const bool *kept, bool tells)
{
    struct fuzz_tape tape;
    size_t count = 0;
    fuzz_tape_init(&tape, target, seed);
    tape.tells = tells;
    for (size_t i = 0; i < tape.count; i++) {
        if (kept == NULL || kept[i]) {
            tape.operations[count++] = tape.operations[i];
        }
    }
    tape.count = count;
    alarm(SECONDS_A_PROGRAM);
    target->play(&tape);
    fuzz_tape_finish(&tape);
}

static int wait_for(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void be_silent(void)
{
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
}

int fuzz_try(const struct fuzz_target *target, uint64_t seed, const bool *kept, bool leaks, bool silent)
{
    fflush(stdout);
    pid_t child = fork();
    if (child != 0) {
        return wait_for(child);
    }
    if (silent) {
        be_silent();
    }
    play_kept(target, seed, kept, !silent);
    fflush(stdout);
    _exit(leaks && has_leaked() ? 4 : 0);
}

/* ---------------------------------------------------------------------------------- what is printed */

static void print_kept(const bool *kept, size_t size)
{
    const char *comma = "";
    for (size_t i = 0; i < size; i++) {
        if (kept[i]) {
            printf("%s%zu", comma, i);
            comma = ",";
        }
    }
}

static void report(const struct fuzz_target *target, uint64_t seed, bool leaks)
{
    bool *kept = malloc(target->program_size);
    printf("%s: the program of seed %llu fails; making it short ...\n", target->name, (unsigned long long)seed);
    if (kept == NULL || !fuzz_shrink(target, seed, kept, leaks)) {
        printf("... alone it does not fail\n");
    } else {
        fuzz_try(target, seed, kept, leaks, false);
        printf("replay with: %s --seed %llu --keep ", target->name, (unsigned long long)seed);
        print_kept(kept, target->program_size);
        printf("\n");
    }
    free(kept);
}

/* "1,5,9" to flags. */
static bool *read_kept(const struct fuzz_target *target, const char *list)
{
    bool *kept = calloc(target->program_size, sizeof *kept);
    while (kept != NULL && *list != '\0') {
        char *behind;
        unsigned long position = strtoul(list, &behind, 10);
        if (behind == list || position >= target->program_size) {
            fuzz_fail("not a list of positions: %s", list);
        }
        kept[position] = true;
        list = *behind == ',' ? behind + 1 : behind;
    }
    return kept;
}

/* In this process, for a debugger. */
static int play_alone(const struct fuzz_target *target, const struct settings *settings)
{
    bool *kept = settings->keep == NULL ? NULL : read_kept(target, settings->keep);
    play_kept(target, settings->seed, kept, true);
    free(kept);
    printf("nothing found\n");
    return 0;
}

/* ---------------------------------------------------------------------------------- many programs */

static _Noreturn void work(const struct fuzz_target *target, struct progress *progress, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, progress->seed++) {
        play_kept(target, progress->seed, NULL, false);
    }
    alarm(0);
    progress->is_done = true;
    _exit(has_leaked() ? 4 : 0);
}

/* All programs ended well but something leaked: which? */
static void find_leak(const struct fuzz_target *target, uint64_t seed, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (fuzz_try(target, seed + i, NULL, true, true) != 0) {
            report(target, seed + i, true);
            return;
        }
    }
    printf("no program from seed %llu leaks alone\n", (unsigned long long)seed);
}

/* False when a program failed. */
static bool play_many(const struct fuzz_target *target, struct progress *progress, uint64_t seed, uint64_t count)
{
    progress->seed = seed;
    progress->is_done = false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        work(target, progress, count);
    }
    int status = wait_for(child);
    if (status != 0 && progress->is_done) {
        find_leak(target, seed, count);
    } else if (status != 0) {
        report(target, progress->seed, false);
    }
    return status == 0;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int play_all(const struct fuzz_target *target, const struct settings *settings)
{
    uint64_t programs = (settings->operations + target->program_size - 1) / target->program_size;
    struct progress *progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double begin = seconds_now();
    uint64_t done = 0;
    bool well = progress != MAP_FAILED;
    while (well && done < programs) {
        uint64_t count = programs - done < PROGRAMS_A_WORKER ? programs - done : PROGRAMS_A_WORKER;
        well = play_many(target, progress, settings->seed + done, count);
        done += well ? count : progress->seed - settings->seed - done;
    }
    printf("%s: %llu operations in %llu programs from seed %llu, %.1f s: %s\n", target->name,
        (unsigned long long)(done * target->program_size), (unsigned long long)done, (unsigned long long)settings->seed,
        seconds_now() - begin, well ? "nothing found" : "FOUND");
    return well ? 0 : 1;
}

/* -------------------------------------------------------------------------------------- the command */

static bool read_arguments(struct settings *settings, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--tell") == 0) {
            settings->tells = true;
        } else if (value == NULL) {
            return false;
        } else if (strcmp(argv[i], "--operations") == 0) {
            settings->operations = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--seed") == 0) {
            settings->seed = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--keep") == 0) {
            settings->keep = argv[++i];
        } else {
            return false;
        }
    }
    return true;
}

int fuzz_campaign(const struct fuzz_target *target, int argc, char **argv)
{
    struct settings settings = { .operations = 100000, .seed = 1 };
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was told before a crash is seen */
    if (!read_arguments(&settings, argc, argv)) {
        fprintf(stderr,
            "usage: %s [--operations N] [--seed FIRST]   plays programs from that seed on\n"
            "       %s --seed S [--keep LIST] [--tell]   plays one, in this process, and tells what it does\n",
            target->name, target->name);
        return 64;
    }
    return settings.keep != NULL || settings.tells ? play_alone(target, &settings) : play_all(target, &settings);
}
