/* SPDX-License-Identifier: MIT */
/* memory.h - the kernel's body of the calls that map stacks, for its table (real.c). */
#ifndef BI_SYSTEM_MEMORY_H
#define BI_SYSTEM_MEMORY_H

#include <bight/sys/system.h>

int bi_real_map_stack(struct bight_system *system, size_t size, size_t guard, void **memory);
int bi_real_unmap_stack(struct bight_system *system, void *memory, size_t size);

#endif
