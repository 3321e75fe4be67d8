// SPDX-License-Identifier: Apache-2.0
// Whether a call meets a rule: its conditions, its counters, its dice. Thread-safe.
#pragma once

#include "watch.h"

// A random number that is the same in every run: of the seed, the rule, the call and a position.
uint64_t fault_random(uint64_t seed, uint64_t rule, uint64_t call, uint64_t position);
// Counts a call that rule number `index` of the set is for. True when it is met; *ret_number is which of the calls it
// is, from 1.
bool fault_decide(struct fault_set *set, size_t index, uint64_t *ret_number);
