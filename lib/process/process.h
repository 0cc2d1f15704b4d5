/* SPDX-License-Identifier: MIT */
/* process.h - the inside of child processes, shared by the files of lib/transport/process*.c.
 *
 * A process is one allocation: the record, its pipes, and the loop's watch for its end. It is freed when the child has
 * been reaped and every pipe has ended; the process protocol is the program's and is not touched after process_ended.
 * Each pipe is a transport over a bottom of its own whose protocol hands the events on. Nothing ends inside a call of
 * the program's: all ends come from the loop, from a transport's loss or the watch. */
#ifndef BI_PROCESS_PROCESS_H
#define BI_PROCESS_PROCESS_H

#include <bight/process.h>
#include <bight/sys/spawn.h>

#include "transport/transport.h"

/* Descriptors of a child are below this. */
#define BI_CHILD_FD_LIMIT 1024

struct bi_process_pipe {
    struct bight_process *process;
    struct bight_transport *transport; /* NULL: it has been lost */
    int child_fd;
    bool is_input; /* the child reads from it; a terminal's is both */
    bool is_output;
};

struct bight_process {
    struct bight_reactor *reactor; /* NULL: the stand-in for a process that has ended */
    struct bi_process_hub *hub;
    struct bi_link link;                     /* in the hub */
    struct bight_process_protocol *protocol; /* NULL: process_ended has been called */
    struct bight_factory factory;            /* of its pipes' protocols */
    struct bight_scope_member member;
    struct bi_task task;          /* soon: process_made */
    struct bight_failure *reason; /* of its end; NULL: not reaped */
    pid_t pid, parent;
    int pidfd;                        /* -1: none, or closed */
    bool is_watched;                  /* the loop reports when the pidfd is readable */
    bool is_readable;                 /* it has been reported */
    struct bi_wheel_entry look_timer; /* looks again whether it has ended */
    uint64_t look_pause;              /* ns until then */
    enum bight_child_at_shutdown at_shutdown;
    bool is_made, is_reaped, leads_group, has_terminal;
    bool is_by_signal; /* SIGCHLD announces its end */
    bool is_kept;      /* its end is known, but it has not been reaped, so that its group keeps its number */
    unsigned busy;     /* it is not to end while this is not 0 */
    size_t open_pipes;
    size_t pipe_count;
    struct bi_process_pipe pipes[];
    /* the loop's watch follows */
};

/* What hangs on a reactor that has spawned. */
struct bi_process_hub {
    struct bi_attachment attachment;
    struct bight_reactor *reactor;
    struct bi_link processes;
    size_t without_pidfd; /* those that SIGCHLD is for */
};

/* What stands in for a process that has ended. It is never written to. */
extern const struct bight_process bi_process_ended;

static inline bool bi_process_is_over(const struct bight_process *process)
{
    return process == NULL || process->reactor == NULL;
}

/* --- process.c */

/* Before any other call of the protocol: process_made, if it has not been called. */
void bi_process_make(struct bight_process *process);
/* Ends it if it is time to; its memory may go. */
void bi_process_look_for_end(struct bight_process *process);
/* process_ended(reason), whatever is left. */
void bi_process_end(struct bight_process *process, const struct bight_failure *reason);
/* A signal to its group, if it leads one, or to itself. 0 or a code, of which those that are news have been logged:
 * CLOSED when it has been reaped, or belongs to the process that we were forked from. */
int bi_process_strike(struct bight_process *process, int number);

/* Aborts its pipes, whichever process has their other ends. */
void bi_process_abort_pipes(struct bight_process *process);

/* --- path.c */

/* The places where the program may be: an array that ends with NULL, one block. NULL when out of memory. */
const char **bi_process_paths(const char *program, const char *const *environment);

/* --- pipe.c */

/* Opens a transport on our end of a pipe, which is taken when it works. 0 or a code. */
int bi_process_pipe_open(struct bi_process_pipe *pipe, int descriptor);
/* Ends it now, before or at a shutdown. */
void bi_process_pipe_end(struct bi_process_pipe *pipe);
/* Delivers what the child, which has ended, has left in it. */
void bi_process_pipe_drain(struct bi_process_pipe *pipe);
/* NULL: there is none of this number. */
struct bi_process_pipe *bi_process_pipe_find(const struct bight_process *process, int child_fd);

/* --- reap.c */

/* NULL when out of memory. */
struct bi_process_hub *bi_process_hub_of(struct bight_reactor *reactor);
/* The one after `previous` (NULL: the first) that has not ended; NULL at the end. For tests. */
BI_PRIVATE_API struct bight_process *bi_process_next(
    struct bight_reactor *reactor, const struct bight_process *previous);
/* Waits for its end from now on. 0 or a code. */
int bi_process_watch(struct bight_process *process);
/* One that was kept is reaped. */
void bi_process_let_go(struct bight_process *process);
/* Looks whether it has ended, and reports it. Its memory may go. */
void bi_process_reap(struct bight_process *process);
/* Kills and reaps one that the program has not been given yet; and one that is to be reaped at once. */
void bi_process_kill_now(struct bight_process *process);
/* It is forgotten: watch, pidfd, memory. */
void bi_process_free(struct bight_process *process);

static inline struct bight_watch *bi_process_watch_of(struct bight_process *process)
{
    return (struct bight_watch *)(void *)&process->pipes[process->pipe_count];
}

#endif
