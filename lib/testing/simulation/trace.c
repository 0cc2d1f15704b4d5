/* SPDX-License-Identifier: MIT */
/* trace.c - what a run leaves to compare: a hash over everything that happened, and a text for people.
 *
 * Mixed are the calls with their arguments and answers, the bytes that were moved, the moments, the faults. The hash is
 * made word by word, the same on machines of either order of bytes: it must tell two runs apart, not withstand an
 * attacker. The text is one line a call. */
#include <stdio.h>

#include "base/little_endian.h"
#include "testing/simulation/simulation.h"

static const char *const call_names[] = {
#define CALL_NAME(name) #name,
    BI_SIM_CALLS(CALL_NAME)
#undef CALL_NAME
};

uint64_t bight_simulation_trace_hash(const struct bight_simulation *simulation)
{
    return simulation->hash;
}

void bight_simulation_set_trace(struct bight_simulation *simulation, void *file)
{
    simulation->trace = file;
}

static void print_time(struct bight_simulation *simulation)
{
    uint64_t now = simulation->now;
    (void)fprintf(simulation->trace, "%llu.%09llu ", (unsigned long long)(now / BIGHT_NANOSECONDS_PER_SECOND),
        (unsigned long long)(now % BIGHT_NANOSECONDS_PER_SECOND));
}

void bi_sim_trace_line(struct bight_simulation *simulation, const struct bight_host *host, enum bi_sim_call call,
    int64_t fd, int64_t argument, int64_t result)
{
    print_time(simulation);
    (void)fprintf(simulation->trace, "%s %s(%lld, %lld) = %lld\n", host->name, call_names[call], (long long)fd,
        (long long)argument, (long long)result);
}

void bi_sim_trace_bytes(struct bight_simulation *simulation, const void *data, size_t size)
{
    const uint8_t *at = data;
    const size_t whole = sizeof(uint64_t);
    bi_sim_mix(simulation, size);
    for (; size >= whole; size -= whole, at += whole) {
        bi_sim_mix(simulation, bi_read_little_endian(at, whole));
    }
    if (size != 0) {
        bi_sim_mix(simulation, bi_read_little_endian(at, size));
    }
}

void bi_sim_trace_fault(struct bight_simulation *simulation, const char *what, uint32_t number, bool allowed)
{
    bi_sim_mix(simulation, ((uint64_t)BI_SIM_fault << 56) ^ ((uint64_t)allowed << 40) ^ number);
    if (simulation->trace != NULL) {
        print_time(simulation);
        (void)fprintf(
            simulation->trace, "- fault %lu: %s%s\n", (unsigned long)number, what, allowed ? "" : " (left out)");
    }
}
