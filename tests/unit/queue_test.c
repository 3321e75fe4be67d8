// SPDX-License-Identifier: Apache-2.0
// The order of turns, without threads and time: places are named by a letter for the user and a number.
#include "channel/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct named {
    struct ha_queue_place place;
    char name[8];
};

enum { CROWD = 26 * 64 };

struct bench {
    struct ha_queue queue;
    struct named places[CROWD];
    size_t n;
    char order[CROWD * 4];
};

static struct named *join(struct bench *bench, const char *name)
{
    struct named *named = &bench->places[bench->n++];
    snprintf(named->name, sizeof(named->name), "%s", name);
    assert_true(ha_queue_join(&bench->queue, (uid_t)name[0], &named->place));
    return named;
}

static void join_all(struct bench *bench, const char *names)
{
    char copy[256], *rest = copy;
    snprintf(copy, sizeof(copy), "%s", names);
    for (char *name; (name = strtok_r(rest, " ", &rest));)
        join(bench, name);
}

static const char *next(struct bench *bench)
{
    struct ha_queue_place *place = ha_queue_next(&bench->queue);
    if (!place)
        return NULL;
    assert_null(place->lane);
    return ((struct named *)place)->name;
}

// The names in the order of their turns, until nobody waits.
static const char *drain(struct bench *bench)
{
    bench->order[0] = '\0';
    for (const char *name; (name = next(bench));) {
        if (bench->order[0])
            strcat(bench->order, " ");
        strcat(bench->order, name);
    }
    assert_int_equal(bench->queue.n, 0);
    return bench->order;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct bench));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    drain(bench);
    free(bench);
    return 0;
}

static void queue_next_of_nobody_is_null(void **state)
{
    struct bench *bench = *state;
    assert_null(ha_queue_next(&bench->queue));
}

static void queue_of_one_user_keeps_the_order_of_arrival(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 a2 a3 a4");
    assert_int_equal(bench->queue.n, 4);
    assert_string_equal(drain(bench), "a1 a2 a3 a4");
}

static void queue_of_two_users_alternates(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 a2 a3 a4 b1 b2");
    assert_string_equal(drain(bench), "a1 b1 a2 b2 a3 a4");
}

static void queue_of_three_users_goes_round(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 a2 a3 b1 b2 b3 c1 c2 c3");
    assert_string_equal(drain(bench), "a1 b1 c1 a2 b2 c2 a3 b3 c3");
}

// A user who comes back at once after each turn gets no more than every second one.
static void queue_of_a_user_who_rejoins_lets_the_others_in_between(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 a2 a3 b1");
    assert_string_equal(next(bench), "a1");
    assert_string_equal(next(bench), "b1");
    join(bench, "b2");
    assert_string_equal(next(bench), "a2");
    assert_string_equal(next(bench), "b2");
    join(bench, "b3");
    assert_string_equal(drain(bench), "a3 b3");
}

// The batch joins anew for each item, behind the single request that came meanwhile.
static void queue_of_a_batch_and_single_requests_of_one_user_alternates(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a-b1 a-s1");
    assert_string_equal(next(bench), "a-b1");
    join(bench, "a-b2");
    assert_string_equal(next(bench), "a-s1");
    join(bench, "a-s2");
    assert_string_equal(next(bench), "a-b2");
    join(bench, "a-b3");
    assert_string_equal(drain(bench), "a-s2 a-b3");
}

static void queue_after_a_leave_goes_on_without(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 a2 a3 b1 c1");
    ha_queue_leave(&bench->queue, &bench->places[1].place);  // a2, in the middle
    ha_queue_leave(&bench->queue, &bench->places[3].place);  // b1, the only one of b
    ha_queue_leave(&bench->queue, &bench->places[0].place);  // a1, the first of whose turn it is
    assert_int_equal(bench->queue.n, 2);
    assert_string_equal(drain(bench), "a3 c1");
}

static void queue_after_the_last_leave_of_a_lane_gives_the_turn_to_the_next(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 b1 c1");
    ha_queue_leave(&bench->queue, &bench->places[0].place);
    join(bench, "a2");
    assert_string_equal(drain(bench), "b1 c1 a2");
}

static void queue_outdone_is_the_newest_of_whoever_has_the_most(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "a1 b1 b2 b3 c1 c2");
    struct ha_queue_place *place = ha_queue_outdone(&bench->queue, 'd');
    assert_string_equal(((struct named *)place)->name, "b3");
    place = ha_queue_outdone(&bench->queue, 'a');  // would have 2 then, b has 3
    assert_string_equal(((struct named *)place)->name, "b3");
    assert_null(ha_queue_outdone(&bench->queue, 'c'));  // would have as many
    assert_null(ha_queue_outdone(&bench->queue, 'b'));
    assert_int_equal(bench->queue.n, 6);
}

static void queue_outdone_spares_who_has_been_served_before(void **state)
{
    struct bench *bench = *state;
    join_all(bench, "b1 b2 b3");
    bench->places[2].place.pushy = true;
    assert_string_equal(((struct named *)ha_queue_outdone(&bench->queue, 'a'))->name, "b2");
    bench->places[0].place.pushy = bench->places[1].place.pushy = true;
    assert_null(ha_queue_outdone(&bench->queue, 'a'));
}

static void queue_outdone_of_nobody_is_null(void **state)
{
    struct bench *bench = *state;
    assert_null(ha_queue_outdone(&bench->queue, 'a'));
    join(bench, "a1");
    assert_null(ha_queue_outdone(&bench->queue, 'b'));
}

// 26 users with 64 places each, joined one user after the other: no user's k-th turn comes before all others' k-1st.
static void queue_of_a_crowd_is_even(void **state)
{
    struct bench *bench = *state;
    for (char user = 'a'; user <= 'z'; user++)
        for (int i = 0; i < 64; i++)
            join(bench, (char[]){user, '\0'});
    for (int round = 0; round < 64; round++)
        for (char user = 'a'; user <= 'z'; user++)
            assert_int_equal(next(bench)[0], user);
}

int main(void)
{
#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(queue_next_of_nobody_is_null),
        QUEUE_TEST(queue_of_one_user_keeps_the_order_of_arrival),
        QUEUE_TEST(queue_of_two_users_alternates),
        QUEUE_TEST(queue_of_three_users_goes_round),
        QUEUE_TEST(queue_of_a_user_who_rejoins_lets_the_others_in_between),
        QUEUE_TEST(queue_of_a_batch_and_single_requests_of_one_user_alternates),
        QUEUE_TEST(queue_after_a_leave_goes_on_without),
        QUEUE_TEST(queue_after_the_last_leave_of_a_lane_gives_the_turn_to_the_next),
        QUEUE_TEST(queue_outdone_is_the_newest_of_whoever_has_the_most),
        QUEUE_TEST(queue_outdone_spares_who_has_been_served_before),
        QUEUE_TEST(queue_outdone_of_nobody_is_null),
        QUEUE_TEST(queue_of_a_crowd_is_even),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
