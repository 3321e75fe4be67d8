// SPDX-License-Identifier: Apache-2.0
// Tests of base/log: what it writes is read back from a pipe.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

struct fixture {
    struct ha_log log;
    int reading;
    char text[65536];
};

static int setup(void **state)
{
    static struct fixture fixture;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    fixture = (struct fixture){.log = {.fd = ends[1], .least = HA_LOG_INFO}, .reading = ends[0]};
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->log.fd);
    close(f->reading);
    return 0;
}

// What was logged since the last call.
static const char *logged(struct fixture *f)
{
    ssize_t n = read(f->reading, f->text, sizeof f->text - 1);
    f->text[n > 0 ? n : 0] = '\0';
    return f->text;
}

static void log_text_is_time_level_event_and_pairs(void **state)
{
    struct fixture *f = *state;
    ha_log(&f->log, HA_LOG_INFO, "token-ready", HA_S("token", "edge"), HA_N("sessions", 8), HA_N("low", -3));
    const char *line = logged(f);
    assert_int_equal(line[23], 'Z');
    assert_string_equal(line + 24, " info token-ready token=edge sessions=8 low=-3\n");
}

static void log_event_may_have_no_pairs(void **state)
{
    struct fixture *f = *state;
    ha_log(&f->log, HA_LOG_WARN, "stopping");
    assert_string_equal(logged(f) + 24, " warn stopping\n");
    f->log.json = true;
    ha_log(&f->log, HA_LOG_WARN, "stopping");
    assert_non_null(strstr(logged(f), ",\"level\":\"warn\",\"event\":\"stopping\"}\n"));
}

static void log_below_the_least_level_is_silent(void **state)
{
    struct fixture *f = *state;
    const struct ha_err err = {.code = HA_E_IO};
    ha_log(&f->log, HA_LOG_DEBUG, "noise");
    ha_log_err(&f->log, HA_LOG_DEBUG, "noise", &err);
    assert_string_equal(logged(f), "");
    f->log.least = HA_LOG_ERROR;
    ha_log(&f->log, HA_LOG_WARN, "noise");
    ha_log(&f->log, HA_LOG_ERROR, "said");
    assert_string_equal(logged(f) + 24, " error said\n");
    f->log.least = HA_LOG_DEBUG;
    ha_log(&f->log, HA_LOG_DEBUG, "heard");
    assert_string_equal(logged(f) + 24, " debug heard\n");
}

static void log_text_values_are_quoted_when_they_must(void **state)
{
    static const struct {
        const char *value;
        const char *written;
    } rows[] = {
        {"plain/path:1,2;3", "plain/path:1,2;3"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"a\nb\r\tc", "\"a\\nb\\r\\tc\""},
        {"\x1b[2J\x7f", "\"\\u001b[2J\\u007f\""},
        {"\xc2\x9b"
         "2J",
         "\"\\u009b2J\""},
        {"\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"k\xc3\xa4se", "\"k\xc3\xa4se\""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        char expected[128];
        snprintf(expected, sizeof expected, " info event v=%s\n", rows[i].written);
        ha_log(&f->log, HA_LOG_INFO, "event", HA_S("v", rows[i].value));
        assert_string_equal(logged(f) + 24, expected);
    }
}

static void log_null_text_is_empty(void **state)
{
    struct fixture *f = *state;
    const char *none = NULL;
    const char array[] = "x";
    ha_log(&f->log, HA_LOG_INFO, "event", HA_S("v", none), HA_S("w", array));
    assert_string_equal(logged(f) + 24, " info event v=\"\" w=x\n");
}

static void log_hostile_value_stays_on_its_line(void **state)
{
    struct fixture *f = *state;
    const char *hostile = "x\n2026-01-01T00:00:00.000Z info forged a=b\"}\n{";
    for (int json = 0; json < 2; json++) {
        f->log.json = json;
        ha_log(&f->log, HA_LOG_INFO, "event", HA_S("v", hostile));
        const char *line = logged(f);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    }
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_json_parse(f->text, strlen(f->text), 1, &json, &err), HA_OK);
    assert_string_equal(ha_json_get_string(json, "v"), hostile);
}

static void log_failure_adds_cause_and_remedy(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {0};
    ha_fail(&err, HA_E_BUSY, "no session");
    ha_hint(&err, "wait");
    ha_log_err(&f->log, HA_LOG_ERROR, "request", &err, HA_S("key", "k"));
    assert_string_equal(logged(f) + 24, " error request key=k code=busy cause=\"no session\" remedy=wait\n");
    ha_log_err(&f->log, HA_LOG_ERROR, "request", &err);
    assert_string_equal(logged(f) + 24, " error request code=busy cause=\"no session\" remedy=wait\n");
}

static void log_failure_adds_the_tokens_answer(void **state)
{
    struct fixture *f = *state;
    struct ha_err err = {.code = HA_E_PIN, .rv = 0xa0, .function = "C_Login", .detail = "wrong", .hint = "fix"};
    ha_log_err(&f->log, HA_LOG_ERROR, "login", &err);
    assert_string_equal(logged(f) + 24,
                        " error login code=pin-refused cause=wrong remedy=fix function=C_Login rv=0x000000a0\n");
    f->log.json = true;
    ha_log_err(&f->log, HA_LOG_ERROR, "login", &err, HA_N("try", 1));
    ha_auto(ha_json_free) ha_json *json = NULL;
    const char *line = logged(f);
    uint64_t try = 0;
    assert_int_equal(ha_json_parse(line, strlen(line), 1, &json, &err), HA_OK);
    assert_string_equal(ha_json_get_string(json, "level"), "error");
    assert_string_equal(ha_json_get_string(json, "code"), "pin-refused");
    assert_string_equal(ha_json_get_string(json, "cause"), "wrong");
    assert_string_equal(ha_json_get_string(json, "remedy"), "fix");
    assert_string_equal(ha_json_get_string(json, "function"), "C_Login");
    assert_string_equal(ha_json_get_string(json, "rv"), "0x000000a0");
    assert_int_equal(strlen(ha_json_get_string(json, "time")), 24);
    assert_true(ha_json_uint(ha_json_get(json, "try"), 9, &try));
    assert_int_equal(try, 1);
}

enum { LINES = 50, THREADS = 4 };

static int log_many(void *arg)
{
    const struct ha_log *log = arg;
    for (int i = 0; i < LINES; i++)
        ha_log(log, HA_LOG_INFO, "event", HA_S("v", "some words that must stay together"), HA_N("i", i));
    return 0;
}

static void log_lines_of_threads_stay_whole(void **state)
{
    struct fixture *f = *state;
    thrd_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thrd_create(&threads[i], log_many, &f->log), thrd_success);
    for (int i = 0; i < THREADS; i++)
        thrd_join(threads[i], NULL);
    int lines = 0;
    char *rest = NULL;
    logged(f);
    for (char *line = strtok_r(f->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++)
        assert_memory_equal(line + 23, "Z info event v=\"some words that must stay together\" i=", 54);
    assert_int_equal(lines, LINES * THREADS);
}

static void log_that_cant_be_written_is_ignored(void **state)
{
    struct fixture *f = *state;
    struct ha_log broken = {.fd = -1};
    ha_log(&broken, HA_LOG_ERROR, "event");
    ha_log(&f->log, HA_LOG_INFO, "still-here");
    assert_string_equal(logged(f) + 24, " info still-here\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_text_is_time_level_event_and_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(log_event_may_have_no_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(log_below_the_least_level_is_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(log_text_values_are_quoted_when_they_must, setup, teardown),
        cmocka_unit_test_setup_teardown(log_null_text_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(log_hostile_value_stays_on_its_line, setup, teardown),
        cmocka_unit_test_setup_teardown(log_failure_adds_cause_and_remedy, setup, teardown),
        cmocka_unit_test_setup_teardown(log_failure_adds_the_tokens_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(log_lines_of_threads_stay_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(log_that_cant_be_written_is_ignored, setup, teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
