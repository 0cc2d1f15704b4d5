/* SPDX-License-Identifier: MIT */
/* memory.h - the kernel's body of the calls that map stacks, for its table (real.c). */
#ifndef BIGHT_REACTOR_SYSTEM_MEMORY_H
#define BIGHT_REACTOR_SYSTEM_MEMORY_H

#include <bight/sys/system.h>

int bight_real_map_stack(struct bight_system *system, size_t size, size_t guard, void **memory);
int bight_real_unmap_stack(struct bight_system *system, void *memory, size_t size);

#endif
