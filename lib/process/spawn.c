/* SPDX-License-Identifier: MIT */
/* spawn.c - starting a child: options checked, pipes opened, the plan made, and all of it undone when a step
 * fails.
 *
 * Everything that can be refused is refused before there is a child; what only the child can find out (that there is no
 * such program) is known when the table's spawn returns. So a start works as a whole or has not happened. After it only
 * the watch for the end can fail, and then the child, which the program does not know yet, is killed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bight/memory.h>

#include "base/options.h"
#include "base/places.h"
#include "base/report.h"
#include "deferred/deferred.h"
#include "process/process.h"

extern char **environ;

enum { STANDARD = 3, DEFAULT_ROWS = 24, DEFAULT_COLUMNS = 80 };

static const struct bight_child_descriptor standard_pipes[] = {
    { 0, BIGHT_CHILD_READS, -1 },
    { 1, BIGHT_CHILD_WRITES, -1 },
    { 2, BIGHT_CHILD_WRITES, -1 },
};

static const char *const nothing[] = { NULL };

/* A start on its way. */
struct starting {
    const char *place;
    struct bight_reactor *reactor;
    struct bight_system *system;
    struct bight_process_options options; /* with the defaults filled in */
    struct bight_process *process;
    struct bight_spawn_descriptor *places; /* room for all, and the standard three */
    size_t place_count;
    int *closing; /* the child's ends, to be closed here */
    size_t closing_count;
    int null; /* /dev/null; -1: not open */
    const char **paths;
    const char *default_argv[2];
    struct bight_failure *failure;
};

static int refuse(struct starting *starting, int code, int number, const char *what)
{
    struct bight_failure *reason = number == 0 ? NULL : bight_failure_from_errno(number, what);
    starting->failure =
        bight_failure_new(code, number, NULL, "%s", reason == NULL ? what : bight_failure_message(reason));
    bight_failure_release(reason);
    return code;
}

static int refuse_misuse(struct starting *starting, int code, const char *mistake)
{
    (void)bi_usage_error(code, starting->place, "bight_spawn_process: %s", mistake);
    return refuse(starting, code, 0, mistake);
}

static int refuse_call(struct starting *starting, int result, const char *what)
{
    int code = result == -ENOSYS ? BIGHT_E_NOT_SUPPORTED : bight_error_from_errno(-result);
    return refuse(starting, code, -result, what);
}

/* ------------------------------------------------------------------------------------------ checking */

static bool are_descriptors_good(const struct bight_process_options *options)
{
    uint64_t taken[BI_CHILD_FD_LIMIT / 64] = { options->terminal ? 7 : 0 };
    for (size_t i = 0; i < options->descriptor_count; i++) {
        const struct bight_child_descriptor *each = &options->descriptors[i];
        int fd = each->child_fd;
        if (fd < 0 || fd >= BI_CHILD_FD_LIMIT || (taken[fd / 64] >> (fd % 64) & 1) != 0 ||
            each->kind < BIGHT_CHILD_READS || each->kind > BIGHT_CHILD_NULL) {
            return false;
        }
        taken[fd / 64] |= UINT64_C(1) << (fd % 64);
    }
    return true;
}

/* What is wrong with the options, in words; NULL: nothing. */
static const char *find_mistake(const struct bight_process_options *options)
{
    if (options->path == NULL) {
        return "neither a path nor arguments name the program";
    }
    if (options->parent_death_signal < 0 || options->parent_death_signal >= NSIG) {
        return "parent_death_signal is no signal";
    }
    if (options->at_shutdown < BIGHT_CHILD_TERMINATE || options->at_shutdown > BIGHT_CHILD_KILL) {
        return "at_shutdown is none of its values";
    }
    if (options->descriptors == NULL && options->descriptor_count > 0) {
        return "there are no descriptors, only their number";
    }
    if (options->groups == NULL && options->group_count > 0) {
        return "there are no groups, only their number";
    }
    return are_descriptors_good(options) ? NULL : "a descriptor is out of range, listed twice, or of no kind";
}

/* A copy of what the caller's options have, zeroed where they are older, with the defaults. */
static int take_options(struct starting *starting, const struct bight_process_options *given)
{
    struct bight_process_options *options = &starting->options;
    bi_take_options(options, sizeof *options, given);
    if (options->environment == NULL) {
        options->environment = environ == NULL ? nothing : (const char *const *)environ;
    }
    if (options->path == NULL && options->argv != NULL) {
        options->path = options->argv[0];
    }
    if (options->argv == NULL) {
        starting->default_argv[0] = options->path;
        options->argv = starting->default_argv;
    }
    if (options->descriptors == NULL && !options->terminal) {
        options->descriptors = standard_pipes;
        options->descriptor_count = STANDARD;
    }
    const char *mistake = find_mistake(options);
    return mistake == NULL ? BIGHT_OK : refuse_misuse(starting, BIGHT_E_INVALID_ARGUMENT, mistake);
}

static int check(
    struct starting *starting, struct bight_process_protocol *protocol, const struct bight_process_options *given)
{
    if (protocol == NULL || protocol->ops == NULL) {
        return refuse_misuse(
            starting, BIGHT_E_INVALID_ARGUMENT, "there is no protocol, or it has no table of handlers");
    }
    if (!bi_process_is_over(protocol->process)) {
        return refuse_misuse(starting, BIGHT_E_USAGE, "the protocol has a process");
    }
    if (starting->system->ops->spawn == NULL) {
        return refuse(starting, BIGHT_E_NOT_SUPPORTED, 0, "this table of system calls starts no processes");
    }
    if (bi_reactor_is_ending(starting->reactor)) {
        return refuse(starting, BIGHT_E_SHUTDOWN, 0, "the reactor is shutting down");
    }
    return take_options(starting, given);
}

/* --------------------------------------------------------------------------------- opening descriptors */

static void place(struct starting *starting, int source, int target)
{
    starting->places[starting->place_count++] = (struct bight_spawn_descriptor) { source, target };
}

static struct bi_process_pipe *add_pipe(struct starting *starting, int child_fd, bool is_input, bool is_output)
{
    struct bight_process *process = starting->process;
    struct bi_process_pipe *pipe = &process->pipes[process->pipe_count++];
    *pipe = (struct bi_process_pipe) {
        .process = process, .child_fd = child_fd, .is_input = is_input, .is_output = is_output
    };
    return pipe;
}

/* Our end, which is taken, becomes a transport. */
static int keep(struct starting *starting, struct bi_process_pipe *pipe, int fd)
{
    struct bight_system *system = starting->system;
    int result = system->ops->fcntl(system, fd, F_SETFL, O_NONBLOCK);
    int code = result < 0 ? refuse_call(starting, result, "cannot make a pipe to a process") : BIGHT_OK;
    if (code == BIGHT_OK) {
        code = bi_process_pipe_open(pipe, fd);
        if (code != BIGHT_OK) {
            (void)refuse(starting, code, 0, bight_error_text(code));
        }
    }
    if (code != BIGHT_OK && pipe->transport == NULL) {
        (void)system->ops->close(system, fd);
    }
    return code;
}

static int open_pipe(struct starting *starting, const struct bight_child_descriptor *descriptor)
{
    struct bight_system *system = starting->system;
    bool is_input = descriptor->kind == BIGHT_CHILD_READS;
    int ends[2];
    int result = system->ops->pipe2 == NULL ? -ENOSYS : system->ops->pipe2(system, ends, O_CLOEXEC);
    if (result < 0) {
        return refuse_call(starting, result, "cannot make a pipe to a process");
    }
    int theirs = ends[is_input ? 0 : 1];
    starting->closing[starting->closing_count++] = theirs;
    place(starting, theirs, descriptor->child_fd);
    return keep(starting, add_pipe(starting, descriptor->child_fd, is_input, !is_input), ends[is_input ? 1 : 0]);
}

static int open_null(struct starting *starting, int child_fd)
{
    struct bight_system *system = starting->system;
    if (starting->null < 0) {
        starting->null = system->ops->open(system, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    }
    if (starting->null < 0) {
        return refuse_call(starting, starting->null, "cannot open /dev/null");
    }
    place(starting, starting->null, child_fd);
    return BIGHT_OK;
}

static int inherit(struct starting *starting, const struct bight_child_descriptor *descriptor)
{
    struct bight_system *system = starting->system;
    int result = system->ops->fcntl(system, descriptor->descriptor, F_GETFD, 0);
    if (result < 0) {
        int code = result == -EBADF ? BIGHT_E_INVALID_ARGUMENT : bight_error_from_errno(-result);
        return refuse(starting, code, -result, "cannot give a process a descriptor");
    }
    place(starting, descriptor->descriptor, descriptor->child_fd);
    return BIGHT_OK;
}

static int open_terminal(struct starting *starting)
{
    struct bight_system *system = starting->system;
    const struct bight_process_options *options = &starting->options;
    int ends[2];
    int result = system->ops->open_terminal == NULL ? -ENOSYS : system->ops->open_terminal(system, ends);
    if (result < 0) {
        return refuse_call(starting, result, "cannot make a terminal");
    }
    starting->closing[starting->closing_count++] = ends[1];
    for (int fd = 0; fd < STANDARD; fd++) {
        place(starting, ends[1], fd);
    }
    starting->process->has_terminal = true;
    result = system->ops->set_window(system, ends[0], options->rows == 0 ? DEFAULT_ROWS : options->rows,
        options->columns == 0 ? DEFAULT_COLUMNS : options->columns);
    if (result < 0) {
        (void)system->ops->close(system, ends[0]);
        return refuse_call(starting, result, "cannot set the size of a terminal");
    }
    return keep(starting, add_pipe(starting, 1, true, true), ends[0]);
}

static bool is_placed(const struct starting *starting, int child_fd)
{
    for (size_t i = 0; i < starting->place_count; i++) {
        if (starting->places[i].target == child_fd) {
            return true;
        }
    }
    return false;
}

static int open_one(struct starting *starting, const struct bight_child_descriptor *descriptor)
{
    switch (descriptor->kind) {
    case BIGHT_CHILD_INHERIT:
        return inherit(starting, descriptor);
    case BIGHT_CHILD_NULL:
        return open_null(starting, descriptor->child_fd);
    default:
        return open_pipe(starting, descriptor);
    }
}

static int open_all(struct starting *starting)
{
    int code = starting->options.terminal ? open_terminal(starting) : BIGHT_OK;
    for (size_t i = 0; i < starting->options.descriptor_count && code == BIGHT_OK; i++) {
        code = open_one(starting, &starting->options.descriptors[i]);
    }
    for (int fd = 0; fd < STANDARD && code == BIGHT_OK; fd++) {
        code = is_placed(starting, fd) ? BIGHT_OK : open_null(starting, fd);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------ memory */

static int allocate(struct starting *starting, struct bight_process_protocol *protocol)
{
    struct bi_process_hub *hub = bi_process_hub_of(starting->reactor);
    size_t pipes = starting->options.descriptor_count + 1;
    size_t places = pipes + STANDARD;
    size_t size = sizeof(struct bight_process) + pipes * sizeof(struct bi_process_pipe);
    starting->process = bight_calloc(1, size + starting->reactor->loop->ops->watch_size);
    starting->places = bight_malloc(places * (sizeof *starting->places + sizeof *starting->closing));
    starting->paths = bi_process_paths(starting->options.path, starting->options.environment);
    if (hub == NULL || starting->process == NULL || starting->places == NULL || starting->paths == NULL) {
        bight_free(starting->process);
        starting->process = NULL;
        return refuse(starting, BIGHT_E_OUT_OF_MEMORY, 0, "out of memory");
    }
    starting->closing = (int *)(starting->places + places);
    struct bight_process *process = starting->process;
    process->reactor = starting->reactor;
    process->hub = hub;
    process->protocol = protocol;
    process->pidfd = -1;
    process->busy = 1; /* it does not end by itself before it has begun */
    bi_list_append(&hub->processes, &process->link);
    if (bi_deferred_debug()) {
        bi_places_note(&(struct bi_place) { .object = process });
    }
    return BIGHT_OK;
}

static void clean_up(struct starting *starting)
{
    struct bight_system *system = starting->system;
    for (size_t i = 0; i < starting->closing_count; i++) {
        (void)system->ops->close(system, starting->closing[i]);
    }
    if (starting->null >= 0) {
        (void)system->ops->close(system, starting->null);
    }
    bight_free(starting->places);
    bight_free(starting->paths);
}

/* As if it had never been. */
static void undo(struct starting *starting)
{
    struct bight_process *process = starting->process;
    if (process == NULL) {
        return;
    }
    for (size_t i = 0; i < process->pipe_count; i++) {
        bi_process_pipe_end(&process->pipes[i]);
    }
    bi_process_free(process);
}

/* ------------------------------------------------------------------------------------------ starting */

static int refuse_step(struct starting *starting, int number, enum bight_spawn_step step)
{
    static const char *const steps[] = {
        [BIGHT_SPAWN_SIGNALS] = "cannot reset the signals of a process",
        [BIGHT_SPAWN_SESSION] = "cannot begin a session for a process",
        [BIGHT_SPAWN_GROUP] = "cannot make a process group",
        [BIGHT_SPAWN_TERMINAL] = "cannot make a terminal the controlling one",
        [BIGHT_SPAWN_DESCRIPTORS] = "cannot place the descriptors of a process",
        [BIGHT_SPAWN_SETGROUPS] = "cannot set the supplementary groups of a process",
        [BIGHT_SPAWN_SETGID] = "cannot set the group of a process",
        [BIGHT_SPAWN_SETUID] = "cannot set the user of a process",
        [BIGHT_SPAWN_PARENT] = "cannot ask for a signal at the parent's death",
    };
    const struct bight_process_options *options = &starting->options;
    if (step == BIGHT_SPAWN_START) {
        return refuse_call(starting, -number, "cannot start a process");
    }
    bool is_path = step == BIGHT_SPAWN_PROGRAM || step == BIGHT_SPAWN_DIRECTORY;
    if (!is_path) {
        return refuse(starting, BIGHT_E_NOT_STARTED, number, steps[step]);
    }
    char text[1024];
    (void)snprintf(text, sizeof text, "cannot %s %s", step == BIGHT_SPAWN_PROGRAM ? "run" : "change to the directory",
        step == BIGHT_SPAWN_PROGRAM ? options->path : options->directory);
    return refuse(starting, BIGHT_E_NOT_STARTED, number, text);
}

static void make_plan(const struct starting *starting, struct bight_spawn_plan *plan)
{
    const struct bight_process_options *options = &starting->options;
    bool new_session = options->new_session || options->terminal;
    *plan = (struct bight_spawn_plan) {
        .paths = starting->paths,
        .argv = options->argv,
        .environment = options->environment,
        .directory = options->directory,
        .descriptors = starting->places,
        .descriptor_count = starting->place_count,
        .terminal = options->terminal ? starting->places[0].source : -1,
        .new_session = new_session,
        .process_group = options->process_group && !new_session, /* a session has one already */
        .set_identity = options->set_identity,
        .user = options->user,
        .group = options->group,
        .groups = options->groups,
        .group_count = options->group_count,
        .parent_death_signal = options->parent_death_signal,
    };
}

static int spawn(struct starting *starting)
{
    struct bight_process *process = starting->process;
    struct bight_spawn_plan plan;
    struct bight_spawned spawned = { 0, -1, BIGHT_SPAWN_START };
    make_plan(starting, &plan);
    int result = starting->system->ops->spawn(starting->system, &plan, &spawned);
    if (result < 0) {
        return refuse_step(starting, -result, spawned.step);
    }
    process->pid = spawned.pid;
    process->pidfd = spawned.pidfd;
    process->parent = getpid();
    process->leads_group = plan.new_session || plan.process_group;
    process->at_shutdown = starting->options.at_shutdown;
    int code = bi_process_watch(process);
    if (code != BIGHT_OK) {
        bi_process_kill_now(process);
        return refuse(starting, code, 0, bight_error_text(code));
    }
    return BIGHT_OK;
}

static void run_task(struct bi_task *task)
{
    struct bight_process *process = BI_CONTAINER(task, struct bight_process, task);
    bi_reactor_name_handler(process->reactor, "child process", process, 0);
    bi_process_make(process);
    if (process->is_by_signal) {
        bi_process_reap(process); /* it may have ended before SIGCHLD was watched */
    }
}

static void begin(struct bight_process *process)
{
    process->protocol->process = process;
    process->busy = 0;
    bi_reactor_soon(process->reactor, &process->task, run_task);
    for (size_t i = 0; i < process->pipe_count; i++) {
        bight_transport_start(process->pipes[i].transport);
    }
}

/* What is made here is recorded as made by the caller, or by the place that the caller makes it for. */
static const char *be_at(const char *place)
{
    const char *before = bi_places_here(place);
    if (before != NULL) {
        (void)bi_places_here(before);
    }
    return before;
}

int bight_spawn_process_at(const char *place, struct bight_reactor *reactor, struct bight_process_protocol *protocol,
    const struct bight_process_options *options, struct bight_failure **failure)
{
    struct starting starting = { .place = place, .reactor = reactor, .system = reactor->system, .null = -1 };
    const char *before = be_at(place);
    int code = bi_reactor_check_thread_at(place, reactor, "bight_spawn_process");
    code = code != BIGHT_OK ? code : check(&starting, protocol, options);
    code = code != BIGHT_OK ? code : allocate(&starting, protocol);
    code = code != BIGHT_OK ? code : open_all(&starting);
    code = code != BIGHT_OK ? code : spawn(&starting);
    clean_up(&starting);
    (void)bi_places_here(before);
    if (code == BIGHT_OK) {
        begin(starting.process);
    } else {
        undo(&starting);
    }
    bi_failure_tell(failure, starting.failure != NULL || code == BIGHT_OK ? starting.failure : bight_failure_of(code));
    return code;
}
