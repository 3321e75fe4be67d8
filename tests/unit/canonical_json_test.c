// SPDX-License-Identifier: Apache-2.0
// JSON in its one form. The examples are those of RFC 8785: section 3.2.2 and 3.2.3, appendix B.
#include "format/canonical_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code canonical(const char *text, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    assert_int_equal(ha_json_parse(text, strlen(text), 16, &json, err), HA_OK);
    return ha_canonical_json(json, out, err);
}

static void becomes(const char *text, const char *wanted)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(canonical(text, &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), wanted);
}

static void canonical_json_is_compact_and_sorted(void **state)
{
    (void)state;
    becomes(" { \"b\" : [ 1 , true , null , { } , [ ] ] , \"a\" : { \"2\" : \"x\" , \"10\" : false } , \"\" : \"\" } ",
            "{\"\":\"\",\"a\":{\"10\":false,\"2\":\"x\"},\"b\":[1,true,null,{},[]]}");
    becomes("\"x\"", "\"x\"");
}

static void canonical_json_names_sort_by_utf16(void **state)
{
    (void)state;
    becomes(
        "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\","
        "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
        "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"Latin Small Letter O With "
        "Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
        "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
    becomes("{\"\\ud7ff\":1,\"\\ue000\":2,\"\\ud800\\udc00\":3,\"\\uffff\":4,\"ab\":5,\"a\":6}",
            "{\"a\":6,\"ab\":5,\"\xed\x9f\xbf\":1,\"\xf0\x90\x80\x80\":3,\"\xee\x80\x80\":2,\"\xef\xbf\xbf\":4}");
    // Beyond U+FFFF too, whatever order they come in.
    becomes("{\"\\ud93d\\ude00\":1,\"\\ud83d\\ude00\":2,\"\\ue000\":3}",
            "{\"\xf0\x9f\x98\x80\":2,\"\xf1\x9f\x98\x80\":1,\"\xee\x80\x80\":3}");
    becomes("{\"\\ud83d\\ude00\":2,\"\\ud93d\\ude00\":1}",
            "{\"\xf0\x9f\x98\x80\":2,\"\xf1\x9f\x98\x80\":1}");
}

static void canonical_json_strings_escape_what_they_must(void **state)
{
    (void)state;
    becomes("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\\u007f\\b\\t\\f\\r\\u001f\"",
            "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\x7f\\b\\t\\f\\r\\u001f\"");
}

static void canonical_json_numbers_are_ecmascripts(void **state)
{
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        double number;
        memcpy(&number, &cases[i].bits, sizeof number);
        ha_canonical_json_number(number, &out);
        assert_string_equal(ha_buf_text(&out), cases[i].text);
    }
    becomes("[333333333.33333329,4.50,2e-3,0.000000000000000000000000001,-0,-0.0,1E2,100,-1.5]",
            "[333333333.3333333,4.5,0.002,1e-27,0,0,100,100,-1.5]");
}

// Each number reads back as itself.
static void canonical_json_numbers_round_trip(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        double number, again;
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        ha_canonical_json_number(number, &out);
        again = strtod(ha_buf_text(&out), NULL);
        assert_memory_equal(&again, &number, sizeof number);
    }
}

static void canonical_json_numbers_that_would_change_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"9007199254740993", "[-9007199254740993]", "{\"a\":12345678901234567890}",
                                        "1e400", "1e30"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        assert_int_equal(canonical(texts[i], &out, &err), HA_E_MALFORMED);
        assert_non_null(strstr(err.hint, "string"));
    }
    becomes("9007199254740991", "9007199254740991");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_json_is_compact_and_sorted),
        cmocka_unit_test(canonical_json_names_sort_by_utf16),
        cmocka_unit_test(canonical_json_strings_escape_what_they_must),
        cmocka_unit_test(canonical_json_numbers_are_ecmascripts),
        cmocka_unit_test(canonical_json_numbers_round_trip),
        cmocka_unit_test(canonical_json_numbers_that_would_change_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
