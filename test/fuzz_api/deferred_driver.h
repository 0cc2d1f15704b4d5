/* SPDX-License-Identifier: MIT */
/* deferred_driver.h - what a program of Deferreds has in its hands, and what it sees, for the files of the fuzzer. */
#ifndef BIGHT_TEST_FUZZ_API_DEFERRED_DRIVER_H
#define BIGHT_TEST_FUZZ_API_DEFERRED_DRIVER_H

#include "deferred_model.h"
#include "tape.h"

enum { PLACES = 12, OWNERS = 2, OLD_PROMISES = 4, MAX_MEMBERS = 5, PROGRAM_SIZE = 150 };

/* What is seen, on bight and on the model. */
enum sight {
    SAW_CALLBACK,
    SAW_ERRBACK,
    SAW_RELEASE,
    SAW_DESTROY,
    SAW_DISCARD,
    SAW_REPORT,
    SAW_CANCELLER,
    SAW_OWNER_OVER,
    SAW_ANSWER,
    SAW_RESULT
};

/* What the program has of one Deferred. */
struct place {
    struct bight_deferred *deferred; /* NULL: none */
    struct bight_promise promise;
    unsigned holds, pauses;
    unsigned made; /* tells it from those before */
};

/* The context of a handler, canceller or release. */
struct item {
    unsigned id, acts;
    bool is_live;
};

struct value {
    unsigned id, acts;
    bool is_live;
};

struct driver {
    const struct deferred_api *api;
    struct fuzz_tape *tape;
    struct place places[PLACES];
    unsigned places_used;
    struct bight_promise old_promises[OLD_PROMISES];
    struct bight_owner *owners[OWNERS];
    bool owner_is_over[OWNERS];
    struct item items[2 * PROGRAM_SIZE];
    struct value values[2 * PROGRAM_SIZE];
    struct bight_deferred *combined[PROGRAM_SIZE]; /* held to the end, to undo circles, which nobody finds */
    unsigned combined_count;
    unsigned place_count, item_count, value_count, failure_count;
    struct bight_clock *clock;
};

extern struct driver driver;

/* Notes what was seen (the model's turn), or compares it with that (bight's). */
void see(enum sight sight, unsigned subject, int64_t object);
void see_answer(int64_t answer);
int64_t describe_result(const struct bight_result *result);

/* New contexts and results, which count themselves. */
struct item *new_item(struct fuzz_operation *operation);
struct value *new_value(struct fuzz_operation *operation);
struct bight_failure *new_failure(struct fuzz_operation *operation);
extern const struct bight_type live_type;

void value_taken(struct value *value);
void run_callback(struct bight_result *result, void *context);
void run_errback(struct bight_result *result, void *context);
void run_canceller(struct bight_promise promise, void *context);
void release_item(void *context);

/* Takes one hold out of the program's hands, its pauses undone when it is the last; NULL when it went meanwhile. */
struct bight_deferred *part_with(struct place *place);

/* deferred_ops.c */
extern const struct fuzz_kind deferred_kinds[];
extern const size_t deferred_kind_count;

#endif
