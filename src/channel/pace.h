// SPDX-License-Identifier: Apache-2.0
// When a token's process is started again: the circuit breaker. Pure: the caller brings the clock and the dice.
//
// A process that was ready has an immediate successor. A token that fails is down: its callers are told so at once, and
// it is probed (a process, a login) at most once a second, so that it is back within 2 s of its return.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum ha_pace_end {
    HA_PACE_DIED,     // was ready, and crashed, was killed, or hung
    HA_PACE_GAVE_UP,  // was ready, and found that the token fails whatever it does
    HA_PACE_CRASHED,  // crashed while it started
    HA_PACE_FAILED,   // couldn't start
};

struct ha_pace {
    int64_t started_ms;  // of the last start
    int64_t credit_ms;   // when all immediate restarts will be available again
    unsigned crashes;    // while starting, in a row
    unsigned failures;   // probes in a row
    bool doubted;        // a start failed, and got its second chance
};

struct ha_pace_step {
    bool down;     // callers needn't wait
    int pause_ms;  // before the next start
};

void ha_pace_start(struct ha_pace *pace, int64_t now_ms);
// dice: any random number.
struct ha_pace_step ha_pace_after(struct ha_pace *pace, enum ha_pace_end end, int64_t now_ms, uint32_t dice);
