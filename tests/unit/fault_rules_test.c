// SPDX-License-Identifier: Apache-2.0
// The rule language of the fault module.
#include "fault/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <p11-kit/pkcs11.h>

static struct fault_rules parse(const char *text)
{
    struct fault_rules rules;
    struct ha_err err = {0};
    if (fault_rules_parse(text, &rules, &err) != HA_OK)
        fail_msg("%s", err.detail);
    return rules;
}

static void rules_empty_or_comment_is_no_rule(void **state)
{
    assert_int_equal(parse("").n, 0);
    assert_int_equal(parse("\n  \n# C_Sign hang\n\t# x").n, 0);
    assert_int_equal(parse("").seed, 1);
}

static void rules_plain_error_is_always_and_everywhere(void **state)
{
    struct fault_rules rules = parse("C_Sign error CKR_DEVICE_ERROR");
    const struct fault_rule *rule = &rules.rule[0];
    assert_int_equal(rules.n, 1);
    assert_int_equal(rule->action, FAULT_ERROR);
    assert_int_equal(rule->argument, CKR_DEVICE_ERROR);
    assert_true(rule->rate >= 1);
    assert_int_equal(rule->after, 0);
    assert_int_equal(rule->every, 1);
    assert_true(rule->count == UINT64_MAX);
    assert_int_equal(rule->for_ms, 0);
    assert_false(rule->per_process);
    for (unsigned i = 0; i < FAULT_FUNCTION_COUNT; i++)
        assert_int_equal(rule->on[i], i == FAULT_C_Sign);
}

static void rules_conditions_are_read_in_any_order(void **state)
{
    struct fault_rules rules = parse("C_Sign delay 20 per-process count 3 every 7 for 5000 rate 0.25 after 0x10");
    const struct fault_rule *rule = &rules.rule[0];
    assert_int_equal(rule->action, FAULT_DELAY);
    assert_int_equal(rule->argument, 20);
    assert_int_equal(rule->count, 3);
    assert_int_equal(rule->for_ms, 5000);
    assert_int_equal(rule->after, 16);
    assert_int_equal(rule->every, 7);
    assert_true(rule->rate > 0.2499 && rule->rate < 0.2501);
    assert_true(rule->per_process);
}

static void rules_pattern_is_for_all_functions_that_fit(void **state)
{
    struct fault_rules rules = parse("C_Sign* hang");
    unsigned n = 0;
    for (unsigned i = 0; i < FAULT_FUNCTION_COUNT; i++) {
        assert_int_equal(rules.rule[0].on[i], strncmp(fault_function_name(i), "C_Sign", 6) == 0);
        n += rules.rule[0].on[i];
    }
    assert_int_equal(n, 7);
}

static void rules_for_outputs_spare_functions_without_one(void **state)
{
    struct fault_rules rules = parse("C_* garbage");
    assert_true(rules.rule[0].on[FAULT_C_Sign]);
    assert_true(rules.rule[0].on[FAULT_C_Decrypt]);
    assert_false(rules.rule[0].on[FAULT_C_SignInit]);
    assert_false(rules.rule[0].on[FAULT_C_GetInfo]);
}

static void rules_code_is_a_name_or_a_number(void **state)
{
    assert_int_equal(parse("C_Login error CKR_PIN_LOCKED").rule[0].argument, CKR_PIN_LOCKED);
    assert_int_equal(parse("C_Login error 0x80000042").rule[0].argument, 0x80000042);
    assert_int_equal(parse("C_Login late 5").rule[0].argument, CKR_GENERAL_ERROR);
}

static void rules_crash_has_a_way(void **state)
{
    assert_int_equal(parse("C_Sign crash").rule[0].argument, FAULT_CRASH_ABORT);
    assert_int_equal(parse("C_Sign crash segv count 1").rule[0].argument, FAULT_CRASH_SEGV);
    assert_int_equal(parse("C_Sign crash kill").rule[0].argument, FAULT_CRASH_KILL);
    assert_int_equal(parse("C_Sign crash exit after 3").rule[0].argument, FAULT_CRASH_EXIT);
    assert_int_equal(parse("C_Sign crash after 100").rule[0].after, 100);
}

static void rules_each_action_is_known_by_its_word(void **state)
{
    static const char *const texts[FAULT_ACTION_COUNT] = {
        [FAULT_ERROR] = "error 1",   [FAULT_HANG] = "hang",         [FAULT_CRASH] = "crash",
        [FAULT_DELAY] = "delay 1",   [FAULT_HOLD] = "hold",         [FAULT_KILL_SESSIONS] = "kill-sessions",
        [FAULT_LOGOUT] = "logout",   [FAULT_LATE] = "late 1",       [FAULT_GARBAGE] = "garbage",
        [FAULT_FLIP] = "flip",       [FAULT_SHORTEN] = "shorten 1", [FAULT_TOO_SMALL] = "too-small",
        [FAULT_SIGNALS] = "signals",
    };
    for (unsigned i = 0; i < FAULT_ACTION_COUNT; i++) {
        char line[64];
        snprintf(line, sizeof(line), "C_Sign %s rate 1 # and why", texts[i]);
        assert_int_equal(parse(line).rule[0].action, i);
    }
}

static void rules_order_of_the_lines_is_kept(void **state)
{
    struct fault_rules rules = parse("seed 7\r\nC_Sign delay 1\n\nC_Sign error 5");
    assert_int_equal(rules.seed, 7);
    assert_int_equal(rules.n, 2);
    assert_int_equal(rules.rule[0].action, FAULT_DELAY);
    assert_int_equal(rules.rule[1].action, FAULT_ERROR);
}

static void rules_trait_of_the_token(void **state)
{
    static const char *const texts[FAULT_TRAIT_COUNT] = {
        [FAULT_ABSENT] = "absent",
        [FAULT_SLOTS_SHIFT] = "slots-shift 9",
        [FAULT_SLOTS_MOVE] = "slots-move 9",
        [FAULT_SESSION_CAP] = "session-cap 9",
        [FAULT_SESSION_IDLE] = "session-idle 9",
        [FAULT_MAX_SESSIONS] = "max-sessions 9",
        [FAULT_OBJECTS_TWICE] = "objects-twice",
        [FAULT_OBJECTS_TWINS] = "objects-twins",
        [FAULT_OBJECTS_HIDDEN] = "objects-hidden",
        [FAULT_PIN_COUNT_LOW] = "pin-count-low",
        [FAULT_PIN_FINAL_TRY] = "pin-final-try",
        [FAULT_PIN_LOCKED] = "pin-locked",
        [FAULT_PIN_TRIES] = "pin-tries 9",
    };
    for (unsigned i = 0; i < FAULT_TRAIT_COUNT; i++) {
        char line[64];
        snprintf(line, sizeof(line), "token %s for 300", texts[i]);
        struct fault_rules rules = parse(line);
        for (unsigned k = 0; k < FAULT_TRAIT_COUNT; k++)
            assert_int_equal(rules.trait[k].on, k == i);
        assert_int_equal(rules.trait[i].value, strchr(texts[i], '9') ? 9 : 0);
        assert_int_equal(rules.trait[i].for_ms, 300);
        assert_int_equal(rules.n, 0);
    }
}

static void rules_mistake_is_named_with_its_line(void **state)
{
    static const struct {
        const char *text, *message;
    } mistakes[] = {
        {"C_Sign", "line 1: '' is no action"},
        {"\n\nC_Sign explode", "line 3: 'explode' is no action"},
        {"C_Sing hang", "line 1: there is no function 'C_Sing'"},
        {"C_Sign error", "line 1: 'error' wants a number"},
        {"C_Sign error CKR_DEVICE_ERRROR", "line 1: there is no CKR_DEVICE_ERRROR"},
        {"C_Sign error -1", "line 1: 'error' wants a number"},
        {"C_Sign delay soon", "line 1: 'delay' wants a number"},
        {"C_Sign delay 5ms", "line 1: 'delay' wants a number, not '5ms'"},
        {"C_Sign delay 99999999999999999999", "line 1: 'delay' wants a number, not '99999999999999999999'"},
        {"C_Sign hang rate 2", "line 1: 'rate' wants a probability, 0 to 1"},
        {"C_Sign hang rate nan", "line 1: 'rate' wants a probability, 0 to 1"},
        {"C_Sign hang rate", "line 1: 'rate' wants a probability, 0 to 1"},
        {"C_Sign hang count", "line 1: 'count' wants a number"},
        {"C_Sign hang every 0", "line 1: 'every' wants a number, 1 at least"},
        {"C_Sign hang every", "line 1: 'every' wants a number, 1 at least"},
        {"C_Sign hang often", "line 1: 'often' is no condition"},
        {"C_Sign crash abort segv", "line 1: 'segv' is no condition"},
        {"C_SignInit garbage", "line 1: 'garbage' is for functions that write a buffer"},
        {"token", "line 1: '' is no trait of a token"},
        {"token lost", "line 1: 'lost' is no trait of a token"},
        {"token session-cap", "line 1: 'session-cap' wants a number"},
        {"token absent rate 0.5", "line 1: 'rate' is too much"},
        {"seed", "line 1: 'seed' wants a number"},
        {"seed 1 2", "line 1: '2' is too much"},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct fault_rules rules = {.seed = 99};
        struct ha_err err = {0};
        assert_int_equal(fault_rules_parse(mistakes[i].text, &rules, &err), HA_E_CONFIG);
        assert_string_equal(err.detail, mistakes[i].message);
        assert_int_equal(rules.seed, 99);
    }
}

static void rules_too_many_or_too_long_are_refused(void **state)
{
    char text[FAULT_RULES_MAX * 16 + 64] = "", line[400];
    struct fault_rules rules;
    struct ha_err err = {0};
    for (unsigned i = 0; i < FAULT_RULES_MAX; i++)
        strcat(text, "C_Sign hang\n");
    assert_int_equal(parse(text).n, FAULT_RULES_MAX);
    strcat(text, "C_Sign hang\n");
    assert_int_equal(fault_rules_parse(text, &rules, &err), HA_E_CONFIG);
    memset(line, ' ', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    assert_int_equal(fault_rules_parse(line, &rules, &err), HA_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_empty_or_comment_is_no_rule),
        cmocka_unit_test(rules_plain_error_is_always_and_everywhere),
        cmocka_unit_test(rules_conditions_are_read_in_any_order),
        cmocka_unit_test(rules_pattern_is_for_all_functions_that_fit),
        cmocka_unit_test(rules_for_outputs_spare_functions_without_one),
        cmocka_unit_test(rules_code_is_a_name_or_a_number),
        cmocka_unit_test(rules_crash_has_a_way),
        cmocka_unit_test(rules_each_action_is_known_by_its_word),
        cmocka_unit_test(rules_order_of_the_lines_is_kept),
        cmocka_unit_test(rules_trait_of_the_token),
        cmocka_unit_test(rules_mistake_is_named_with_its_line),
        cmocka_unit_test(rules_too_many_or_too_long_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
