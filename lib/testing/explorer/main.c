/* SPDX-License-Identifier: MIT */
/* main.c - the command line of scenario programs.
 *
 * Without --seed it explores the scenarios that are named, or all; with --seed it runs one of them, once, in this
 * process, where a debugger and the trace can see it. What went wrong goes to standard error, one line a scenario that
 * went well to standard output. Exploring is explorer.c's, a single run run.c's. */
#include "testing/explorer/explorer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/kit/testing.h"

#define STATUS_FOUND 1
#define STATUS_USAGE 64 /* EX_USAGE */
#define NAME_SIZE 400

struct command {
    const char *program;
    const struct bight_scenario *scenarios;
    size_t count;
    const char **names; /* of argv; `name_count` of them */
    size_t name_count;
    uint64_t seeds, from, seed;
    uint64_t processes;
    bool one_seed, trace, list, restricted;
    uint32_t *faults;
    size_t fault_count;
};

static int complain(const struct command *command, const char *what, const char *word)
{
    (void)fprintf(stderr,
        "%s: %s %s\n"
        "usage: %s [NAME ...] [--seeds N] [--from S] [--processes N]\n"
        "       %s NAME --seed S [--faults A,B,C|none] [--trace]\n"
        "       %s --list\n",
        command->program, what, word, command->program, command->program, command->program);
    return STATUS_USAGE;
}

static bool read_number(const char *text, const char *ends, uint64_t *number, const char **rest)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    *rest = end;
    return *text >= '0' && *text <= '9' && errno == 0 && strchr(ends, *end) != NULL;
}

static int compare_faults(const void *one, const void *other)
{
    uint32_t first = *(const uint32_t *)one, second = *(const uint32_t *)other;
    return first < second ? -1 : first > second;
}

static bool read_faults(struct command *command, const char *text)
{
    const char *at = text;
    uint64_t number;
    command->restricted = true;
    bi_testing_plain_free(command->faults);
    command->fault_count = 0;
    command->faults = bi_testing_plain_realloc(NULL, (strlen(text) + 1) * sizeof *command->faults);
    if (command->faults == NULL || strcmp(text, "none") == 0) {
        return command->faults != NULL;
    }
    for (;; at++) {
        if (!read_number(at, ",", &number, &at) || number > UINT32_MAX) { /* the NUL is one of the ends */
            return false;
        }
        command->faults[command->fault_count++] = (uint32_t)number;
        if (*at == '\0') {
            qsort(command->faults, command->fault_count, sizeof *command->faults, compare_faults);
            return true;
        }
    }
}

/* An option with a value. */
static bool read_option(struct command *command, const char *option, const char *value)
{
    const char *rest;
    if (strcmp(option, "--seeds") == 0) {
        return read_number(value, "", &command->seeds, &rest);
    }
    if (strcmp(option, "--from") == 0) {
        return read_number(value, "", &command->from, &rest);
    }
    if (strcmp(option, "--processes") == 0) {
        return read_number(value, "", &command->processes, &rest) && command->processes <= 1024;
    }
    if (strcmp(option, "--seed") == 0) {
        command->one_seed = true;
        return read_number(value, "", &command->seed, &rest);
    }
    return strcmp(option, "--faults") == 0 && read_faults(command, value);
}

static const struct bight_scenario *find_scenario(const struct command *command, const char *name)
{
    for (size_t i = 0; i < command->count; i++) {
        if (strcmp(command->scenarios[i].name, name) == 0) {
            return &command->scenarios[i];
        }
    }
    return NULL;
}

static int parse(struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            command->trace = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            command->list = true;
        } else if (argv[i][0] == '-') {
            if (i + 1 == argc || !read_option(command, argv[i], argv[i + 1])) {
                return complain(command, "cannot make sense of", argv[i]);
            }
            i++;
        } else if (find_scenario(command, argv[i]) == NULL) {
            return complain(command, "there is no scenario", argv[i]);
        } else {
            command->names[command->name_count++] = argv[i];
        }
    }
    if (command->one_seed && command->name_count != 1 && command->count != 1) {
        return complain(command, "--seed wants one scenario's", "NAME");
    }
    return 0;
}

static int list(const struct command *command)
{
    for (size_t i = 0; i < command->count; i++) {
        (void)puts(command->scenarios[i].name);
    }
    return 0;
}

static int replay(const struct command *command)
{
    const struct bight_scenario *scenario =
        command->name_count == 0 ? command->scenarios : find_scenario(command, command->names[0]);
    const char *wrong = bight_explore_one(
        scenario, command->seed, command->restricted ? command->faults : NULL, command->fault_count, command->trace);
    if (wrong != NULL) {
        (void)fprintf(stderr, "%s: seed %" PRIu64 ": %s\n", scenario->name, command->seed, wrong);
        return STATUS_FOUND;
    }
    (void)printf("%s: seed %" PRIu64 ": nothing found\n", scenario->name, command->seed);
    return 0;
}

static size_t explore(const struct command *command, const struct bight_scenario *scenario)
{
    char text[NAME_SIZE];
    const struct bight_exploration options = {
        .size = sizeof options,
        .first_seed = command->from,
        .seeds = command->seeds,
        .processes = (unsigned)command->processes,
        .replay = text,
    };
    (void)snprintf(text, sizeof text, "%s %s --seed", command->program, scenario->name);
    double begin = bi_explorer_clock();
    size_t failed = bight_explore(scenario, &options);
    (void)printf("%s: %zu seeds failed, %.1f s\n", scenario->name, failed, bi_explorer_clock() - begin);
    return failed;
}

static int run_command(const struct command *command)
{
    size_t failed = 0;
    if (command->list) {
        return list(command);
    }
    if (command->one_seed) {
        return replay(command);
    }
    for (size_t i = 0; i < command->name_count; i++) {
        failed += explore(command, find_scenario(command, command->names[i]));
    }
    for (size_t i = 0; command->name_count == 0 && i < command->count; i++) {
        failed += explore(command, &command->scenarios[i]);
    }
    return failed == 0 ? 0 : STATUS_FOUND;
}

int bight_explorer_main(const struct bight_scenario *scenarios, size_t count, int argc, char **argv)
{
    struct command command = {
        .program = argc > 0 ? argv[0] : "scenarios", .scenarios = scenarios, .count = count, .from = 1
    };
    command.names = bi_testing_plain_realloc(NULL, ((size_t)argc + 1) * sizeof *command.names);
    if (command.names == NULL) {
        return STATUS_FOUND;
    }
    int status = parse(&command, argc, argv);
    if (status == 0) {
        status = run_command(&command);
    }
    bi_testing_plain_free(command.names);
    bi_testing_plain_free(command.faults);
    return status;
}
