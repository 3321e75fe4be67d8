// SPDX-License-Identifier: Apache-2.0
// Values of JSON text as they stand in it.
#include "base/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, const char *const *values)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, (struct ha_json_text){text, strlen(text)});
    for (; *values; values++) {
        assert_true(ha_json_walk_next(&walk, &value));
        assert_int_equal(value.n, strlen(*values));
        assert_memory_equal(value.data, *values, value.n);
    }
    assert_false(ha_json_walk_next(&walk, &value));
}

static void json_walk_gives_each_value_as_it_is_written(void **state)
{
    (void)state;
    expect("{\"a\":1.00,\"b\" : [1, {\"c\":\"}\"}] ,\"x\\\"\":\"\\\\\",\"e\":-0e1}",
           (const char *[]){"1.00", "[1, {\"c\":\"}\"}]", "\"\\\\\"", "-0e1", NULL});
    expect(" [ \"a,b\" , {\"k\":\":\"} , [] , true ] ",
           (const char *[]){"\"a,b\"", "{\"k\":\":\"}", "[]", "true", NULL});
    expect("[\"a\" ,\"b\"]", (const char *[]){"\"a\"", "\"b\"", NULL});
}

static void json_walk_of_nothing_ends_at_once(void **state)
{
    (void)state;
    const char *const none[] = {NULL};
    const char *const texts[] = {"{}", "[ ]", "\"text\"", "12", "", "null"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        expect(texts[i], none);
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, (struct ha_json_text){0});
    assert_false(ha_json_walk_next(&walk, &value));
}

static void json_compact_leaves_out_space_between_tokens_only(void **state)
{
    (void)state;
    static const char text[] = " { \"a b\" : [ 1.50 ,\t\"x  \\\" y\" ] ,\r\n\"n\":null } ";
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_json_text_compact(&out, (struct ha_json_text){text, strlen(text)});
    assert_string_equal(ha_buf_text(&out), "{\"a b\":[1.50,\"x  \\\" y\"],\"n\":null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_walk_gives_each_value_as_it_is_written),
        cmocka_unit_test(json_walk_of_nothing_ends_at_once),
        cmocka_unit_test(json_compact_leaves_out_space_between_tokens_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
