// SPDX-License-Identifier: Apache-2.0
// Tests of base/buf.
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static void buf_zeroed_reads_as_empty_text(void **state)
{
    struct ha_buf buf = {0};
    assert_string_equal(ha_buf_text(&buf), "");
    assert_true(ha_buf_ok(&buf));
    ha_buf_clear(&buf);
    ha_buf_reset(&buf);
    assert_string_equal(ha_buf_text(&buf), "");
}

static void buf_append_keeps_bytes_and_ends_in_nul(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    for (unsigned i = 0; i < 10000; i++) {
        ha_buf_putc(&buf, (char)(i % 251));
        assert_int_equal(buf.data[buf.len], 0);
    }
    assert_int_equal(buf.len, 10000);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(buf.data[i], i % 251);
}

static void buf_append_of_nothing_is_text(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    ha_buf_append(&buf, NULL, 0);
    assert_int_equal(buf.len, 0);
    assert_non_null(buf.data);
    assert_int_equal(buf.data[0], 0);
}

static void buf_printf_formats_over_any_capacity(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    char expected[601];
    memset(expected, 'x', 600);
    expected[600] = '\0';
    ha_buf_puts(&buf, "a");
    ha_buf_printf(&buf, "%d-%s-%s", 42, "b", expected);
    assert_int_equal(buf.len, 1 + 5 + 600);
    assert_memory_equal(buf.data, "a42-b-xxx", 9);
    assert_int_equal(buf.data[buf.len], 0);
}

static void buf_reserve_and_advance_add_what_was_written(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    ha_buf_puts(&buf, "ab");
    uint8_t *room = ha_buf_reserve(&buf, 5000);
    assert_non_null(room);
    memset(room, 'c', 5000);
    ha_buf_advance(&buf, 3);
    assert_string_equal(ha_buf_text(&buf), "abccc");
    assert_int_equal(buf.len, 5);
}

static void buf_too_large_fails_and_stays_failed(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    ha_buf_puts(&buf, "kept");
    assert_null(ha_buf_reserve(&buf, SIZE_MAX));
    assert_false(ha_buf_ok(&buf));
    ha_buf_puts(&buf, "ignored");
    ha_buf_printf(&buf, "%d", 7);
    assert_null(ha_buf_reserve(&buf, 1));
    assert_string_equal(ha_buf_text(&buf), "kept");
    ha_buf_reset(&buf);
    assert_true(ha_buf_ok(&buf));
    ha_buf_puts(&buf, "again");
    assert_string_equal(ha_buf_text(&buf), "again");
}

static void buf_unaddressable_growth_fails(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    assert_null(ha_buf_reserve(&buf, SIZE_MAX - 8));
    assert_false(ha_buf_ok(&buf));
}

static void buf_reset_wipes_and_keeps_memory(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    ha_buf_puts(&buf, "secret");
    const uint8_t *memory = buf.data;
    ha_buf_reset(&buf);
    assert_int_equal(buf.len, 0);
    assert_ptr_equal(buf.data, memory);
    assert_memory_equal(memory, "\0\0\0\0\0\0", 6);
}

static void buf_rewind_keeps_memory_and_begins_anew(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    ha_buf_rewind(&buf);
    ha_buf_puts(&buf, "before");
    const uint8_t *memory = buf.data;
    assert_null(ha_buf_reserve(&buf, SIZE_MAX));
    ha_buf_rewind(&buf);
    assert_true(ha_buf_ok(&buf));
    assert_string_equal(ha_buf_text(&buf), "");
    ha_buf_puts(&buf, "b");
    assert_ptr_equal(buf.data, memory);
    assert_string_equal(ha_buf_text(&buf), "b");
}

static void buf_steal_gives_the_memory_away(void **state)
{
    struct ha_buf buf = {0};
    size_t length = 99;
    ha_buf_puts(&buf, "mine");
    ha_auto(ha_free) char *text = ha_buf_steal(&buf, &length);
    assert_string_equal(text, "mine");
    assert_int_equal(length, 4);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

static void buf_steal_of_nothing_is_an_empty_string(void **state)
{
    struct ha_buf buf = {0};
    ha_auto(ha_free) char *text = ha_buf_steal(&buf, NULL);
    assert_non_null(text);
    assert_string_equal(text, "");
}

static void buf_steal_of_failed_is_null_and_empties(void **state)
{
    struct ha_buf buf = {0};
    size_t length = 99;
    ha_buf_puts(&buf, "lost");
    assert_null(ha_buf_reserve(&buf, SIZE_MAX));
    assert_null(ha_buf_steal(&buf, &length));
    assert_int_equal(length, 99);
    assert_null(buf.data);
    assert_true(ha_buf_ok(&buf));
}

static void buf_decimal_writes_what_printf_would(void **state)
{
    static const int64_t numbers[] = {0, 7, 10, -1, 1234567890, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < HA_ARRAY_SIZE(numbers); i++) {
        ha_auto(ha_buf_clear) struct ha_buf buf = {0};
        char wanted[32];
        snprintf(wanted, sizeof wanted, "%" PRId64, numbers[i]);
        ha_buf_decimal(&buf, numbers[i]);
        assert_string_equal(ha_buf_text(&buf), wanted);
    }
}

static void buf_putc_grows_and_ends_in_nul(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    for (size_t i = 0; i < 1000; i++) {
        ha_buf_putc(&buf, (char)('a' + i % 26));
        assert_int_equal(buf.len, i + 1);
        assert_int_equal(buf.data[i], 'a' + i % 26);
        assert_int_equal(buf.data[i + 1], 0);
    }
    buf.failed = true;
    ha_buf_putc(&buf, 'x');
    assert_int_equal(buf.len, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_zeroed_reads_as_empty_text),
        cmocka_unit_test(buf_append_keeps_bytes_and_ends_in_nul),
        cmocka_unit_test(buf_append_of_nothing_is_text),
        cmocka_unit_test(buf_decimal_writes_what_printf_would),
        cmocka_unit_test(buf_putc_grows_and_ends_in_nul),
        cmocka_unit_test(buf_printf_formats_over_any_capacity),
        cmocka_unit_test(buf_reserve_and_advance_add_what_was_written),
        cmocka_unit_test(buf_too_large_fails_and_stays_failed),
        cmocka_unit_test(buf_unaddressable_growth_fails),
        cmocka_unit_test(buf_reset_wipes_and_keeps_memory),
        cmocka_unit_test(buf_rewind_keeps_memory_and_begins_anew),
        cmocka_unit_test(buf_steal_gives_the_memory_away),
        cmocka_unit_test(buf_steal_of_nothing_is_an_empty_string),
        cmocka_unit_test(buf_steal_of_failed_is_null_and_empties),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
