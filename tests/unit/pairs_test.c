// SPDX-License-Identifier: Apache-2.0
// What takes two people: another one, the same request, in time.
#include "policy/pairs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t a[HA_PAIRS_HASH_LEN] = "a", b[HA_PAIRS_HASH_LEN] = "b";

static enum ha_pair ask(struct ha_pairs *pairs, const uint8_t *hash, uid_t uid, int64_t now_s)
{
    uid_t other;
    int64_t until_s;
    return ha_pairs_ask(pairs, hash, uid, now_s, 60, &other, &until_s);
}

static void pair_is_two_people_with_one_request(void **state)
{
    struct ha_pairs *pairs = ha_pairs_new();
    uid_t other = 0;
    int64_t until_s = 0;
    assert_int_equal(ha_pairs_ask(pairs, a, 1, 100, 60, &other, &until_s), HA_PAIR_FIRST);
    assert_int_equal(until_s, 160);
    assert_int_equal(ask(pairs, a, 1, 101), HA_PAIR_FIRST);
    assert_int_equal(ask(pairs, b, 2, 102), HA_PAIR_FIRST);
    assert_int_equal(ha_pairs_ask(pairs, a, 2, 103, 60, &other, &until_s), HA_PAIR_MET);
    assert_int_equal(other, 1);
    // It was for once.
    assert_int_equal(ask(pairs, a, 2, 104), HA_PAIR_FIRST);
    assert_int_equal(ask(pairs, a, 1, 105), HA_PAIR_MET);
    ha_pairs_free(pairs);
}

static void pair_is_within_a_time(void **state)
{
    struct ha_pairs *pairs = ha_pairs_new();
    uid_t other;
    int64_t until_s = 0;
    assert_int_equal(ask(pairs, a, 1, 100), HA_PAIR_FIRST);
    // Asking again gains no time.
    assert_int_equal(ha_pairs_ask(pairs, a, 1, 150, 60, &other, &until_s), HA_PAIR_FIRST);
    assert_int_equal(until_s, 160);
    assert_int_equal(ask(pairs, a, 2, 160), HA_PAIR_FIRST);
    assert_int_equal(ask(pairs, a, 1, 219), HA_PAIR_MET);
    ha_pairs_free(pairs);
}

static void pairs_are_limited_and_room_comes_back(void **state)
{
    struct ha_pairs *pairs = ha_pairs_new();
    uint8_t hash[HA_PAIRS_HASH_LEN] = {0};
    for (unsigned i = 0; i < HA_PAIRS_MAX; i++) {
        memcpy(hash + 8, &i, sizeof i);
        assert_int_equal(ask(pairs, hash, 1, 100), HA_PAIR_FIRST);
    }
    assert_int_equal(ask(pairs, a, 1, 100), HA_PAIR_FULL);
    assert_int_equal(ask(pairs, hash, 2, 100), HA_PAIR_MET);
    assert_int_equal(ask(pairs, a, 1, 100), HA_PAIR_FIRST);
    assert_int_equal(ask(pairs, b, 1, 100), HA_PAIR_FULL);
    assert_int_equal(ask(pairs, b, 1, 160), HA_PAIR_FIRST);
    ha_pairs_free(pairs);
}

enum { REQUESTS = 500 };

struct person {
    struct ha_pairs *pairs;
    uid_t uid;
    unsigned met;
};

static void *ask_for_all(void *context)
{
    struct person *person = context;
    uint8_t hash[HA_PAIRS_HASH_LEN] = {0};
    for (unsigned i = 0; i < REQUESTS; i++) {
        memcpy(hash, &i, sizeof i);
        person->met += ask(person->pairs, hash, person->uid, 100) == HA_PAIR_MET;
    }
    return NULL;
}

static void pairs_of_people_at_one_time_meet_once_each(void **state)
{
    struct ha_pairs *pairs = ha_pairs_new();
    struct person people[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        people[i] = (struct person){.pairs = pairs, .uid = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_all, &people[i]), 0);
    }
    unsigned met = 0;
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        met += people[i].met;
    }
    assert_int_equal(met, 2 * REQUESTS);  // of four who ask, two are the second
    ha_pairs_free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pair_is_two_people_with_one_request),
        cmocka_unit_test(pair_is_within_a_time),
        cmocka_unit_test(pairs_are_limited_and_room_comes_back),
        cmocka_unit_test(pairs_of_people_at_one_time_meet_once_each),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
