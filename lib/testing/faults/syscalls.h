/* SPDX-License-Identifier: MIT */
/* syscalls.h - the plan of a run with a faulty system, between its table (syscall_table.c) and its loop (syscalls.c).
 */
#ifndef BIGHT_TESTING_SYSCALLS_INTERNAL_H
#define BIGHT_TESTING_SYSCALLS_INTERNAL_H

#include <bight/testing/syscalls.h>

struct bight_errno_name {
    int number; /* 0: the end */
    const char *name;
};

struct bight_syscall {
    const char *name;
    const char *less;                      /* how it may do less without failing; NULL: it does not */
    const struct bight_errno_name *errnos; /* up to a 0 */
};

extern const struct bight_syscall bight_syscalls[];
extern const size_t bight_syscall_count;
extern const struct bight_system_ops bight_faulty_ops;

/* What goes wrong: the n-th call of this kind (n 0: none), with this errno (0: it is short). Counting begins anew. */
void bight_syscall_plan(size_t call, size_t n, int number);
/* Whether the planned one has been made, and whether it was made to fail. */
bool bight_syscall_was_hit(void);
bool bight_syscall_has_failed(void);

#endif
