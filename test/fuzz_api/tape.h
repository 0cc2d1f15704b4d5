/* SPDX-License-Identifier: MIT */
/* tape.h - a program of the fuzzers: a tape of operations, read by whoever acts next.
 *
 * What a program does is a flat list. The outermost loop reads it, and so do handlers, releases and every other
 * callback that may act: whatever operation comes next is done inside them. So a shorter list is a program too, which
 * is all that shrinking needs. An operation means what its kind and numbers say, applied to what exists when its turn
 * comes. */
#ifndef BIGHT_TEST_FUZZ_API_TAPE_H
#define BIGHT_TEST_FUZZ_API_TAPE_H

#include <bight/macros.h>

struct fuzz_operation {
    uint32_t kind;     /* an index of the target's table */
    uint32_t position; /* on the whole tape, before shrinking: what --keep names */
    uint32_t subject;  /* which of the things that exist */
    uint32_t detail;   /* everything else, bits taken from below by fuzz_choose */
};

struct fuzz_tape {
    uint64_t seed;
    struct fuzz_operation *operations;
    size_t count, next;
    unsigned depth; /* callbacks that act at present */
    bool tells;     /* print what is done and seen */
};

/* A kind of operation; `weight` is how often it comes. */
struct fuzz_kind {
    const char *name;
    unsigned weight;
    void (*act)(struct fuzz_operation *operation, void *context);
};

/* What a fuzzer is. */
struct fuzz_target {
    const char *name;
    size_t program_size; /* operations of a program */
    const struct fuzz_kind *kinds;
    size_t kind_count;
    void (*play)(struct fuzz_tape *tape); /* one program from beginning to end; calls fuzz_fail when it sees a fault */
};

/* One program's tape from its seed; freed with fuzz_tape_finish. */
void fuzz_tape_init(struct fuzz_tape *tape, const struct fuzz_target *target, uint64_t seed);
void fuzz_tape_finish(struct fuzz_tape *tape);

/* The next operation; NULL at the end. */
struct fuzz_operation *fuzz_tape_take(struct fuzz_tape *tape);

/* Does the next operation through the table; false at the end. */
bool fuzz_tape_act(struct fuzz_tape *tape, const struct fuzz_kind *kinds, void *context);

/* A number below `below` from what is left of the operation's detail. */
unsigned fuzz_choose(struct fuzz_operation *operation, unsigned below);

uint64_t fuzz_random(uint64_t *state);

/* A line of the printed program, indented by depth; nothing unless the tape tells. */
void fuzz_tell(const struct fuzz_tape *tape, const char *format, ...) BIGHT_PRINTF(2, 3);

/* A finding: prints it and ends the process. */
_Noreturn void fuzz_fail(const char *format, ...) BIGHT_PRINTF(1, 2);

/* The whole command: --operations N --seed S --keep LIST --tell. Returns the exit status. */
int fuzz_campaign(const struct fuzz_target *target, int argc, char **argv);

/* shrink.c: the operations that `seed`'s program needs to fail, marked in `kept` (one flag a position). True when it
 * failed at all; `leaks` looks for leaks too. */
bool fuzz_shrink(const struct fuzz_target *target, uint64_t seed, bool *kept, bool leaks);

/* campaign.c: the exit status of one program, played in a process of its own: 0 when all was well. */
int fuzz_try(const struct fuzz_target *target, uint64_t seed, const bool *kept, bool leaks, bool silent);

#endif
