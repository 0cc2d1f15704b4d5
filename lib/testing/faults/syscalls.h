/* SPDX-License-Identifier: MIT */
/* syscalls.h - the plan of a run with a faulty system, between its table (syscall_table.c) and its loop (syscalls.c).
 */
#ifndef BI_TESTING_FAULTS_SYSCALLS_H
#define BI_TESTING_FAULTS_SYSCALLS_H

#include <bight/testing/syscalls.h>

struct bi_errno_name {
    int number; /* 0: the end */
    const char *name;
};

struct bi_syscall {
    const char *name;
    const char *less;                   /* how it may do less without failing; NULL: it does not */
    const struct bi_errno_name *errnos; /* up to a 0 */
};

extern const struct bi_syscall bi_syscalls[];
extern const size_t bi_syscall_count;
extern const struct bight_system_ops bi_faulty_ops;

/* What goes wrong: the n-th call of this kind (n 0: none), with this errno (0: it is short). Counting begins again. */
void bi_syscall_plan(size_t call, size_t n, int number);
/* Whether the planned one has been made, and whether it was made to fail. */
bool bi_syscall_was_hit(void);
bool bi_syscall_has_failed(void);

#endif
