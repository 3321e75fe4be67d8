// SPDX-License-Identifier: Apache-2.0
// Rates and budgets, to the use and the nanosecond; windows of the week; and what is no rate and no window.
#include "policy/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define DAY    INT64_C(86400)

static char name_a[] = "a", name_b[] = "b";

static unsigned take_all(struct ha_limits *limits, const struct ha_client_config *client, struct ha_limits_clock now)
{
    unsigned taken = 0, wait_s = 0;
    while (ha_limits_take(limits, client, now, &wait_s) == HA_LIMIT_NONE)
        taken++;
    assert_true(wait_s >= 1);
    return taken;
}

static void rate_is_exact(void **state)
{
    static const struct ha_rate rates[] = {{1, 2}, {3, 3}, {7, 20}, {500, 500}, {1000, 2}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct ha_limits *limits = ha_limits_new();
        const struct ha_client_config client = {.name = name_a, .rate = rates[i]};
        struct ha_limits_clock now = {.monotonic_ns = 12345};
        assert_int_equal(take_all(limits, &client, now), rates[i].burst);
        // One for each 1/per_s of a second, not a nanosecond before, whatever the steps in which time goes by.
        uint64_t taken = 0;
        for (int64_t passed = 1; passed <= 2 * SECOND; passed += 1 + 399983 * (passed % 3)) {
            now.monotonic_ns = 12345 + passed;
            taken += take_all(limits, &client, now);
            assert_int_equal(taken, (uint64_t)passed * rates[i].per_s / (uint64_t)SECOND);
        }
        now.monotonic_ns += 1000 * SECOND;
        assert_int_equal(take_all(limits, &client, now), rates[i].burst);
        now.monotonic_ns -= 10 * SECOND;
        assert_int_equal(take_all(limits, &client, now), 0);
        ha_limits_free(limits);
    }
}

static void rate_without_a_burst_is_one_at_a_time(void **state)
{
    struct ha_limits *limits = ha_limits_new();
    const struct ha_client_config client = {.name = name_a, .rate = {1, 1}};
    assert_int_equal(take_all(limits, &client, (struct ha_limits_clock){0}), 1);
    assert_int_equal(take_all(limits, &client, (struct ha_limits_clock){SECOND - 1, 0}), 0);
    assert_int_equal(take_all(limits, &client, (struct ha_limits_clock){SECOND, 0}), 1);
    assert_int_equal(take_all(limits, &client, (struct ha_limits_clock){9 * SECOND, 0}), 1);
    ha_limits_free(limits);
}

static void budget_is_a_days(void **state)
{
    struct ha_limits *limits = ha_limits_new();
    const struct ha_client_config client = {.name = name_a, .daily_budget = 1000};
    struct ha_limits_clock now = {.wall_s = 20000 * DAY + 5};
    unsigned wait_s = 0;
    assert_int_equal(take_all(limits, &client, now), 1000);
    now.wall_s = 20001 * DAY - 1;
    assert_int_equal(ha_limits_take(limits, &client, now, &wait_s), HA_LIMIT_BUDGET);
    assert_int_equal(wait_s, 1);
    now.wall_s = 20001 * DAY;
    assert_int_equal(take_all(limits, &client, now), 1000);
    now.wall_s = 20000 * DAY;
    assert_int_equal(ha_limits_take(limits, &client, now, &wait_s), HA_LIMIT_BUDGET);
    ha_limits_free(limits);
}

static void a_use_over_the_budget_costs_nothing_of_the_rate(void **state)
{
    struct ha_limits *limits = ha_limits_new();
    struct ha_client_config client = {.name = name_a, .rate = {1, 10}, .daily_budget = 4};
    struct ha_limits_clock now = {.wall_s = 20000 * DAY};
    assert_int_equal(take_all(limits, &client, now), 4);
    client.daily_budget = 100;
    assert_int_equal(take_all(limits, &client, now), 6);
    ha_limits_free(limits);
}

static void sections_are_counted_by_their_names(void **state)
{
    struct ha_limits *limits = ha_limits_new();
    const struct ha_client_config a = {.name = name_a, .rate = {5, 5}}, b = {.name = name_b, .rate = {5, 5}};
    const struct ha_client_config again = {.name = name_a, .rate = {5, 8}}, free_of_limits = {.name = name_a};
    struct ha_limits_clock now = {0};
    unsigned wait_s;
    assert_int_equal(take_all(limits, &a, now), 5);
    assert_int_equal(take_all(limits, &b, now), 5);
    // The configuration was read again: the count goes on.
    assert_int_equal(take_all(limits, &again, now), 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ha_limits_take(limits, &free_of_limits, now, &wait_s), HA_LIMIT_NONE);
    ha_limits_free(limits);
}

struct crowd {
    struct ha_limits *limits;
    struct ha_client_config client;
    unsigned taken;
};

static void *take_many(void *context)
{
    struct crowd *crowd = context;
    unsigned wait_s;
    for (unsigned i = 0; i < 10000; i++)
        if (ha_limits_take(crowd->limits, &crowd->client, (struct ha_limits_clock){0}, &wait_s) == HA_LIMIT_NONE)
            __atomic_fetch_add(&crowd->taken, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void callers_at_one_time_share_a_rate(void **state)
{
    struct crowd crowd = {.limits = ha_limits_new(), .client = {.name = name_a, .rate = {1000, 12345}}};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &crowd), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.taken, 12345);
    ha_limits_free(crowd.limits);
}

static void rates_are_read(void **state)
{
    static const struct {
        const char *text;
        struct ha_rate rate;
        const char *printed;
    } cases[] = {{"500/s", {500, 500}, "500/s"},
                 {"1/s burst=1000000", {1, 1000000}, "1/s burst=1000000"},
                 {"5/s  burst=5", {5, 5}, "5/s"}};
    static const char *const wrong[] = {
        "",      "5",    "/s",         "0/s",          "1000001/s",
        "5/m",   "5 /s", "5/sburst=1", "5/s burst=0",  "5/s burst=",
        "5/s x", "-5/s", "5/s 10",     "5/s burst=1 ", "5/s burst=99999999999999999999"};
    struct ha_rate rate;
    struct ha_err err;
    char text[HA_RATE_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ha_rate_parse(cases[i].text, &rate, &err), HA_OK);
        assert_memory_equal(&rate, &cases[i].rate, sizeof rate);
        assert_string_equal(ha_rate_print(&rate, text), cases[i].printed);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ha_rate_parse(wrong[i], &rate, &err), HA_E_CONFIG);
}

static void hours_are_read(void **state)
{
    static const struct {
        const char *text;
        struct ha_hours hours;
        const char *printed;
    } cases[] = {{"Mon-Fri 08:00-18:00", {0x1f, 480, 1080}, "Mon,Tue,Wed,Thu,Fri 08:00-18:00"},
                 {"08:00-24:00", {0x7f, 480, 1440}, "08:00-24:00"},
                 {"Sat-Mon,Wed 22:00-06:30", {0x65, 1320, 390}, "Mon,Wed,Sat,Sun 22:00-06:30"},
                 {"Mon-Sun 00:00-00:01", {0x7f, 0, 1}, "00:00-00:01"}};
    static const char *const wrong[] = {"",
                                        "Mon",
                                        "Mon 8:00-18:00",
                                        "Mon 08:00",
                                        "Mon08:00-18:00",
                                        "08:00-08:00",
                                        "24:00-08:00",
                                        "08:60-18:00",
                                        "08:00-24:01",
                                        "Mon- 08:00-18:00",
                                        "mon 08:00-18:00",
                                        "Mon,08:00-18:00",
                                        "08:00-18:00 ",
                                        "Mon,,Tue 08:00-18:00",
                                        "0x:00-18:00"};
    struct ha_hours hours;
    struct ha_err err;
    char text[HA_HOURS_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ha_hours_parse(cases[i].text, &hours, &err), HA_OK);
        assert_memory_equal(&hours, &cases[i].hours, sizeof hours);
        assert_string_equal(ha_hours_print(&hours, text), cases[i].printed);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ha_hours_parse(wrong[i], &hours, &err), HA_E_CONFIG);
}

static void hours_hold_from_their_first_second_to_their_last(void **state)
{
    const struct ha_hours office = {1u << 2, 480, 1080}, night = {1u << 2, 1320, 360}, all = {0x7f, 0, 1440};
    const int64_t wednesday = 20775 * DAY;  // 18 November 2026
    const struct {
        const struct ha_hours *hours;
        int64_t time_s;
        bool hold;
    } cases[] = {
        {&office, wednesday + 480 * 60 - 1, false},
        {&office, wednesday + 480 * 60, true},
        {&office, wednesday + 1080 * 60 - 1, true},
        {&office, wednesday + 1080 * 60, false},
        {&office, wednesday + DAY + 600 * 60, false},
        {&office, wednesday - DAY + 600 * 60, false},
        {&night, wednesday + 1320 * 60 - 1, false},
        {&night, wednesday + 1320 * 60, true},
        {&night, wednesday + DAY + 360 * 60 - 1, true},
        {&night, wednesday + DAY + 360 * 60, false},
        {&night, wednesday, false},
        {&all, wednesday + DAY - 1, true},
        {&all, 0, true},
        {&office, -DAY + 480 * 60 - 1, false},  // 31 December 1969 was a Wednesday, too
        {&office, -DAY + 480 * 60, true},
        {&all, INT64_MIN, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(ha_hours_hold(cases[i].hours, cases[i].time_s), cases[i].hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_is_exact),
        cmocka_unit_test(rate_without_a_burst_is_one_at_a_time),
        cmocka_unit_test(budget_is_a_days),
        cmocka_unit_test(a_use_over_the_budget_costs_nothing_of_the_rate),
        cmocka_unit_test(sections_are_counted_by_their_names),
        cmocka_unit_test(callers_at_one_time_share_a_rate),
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(hours_are_read),
        cmocka_unit_test(hours_hold_from_their_first_second_to_their_last),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
