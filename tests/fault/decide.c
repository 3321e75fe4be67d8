// SPDX-License-Identifier: Apache-2.0
#include "decide.h"

// The finaliser of SplitMix64.
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

uint64_t fault_random(uint64_t seed, uint64_t rule, uint64_t call, uint64_t position)
{
    const uint64_t golden = 0x9e3779b97f4a7c15;
    return mix(mix(mix(mix(seed + golden) + rule + golden) + call + golden) + position + golden);
}

static bool dice(uint64_t seed, size_t index, uint64_t number, double rate)
{
    // 53 bits are what a double holds.
    return (double)(fault_random(seed, index, number, 0) >> 11) * 0x1p-53 < rate;
}

// Never more than `limit`, however many ask at once.
static bool take_one(atomic_uint_least64_t *counter, uint64_t limit)
{
    uint_least64_t now = atomic_load(counter);
    while (now < limit) {
        if (atomic_compare_exchange_weak(counter, &now, now + 1))
            return true;
    }
    return false;
}

bool fault_decide(struct fault_set *set, size_t index, uint64_t *ret_number)
{
    const struct fault_rule *rule = &set->rules.rule[index];
    if (!fault_set_lasts(set, rule->for_ms))
        return false;
    struct fault_counts *counts = rule->per_process ? &set->own[index] : &set->counts[index];
    uint64_t number = atomic_fetch_add(&counts->matched, 1) + 1;
    if (number <= rule->after || (number - rule->after) % rule->every != 0 ||
        !dice(set->rules.seed, index, number, rule->rate))
        return false;
    if (!take_one(&counts->fired, rule->count))
        return false;
    *ret_number = number;
    return true;
}
