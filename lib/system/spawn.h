/* SPDX-License-Identifier: MIT */
/* spawn.h - the entries of the kernel's table that are about child processes, for real.c. */
#ifndef BI_SYSTEM_SPAWN_H
#define BI_SYSTEM_SPAWN_H

#include <bight/sys/spawn.h>

/* --- spawn.c */

/* What a start counts on, and does without where it is missing. */
enum {
    BI_SPAWN_SHARES = 1, /* a child in our memory, for which we stand still; else a plain fork */
    BI_SPAWN_PIDFDS = 2,
    BI_SPAWN_RANGES = 4, /* close_range */
    BI_SPAWN_LISTS = 8,  /* /proc/self/fd */
    BI_SPAWN_ALL = 15
};

/* bi_real_spawn by some of these means only, as on an older kernel or under an emulator. For tests. */
int bi_real_spawn_by(unsigned means, const struct bight_spawn_plan *plan, struct bight_spawned *spawned);
int bi_real_spawn(struct bight_system *system, const struct bight_spawn_plan *plan, struct bight_spawned *spawned);

/* --- child.c */

int bi_real_wait_child(struct bight_system *system, pid_t pid, int pidfd, unsigned how, int *status);
int bi_real_signal_child(struct bight_system *system, pid_t pid, int pidfd, int number, bool group);
int bi_real_open_terminal(struct bight_system *system, int ends[2]);
int bi_real_set_window(struct bight_system *system, int fd, unsigned short rows, unsigned short columns);

#endif
