/* SPDX-License-Identifier: MIT */
/* hub_id.h - ids of a hub's messages: an epoch and a number, "k3fz-17" (W9). */
#ifndef BI_HTTP_HUB_ID_H
#define BI_HTTP_HUB_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BI_HUB_EPOCH_SIZE 33 /* with its NUL */
#define BI_HUB_ID_SIZE (BI_HUB_EPOCH_SIZE + 21)

/* 1 to 32 letters and digits. */
bool bi_hub_is_epoch(const char *text);

void bi_hub_id_write(char id[BI_HUB_ID_SIZE], const char *epoch, uint64_t number);

/* False: it is no id of this epoch. One text stands for each id, so that what was never written is never read. */
bool bi_hub_id_read(const char *id, const char *epoch, uint64_t *number);

#endif
