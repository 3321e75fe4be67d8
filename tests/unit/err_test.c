// SPDX-License-Identifier: Apache-2.0
// Tests of base/err and base/clock.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static void err_every_code_has_a_complete_row(void **state)
{
    for (unsigned code = HA_OK + 1; code < HA_CODE_COUNT; code++) {
        const struct ha_code_info *info = ha_code_info((enum ha_code)code);
        assert_non_null(info->name);
        assert_true(info->status >= 400 && info->status <= 599);
        assert_true(strlen(info->title) > 8);
        assert_true(strlen(info->hint) > 8);
        assert_true(strlen(info->hint) < sizeof(((struct ha_err *)NULL)->hint));
    }
}

static void err_names_are_distinct_and_lead_back(void **state)
{
    for (unsigned code = 0; code < HA_CODE_COUNT; code++)
        assert_int_equal(ha_code_by_name(ha_code_info((enum ha_code)code)->name), code);
    assert_int_equal(ha_code_by_name("nobody-knows-this"), HA_E_INTERNAL);
}

static void err_names_and_statuses_are_the_published_ones(void **state)
{
    static const struct {
        enum ha_code code;
        unsigned status;
        const char *name;
        bool retryable;
    } published[] = {
        {HA_E_MALFORMED, 400, "malformed", false},
        {HA_E_UNKNOWN_MEMBER, 400, "unknown-member", false},
        {HA_E_FORBIDDEN, 403, "forbidden", false},
        {HA_E_NOT_ADMIN, 403, "not-admin", false},
        {HA_E_CROSS_ORIGIN, 403, "cross-origin", false},
        {HA_E_NO_ROUTE, 404, "no-route", false},
        {HA_E_NO_KEY, 404, "no-such-key", false},
        {HA_E_METHOD, 405, "method-not-allowed", false},
        {HA_E_REQUEST_TIMEOUT, 408, "request-timeout", true},
        {HA_E_CONFLICT, 409, "conflict", false},
        {HA_E_AMBIGUOUS, 409, "ambiguous-key", false},
        {HA_E_PRECONDITION, 412, "precondition-failed", false},
        {HA_E_SECOND, 428, "second-needed", false},
        {HA_E_TOO_LARGE, 413, "too-large", false},
        {HA_E_TOO_MANY, 429, "too-many-requests", true},
        {HA_E_RATE, 429, "rate-limited", true},
        {HA_E_BUDGET, 429, "budget-spent", false},
        {HA_E_HEADERS_TOO_LARGE, 431, "headers-too-large", false},
        {HA_E_KEY_CANNOT, 422, "key-cannot", false},
        {HA_E_DECRYPTION, 422, "decryption-failed", false},
        {HA_E_NOT_VERIFIED, 422, "not-verified", false},
        {HA_E_CA, 502, "ca-failed", true},
        {HA_E_CERTIFICATE, 422, "certificate-refused", false},
        {HA_E_NO_CERTIFICATE, 404, "no-certificate", false},
        {HA_E_KEY_INCOMPLETE, 409, "key-incomplete", false},
        {HA_E_KEY_DISABLED, 409, "key-disabled", false},
        {HA_E_INTERNAL, 500, "internal", false},
        {HA_E_MEMORY, 500, "out-of-memory", true},
        {HA_E_TOKEN_ERROR, 502, "token-error", false},
        {HA_E_TOKEN_DOWN, 503, "token-unavailable", true},
        {HA_E_PIN, 503, "pin-refused", false},
        {HA_E_BUSY, 503, "busy", true},
        {HA_E_STOPPING, 503, "stopping", true},
        {HA_E_CLOCK, 503, "clock-not-synchronised", true},
        {HA_E_AUDIT, 503, "audit-unavailable", true},
        {HA_E_DEADLINE, 504, "deadline", true},
        {HA_E_IO, 500, "io", false},
        {HA_E_CONFIG, 500, "config", false},
        {HA_E_USAGE, 400, "usage", false},
        {HA_E_AGENT, 502, "agent-unreachable", true},
    };
    assert_int_equal(HA_ARRAY_SIZE(published), HA_CODE_COUNT - 1);
    for (size_t i = 0; i < HA_ARRAY_SIZE(published); i++) {
        const struct ha_code_info *info = ha_code_info(published[i].code);
        assert_string_equal(info->name, published[i].name);
        assert_int_equal(info->status, published[i].status);
        assert_int_equal(info->retryable, published[i].retryable);
    }
}

static void err_code_out_of_range_is_internal(void **state)
{
    assert_ptr_equal(ha_code_info((enum ha_code)999), ha_code_info(HA_E_INTERNAL));
}

static void err_fail_clears_what_was_and_sets_the_default_remedy(void **state)
{
    struct ha_err err = {.rv = 5, .retry_after_s = 3, .function = "C_Sign", .pointer = "/old"};
    assert_int_equal(ha_fail(&err, HA_E_BUSY, "all %d taken", 8), HA_E_BUSY);
    assert_int_equal(err.code, HA_E_BUSY);
    assert_string_equal(err.detail, "all 8 taken");
    assert_string_equal(err.hint, ha_code_info(HA_E_BUSY)->hint);
    assert_int_equal(err.rv, 0);
    assert_int_equal(err.retry_after_s, 0);
    assert_string_equal(err.function, "");
    assert_string_equal(err.pointer, "");
}

static void err_fail_may_quote_itself(void **state)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_IO, "cause");
    ha_fail(&err, HA_E_CONFIG, "again: %s", err.detail);
    assert_string_equal(err.detail, "again: cause");
    ha_hint(&err, "(%s) %s", err.hint, err.detail);
    assert_memory_equal(err.hint, "(Correct it", 11);
    ha_at(&err, "/a");
    ha_at(&err, "/b%s", err.pointer);
    assert_string_equal(err.pointer, "/b/a");
}

static void err_fail_errno_says_why_and_leaves_errno(void **state)
{
    struct ha_err err = {0};
    errno = 0;
    assert_int_equal(ha_fail_errno(&err, ENOENT, "can't open %s", "x"), HA_E_IO);
    assert_string_equal(err.detail, "can't open x: No such file or directory");
    assert_int_equal(errno, ENOENT);
}

static void err_wrap_puts_context_before(void **state)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_PIN, "refused");
    assert_int_equal(ha_wrap(&err, "token %s", "main"), HA_E_PIN);
    assert_string_equal(err.detail, "token main: refused");
    assert_int_equal(ha_hint(&err, "do %s", "this"), HA_E_PIN);
    assert_string_equal(err.hint, "do this");
    assert_int_equal(ha_at(&err, "/items/%d", 3), HA_E_PIN);
    assert_string_equal(err.pointer, "/items/3");
}

static void err_long_words_are_cut_between_characters(void **state)
{
    struct ha_err err = {0};
    char text[2001];
    for (unsigned shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (unsigned i = shift; i + 4 <= sizeof text - 1; i += 4)
            memcpy(text + i, "\xf0\x9f\x94\x91", 4);
        text[sizeof text - 1 - 4] = '\0';
        ha_fail(&err, HA_E_IO, "%s", text);
        size_t length = strlen(err.detail);
        assert_in_range(length, sizeof err.detail - 8, sizeof err.detail - 1);
        assert_true(ha_utf8_valid(err.detail, length));
    }
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ha_fail(&err, HA_E_IO, "%s", text);
    assert_int_equal(strlen(err.detail), sizeof err.detail - 1);
    ha_wrap(&err, "%s", text);
    ha_hint(&err, "%s", text);
    ha_at(&err, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    assert_int_equal(strlen(err.pointer), sizeof err.pointer - 1);
}

static void clock_deadline_leaves_what_is_left(void **state)
{
    int64_t now_ms = ha_now_ms();
    assert_true(now_ms > 0);
    assert_int_equal(ha_left_ms(now_ms - 1000), 0);
    assert_int_equal(ha_left_ms(INT64_MIN), 0);
    assert_in_range(ha_left_ms(now_ms + 60000), 50000, 60000);
    assert_int_equal(ha_left_ms(INT64_MAX), INT_MAX);
}

static void clock_iso_time_has_its_form(void **state)
{
    char text[25];
    int year, month, day, hour, minute, second, ms, end = 0;
    ha_time_iso_at(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    ha_time_iso_at(1795291595, text);
    assert_string_equal(text, "2026-11-21T20:06:35Z");
    ha_time_iso_at(253402300799, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    ha_time_iso_at(253402300800, text);
    assert_string_equal(text, "0000-00-00T00:00:00Z");
    ha_time_iso(text);
    assert_int_equal(strlen(text), 24);
    assert_int_equal(
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second, &ms, &end), 7);
    assert_int_equal(end, 24);
    assert_true(year >= 2024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_every_code_has_a_complete_row),
        cmocka_unit_test(err_names_are_distinct_and_lead_back),
        cmocka_unit_test(err_names_and_statuses_are_the_published_ones),
        cmocka_unit_test(err_code_out_of_range_is_internal),
        cmocka_unit_test(err_fail_clears_what_was_and_sets_the_default_remedy),
        cmocka_unit_test(err_fail_may_quote_itself),
        cmocka_unit_test(err_fail_errno_says_why_and_leaves_errno),
        cmocka_unit_test(err_wrap_puts_context_before),
        cmocka_unit_test(err_long_words_are_cut_between_characters),
        cmocka_unit_test(clock_deadline_leaves_what_is_left),
        cmocka_unit_test(clock_iso_time_has_its_form),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
