/* SPDX-License-Identifier: MIT */
/* spool.h - a temporary file that has no name: it goes with its last descriptor, whatever ends the process.
 *
 * A form has one for all its files, so that a client that sends many costs one descriptor. Counted; holds are taken and
 * dropped in any thread. What waits for a disk is for threads of a pool. */
#ifndef BI_HTTP_SPOOL_H
#define BI_HTTP_SPOOL_H

#include <bight/reactor.h>

#include "http/server/draft.h"

struct bi_spool;

/* In `directory` (NULL: $TMPDIR, or /var/tmp); nothing is opened yet. 0, OUT_OF_MEMORY, or a code of bight_random. */
int bi_spool_new(struct bight_reactor *reactor, const char *directory, struct bi_spool **spool);
struct bi_spool *bi_spool_hold(struct bi_spool *spool);
/* NULL is allowed. A thread of the pool closes the file, since removing a large one takes its time. */
void bi_spool_drop(struct bi_spool *spool);

/* -1: nothing has been written. */
int bi_spool_descriptor(const struct bi_spool *spool);
/* For messages. */
const char *bi_spool_directory(const struct bi_spool *spool);

/* These return 0 or an errno, and are for one thread at a time, but for the last two. Appends. */
int bi_spool_write(struct bi_spool *spool, const void *data, size_t size);
/* Of bytes that have been written. */
int bi_spool_read(const struct bi_spool *spool, uint64_t offset, void *data, size_t size);
/* Makes a draft of some of it, to be kept. `whole`: of all of it, which nobody else changes or names: no copy, if that
 * goes. */
int bi_spool_copy(const struct bi_spool *spool, uint64_t offset, uint64_t size, struct bi_draft *draft, bool whole);

#endif
