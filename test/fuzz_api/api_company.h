/* SPDX-License-Identifier: MIT */
/* api_company.h - what stands on Deferreds, for the fuzzer of the whole interface: coroutines, turns, queues, tasks,
 * streams and combinators.
 *
 * Each kind of thing is a part: it begins with a program, is looked at when the world is at rest between two
 * operations, releases all it has, and is looked at once more when the reactors have gone. */
#ifndef BIGHT_TEST_FUZZ_API_API_COMPANY_H
#define BIGHT_TEST_FUZZ_API_API_COMPANY_H

#include "api_world.h"

struct part {
    void (*begin)(void);
    void (*check)(void);
    void (*end)(void);    /* releases everything; called twice */
    void (*finish)(void); /* the reactors have gone */
};

extern const struct part coroutine_part, turn_part, meeting_part, queue_part, task_part, stream_part, run_part;

/* ---------------------------------------------------------------------------------- api_company.c */

void begin_parts(void);
void check_parts(void); /* at rest */
void end_parts(void);
void finish_parts(void);

/* As watch_deferred, with another handler: it begins with finish_item. */
void watch_with(struct item *item, struct bight_deferred *deferred, bight_handler handler);

/* A Deferred of the world that somebody fires, cancels, abandons or forgets to; NULL when there are too many things.
 * The consumer's end is the caller's, and the item has a hold. */
struct bight_deferred *plain_deferred(unsigned side, struct item **item);

/* Any Deferred, made by any part; the consumer's end is the caller's. */
struct bight_deferred *some_deferred(unsigned side, uint64_t drawn);

/* Ties it to a connection or a scope now and then. `lingers`: it need not finish as soon as it is cancelled. */
void tie_somewhere(struct fuzz_operation *operation, struct item *item, bool lingers);

/* ------------------------------------------------------------------------------ what others wait for */

struct bight_deferred *spawned(unsigned side, uint64_t drawn);
struct bight_deferred *turn_at_lock(unsigned number, struct item **item);
struct bight_deferred *turn_at_semaphore(unsigned number, struct item **item);
struct bight_deferred *value_of_queue(unsigned number, struct item **item);
struct bight_deferred *read_of_stream(uint64_t drawn, struct item **item);

/* A plain Deferred that a body fires itself is handled on the body's stack, where the handler may wait as well. */
void wait_in_handler(void);

void act_spawn(struct fuzz_operation *operation, void *context);
void act_coroutine(struct fuzz_operation *operation, void *context);
void act_turn(struct fuzz_operation *operation, void *context);
void act_condition(struct fuzz_operation *operation, void *context);
void act_semaphore(struct fuzz_operation *operation, void *context);
void act_event(struct fuzz_operation *operation, void *context);
void act_barrier(struct fuzz_operation *operation, void *context);
void act_queue(struct fuzz_operation *operation, void *context);
void act_loop(struct fuzz_operation *operation, void *context);
void act_task(struct fuzz_operation *operation, void *context);
void act_open_stream(struct fuzz_operation *operation, void *context);
void act_read_stream(struct fuzz_operation *operation, void *context);
void act_flood_stream(struct fuzz_operation *operation, void *context);
void act_write_stream(struct fuzz_operation *operation, void *context);
void act_close_stream(struct fuzz_operation *operation, void *context);
void act_map(struct fuzz_operation *operation, void *context);
void act_combine(struct fuzz_operation *operation, void *context);
void act_nest(struct fuzz_operation *operation, void *context);
void act_nursery(struct fuzz_operation *operation, void *context);

#endif
