// SPDX-License-Identifier: Apache-2.0
#include "channel/pace.h"

#define PROBE_MS       1000  // between two starts while the token is down, at least
#define BACKOFF_MS     100   // longer after each failure,
#define BACKOFFS_MAX   4     // up to so many times
#define JITTER_MS      100
#define CRASHES_MAX    3    // while starting, before callers are told that the token is down
#define CRASH_PAUSE_MS 25   // a module that crashes as it starts may do better the next time
#define BRIEF_PAUSE_MS 100  // after a process that died within a second of its start
#define BURST          3    // immediate restarts of processes that gave up; one more each second
#define START_FACTOR   10   // a start that takes so many times as long as the last one hangs
#define STALLS_MAX     8    // doublings of that

void ha_pace_start(struct ha_pace *pace, int64_t now_ms)
{
    pace->started_ms = now_ms;
}

void ha_pace_started(struct ha_pace *pace, int64_t now_ms)
{
    pace->took_ms = now_ms > pace->started_ms ? now_ms - pace->started_ms : 1;
    pace->stalls = 0;
}

void ha_pace_stalled(struct ha_pace *pace)
{
    pace->stalls++;
}

int ha_pace_limit_ms(const struct ha_pace *pace, int deadline_ms, int most_ms)
{
    if (pace->took_ms == 0)
        return most_ms;
    int64_t limit = START_FACTOR * pace->took_ms;
    if (limit < deadline_ms)
        limit = deadline_ms;
    limit <<= pace->stalls < STALLS_MAX ? pace->stalls : STALLS_MAX;
    return limit < most_ms ? (int)limit : most_ms;
}

static struct ha_pace_step probe_later(struct ha_pace *pace, int64_t now_ms, uint32_t dice)
{
    unsigned backoffs = pace->failures < BACKOFFS_MAX ? pace->failures : BACKOFFS_MAX;
    int64_t next = pace->started_ms + PROBE_MS + BACKOFF_MS * (int64_t)backoffs + dice % JITTER_MS;
    pace->failures++;
    return (struct ha_pace_step){.down = true, .pause_ms = next > now_ms ? (int)(next - now_ms) : 0};
}

// A bucket of BURST restarts that fills by one a second. credit_ms is when it will be full again.
static bool take_credit(struct ha_pace *pace, int64_t now_ms)
{
    int64_t full = pace->credit_ms > now_ms ? pace->credit_ms : now_ms;
    if (full + PROBE_MS - now_ms > (int64_t)BURST * PROBE_MS)
        return false;
    pace->credit_ms = full + PROBE_MS;
    return true;
}

// All that the bucket holds, which has to be full.
static bool take_all_credit(struct ha_pace *pace, int64_t now_ms)
{
    bool full = pace->credit_ms <= now_ms;
    pace->credit_ms = now_ms + (int64_t)BURST * PROBE_MS;
    return full;
}

struct ha_pace_step ha_pace_after(struct ha_pace *pace, enum ha_pace_end end, int64_t now_ms, uint32_t dice)
{
    bool brief = now_ms - pace->started_ms < PROBE_MS;
    switch (end) {
    case HA_PACE_DIED:
        pace->crashes = pace->failures = 0;
        pace->doubted = false;
        return (struct ha_pace_step){.pause_ms = brief ? BRIEF_PAUSE_MS : 0};
    case HA_PACE_GAVE_UP:
        pace->crashes = 0;
        pace->doubted = false;
        if (!brief)
            pace->failures = 0;
        return take_credit(pace, now_ms) ? (struct ha_pace_step){0} : probe_later(pace, now_ms, dice);
    case HA_PACE_USELESS:
        pace->crashes = 0;
        pace->doubted = false;
        return take_all_credit(pace, now_ms) ? (struct ha_pace_step){0} : probe_later(pace, now_ms, dice);
    case HA_PACE_CRASHED:
        if (++pace->crashes <= CRASHES_MAX)
            return (struct ha_pace_step){.pause_ms = CRASH_PAUSE_MS};
        return probe_later(pace, now_ms, dice);
    case HA_PACE_FAILED:
        break;
    }
    pace->crashes = 0;
    // The child tries several times by itself, and who waits for it has waited long enough when that took a second.
    if (!pace->doubted && (brief || pace->stalls)) {
        pace->doubted = true;
        return (struct ha_pace_step){.pause_ms = CRASH_PAUSE_MS};
    }
    return probe_later(pace, now_ms, dice);
}
