/* SPDX-License-Identifier: MIT */
/* tape.c - how a tape is made from a seed, read, and told about.
 *
 * Kinds are drawn by weight; each operation has numbers of its own from the start, so that removing one changes nothing
 * in the others. */
#include "tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

uint64_t fuzz_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static unsigned sum_weights(const struct fuzz_target *target)
{
    unsigned sum = 0;
    for (size_t i = 0; i < target->kind_count; i++) {
        sum += target->kinds[i].weight;
    }
    return sum;
}

static uint32_t draw_kind(const struct fuzz_target *target, unsigned drawn)
{
    uint32_t kind = 0;
    while (drawn >= target->kinds[kind].weight) {
        drawn -= target->kinds[kind++].weight;
    }
    return kind;
}

void fuzz_tape_init(struct fuzz_tape *tape, const struct fuzz_target *target, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 1;
    unsigned weights = sum_weights(target);
    *tape = (struct fuzz_tape) { .seed = seed, .count = target->program_size };
    tape->operations = malloc(tape->count * sizeof *tape->operations);
    if (tape->operations == NULL) {
        fuzz_fail("no memory for a program");
    }
    for (size_t i = 0; i < tape->count; i++) {
        uint64_t numbers = fuzz_random(&state);
        uint32_t kind = draw_kind(target, (unsigned)(fuzz_random(&state) % weights));
        tape->operations[i] =
            (struct fuzz_operation) { kind, (uint32_t)i, (uint32_t)numbers, (uint32_t)(numbers >> 32) };
    }
}

void fuzz_tape_finish(struct fuzz_tape *tape)
{
    free(tape->operations);
    tape->operations = NULL;
}

struct fuzz_operation *fuzz_tape_take(struct fuzz_tape *tape)
{
    return tape->next < tape->count ? &tape->operations[tape->next++] : NULL;
}

bool fuzz_tape_act(struct fuzz_tape *tape, const struct fuzz_kind *kinds, void *context)
{
    struct fuzz_operation *taken = fuzz_tape_take(tape);
    if (taken == NULL) {
        return false;
    }
    struct fuzz_operation operation = *taken; /* choosing uses it up, and a program may be played twice */
    fuzz_tell(tape, "%u: %s", operation.position, kinds[operation.kind].name);
    tape->depth++;
    kinds[operation.kind].act(&operation, context);
    tape->depth--;
    return true;
}

unsigned fuzz_choose(struct fuzz_operation *operation, unsigned below)
{
    unsigned chosen = operation->detail % below;
    operation->detail /= below;
    return chosen;
}

void fuzz_tell(const struct fuzz_tape *tape, const char *format, ...)
{
    if (!tape->tells) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    printf("%*s", (int)(2 * tape->depth), "");
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
}

void fuzz_fail(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    va_start(arguments, format);
    fputs("finding: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(3);
}
