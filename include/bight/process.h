/* SPDX-License-Identifier: MIT */
/* bight/process.h - child processes: started, talked to through pipes or a terminal, signalled, reaped (T21).
 *
 * A process protocol is the program's own struct whose first member is `struct bight_process_protocol base`. Each pipe
 * to the child is a transport with all that transports have (bight/transport.h): ordered writes, producers, pause and
 * resume. Every event comes from the loop, never from inside a call. Handlers may close, signal and spawn whatever
 * they like. Only in the reactor's thread. docs/processes.md has examples. */
#ifndef BIGHT_PROCESS_H
#define BIGHT_PROCESS_H

#include <bight/transport.h>

BIGHT_BEGIN

struct bight_process;
struct bight_process_protocol;

/* ---------------------------------------------------------------------------------- the protocol */

/* What the parent reacts to. Any slot may be NULL. Reasons are borrowed. */
struct bight_process_protocol_ops {
    /* Once and first. What was written before this is on its way already. */
    void (*process_made)(struct bight_process_protocol *protocol);
    /* The child wrote to its descriptor `child_fd`: 1 byte to 64 KiB, in any chunking (T2). A terminal's data come as
     * those of descriptor 1. */
    void (*child_data_received)(
        struct bight_process_protocol *protocol, int child_fd, const uint8_t *data, size_t size);
    /* Once for each pipe, unless its transport was given another protocol. CONNECTION_DONE when either side closed it
     * gracefully, else as T5. */
    void (*child_connection_lost)(
        struct bight_process_protocol *protocol, int child_fd, const struct bight_failure *reason);
    /* The child has ended. Its pipes may still hold data, or be open in processes that it has started. It has been
     * reaped; only one that leads a group stays a zombie until its pipes are closed, so that its group can still be
     * signalled. */
    void (*process_exited)(struct bight_process_protocol *protocol, const struct bight_failure *reason);
    /* Exactly once and last: the child has been reaped and all pipes are closed. From here on protocol->process
     * answers CLOSED; the protocol may be freed, or used for another process, in here. The reason is that of
     * process_exited; or SHUTDOWN when the reactor's run ended first. */
    void (*process_ended)(struct bight_process_protocol *protocol, const struct bight_failure *reason);
    void (*reserved[4])(void);
};

/* The base of every process protocol, in the program's memory: zeroed but for `ops`, borrowed by bight_spawn_process
 * until process_ended has been called. Programs read `process`. The layout is frozen. */
struct bight_process_protocol {
    const struct bight_process_protocol_ops *ops;
    struct bight_process *process; /* NULL before the first spawn: every call takes that for an ended one */
    void *reserved[2];
};

/* The initialiser of one: static struct bight_process_protocol lister = BIGHT_PROCESS_PROTOCOL(&lister_ops). */
#define BIGHT_PROCESS_PROTOCOL(ops) \
    {                               \
        (ops), NULL,                \
        {                           \
            NULL, NULL              \
        }                           \
    }

/* The program's own struct around `protocol`: struct worker *w = bight_process_self(struct worker, p). A struct without
 * a member `struct bight_process_protocol base` does not compile. */
#define bight_process_self(type, protocol)                            \
    ((type *)(void *)((char *)bight_process_protocol_self(protocol) - \
                      BIGHT_OFFSET_OF_BASE(type, struct bight_process_protocol)))
static inline struct bight_process_protocol *bight_process_protocol_self(struct bight_process_protocol *protocol);

/* -------------------------------------------------------------------------------------- starting */

enum bight_child_kind {
    BIGHT_CHILD_READS = 1, /* a pipe that the child reads and we write to */
    BIGHT_CHILD_WRITES,    /* a pipe that the child writes to and we read */
    BIGHT_CHILD_INHERIT,   /* a descriptor of ours, which stays ours too */
    BIGHT_CHILD_NULL       /* /dev/null */
};

struct bight_child_descriptor {
    int child_fd; /* its number in the child, 0 to 1023, each once */
    enum bight_child_kind kind;
    int descriptor; /* INHERIT: our number */
};

/* What happens to a child that lives when the reactor's run ends, or the reactor is freed. */
enum bight_child_at_shutdown {
    BIGHT_CHILD_TERMINATE = 0, /* it gets SIGTERM; it is not waited for */
    BIGHT_CHILD_LEAVE,         /* nothing: it goes on with its pipes closed at our end */
    BIGHT_CHILD_KILL           /* it gets SIGKILL and is reaped there and then, unless it does not die in 4 s */
};

/* Zero always means the default. All is borrowed for the call. */
struct bight_process_options {
    size_t size;                    /* sizeof(struct bight_process_options) */
    const char *path;               /* the program; without a slash it is looked for in PATH. NULL: argv[0] */
    const char *const *argv;        /* ends with NULL. NULL: just the path */
    const char *const *environment; /* "NAME=value", ends with NULL; its PATH counts. NULL: ours */
    const char *directory;          /* where the program starts. NULL: where we are */

    /* What the child has, and nothing else; of 0, 1 and 2 those that are not listed are /dev/null. NULL: 0 is READS, 1
     * and 2 are WRITES. */
    const struct bight_child_descriptor *descriptors;
    size_t descriptor_count;

    /* A terminal instead of the three: 0, 1 and 2 are a new pseudo-terminal, which is the controlling one of a new
     * session. `descriptors` may then list others only. One transport, that of descriptors 0, 1 and 2 alike. */
    bool terminal;
    unsigned short rows, columns; /* of the terminal. 0: 24 and 80 */

    bool new_session;   /* setsid: no controlling terminal, a process group of its own */
    bool process_group; /* a process group of its own (bight_process_signal_group) */

    /* With set_identity: setgroups(groups), setgid(group), setuid(user), in this order, before the directory is
     * changed. */
    bool set_identity;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;

    /* The child gets this signal when the thread that spawned it ends. Linux only. 0: none. */
    int parent_death_signal;
    enum bight_child_at_shutdown at_shutdown;
    const void *reserved[6];
};

/* Starts a child. 0: it runs the program, protocol->process is set, may be written to, and process_made comes on a
 * later turn. A code: nothing has been started, nothing is called, the protocol is as it was; *failure (when `failure`
 * is not NULL) is a failure with the message and errno, whose hold is the caller's. NOT_STARTED: a step on the child's
 * way failed, as in "cannot run /x/y: No such file or directory" or "cannot change to the directory /x: ...".
 * INVALID_ARGUMENT; USAGE when the protocol has a process; OUT_OF_MEMORY; TOO_MANY_FILES or SYSTEM when the pipes or
 * the process could not be made; SHUTDOWN while the reactor disconnects everything; NOT_SUPPORTED over a table of
 * system calls without processes. On kernels without pidfd (before 5.2) SIGCHLD is needed, and the codes of
 * bight_on_signal are possible too; the program's own function for it is called as well. A reactor's first start resets
 * an ignored SIGCHLD to its default (logged at level info): else there would be no status.
 *
 * In the child every signal has its default and none is blocked. A failed step is known when this returns: the caller
 * stands still until the program has been loaded, for as long as the file systems of PATH and the program take.
 *
 *     int bight_spawn_process(struct bight_reactor *reactor, struct bight_process_protocol *protocol,
 *         const struct bight_process_options *options, struct bight_failure **failure); */
#define bight_spawn_process(...) bight_spawn_process_at(BIGHT_HERE, __VA_ARGS__)

/* ------------------------------------------------------------------------------------- its pipes */

/* The transport of a pipe (or of the terminal); NULL when there is none or it has been lost. It may be given another
 * protocol with bight_transport_switch_protocol: that one is called from then on, and child_connection_lost is not. A
 * child's input has no limit of time for its flush, and half-closing is not supported: lose it instead. */
BIGHT_API struct bight_transport *bight_process_transport(const struct bight_process *process, int child_fd);

/* As bight_transport_write. CLOSED also when the pipe has been lost; INVALID_ARGUMENT when the child does not read from
 * that descriptor. */
BIGHT_API int bight_process_write(struct bight_process *process, int child_fd, const void *data, size_t size);

/* Closes our end of a pipe gracefully: what was written is flushed first, what comes is thrown away. 0; CLOSED;
 * INVALID_ARGUMENT when there is no such pipe. */
BIGHT_API int bight_process_close(struct bight_process *process, int child_fd);

/* Closes all of them so. 0 or CLOSED. */
BIGHT_API int bight_process_lose_connection(struct bight_process *process);

/* The size of the terminal; the child gets SIGWINCH. 0; CLOSED; NOT_SUPPORTED without a terminal; SYSTEM. */
BIGHT_API int bight_process_set_window(struct bight_process *process, unsigned short rows, unsigned short columns);

/* --------------------------------------------------------------------------------- signals and end */

/* Sends a signal. 0; CLOSED once it has exited: a signal never reaches another process that has its number;
 * INVALID_ARGUMENT; PERMISSION_DENIED; SYSTEM. */
BIGHT_API int bight_process_signal(struct bight_process *process, int number);

/* The same to its whole process group, until process_ended: a child that has exited may have left others in it.
 * NOT_SUPPORTED when it has none of its own. */
BIGHT_API int bight_process_signal_group(struct bight_process *process, int number);

/* "TERM", "SIGTERM" (any case) to the number; 0 for anything else. And back: "SIGTERM"; NULL for a number without a
 * name. */
BIGHT_API int bight_signal_number(const char *name);
BIGHT_API const char *bight_signal_name(int number);

/* SIGKILL, to the group if it has one of its own, and aborts its pipes. 0 or CLOSED. */
BIGHT_API int bight_process_abort(struct bight_process *process);

/* D37. When the scope closes its input is closed and it (or its group) gets SIGTERM; at the scope's deadline it is
 * aborted as above. 0; CANCELLED when the scope is closing; CLOSED. */
BIGHT_API int bight_process_join_scope(struct bight_process *process, struct bight_scope *scope);

/* ----------------------------------------------------------------------------------------- facts */

/* The number of the child; 0 after process_ended. Once process_exited has come it may be another's. */
BIGHT_API pid_t bight_process_pid(const struct bight_process *process);

/* True until process_exited. */
BIGHT_API bool bight_process_is_alive(const struct bight_process *process);

/* Of the reason of process_exited or process_ended. The status with which the child ended: 0 for PROCESS_DONE, -1 when
 * a signal ended it or the reason has no status (another failure; PROCESS, for a child that other code has reaped).
 * bight_failure_status has this and the signal in one. */
BIGHT_API int bight_process_exit_status(const struct bight_failure *reason);

/* The signal that ended it; 0 when none did. */
BIGHT_API int bight_process_exit_signal(const struct bight_failure *reason);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API int bight_spawn_process_at(const char *place, struct bight_reactor *reactor,
    struct bight_process_protocol *protocol, const struct bight_process_options *options,
    struct bight_failure **failure);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline struct bight_process_protocol *bight_process_protocol_self(struct bight_process_protocol *protocol)
{
    return protocol;
}

BIGHT_END

#endif
