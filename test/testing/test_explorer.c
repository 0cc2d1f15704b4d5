/* SPDX-License-Identifier: MIT */
/* The explorer: scenarios that fail on purpose, each in its own way, and what is reported of them. */
#include "simulation_support.h"

#include <unistd.h>

#include <bight/memory.h>
#include <bight/log.h>
#include <bight/testing/explorer.h>
#include <bight/testing/trial.h>

/* What is written to standard error from begin to end, as a text of the caller's. */
struct capture {
    FILE *file;
    int before;
};

static struct capture begin_capture(void)
{
    struct capture capture = { .file = tmpfile(), .before = dup(STDERR_FILENO) };
    fflush(stderr);
    dup2(fileno(capture.file), STDERR_FILENO);
    return capture;
}

static char *end_capture(struct capture *capture)
{
    fflush(stderr);
    dup2(capture->before, STDERR_FILENO);
    close(capture->before);
    char *text = calloc(1, 100000);
    rewind(capture->file);
    ck_assert_uint_lt(fread(text, 1, 99999, capture->file), 99999);
    fclose(capture->file);
    return text;
}

/* Twenty connections through much trouble that bight hides. */
static const char *talk(struct bight_simulation *simulation, unsigned refuse)
{
    struct world world = { 0 };
    const struct bight_link_conditions link = { .latency = 0.001, .jitter = 0.01, .split = 300, .refuse = refuse };
    const struct bight_kernel_conditions kernel = {
        .short_read = 300, .would_block = 200, .spurious = 100, .interrupted = 100, .shuffle = 300
    };
    world_init_on(&world, simulation);
    bight_simulation_link(simulation, NULL, NULL, &link);
    bight_host_kernel(world.client_host, &kernel);
    world_listen(&world, "tcp:7");
    for (int i = 0; i < 20; i++) {
        world_connect(&world, "tcp:10.0.0.1:7");
    }
    bight_simulation_run(simulation, 30);
    bight_port_release(world.port);
    bight_reactor_free(world.client);
    bight_reactor_free(world.server);
    return world.failed == 0 ? NULL : "an attempt failed";
}

static const char *run_well(struct bight_simulation *simulation, void *context)
{
    (void)context;
    return talk(simulation, 0);
}

static const char *fail_when_refused(struct bight_simulation *simulation, void *context)
{
    (void)context;
    return talk(simulation, 20);
}

static const char *fail_always(struct bight_simulation *simulation, void *context)
{
    (void)simulation;
    (void)context;
    return "it is broken";
}

static bool is_odd_one(struct bight_simulation *simulation)
{
    return bight_simulation_draw(simulation, 4) == 0;
}

static const char *crash(struct bight_simulation *simulation, void *context)
{
    (void)context;
    if (is_odd_one(simulation)) {
        fputs("last words\n", stderr);
        abort();
    }
    return NULL;
}

static const char *hang(struct bight_simulation *simulation, void *context)
{
    volatile bool for_ever = is_odd_one(simulation);
    (void)context;
    while (for_ever) {
    }
    return NULL;
}

static const char *leave_memory(struct bight_simulation *simulation, void *context)
{
    static void *volatile kept; /* for LeakSanitizer */
    (void)context;
    if (is_odd_one(simulation)) {
        kept = bight_malloc(100);
    }
    (void)kept;
    return NULL;
}

static const char *leave_a_descriptor(struct bight_simulation *simulation, void *context)
{
    struct bight_reactor *reactor = bight_host_reactor(bight_simulation_host(simulation, "careless"));
    struct bight_system *system = system_of(reactor);
    (void)context;
    if (is_odd_one(simulation)) {
        (void)system->ops->socket(system, AF_INET, SOCK_STREAM, 0);
    }
    bight_reactor_free(reactor);
    return NULL;
}

static const char *leave_a_reactor(struct bight_simulation *simulation, void *context)
{
    static struct bight_reactor *volatile kept;
    (void)context;
    kept = bight_host_reactor(bight_simulation_host(simulation, "careless"));
    (void)kept;
    return NULL;
}

static const char *log_an_error(struct bight_simulation *simulation, void *context)
{
    (void)context;
    if (is_odd_one(simulation)) {
        bight_log(BIGHT_LOG_ERROR, "here", NULL, "it is not as it should be");
    }
    bight_log(BIGHT_LOG_WARNING, "here", NULL, "this is worth a look");
    return NULL;
}

static const char *leave_a_failure(struct bight_simulation *simulation, void *context)
{
    (void)simulation;
    (void)context;
    bight_deferred_release(bight_fail(bight_failure_of(BIGHT_E_CONNECT)));
    return NULL;
}

static const char *flush_a_failure(struct bight_simulation *simulation, void *context)
{
    (void)leave_a_failure(simulation, context);
    return bight_trial_flush_logged(BIGHT_E_CONNECT) == 1 ? NULL : "there was no failure";
}

static const char *go_its_own_way(struct bight_simulation *simulation, void *context)
{
    static unsigned runs;
    (void)context;
    bight_simulation_run(simulation, ++runs);
    return NULL;
}

/* Returns the number of seeds that failed; *text is what was reported. */
static size_t explore(
    const char *(*run)(struct bight_simulation *simulation, void *context), uint64_t seeds, double seconds, char **text)
{
    const struct bight_scenario scenario = { "on purpose", run, NULL };
    const struct bight_exploration options = {
        .size = sizeof options, .first_seed = 1, .seeds = seeds, .seconds_per_run = seconds, .replay = "program --seed"
    };
    struct capture capture = begin_capture();
    size_t failed = bight_explore(&scenario, &options);
    *text = end_capture(&capture);
    return failed;
}

static void check_says(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in:\n%s", part, text);
}

START_TEST(nothing_is_said_of_a_scenario_that_goes_well)
{
    char *text;
    ck_assert_uint_eq(explore(run_well, 20, 0, &text), 0);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(a_failure_is_shrunk_to_the_one_fault_that_makes_it)
{
    char *text;
    size_t failed = explore(fail_when_refused, 40, 0, &text);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, 40);
    check_says(text, ": an attempt failed\n");
    check_says(text, "faults to 1\n");
    check_says(text, ": refused connection\n");
    free(text);
}
END_TEST

/* What the report tells to type does fail, and without that fault nothing does. */
START_TEST(a_shrunk_failure_replays)
{
    char *text;
    unsigned long long seed;
    uint32_t fault;
    const struct bight_scenario scenario = { "on purpose", fail_when_refused, NULL };
    ck_assert_uint_gt(explore(fail_when_refused, 40, 0, &text), 0);
    const char *replay = strstr(text, "replay: program --seed ");
    ck_assert_ptr_nonnull(replay);
    ck_assert_int_eq(sscanf(replay, "replay: program --seed %llu --faults %u --trace", &seed, &fault), 2);
    ck_assert_str_eq(bight_explore_one(&scenario, seed, &fault, 1, false), "an attempt failed");
    ck_assert_ptr_null(bight_explore_one(&scenario, seed, &fault, 0, false));
    ck_assert_ptr_nonnull(bight_explore_one(&scenario, seed, NULL, 0, false));
    free(text);
}
END_TEST

START_TEST(an_error_in_the_log_is_a_finding_and_a_warning_is_not)
{
    char *text;
    size_t failed = explore(log_an_error, 20, 0, &text);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, 20);
    check_says(text, ": logged: ");
    check_says(text, "it is not as it should be");
    ck_assert_ptr_null(strstr(text, "worth a look"));
    free(text);
}
END_TEST

START_TEST(a_failure_that_nobody_handled_is_a_finding_unless_the_scenario_flushes_it) /* D18 */
{
    char *text;
    ck_assert_uint_eq(explore(leave_a_failure, 1, 0, &text), 1);
    check_says(text, "unhandled failure in a Deferred");
    free(text);
    ck_assert_uint_eq(explore(flush_a_failure, 10, 0, &text), 0);
    free(text);
}
END_TEST

START_TEST(a_failure_that_needs_no_fault_says_so)
{
    char *text;
    ck_assert_uint_eq(explore(fail_always, 10, 0, &text), 10);
    check_says(text, "on purpose: seed 7: it is broken\n");
    check_says(text, "fails without any fault\n");
    check_says(text, "replay: program --seed 1 --faults none --trace\n");
    free(text);
}
END_TEST

START_TEST(many_failures_end_the_sweep)
{
    char *text;
    size_t failed = explore(fail_always, 1000000, 0, &text);
    ck_assert_uint_ge(failed, 100);
    ck_assert_uint_lt(failed, 200);
    check_says(text, "too many findings");
    free(text);
}
END_TEST

/* The others are not touched by it. */
START_TEST(a_crash_is_a_finding)
{
    char *text;
    size_t failed = explore(crash, 40, 0, &text);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, 40);
    check_says(text, "crashes with signal Aborted");
    check_says(text, "last words");
    free(text);
}
END_TEST

START_TEST(a_hang_is_a_finding)
{
    char *text;
    size_t failed = explore(hang, 8, 0.5, &text);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, 8);
    check_says(text, ": the run hangs\n");
    free(text);
}
END_TEST

START_TEST(memory_that_is_left_is_a_finding)
{
    char *text;
    size_t failed = explore(leave_memory, 40, 0, &text);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, 40);
    check_says(text, "1 blocks of memory were not released");
    check_says(text, "left 100 bytes made by allocation");
    free(text);
}
END_TEST

START_TEST(descriptors_that_are_left_are_a_finding)
{
    char *text;
    size_t failed = explore(leave_a_descriptor, 40, 0, &text);
    ck_assert_uint_gt(failed, 0);
    ck_assert_uint_lt(failed, 40);
    check_says(text, "1 descriptors of host careless were left open");
    free(text);
    ck_assert_uint_eq(explore(leave_a_reactor, 1, 0, &text), 1);
    check_says(text, "1 reactors were not freed");
    free(text);
}
END_TEST

/* Every tenth seed is run twice. */
START_TEST(traces_that_differ_are_a_finding)
{
    char *text;
    ck_assert_uint_eq(explore(go_its_own_way, 20, 0, &text), 2);
    check_says(text, "seed 10: two runs have different traces");
    free(text);
}
END_TEST

/* ------------------------------------------------------------------------------------ the command line */

static const struct bight_scenario scenarios[] = { { "well", run_well, NULL }, { "broken", fail_always, NULL } };

static void check_command(const char *line, int status, const char *part)
{
    char *words[16], *copy = strdup(line);
    int count = 0;
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    struct capture capture = begin_capture();
    ck_assert_int_eq(bight_explorer_main(scenarios, 2, count, words), status);
    char *text = end_capture(&capture);
    check_says(text, part);
    free(text);
    free(copy);
}

START_TEST(the_command_line_explores_and_replays)
{
    check_command("program well --seeds 5", 0, "");
    check_command("program --seeds 5 --from 17", 1, "broken: seed 21: it is broken\n");
    check_command("program broken --seed 3", 1, "broken: seed 3: it is broken\n");
    check_command("program well --seed 3 --faults 7,5,6 --trace", 0, "- fault 6: ");
    check_command("program well --seed 3 --faults none --trace", 0, " (left out)");
    check_command("program --list", 0, "");
}
END_TEST

START_TEST(command_lines_without_sense_are_refused)
{
    check_command("program unknown", 64, "there is no scenario unknown\nusage: ");
    check_command("program --seed 3", 64, "wants one scenario");
    check_command("program --seeds", 64, "--seeds\n");
    check_command("program --seeds -5", 64, "--seeds\n");
    check_command("program well --seed 3 --faults 3,,4", 64, "--faults\n");
    check_command("program --what 3", 64, "--what\n");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, nothing_is_said_of_a_scenario_that_goes_well);
    tcase_add_test(tests, a_failure_is_shrunk_to_the_one_fault_that_makes_it);
    tcase_add_test(tests, a_shrunk_failure_replays);
    tcase_add_test(tests, an_error_in_the_log_is_a_finding_and_a_warning_is_not);
    tcase_add_test(tests, a_failure_that_nobody_handled_is_a_finding_unless_the_scenario_flushes_it);
    tcase_add_test(tests, a_failure_that_needs_no_fault_says_so);
    tcase_add_test(tests, many_failures_end_the_sweep);
    tcase_add_test(tests, a_crash_is_a_finding);
    tcase_add_test(tests, a_hang_is_a_finding);
    tcase_add_test(tests, memory_that_is_left_is_a_finding);
    tcase_add_test(tests, descriptors_that_are_left_are_a_finding);
    tcase_add_test(tests, traces_that_differ_are_a_finding);
    tcase_add_test(tests, the_command_line_explores_and_replays);
    tcase_add_test(tests, command_lines_without_sense_are_refused);
}

BIGHT_TEST_MAIN("explorer", add_tests)
