// SPDX-License-Identifier: Apache-2.0
// The breaker: how often a token's process is started.
#include "channel/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DICE_MAX 0xffffffffu

static void pace_after_a_useful_life_is_immediate(void **state)
{
    struct ha_pace pace = {0};
    for (int64_t now = 10000; now < 100000; now += 5000) {
        ha_pace_start(&pace, now);
        struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_DIED, now + 4000, 0);
        assert_false(step.down);
        assert_int_equal(step.pause_ms, 0);
    }
}

static void pace_of_a_token_that_is_away_is_one_probe_a_second_and_back_within_two(void **state)
{
    struct ha_pace pace = {.doubted = true};
    int64_t now = 10000, last = 0;
    for (uint32_t i = 0; i < 100; i++) {
        ha_pace_start(&pace, now);
        if (i > 0) {
            assert_true(now - last >= 1000);
            assert_true(now - last <= 1500);
        }
        last = now;
        now += 30;  // what the probe takes
        struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_FAILED, now, i * 2654435761u);
        assert_true(step.down);
        now += step.pause_ms;
    }
}

static void pace_backs_off_and_is_jittered(void **state)
{
    struct ha_pace pace = {.doubted = true};
    ha_pace_start(&pace, 0);
    int first = ha_pace_after(&pace, HA_PACE_FAILED, 0, 0).pause_ms;
    int second = ha_pace_after(&pace, HA_PACE_FAILED, 0, 0).pause_ms;
    assert_true(second > first);
    pace = (struct ha_pace){.doubted = true};
    ha_pace_start(&pace, 0);
    assert_true(ha_pace_after(&pace, HA_PACE_FAILED, 0, 57).pause_ms > first);
}

static void pace_of_a_slow_probe_does_not_wait_again(void **state)
{
    struct ha_pace pace = {.doubted = true};
    ha_pace_start(&pace, 0);
    assert_int_equal(ha_pace_after(&pace, HA_PACE_FAILED, 30000, DICE_MAX).pause_ms, 0);
}

static void pace_gives_a_failed_start_one_more_chance(void **state)
{
    struct ha_pace pace = {0};
    for (int i = 0; i < 3; i++) {
        ha_pace_start(&pace, 100000 * i);
        assert_false(ha_pace_after(&pace, HA_PACE_FAILED, 100000 * i + 10, 0).down);
        ha_pace_start(&pace, 100000 * i + 50);
        assert_true(ha_pace_after(&pace, HA_PACE_FAILED, 100000 * i + 60, 0).down);
        ha_pace_start(&pace, 100000 * i + 2000);
        ha_pace_after(&pace, HA_PACE_DIED, 100000 * i + 9000, 0);
    }
}

static void pace_gives_none_to_a_start_that_tried_for_long(void **state)
{
    struct ha_pace pace = {0};
    ha_pace_start(&pace, 10000);
    struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_FAILED, 11500, 0);
    assert_true(step.down);
    assert_int_equal(step.pause_ms, 0);
    // A hang is another matter, and seldom twice the same.
    pace = (struct ha_pace){0};
    ha_pace_start(&pace, 10000);
    ha_pace_stalled(&pace);
    assert_false(ha_pace_after(&pace, HA_PACE_FAILED, 11500, 0).down);
}

static void pace_forgives_three_give_ups_and_one_more_a_second(void **state)
{
    struct ha_pace pace = {0};
    int64_t now = 10000;
    for (int i = 0; i < 3; i++) {
        ha_pace_start(&pace, now);
        assert_false(ha_pace_after(&pace, HA_PACE_GAVE_UP, now += 20, 0).down);
    }
    ha_pace_start(&pace, now);
    struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_GAVE_UP, now += 20, 0);
    assert_true(step.down);
    assert_true(step.pause_ms >= 900);
    now += 10000;
    ha_pace_start(&pace, now);
    assert_false(ha_pace_after(&pace, HA_PACE_GAVE_UP, now += 1500, 0).down);
}

static void pace_of_processes_that_do_nothing_before_they_give_up_is_down_with_the_second(void **state)
{
    // A slow machine, on which the life of each takes as long as a restart is earned anew.
    struct ha_pace pace = {0};
    int64_t now = 10000;
    ha_pace_start(&pace, now);
    assert_false(ha_pace_after(&pace, HA_PACE_USELESS, now += 1100, 0).down);
    for (int i = 0; i < 5; i++) {
        ha_pace_start(&pace, now);
        struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_USELESS, now += 1100, 0);
        assert_true(step.down);
        now += step.pause_ms;
    }
    // One that does something, and gives up, has an immediate successor.
    ha_pace_start(&pace, now += 5000);
    assert_false(ha_pace_after(&pace, HA_PACE_GAVE_UP, now += 20, 0).down);
    // Seldom as it is, it is a matter of the key rather than of the token.
    for (int i = 0; i < 5; i++) {
        ha_pace_start(&pace, now += 5000);
        assert_false(ha_pace_after(&pace, HA_PACE_USELESS, now, 0).down);
    }
}

static void pace_of_a_start_is_what_starts_have_taken(void **state)
{
    struct ha_pace pace = {0};
    assert_int_equal(ha_pace_limit_ms(&pace, 1000, 30000), 30000);  // nobody knows yet
    ha_pace_start(&pace, 10000);
    ha_pace_started(&pace, 10080);
    assert_int_equal(ha_pace_limit_ms(&pace, 1000, 30000), 1000);
    assert_int_equal(ha_pace_limit_ms(&pace, 200, 30000), 800);
    // It may have become slower: the next ones have longer, as long as one may have at all.
    ha_pace_stalled(&pace);
    assert_int_equal(ha_pace_limit_ms(&pace, 1000, 30000), 2000);
    for (int i = 0; i < 100; i++)
        ha_pace_stalled(&pace);
    assert_int_equal(ha_pace_limit_ms(&pace, 1000, 30000), 30000);
    ha_pace_start(&pace, 20000);
    ha_pace_started(&pace, 22500);
    assert_int_equal(ha_pace_limit_ms(&pace, 1000, 30000), 25000);
    ha_pace_start(&pace, 30000);
    ha_pace_started(&pace, 30000);
    assert_int_equal(ha_pace_limit_ms(&pace, 1000, 30000), 1000);
}

static void pace_gives_a_crashing_module_three_quick_chances(void **state)
{
    struct ha_pace pace = {0};
    for (int i = 0; i < 3; i++) {
        ha_pace_start(&pace, 1000);
        struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_CRASHED, 1010, 0);
        assert_false(step.down);
        assert_true(step.pause_ms < 100);
    }
    assert_true(ha_pace_after(&pace, HA_PACE_CRASHED, 1010, 0).down);
}

static void pace_of_a_process_that_dies_young_is_slowed_but_not_down(void **state)
{
    struct ha_pace pace = {0};
    for (int i = 0; i < 100; i++) {
        ha_pace_start(&pace, 1000);
        struct ha_pace_step step = ha_pace_after(&pace, HA_PACE_DIED, 1010, 0);
        assert_false(step.down);
        assert_true(step.pause_ms > 0 && step.pause_ms <= 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pace_after_a_useful_life_is_immediate),
        cmocka_unit_test(pace_of_a_token_that_is_away_is_one_probe_a_second_and_back_within_two),
        cmocka_unit_test(pace_backs_off_and_is_jittered),
        cmocka_unit_test(pace_of_a_slow_probe_does_not_wait_again),
        cmocka_unit_test(pace_gives_a_failed_start_one_more_chance),
        cmocka_unit_test(pace_gives_none_to_a_start_that_tried_for_long),
        cmocka_unit_test(pace_forgives_three_give_ups_and_one_more_a_second),
        cmocka_unit_test(pace_of_processes_that_do_nothing_before_they_give_up_is_down_with_the_second),
        cmocka_unit_test(pace_of_a_start_is_what_starts_have_taken),
        cmocka_unit_test(pace_gives_a_crashing_module_three_quick_chances),
        cmocka_unit_test(pace_of_a_process_that_dies_young_is_slowed_but_not_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
