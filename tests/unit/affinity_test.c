// SPDX-License-Identifier: Apache-2.0
// Tests of base/affinity, each on a thread of its own, which it may bind.
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/affinity.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum { MANY = 1000, SOON = 100 };

static int n_cpus(pid_t thread)
{
    cpu_set_t set;
    return sched_getaffinity(thread, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

static unsigned where(void)
{
    return (unsigned)sched_getcpu() + 1;
}

// What a thread found.
struct found {
    struct ha_affinity *affinity;
    int before, bound, after;
    bool there, refused;
    struct ha_seat seat;
    unsigned n;
};

static void on_thread(void *(*work)(void *), struct found *found)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, work, found), 0);
    pthread_join(thread, NULL);
}

static void *bind_and_unbind(void *context)
{
    struct found *found = context;
    found->before = n_cpus(0);
    unsigned cpu = where();
    found->there = ha_affinity_bind(cpu) && where() == cpu;
    found->bound = n_cpus(0);
    found->refused = !ha_affinity_bind(HA_CPU_ANY) && !ha_affinity_bind(8192) && !ha_affinity_bind(UINT32_MAX);
    ha_affinity_unbind();
    found->after = n_cpus(0);
    return NULL;
}

static void a_thread_is_bound_and_let_go(void **state)
{
    struct found found = {0};
    on_thread(bind_and_unbind, &found);
    assert_true(found.there);
    assert_int_equal(found.bound, 1);
    assert_true(found.refused);
    assert_int_equal(found.after, found.before);
    assert_int_equal(found.after, n_cpus(getpid()));
}

static void *make_when_bound(void *context)
{
    struct found *found = context;
    struct ha_err err = {0};
    found->affinity = (struct ha_affinity *)found;
    found->there = ha_affinity_bind(where()) && ha_affinity_new(&found->affinity, &err) == HA_OK;
    return NULL;
}

static void one_processor_needs_nothing(void **state)
{
    struct found found = {0};
    struct ha_seat seat = {0};
    on_thread(make_when_bound, &found);
    assert_true(found.there);
    assert_null(found.affinity);
    ha_affinity_enter(NULL, &seat);
    ha_affinity_leave(NULL, &seat);
    assert_int_equal(seat.cpu, HA_CPU_ANY);
}

static struct ha_affinity *make(void)
{
    struct ha_affinity *affinity = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_affinity_new(&affinity, &err), HA_OK);
    if (!affinity)
        skip();
    return affinity;
}

static void *enter_and_leave(void *context)
{
    struct found *found = context;
    for (unsigned i = 0; i < MANY; i++) {
        struct ha_seat before = found->seat;
        ha_affinity_enter(found->affinity, &found->seat);
        found->n += before.cpu && !before.loose && found->seat.cpu != before.cpu;
        found->bound = n_cpus(0);
        found->there = where() == found->seat.cpu;
        ha_affinity_leave(found->affinity, &found->seat);
    }
    return NULL;
}

static void who_is_alone_stays(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    struct found found = {.affinity = affinity};
    on_thread(enter_and_leave, &found);
    assert_int_equal(found.n, 0);
    assert_int_equal(found.bound, 1);
    assert_true(found.there);
}

// Requests under way for as long as the test wants them, each on a seat of its own.
static void *fill(void *context)
{
    struct found *found = context;
    struct ha_seat seats[64] = {{0}};
    unsigned n = (unsigned)n_cpus(getpid());
    for (unsigned i = 0; i < 2 * n && i < 64; i++) {
        ha_affinity_enter(found->affinity, &seats[i]);
        for (unsigned j = 0; j < i && i < n; j++)
            found->n += seats[i].cpu == seats[j].cpu;
    }
    for (unsigned i = 0; i < 2 * n && i < 64; i++)
        ha_affinity_leave(found->affinity, &seats[i]);
    return NULL;
}

static void requests_are_spread(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    struct found found = {.affinity = affinity};
    on_thread(fill, &found);
    assert_int_equal(found.n, 0);
}

// Two requests meet on a processor, and another has none.
static void *crowd(void *context)
{
    struct found *found = context;
    struct ha_seat here = {0}, other = {0};
    ha_affinity_enter(found->affinity, &here);
    other = here;
    while (other.cpu == here.cpu && found->n < SOON) {
        found->n++;
        ha_affinity_enter(found->affinity, &other);
        found->there = where() == other.cpu;
        ha_affinity_leave(found->affinity, &other);
    }
    found->seat = other;
    ha_affinity_leave(found->affinity, &here);
    return NULL;
}

static void who_meets_another_again_and_again_moves(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    struct found found = {.affinity = affinity};
    on_thread(crowd, &found);
    assert_in_range(found.n, 2, SOON - 1);
    assert_true(found.there);
}

static void *crowd_sometimes(void *context)
{
    struct found *found = context;
    struct ha_seat here = {0}, other = {0};
    ha_affinity_enter(found->affinity, &other);
    ha_affinity_leave(found->affinity, &other);
    here = other;
    for (unsigned i = 0; i < MANY && !other.loose && !here.loose; i++) {
        if (i % 2)
            ha_affinity_enter(found->affinity, &here);
        ha_affinity_enter(found->affinity, &other);
        found->n += other.cpu != here.cpu;
        ha_affinity_leave(found->affinity, &other);
        if (i % 2)
            ha_affinity_leave(found->affinity, &here);
    }
    return NULL;
}

static void who_meets_another_now_and_then_stays(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    struct found found = {.affinity = affinity};
    on_thread(crowd_sometimes, &found);
    assert_int_equal(found.n, 0);
}

// Sits down for a caller that is bound: this thread, by its id.
static void *sit_beside(void *context)
{
    struct found *found = context;
    struct found other = {.affinity = found->affinity, .seat = {.caller = gettid()}};
    if (!ha_affinity_bind(found->n))
        return NULL;
    on_thread(enter_and_leave, &other);
    found->there = other.there && other.seat.cpu == found->n && !ha_affinity_alone(found->affinity, &other.seat);
    return NULL;
}

static void a_bound_caller_is_worked_for_where_it_is(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        struct found found = {.affinity = affinity, .n = cpu + 1};
        if (!CPU_ISSET(cpu, &set))
            continue;
        on_thread(sit_beside, &found);
        assert_true(found.there);
    }
}

// After a while the thread isn't bound between two requests, and follows the scheduler; this test is the scheduler.
static void *follow(void *context)
{
    struct found *found = context;
    struct ha_seat *seat = &found->seat;
    cpu_set_t set;
    ha_affinity_enter(found->affinity, seat);
    ha_affinity_leave(found->affinity, seat);
    while (!seat->loose) {
        ha_affinity_enter(found->affinity, seat);
        ha_affinity_leave(found->affinity, seat);
    }
    found->after = n_cpus(0);
    sched_getaffinity(0, sizeof set, &set);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &set) && cpu + 1 != seat->cpu)
            found->n = cpu + 1;
    }
    if (!ha_affinity_bind(found->n))
        return NULL;
    ha_affinity_enter(found->affinity, seat);
    found->bound = n_cpus(0);
    found->there = seat->cpu == found->n && where() == found->n;
    ha_affinity_leave(found->affinity, seat);
    return NULL;
}

static void the_scheduler_is_asked_now_and_then(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    struct found found = {.affinity = affinity};
    on_thread(follow, &found);
    assert_int_equal(found.after, n_cpus(getpid()));
    assert_true(found.there);
    assert_int_equal(found.bound, 1);
}

static void *be_alone(void *context)
{
    struct found *found = context;
    struct ha_seat seat = {0}, other = {0};
    found->refused = !ha_affinity_alone(found->affinity, &seat);
    for (unsigned i = 0; i < SOON && !found->there; i++) {
        ha_affinity_enter(found->affinity, &seat);
        found->n += ha_affinity_alone(found->affinity, &seat);  // its own counts as any other
        ha_affinity_leave(found->affinity, &seat);
        found->there = ha_affinity_alone(found->affinity, &seat);
    }
    other = seat;
    ha_affinity_enter(found->affinity, &other);
    found->n += ha_affinity_alone(found->affinity, &seat);
    ha_affinity_enter(found->affinity, &seat);
    ha_affinity_leave(found->affinity, &seat);
    ha_affinity_leave(found->affinity, &other);
    found->n += ha_affinity_alone(found->affinity, &seat);  // there was somebody a moment ago
    ha_affinity_disturbed(&seat);
    for (unsigned i = 0; i < SOON; i++) {
        ha_affinity_enter(found->affinity, &seat);
        ha_affinity_leave(found->affinity, &seat);
        found->n += ha_affinity_alone(found->affinity, &seat);
    }
    return NULL;
}

static void who_meets_nobody_for_a_while_is_alone(void **state)
{
    ha_auto(ha_affinity_free) struct ha_affinity *affinity = make();
    struct found found = {.affinity = affinity};
    on_thread(be_alone, &found);
    assert_true(found.refused);
    assert_true(found.there);
    assert_int_equal(found.n, 0);
    assert_false(ha_affinity_alone(NULL, &found.seat));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_is_bound_and_let_go),
        cmocka_unit_test(one_processor_needs_nothing),
        cmocka_unit_test(who_is_alone_stays),
        cmocka_unit_test(requests_are_spread),
        cmocka_unit_test(who_meets_another_again_and_again_moves),
        cmocka_unit_test(who_meets_another_now_and_then_stays),
        cmocka_unit_test(the_scheduler_is_asked_now_and_then),
        cmocka_unit_test(who_meets_nobody_for_a_while_is_alone),
        cmocka_unit_test(a_bound_caller_is_worked_for_where_it_is),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
