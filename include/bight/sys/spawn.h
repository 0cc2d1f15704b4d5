/* SPDX-License-Identifier: MIT */
/* bight/sys/spawn.h - what the table of system calls gets to start a child process, and what it returns.
 *
 * Everything has been decided and opened before: the call only makes the child and lets it take its steps, in the order
 * of enum bight_spawn_step. Programs use bight/process.h. */
#ifndef BIGHT_SYS_SPAWN_H
#define BIGHT_SYS_SPAWN_H

#include <bight/sys/system.h>

BIGHT_BEGIN

enum bight_spawn_step {
    BIGHT_SPAWN_START,       /* making the process; ours, all others are the child's */
    BIGHT_SPAWN_SIGNALS,     /* defaults for all */
    BIGHT_SPAWN_SESSION,     /* setsid */
    BIGHT_SPAWN_GROUP,       /* setpgid */
    BIGHT_SPAWN_TERMINAL,    /* the controlling terminal */
    BIGHT_SPAWN_DESCRIPTORS, /* to their places; the others are closed */
    BIGHT_SPAWN_SETGROUPS,
    BIGHT_SPAWN_SETGID,
    BIGHT_SPAWN_SETUID,
    BIGHT_SPAWN_DIRECTORY,
    BIGHT_SPAWN_PARENT, /* the signal for the parent's death */
    BIGHT_SPAWN_PROGRAM /* loading it */
};

/* The child has a duplicate of our `source` as its `target`; sources are close-on-exec unless they are inherited. */
struct bight_spawn_descriptor {
    int source, target;
};

struct bight_spawn_plan {
    const char *const *paths; /* tried in this order; ends with NULL */
    const char *const *argv;
    const char *const *environment;
    const char *directory; /* NULL: none */
    const struct bight_spawn_descriptor *descriptors;
    size_t descriptor_count;
    int terminal; /* our descriptor of the child's end; -1: none */
    bool new_session, process_group, set_identity;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
    int parent_death_signal; /* 0: none */
};

/* How a child is waited for. */
#define BIGHT_WAIT_BLOCK 1u
#define BIGHT_WAIT_KEEP 2u

struct bight_spawned {
    pid_t pid;
    int pidfd;                  /* close-on-exec, readable when the child has ended; -1: the kernel has none */
    enum bight_spawn_step step; /* which failed */
};

BIGHT_END

#endif
