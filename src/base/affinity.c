// SPDX-License-Identifier: Apache-2.0
#include "base/affinity.h"

#include "base/clock.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define CPUS_MAX    8192  // of any kernel
#define CROWDED_MAX 16
#define ALONE_MIN   16
#define DISTURBED   4096
#define SETTLED_MS  50
#define SETS        (CPUS_MAX / CPU_SETSIZE)

// In a cache line for itself, since all threads count there.
struct processor {
    unsigned cpu;
    atomic_uint busy;  // requests under way
    char rest[56];
};

struct ha_affinity {
    atomic_uint next;   // where the next thread begins to look for its seat
    atomic_uint moves;  // of threads that had one
    atomic_bool off;    // the system says no
    unsigned n;
    struct processor processors[];  // seats count from 1
};

bool ha_affinity_bind(unsigned cpu)
{
    cpu_set_t set[SETS] = {0};
    if (cpu == HA_CPU_ANY || cpu > CPUS_MAX)
        return false;
    CPU_SET_S(cpu - 1, sizeof set, set);
    return sched_setaffinity(0, sizeof set, set) == 0;
}

void ha_affinity_unbind(void)
{
    cpu_set_t set[SETS];
    if (sched_getaffinity(getpid(), sizeof set, set) == 0)
        sched_setaffinity(0, sizeof set, set);
}

enum ha_code ha_affinity_new(struct ha_affinity **ret_affinity, struct ha_err *err)
{
    cpu_set_t set[SETS] = {0};
    if (sched_getaffinity(0, sizeof set, set) != 0)
        return ha_fail_errno(err, errno, "asking for this process's processors");
    unsigned n = (unsigned)CPU_COUNT_S(sizeof set, set);
    struct ha_affinity *affinity = n > 1 ? calloc(1, sizeof *affinity + n * sizeof(struct processor)) : NULL;
    if (n > 1 && !affinity)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (unsigned cpu = 0; affinity && cpu < CPUS_MAX; cpu++) {
        if (CPU_ISSET_S(cpu, sizeof set, set))
            affinity->processors[affinity->n++].cpu = cpu + 1;
    }
    *ret_affinity = affinity;
    return HA_OK;
}

void ha_affinity_free(struct ha_affinity *affinity)
{
    free(affinity);
}

static unsigned busy(struct ha_affinity *affinity, unsigned at)
{
    return atomic_load_explicit(&affinity->processors[at - 1].busy, memory_order_relaxed);
}

// The first of the least busy ones behind a seat.
static unsigned least_busy(struct ha_affinity *affinity, unsigned behind)
{
    unsigned best = behind % affinity->n + 1;
    for (unsigned i = 1; i < affinity->n && busy(affinity, best) > 0; i++) {
        unsigned at = (behind + i) % affinity->n + 1;
        if (busy(affinity, at) < busy(affinity, best))
            best = at;
    }
    return best;
}

// A caller that is bound waits for us on its processor. Not 0: that is one of ours.
static unsigned beside(const struct ha_affinity *affinity, pid_t caller)
{
    cpu_set_t set[SETS] = {0};
    if (caller <= 0 || sched_getaffinity(caller, sizeof set, set) != 0 || CPU_COUNT_S(sizeof set, set) != 1)
        return 0;
    for (unsigned at = 1; at <= affinity->n; at++) {
        if (CPU_ISSET_S(affinity->processors[at - 1].cpu - 1, sizeof set, set))
            return at;
    }
    return 0;
}

static void sit(struct ha_affinity *affinity, struct ha_seat *seat, unsigned at)
{
    if (atomic_load_explicit(&affinity->off, memory_order_relaxed))
        return;
    if (!ha_affinity_bind(affinity->processors[at - 1].cpu)) {
        atomic_store(&affinity->off, true);
        return;
    }
    if (seat->at != at)
        *seat = (struct ha_seat){.cpu = affinity->processors[at - 1].cpu, .caller = seat->caller, .at = at};
    seat->since_ms = ha_now_ms();
    seat->loose = false;
}

static unsigned here(const struct ha_affinity *affinity)
{
    int cpu = sched_getcpu();
    for (unsigned at = 1; at <= affinity->n; at++) {
        if (cpu >= 0 && affinity->processors[at - 1].cpu == (unsigned)cpu + 1)
            return at;
    }
    return 0;
}

// Beside a bound caller; else where the scheduler has put it, unless there are more requests; at first, where the turn
// is.
static void settle(struct ha_affinity *affinity, struct ha_seat *seat)
{
    unsigned caller_at = beside(affinity, seat->caller), at = caller_at;
    if (!at && seat->at) {
        at = here(affinity);
        if (!at || busy(affinity, at) > busy(affinity, seat->at))
            at = seat->at;
    }
    if (!at)
        at = least_busy(affinity, atomic_fetch_add(&affinity->next, 1) % affinity->n);
    sit(affinity, seat, at);
    seat->beside = caller_at && seat->at == caller_at;
}

// One thread moves at a time, and the others look again whether they still want to.
static void find_better(struct ha_affinity *affinity, struct ha_seat *seat)
{
    unsigned best = least_busy(affinity, seat->at), moves = atomic_load(&affinity->moves);
    bool crowded = busy(affinity, seat->at) > busy(affinity, best);
    if (seat->moves != moves)
        seat->crowded = 0;
    seat->moves = moves;
    if (!crowded && seat->crowded > 0)
        seat->crowded--;
    if (crowded && ++seat->crowded == CROWDED_MAX &&
        atomic_compare_exchange_strong(&affinity->moves, &moves, moves + 1))
        sit(affinity, seat, best);
}

void ha_affinity_enter(struct ha_affinity *affinity, struct ha_seat *seat)
{
    if (!affinity)
        return;
    if (!seat->at || seat->loose)
        settle(affinity, seat);
    else
        find_better(affinity, seat);
    if (!seat->at)
        return;
    unsigned others = atomic_fetch_add_explicit(&affinity->processors[seat->at - 1].busy, 1, memory_order_relaxed);
    if (others > 0)
        seat->alone = 0;
    else if (seat->disturbed > 0)
        seat->disturbed--;
    else if (seat->alone < ALONE_MIN)
        seat->alone++;
}

void ha_affinity_leave(struct ha_affinity *affinity, struct ha_seat *seat)
{
    if (!affinity || !seat->at)
        return;
    atomic_fetch_sub_explicit(&affinity->processors[seat->at - 1].busy, 1, memory_order_relaxed);
    if (ha_now_ms() - seat->since_ms < SETTLED_MS)
        return;
    ha_affinity_unbind();
    seat->loose = true;
}

bool ha_affinity_alone(struct ha_affinity *affinity, const struct ha_seat *seat)
{
    return affinity && seat->at && !seat->beside && seat->alone >= ALONE_MIN && busy(affinity, seat->at) == 0;
}

void ha_affinity_disturbed(struct ha_seat *seat)
{
    seat->alone = 0;
    seat->disturbed = DISTURBED;
}
