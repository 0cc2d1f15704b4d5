/* SPDX-License-Identifier: MIT */
/* reap.c - the end of children: noticed, reaped, reported; and what happens to those that outlive a run.
 *
 * A child is watched by its pidfd, which the kernel gave together with the child, so there is no moment at which its
 * end could be missed. Where there are no pidfds, SIGCHLD makes us look at each of our children by its number, and so
 * does a timer, since another handler may have taken the place of ours. Only children that were spawned here are ever
 * waited for: the host's own are the host's. A child that lives when the run ends has its record kept, without protocol
 * or pipes, so that it is reaped when the reactor runs again or goes.
 *
 * A child that has ended while a debugger traces it cannot be reaped before that one has looked, though its pidfd is
 * readable: then a timer looks again, after pauses that grow, in place of the watch. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/log.h>
#include <bight/memory.h>

#include "base/dump.h"
#include "process/process.h"

static const struct bi_attachment_kind processes;

/* How long until the next look, in nanoseconds: at a child that is being traced, and at one without a pidfd. */
static const uint64_t first_pause = 1000000;
static const uint64_t longest_pause = 256000000;
static const uint64_t pause_without_pidfd = 1000000000;

/* ------------------------------------------------------------------------------------------- reaping */

/* `status` is waitpid's; the failure has bight_failure_status's. */
static struct bight_failure *reason_of(int status)
{
    struct bight_failure *reason;
    if (status == 0) {
        return bight_failure_of(BIGHT_E_PROCESS_DONE);
    }
    if (WIFEXITED(status)) {
        reason = bight_failure_new_status(BIGHT_E_PROCESS_TERMINATED, WEXITSTATUS(status), NULL,
            "the process ended with status %d", WEXITSTATUS(status));
    } else {
        const char *name = bight_signal_name(WTERMSIG(status));
        reason = bight_failure_new_status(BIGHT_E_PROCESS_TERMINATED, -WTERMSIG(status), NULL,
            "the process was ended by signal %d%s%s%s", WTERMSIG(status), name == NULL ? "" : ", ",
            name == NULL ? "" : name, WCOREDUMP(status) ? ", and dumped core" : "");
    }
    bool is_whole = bight_failure_code(reason) == BIGHT_E_PROCESS_TERMINATED;
    return is_whole ? reason : bight_failure_of(BIGHT_E_PROCESS_TERMINATED);
}

/* Other code has reaped it, or SIGCHLD is ignored in this process. */
static struct bight_failure *reason_unknown(int number)
{
    struct bight_failure *reason =
        bight_failure_new(BIGHT_E_PROCESS, number, NULL, "the process has ended, but its status cannot be had");
    return bight_failure_code(reason) == BIGHT_E_PROCESS ? reason : bight_failure_of(BIGHT_E_PROCESS);
}

/* In the child of a fork it is no child of ours, and its number may be that of one. Its pidfd shows when it has ended,
 * and that is all that can be known. */
static int wait_for(const struct bight_process *process, unsigned how, int *status)
{
    struct bight_system *system = process->reactor->system;
    int result;
    if (process->parent != getpid()) {
        return process->is_readable ? -ECHILD : 0;
    }
    do {
        result = system->ops->wait_child(system, process->pid, process->pidfd, how, status);
    } while (result == -EINTR);
    return result;
}

/* 1: its end is known, with its reason; 0: it lives. The leader of a group whose members may hold its pipes is kept to
 * be reaped when these have been closed: until then the group's number cannot be another's. */
static int look(struct bight_process *process, unsigned how)
{
    int status = 0;
    bool keep = process->leads_group && process->open_pipes > 0;
    int result = wait_for(process, how | (keep ? BIGHT_WAIT_KEEP : 0), &status);
    if (result == 0) {
        return 0;
    }
    process->reason = result > 0 ? reason_of(status) : reason_unknown(-result);
    process->is_reaped = true;
    process->is_kept = keep && result > 0;
    return 1;
}

void bi_process_let_go(struct bight_process *process)
{
    int status;
    if (process->is_kept) {
        process->is_kept = false;
        (void)wait_for(process, 0, &status);
    }
}

static void stop_watching(struct bight_process *process)
{
    struct bight_loop *loop = process->reactor->loop;
    if (process->is_watched) {
        process->is_watched = false;
        loop->ops->watch_remove(loop, bi_process_watch_of(process));
    }
}

/* Nothing waits for its end any more. */
static void unwatch(struct bight_process *process)
{
    struct bi_process_hub *hub = process->hub;
    struct bight_reactor *reactor = process->reactor;
    bi_reactor_disarm(reactor, &process->look_timer);
    stop_watching(process);
    if (process->pidfd >= 0) {
        (void)reactor->system->ops->close(reactor->system, process->pidfd);
        process->pidfd = -1;
    }
    if (process->is_by_signal) {
        process->is_by_signal = false;
        if (--hub->without_pidfd == 0) {
            (void)bi_signals_hear(reactor, BI_SIGNAL_CHILDREN, SIGCHLD, NULL, NULL);
        }
    }
}

static void tell(struct bight_process *process)
{
    struct bight_process_protocol *protocol = process->protocol;
    unwatch(process);
    if (protocol == NULL) {
        return;
    }
    bi_process_make(process);
    if (protocol->ops->process_exited != NULL) {
        protocol->ops->process_exited(protocol, process->reason);
    }
}

static void look_timer_ran(struct bi_wheel_entry *entry)
{
    bi_process_reap(BI_CONTAINER(entry, struct bight_process, look_timer));
}

static void look_again(struct bight_process *process)
{
    struct bight_reactor *reactor = process->reactor;
    stop_watching(process); /* it would tell the same again at once */
    process->look_timer.function = look_timer_ran;
    bi_reactor_arm(reactor, &process->look_timer, bi_reactor_now(reactor) + process->look_pause);
    process->look_pause = process->look_pause < longest_pause ? 2 * process->look_pause : process->look_pause;
}

void bi_process_reap(struct bight_process *process)
{
    struct bight_reactor *reactor = process->reactor;
    if (process->is_reaped) {
        return;
    }
    if (look(process, 0) == 0) {
        look_again(process);
        return;
    }
    bi_reactor_enter_for(reactor, "child process", process, 0);
    process->busy++;
    tell(process);
    process->busy--;
    bi_process_look_for_end(process);
    bi_reactor_leave(reactor);
}

void bi_process_kill_now(struct bight_process *process)
{
    if (bi_process_strike(process, SIGKILL) == BIGHT_OK) { /* else it might take for ever */
        (void)look(process, BIGHT_WAIT_BLOCK);
        bi_process_let_go(process);
    }
}

/* ----------------------------------------------------------------------------------------- watching */

static void on_readable(int fd, short what, void *context)
{
    struct bight_process *process = context;
    (void)fd;
    (void)what;
    process->is_readable = true;
    bi_process_reap(process);
}

static void on_signal(int number, void *context)
{
    struct bi_process_hub *hub = context;
    (void)number;
    BI_LIST_EACH_NOW (link, &hub->processes) {
        struct bight_process *process = BI_CONTAINER(link, struct bight_process, link);
        if (process->is_by_signal) {
            bi_process_reap(process);
        }
    }
}

int bi_process_watch(struct bight_process *process)
{
    struct bi_process_hub *hub = process->hub;
    struct bight_loop *loop = process->reactor->loop;
    if (process->pidfd >= 0) {
        struct bight_watch *watch = bi_process_watch_of(process);
        loop->ops->watch_init(loop, watch, process->pidfd, BIGHT_READABLE, on_readable, process);
        int code = bi_reactor_add_watch(process->reactor, watch, process->pidfd);
        process->is_watched = code == BIGHT_OK;
        process->look_pause = first_pause;
        return code;
    }
    int code = bi_signals_hear(process->reactor, BI_SIGNAL_CHILDREN, SIGCHLD, on_signal, hub);
    if (code == BIGHT_OK) {
        process->look_pause = pause_without_pidfd;
        process->is_by_signal = true;
        hub->without_pidfd++;
    }
    return code;
}

void bi_process_free(struct bight_process *process)
{
    unwatch(process);
    bi_reactor_unqueue(process->reactor, &process->task);
    bi_list_remove(&process->link);
    bight_failure_release(process->reason);
    bight_free(process);
}

/* ------------------------------------------------------------------------------- the end of a run (R3) */

static void strike_at_shutdown(struct bight_process *process)
{
    if (process->at_shutdown == BIGHT_CHILD_TERMINATE) {
        (void)bi_process_strike(process, SIGTERM);
    } else if (process->at_shutdown == BIGHT_CHILD_KILL && process->parent == getpid()) {
        bi_process_kill_now(process);
    }
}

static void shut_down(struct bight_process *process)
{
    process->busy++;
    bi_process_make(process);
    for (size_t i = 0; i < process->pipe_count; i++) {
        bi_process_pipe_end(&process->pipes[i]);
    }
    if (!process->is_reaped) {
        if (look(process, 0) == 0) {
            strike_at_shutdown(process);
        }
        if (process->is_reaped) {
            tell(process);
        }
    }
    if (!process->is_reaped) {
        bi_process_end(process, bight_failure_of(BIGHT_E_SHUTDOWN));
    }
    process->busy--;
    bi_process_look_for_end(process);
}

static void disconnect(struct bi_attachment *attachment)
{
    struct bi_process_hub *hub = BI_CONTAINER(attachment, struct bi_process_hub, attachment);
    BI_LIST_EACH_NOW (link, &hub->processes) {
        struct bight_process *process = BI_CONTAINER(link, struct bight_process, link);
        if (process->protocol != NULL) {
            shut_down(process);
        }
    }
}

/* A last look at those that are left. One that still lives is no longer the reactor's. */
static void finish_hub(struct bi_attachment *attachment)
{
    struct bi_process_hub *hub = BI_CONTAINER(attachment, struct bi_process_hub, attachment);
    disconnect(attachment);
    while (!bi_list_is_empty(&hub->processes)) {
        struct bight_process *process = BI_CONTAINER(hub->processes.next, struct bight_process, link);
        (void)look(process, 0);
        bi_process_free(process);
    }
}

static struct bi_process_hub *find_hub(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &processes);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_process_hub, attachment);
}

struct bight_process *bi_process_next(struct bight_reactor *reactor, const struct bight_process *previous)
{
    const struct bi_process_hub *hub = find_hub(reactor);
    if (hub == NULL) {
        return NULL;
    }
    struct bi_link *next = previous == NULL ? hub->processes.next : previous->link.next;
    while (next != &hub->processes && BI_CONTAINER(next, struct bight_process, link)->protocol == NULL) {
        next = next->next;
    }
    return next == &hub->processes ? NULL : BI_CONTAINER(next, struct bight_process, link);
}

static void describe_one(struct bi_dump *dump, const struct bight_process *process)
{
    char name[BI_DUMP_NAME_SIZE];
    char place[BI_DUMP_PLACE_SIZE];
    (void)snprintf(name, sizeof name, "process %ld", (long)process->pid);
    bi_dump_node(dump, name, "cds", "%s%s\n%s\n%zu pipes open", name, bi_dump_place(process, 0, place),
        process->is_reaped ? "has exited" : "lives", process->open_pipes);
}

static void describe(struct bi_attachment *attachment, struct bi_dump *dump)
{
    struct bight_reactor *reactor = BI_CONTAINER(attachment, struct bi_process_hub, attachment)->reactor;
    struct bight_process *process = NULL;
    size_t count = 0;
    while ((process = bi_process_next(reactor, process)) != NULL) {
        count++;
    }
    bi_dump_section(dump, count, "program");
    while ((process = bi_process_next(reactor, process)) != NULL) {
        describe_one(dump, process);
    }
}

static bool open_hub(struct bi_attachment *attachment)
{
    struct bi_process_hub *hub = BI_CONTAINER(attachment, struct bi_process_hub, attachment);
    hub->reactor = attachment->reactor;
    bi_list_init(&hub->processes);
    if (bi_signals_heed_children()) {
        bight_log(
            BIGHT_LOG_INFO, "process", NULL, "SIGCHLD was ignored and has its default now, for children to be reaped");
    }
    return true;
}

static const struct bi_attachment_kind processes = {
    .order = BI_ORDER_PROCESSES, /* before connections: its pipes are there when it goes */
    .size = sizeof(struct bi_process_hub),
    .open = open_hub,
    .at = { [BI_DISCONNECTING] = disconnect },
    .finish = finish_hub,
    .describe = describe,
};

struct bi_process_hub *bi_process_hub_of(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_of(reactor, &processes);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_process_hub, attachment);
}
