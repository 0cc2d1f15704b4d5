/* SPDX-License-Identifier: MIT */
/* process.c - the life of a child process as its protocol is notified of it, and what can be asked of it.
 *
 * process_made, then what its pipes tell (pipe.c) and process_exited (reap.c) in whatever order they
 * come, and process_ended when it has been reaped and the last pipe has gone. From then on protocol->process is the
 * stand-in that answers CLOSED, so a program may keep its protocol and ask on. Starting is in spawn.c. */
#include "process/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/log.h>

const struct bight_process bi_process_ended = { .pidfd = -1 };

/* ------------------------------------------------------------------------------------------- life */

void bi_process_make(struct bight_process *process)
{
    struct bight_process_protocol *protocol = process->protocol;
    if (process->is_made) {
        return;
    }
    process->is_made = true;
    bi_reactor_unqueue(process->reactor, &process->task);
    if (protocol->ops->process_made != NULL) {
        protocol->ops->process_made(protocol);
    }
}

void bi_process_end(struct bight_process *process, const struct bight_failure *reason)
{
    struct bight_process_protocol *protocol = process->protocol;
    process->protocol = NULL;
    process->busy++;
    protocol->process = (struct bight_process *)(uintptr_t)&bi_process_ended;
    if (protocol->ops->process_ended != NULL) {
        protocol->ops->process_ended(protocol, reason);
    }
    bight_scope_leave(&process->member);
    process->busy--;
}

void bi_process_look_for_end(struct bight_process *process)
{
    if (!process->is_reaped || process->open_pipes > 0 || process->busy > 0) {
        return;
    }
    bi_process_let_go(process);
    if (process->protocol != NULL) {
        bi_process_end(process, process->reason);
    }
    bi_process_free(process);
}

/* ----------------------------------------------------------------------------------------- its pipes */

struct bight_transport *bight_process_transport(const struct bight_process *process, int child_fd)
{
    if (bi_process_is_over(process)) {
        return NULL;
    }
    const struct bi_process_pipe *pipe = bi_process_pipe_find(process, child_fd);
    return pipe == NULL ? NULL : pipe->transport;
}

int bight_process_write(struct bight_process *process, int child_fd, const void *data, size_t size)
{
    if (bi_process_is_over(process)) {
        return BIGHT_E_CLOSED;
    }
    const struct bi_process_pipe *pipe = bi_process_pipe_find(process, child_fd);
    if (pipe == NULL || !pipe->is_input) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_process_write: the child reads nothing from its descriptor %d", child_fd);
    }
    return pipe->transport == NULL ? BIGHT_E_CLOSED : bight_transport_write(pipe->transport, data, size);
}

int bight_process_close(struct bight_process *process, int child_fd)
{
    if (bi_process_is_over(process)) {
        return BIGHT_E_CLOSED;
    }
    const struct bi_process_pipe *pipe = bi_process_pipe_find(process, child_fd);
    if (pipe == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_process_close: the child's descriptor %d is no pipe", child_fd);
    }
    return pipe->transport == NULL ? BIGHT_E_CLOSED : bight_transport_lose_connection(pipe->transport);
}

static void lose_pipes(struct bight_process *process, bool only_inputs)
{
    for (size_t i = 0; i < process->pipe_count; i++) {
        struct bi_process_pipe *pipe = &process->pipes[i];
        if (pipe->transport != NULL && !(only_inputs && pipe->is_output)) {
            (void)bight_transport_lose_connection(pipe->transport);
        }
    }
}

int bight_process_lose_connection(struct bight_process *process)
{
    if (bi_process_is_over(process)) {
        return BIGHT_E_CLOSED;
    }
    lose_pipes(process, false);
    return BIGHT_OK;
}

int bight_process_set_window(struct bight_process *process, unsigned short rows, unsigned short columns)
{
    if (bi_process_is_over(process)) {
        return BIGHT_E_CLOSED;
    }
    if (!process->has_terminal) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    struct bight_transport *transport = process->pipes[0].transport;
    if (transport == NULL) {
        return BIGHT_E_CLOSED;
    }
    struct bight_system *system = process->reactor->system;
    int result = system->ops->set_window(system, bight_transport_descriptor(transport), rows, columns);
    return result < 0 ? bight_error_from_errno(-result) : BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ signals */

/* In the child of a fork the process is still the parent's. A group can be signalled as long as its leader has not been
 * reaped. */
static bool can_be_signalled(const struct bight_process *process, bool group)
{
    if (bi_process_is_over(process) || process->parent != getpid()) {
        return false;
    }
    return !process->is_reaped || (group && process->is_kept);
}

static int send_signal(struct bight_process *process, int number, bool group)
{
    if (!can_be_signalled(process, group)) {
        return BIGHT_E_CLOSED;
    }
    if (group && !process->leads_group) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    if (number < 1 || number >= NSIG) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_process_signal: there is no signal %d", number);
    }
    struct bight_system *system = process->reactor->system;
    int result = system->ops->signal_child(system, process->pid, process->pidfd, number, group);
    return result < 0 ? bight_error_from_errno(-result) : BIGHT_OK;
}

int bight_process_signal(struct bight_process *process, int number)
{
    return send_signal(process, number, false);
}

int bight_process_signal_group(struct bight_process *process, int number)
{
    return send_signal(process, number, true);
}

int bi_process_strike(struct bight_process *process, int number)
{
    int code = send_signal(process, number, process->leads_group);
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        bight_log(BIGHT_LOG_WARNING, "process", NULL, "cannot send signal %d to process %ld: %s", number,
            (long)process->pid, bight_error_text(code));
    }
    return code;
}

void bi_process_abort_pipes(struct bight_process *process)
{
    for (size_t i = 0; i < process->pipe_count; i++) {
        if (process->pipes[i].transport != NULL) {
            (void)bight_transport_abort_connection(process->pipes[i].transport);
        }
    }
}

int bight_process_abort(struct bight_process *process)
{
    if (bi_process_is_over(process)) {
        return BIGHT_E_CLOSED;
    }
    (void)bi_process_strike(process, SIGKILL);
    bi_process_abort_pipes(process);
    return BIGHT_OK;
}

/* --------------------------------------------------------------------------------------- scopes (D37) */

static void close_member(struct bight_scope_member *member)
{
    struct bight_process *process = BI_CONTAINER(member, struct bight_process, member);
    lose_pipes(process, true);
    (void)bi_process_strike(process, SIGTERM);
}

static void abort_member(struct bight_scope_member *member)
{
    (void)bight_process_abort(BI_CONTAINER(member, struct bight_process, member));
}

static const struct bight_scope_member_ops member_ops = {
    .close = close_member,
    .abort = abort_member,
    .kind = "process",
};

int bight_process_join_scope(struct bight_process *process, struct bight_scope *scope)
{
    if (bi_process_is_over(process)) {
        return BIGHT_E_CLOSED;
    }
    return bight_scope_join(scope, &process->member, &member_ops);
}

/* --------------------------------------------------------------------------------------------- facts */

pid_t bight_process_pid(const struct bight_process *process)
{
    return bi_process_is_over(process) ? 0 : process->pid;
}

bool bight_process_is_alive(const struct bight_process *process)
{
    return !bi_process_is_over(process) && !process->is_reaped;
}

/* 0: the reason has none. */
static int status_of(const struct bight_failure *reason)
{
    return bight_failure_code(reason) == BIGHT_E_PROCESS_TERMINATED ? bight_failure_status(reason) : 0;
}

int bight_process_exit_status(const struct bight_failure *reason)
{
    if (bight_failure_code(reason) == BIGHT_E_PROCESS_DONE) {
        return 0;
    }
    int status = status_of(reason);
    return status > 0 ? status : -1;
}

int bight_process_exit_signal(const struct bight_failure *reason)
{
    int status = status_of(reason);
    return status < 0 ? -status : 0;
}
