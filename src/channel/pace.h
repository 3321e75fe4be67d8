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
    HA_PACE_USELESS,  // the same, and had done nothing for anybody before
    HA_PACE_CRASHED,  // crashed while it started
    HA_PACE_FAILED,   // couldn't start
};

struct ha_pace {
    int64_t started_ms;  // of the last start
    int64_t credit_ms;   // when all immediate restarts will be available again
    unsigned crashes;    // while starting, in a row
    unsigned failures;   // probes in a row
    bool doubted;        // a start failed, and got its second chance
    int64_t took_ms;     // the last start that succeeded; 0: none has
    unsigned stalls;     // starts in a row that took too long
};

struct ha_pace_step {
    bool down;     // callers needn't wait
    int pause_ms;  // before the next start
};

void ha_pace_start(struct ha_pace *pace, int64_t now_ms);
void ha_pace_started(struct ha_pace *pace, int64_t now_ms);  // the process is ready
void ha_pace_stalled(struct ha_pace *pace);                  // it wasn't in time
// How long a start may take: several times what the last good one took, at least deadline_ms, twice as long after each
// stall; most_ms in any case, and as long as nobody knows.
int ha_pace_limit_ms(const struct ha_pace *pace, int deadline_ms, int most_ms);
// dice: any random number.
struct ha_pace_step ha_pace_after(struct ha_pace *pace, enum ha_pace_end end, int64_t now_ms, uint32_t dice);
