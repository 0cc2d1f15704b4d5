/* SPDX-License-Identifier: MIT */
/* journal_disk.h - a disk in memory, whose power goes (apps/chatroom/disk.h). There is one, with one file. */
#ifndef BIGHT_TEST_SCENARIO_JOURNAL_DISK_H
#define BIGHT_TEST_SCENARIO_JOURNAL_DISK_H

#include <bight/testing/simulation.h>

#include <stdbool.h>
#include <stddef.h>

/* Empty. `off` is called in the midst of an operation when the power goes. */
void journal_disk_begin(struct bight_simulation *simulation, void (*off)(void *context), void *context);
void journal_disk_end(void);

/* The power goes within the operation that is the `operations`th from now on; 0: it does not. */
void journal_disk_burn(unsigned operations);
/* Per cent of the appends and cuts that fail, with a part of it done. */
void journal_disk_trouble(unsigned chance);

/* It is gone; or the program is, and what it has written and not synced stays. Nothing happens from then on to files
 * that are open. Then it is back: what was not synced is there in part, or is not. */
void journal_disk_cut_off(bool has_power);
bool journal_disk_is_off(void);
void journal_disk_switch_on(void);

/* Whether a line that begins so would be there after the power has gone. */
bool journal_disk_is_safe(const char *beginning);

#endif
