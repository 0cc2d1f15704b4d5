/* SPDX-License-Identifier: MIT */
/* random.c - the one source of chance of a simulation, and the decision whether something goes wrong.
 *
 * xoshiro256** (Blackman and Vigna), its state filled by splitmix64 from the seed. A fault that happens has a number;
 * one that is not allowed is drawn and numbered all the same and then does not happen, so that leaving out one fault
 * does not move the others. Whatever else a fault needs (how short, how late) is a part of the same draw. */
#include "base/random.h"
#include "testing/simulation/simulation.h"

void bi_sim_seed(struct bight_simulation *simulation, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        simulation->random[i] = bi_split_mix(&seed);
    }
    simulation->hash = bi_split_mix(&seed);
}

static uint64_t rotate(uint64_t word, int bits)
{
    return (word << bits) | (word >> (64 - bits));
}

uint64_t bi_sim_random(struct bight_simulation *simulation)
{
    uint64_t *state = simulation->random;
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

uint64_t bight_simulation_draw(struct bight_simulation *simulation, uint64_t below)
{
    return below < 2 ? 0 : bi_sim_random(simulation) % below;
}

static bool is_allowed(const struct bight_simulation *simulation, uint32_t number)
{
    size_t low = 0, high = simulation->allowed_count;
    if (simulation->allowed == NULL) {
        return true;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (simulation->allowed[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < simulation->allowed_count && simulation->allowed[low] == number;
}

bool bi_sim_fault_drawn(struct bight_simulation *simulation, unsigned chance, const char *what)
{
    uint64_t drawn = bi_sim_random(simulation);
    if ((drawn & UINT32_MAX) % 1000 >= chance) {
        return false;
    }
    uint32_t number = simulation->faults++;
    bool allowed = is_allowed(simulation, number);
    simulation->detail = (uint32_t)(drawn >> 32);
    bi_sim_trace_fault(simulation, what, number, allowed);
    return allowed;
}

uint64_t bi_sim_detail(const struct bight_simulation *simulation, uint64_t below)
{
    return below < 2 ? 0 : simulation->detail % below;
}

void bight_simulation_allow_faults(struct bight_simulation *simulation, const uint32_t *numbers, size_t count)
{
    simulation->allowed = numbers;
    simulation->allowed_count = count;
}

uint32_t bight_simulation_fault_count(const struct bight_simulation *simulation)
{
    return simulation->faults;
}
