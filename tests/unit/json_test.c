// SPDX-License-Identifier: Apache-2.0
// Tests of reading JSON: the grammar and the tree.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static enum ha_code parse(const char *text, size_t n, ha_json **ret_json, struct ha_err *err)
{
    // A copy without NUL at its end, so that a sanitizer sees a byte read too many.
    ha_auto(ha_free) char *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, text, n);
    return ha_json_parse(copy, n, 8, ret_json, err);
}

static ha_json *parse_good(const char *text)
{
    ha_json *json = NULL;
    struct ha_err err = {0};
    if (parse(text, strlen(text), &json, &err) != HA_OK)
        fail_msg("%s: %s", text, err.detail);
    return json;
}

static void assert_refused(const char *text, size_t n)
{
    ha_json *json = NULL;
    struct ha_err err = {0};
    if (parse(text, n, &json, &err) != HA_E_MALFORMED)
        fail_msg("taken: %s", text);
    assert_null(json);
    assert_true(err.detail[0] && err.hint[0]);
}

static void json_parse_takes_what_rfc8259_allows(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "0",
        "-0",
        "1",
        "-1",
        "123.25",
        "1e5",
        "1E+5",
        "-2.5e-3",
        "\"\"",
        "true",
        "false",
        "null",
        " \t\r\n[ 1 , 2 ]\n",
        "{\"a\":1,\"b\":{\"a\":2}}",
        "[[[[[[[[]]]]]]]]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
        "\"\\u00e4\\uD83d\\udD11\\uFFFF\"",
        "\"k\xc3\xa4se \x7f\"",
        "{\"\":0}",
        "{\"a\":[{\"b\":null}]}",
        "1e999",
        "123456789012345678901234567890",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(good); i++)
        ha_json_free(parse_good(good[i]));
}

static void json_parse_refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[",
        "}",
        "]",
        "{]",
        "[}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"=1}",
        "tru",
        "truex",
        "True",
        "nul",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1.e3",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "--1",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\",
        "\"\\x41\"",
        "\"\\u\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\U0041\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud83d\\\"",
        "\"\n\"",
        "\"\t\"",
        "\"\x01\"",
        "\"\x80\"",
        "\"\xc3\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\xef\xbb\xbf{}",
        "{}x",
        "{} {}",
        "1 2",
        "[]]",
        "{}\x01",
        "\x0b[]",
        "\xc2\xa0[]",
        "// c\n1",
        "/**/1",
        "[1]#",
        "'a'",
        "[\"a\",\n4\n,1,",
        "[1\x0c]",
        "nan",
        "[-]",
        "[1e1000x]",
        "\"\\a\"",
        "[\"\"],",
        "{\"a\":\"b\"}#",
        "[[[[[[[[[]]]]]]]]]",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++)
        assert_refused(bad[i], strlen(bad[i]));
    assert_refused("\"a\0b\"", 5);
    assert_refused("\"\x1f\"", 3);
    assert_refused("{}\0", 3);
    assert_refused("[1\0]", 4);
    assert_refused("\"\\\0\"", 4);
}

static void json_parse_refuses_every_truncation(void **state)
{
    static const char text[] =
        "{\"algorithm\":\"ES256\",\"n\":[1.5e3,true,null,{\"k\\u00e4\":\"\\ud83d\\udd11\"}],\"f\":false}";
    ha_json_free(parse_good(text));
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_refused(text, n);
}

static void json_error_names_the_byte(void **state)
{
    ha_json *json = NULL;
    struct ha_err err = {0};
    parse("{\"a\":1,\"b\":nope}", 16, &json, &err);
    assert_non_null(strstr(err.detail, "at byte 11"));
    parse("[1,2", 4, &json, &err);
    assert_non_null(strstr(err.detail, "at byte 4"));
    parse("{} x", 4, &json, &err);
    assert_non_null(strstr(err.detail, "at byte 3"));
    assert_null(json);
}

static void json_depth_is_counted_in_arrays_and_objects(void **state)
{
    struct ha_err err = {0};
    ha_json *json = NULL;
    assert_int_equal(ha_json_parse("[]", 2, 0, &json, &err), HA_E_MALFORMED);
    assert_non_null(strstr(err.detail, "deeper than 0"));
    assert_int_equal(ha_json_parse("{\"a\":[]}", 8, 1, &json, &err), HA_E_MALFORMED);
    assert_null(json);
    assert_int_equal(ha_json_parse("1", 1, 0, &json, &err), HA_OK);
    ha_json_free(ha_take(&json));
    assert_int_equal(ha_json_parse("[[],{},[]]", 10, 2, &json, &err), HA_OK);
    ha_json_free(json);
}

static void json_depth_has_a_limit_whatever_is_asked(void **state)
{
    enum { DEEP = 100000 };
    ha_auto(ha_free) char *text = malloc(2 * DEEP);
    ha_json *json = NULL;
    struct ha_err err = {0};
    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    assert_int_equal(ha_json_parse(text, 2 * DEEP, UINT32_MAX, &json, &err), HA_E_MALFORMED);
    assert_null(json);
    assert_int_equal(ha_json_parse(text + DEEP - HA_JSON_DEPTH_LIMIT, 2 * HA_JSON_DEPTH_LIMIT, UINT32_MAX, &json, &err),
                     HA_OK);
    ha_json_free(json);
}

static void json_duplicates_are_refused_with_their_pointer(void **state)
{
    static const struct {
        const char *text;
        const char *pointer;
    } rows[] = {
        {"{\"a\":1,\"a\":1}", "/a"},
        {"{\"a\":1,\"b\":2,\"c\":3,\"\\u0061\":4}", "/a"},
        {"{\"x\":[0,{\"q\":1,\"q\":2}]}", "/x/1/q"},
        {"{\"a/b~c\":{\"\":1,\"\":2}}", "/a~1b~0c/"},
        {"[[{\"k\":{},\"k\":[]}]]", "/0/0/k"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_json *json = NULL;
        struct ha_err err = {0};
        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &json, &err), HA_E_MALFORMED);
        assert_string_equal(err.pointer, rows[i].pointer);
        assert_null(json);
    }
    ha_json_free(parse_good("{\"a\":1,\"A\":2,\"aa\":3}"));
    ha_json_free(parse_good("[{\"a\":1},{\"a\":2}]"));
}

static void json_pointer_of_long_names_is_cut(void **state)
{
    char text[1000];
    ha_json *json = NULL;
    struct ha_err err = {0};
    char name[301];
    memset(name, '~', 300);
    name[300] = '\0';
    int n = snprintf(text, sizeof text, "{\"%s\":{\"%s\":1,\"%s\":2}}", name, name, name);
    assert_int_equal(parse(text, (size_t)n, &json, &err), HA_E_MALFORMED);
    assert_memory_equal(err.pointer, "/~0~0~0", 7);
    assert_int_equal(strlen(err.pointer), sizeof err.pointer - 1);
}

static void json_many_members_cost_no_more_than_reading(void **state)
{
    // Comparing each with each would be 20,000,000,000 comparisons.
    enum { MEMBERS = 200000 };
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_jw_object(&text, NULL);
    for (int i = 0; i < MEMBERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "member-%d", i);
        ha_jw_null(&text, name);
    }
    ha_buf_puts(&text, ",\"last\":1");
    ha_jw_object_end(&text);
    ha_auto(ha_json_free) ha_json *json = parse_good(ha_buf_text(&text));
    assert_int_equal(ha_json_size(json), MEMBERS + 1);
    assert_non_null(ha_json_get(json, "last"));
}

static void json_tree_can_be_read(void **state)
{
    ha_auto(ha_json_free) ha_json *json =
        parse_good("{\"s\":\"k\\u00e4se\",\"n\":7,\"t\":true,\"f\":false,\"z\":null,\"a\":[1,\"x\"],\"o\":{}}");
    static const enum ha_json_type types[] = {HA_JSON_STRING, HA_JSON_NUMBER, HA_JSON_BOOL,  HA_JSON_BOOL,
                                              HA_JSON_NULL,   HA_JSON_ARRAY,  HA_JSON_OBJECT};
    static const char names[] = "sntfzao";
    size_t i = 0;
    for (const ha_json *member = ha_json_first(json); member; member = ha_json_next(member), i++) {
        assert_int_equal(ha_json_type(member), types[i]);
        assert_int_equal(ha_json_name(member)[0], names[i]);
    }
    assert_int_equal(i, 7);
    assert_int_equal(ha_json_size(json), 7);
    assert_int_equal(ha_json_type(json), HA_JSON_OBJECT);
    assert_string_equal(ha_json_get_string(json, "s"), "k\xc3\xa4se");
    assert_null(ha_json_get_string(json, "n"));
    assert_null(ha_json_get_string(json, "absent"));
    assert_null(ha_json_get(json, "S"));
    assert_null(ha_json_get(ha_json_get(json, "a"), "x"));
    assert_null(ha_json_get(NULL, "x"));
    assert_null(ha_json_string(NULL));
    assert_null(ha_json_first(ha_json_get(json, "o")));
    assert_int_equal(ha_json_size(ha_json_get(json, "a")), 2);
    assert_string_equal(ha_json_string(ha_json_next(ha_json_first(ha_json_get(json, "a")))), "x");
    ha_json_free(NULL);
}

static void json_type_names_are_those_of_messages(void **state)
{
    assert_string_equal(ha_json_type_name(HA_JSON_NULL), "null");
    assert_string_equal(ha_json_type_name(HA_JSON_BOOL), "boolean");
    assert_string_equal(ha_json_type_name(HA_JSON_NUMBER), "number");
    assert_string_equal(ha_json_type_name(HA_JSON_STRING), "string");
    assert_string_equal(ha_json_type_name(HA_JSON_ARRAY), "array");
    assert_string_equal(ha_json_type_name(HA_JSON_OBJECT), "object");
}

static void json_bool_is_only_a_boolean(void **state)
{
    ha_auto(ha_json_free) ha_json *json = parse_good("[true,false,1,\"true\",null]");
    const ha_json *item = ha_json_first(json);
    bool value = false;
    assert_true(ha_json_bool(item, &value));
    assert_true(value);
    item = ha_json_next(item);
    assert_true(ha_json_bool(item, &value));
    assert_false(value);
    for (item = ha_json_next(item); item; item = ha_json_next(item))
        assert_false(ha_json_bool(item, &value));
    assert_false(ha_json_bool(NULL, &value));
}

static void json_uint_takes_only_plain_exact_integers(void **state)
{
    static const uint64_t most = UINT64_C(1) << 53;
    static const char *const bad[] = {"-0",
                                      "-1",
                                      "1.0",
                                      "0.0",
                                      "1.5",
                                      "1e2",
                                      "1E0",
                                      "9007199254740993",
                                      "9007199254740992.0",
                                      "99999999999999999999",
                                      "1e999",
                                      "\"1\"",
                                      "true",
                                      "null",
                                      "[]"};
    uint64_t value = 77;
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++) {
        ha_auto(ha_json_free) ha_json *json = parse_good(bad[i]);
        assert_false(ha_json_uint(json, most, &value));
    }
    assert_int_equal(value, 77);
    static const uint64_t good[] = {0, 1, 10, 4294967296, (UINT64_C(1) << 53) - 1, UINT64_C(1) << 53};
    for (size_t i = 0; i < HA_ARRAY_SIZE(good); i++) {
        char text[32];
        snprintf(text, sizeof text, "%llu", (unsigned long long)good[i]);
        ha_auto(ha_json_free) ha_json *json = parse_good(text);
        assert_true(ha_json_uint(json, most, &value));
        assert_true(value == good[i]);
        assert_true(ha_json_uint(json, good[i], &value));
        if (good[i] > 0)
            assert_false(ha_json_uint(json, good[i] - 1, &value));
    }
    assert_false(ha_json_uint(NULL, most, &value));
}

static void json_uint_knows_each_number_of_a_tree(void **state)
{
    ha_auto(ha_json_free) ha_json *json = parse_good("{\"a\":[1.0,2,{\"b\":3,\"c\":4.0}],\"d\":[[5e0],6]}");
    const ha_json *a = ha_json_first(ha_json_get(json, "a"));
    const ha_json *d = ha_json_first(ha_json_get(json, "d"));
    uint64_t value = 0;
    assert_false(ha_json_uint(a, 9, &value));
    assert_true(ha_json_uint(ha_json_next(a), 9, &value) && value == 2);
    assert_true(ha_json_uint(ha_json_get(ha_json_next(ha_json_next(a)), "b"), 9, &value) && value == 3);
    assert_false(ha_json_uint(ha_json_get(ha_json_next(ha_json_next(a)), "c"), 9, &value));
    assert_false(ha_json_uint(ha_json_first(d), 9, &value));
    assert_true(ha_json_uint(ha_json_next(d), 9, &value) && value == 6);
}

static void json_number_of_64_characters_is_refused(void **state)
{
    char text[65];
    memset(text, '1', 64);
    text[64] = '\0';
    assert_refused(text, 64);
    ha_auto(ha_json_free) ha_json *json = parse_good(text + 1);
    assert_int_equal(ha_json_type(json), HA_JSON_NUMBER);
}

static void json_mutated_texts_are_refused_or_read_alike(void **state)
{
    static const char seed[] =
        "{\"a\":[1,-2.5e3,true,{\"b\":\"x\\u00e4\\ud83d\\udd11\"}],\"c\":null,\"d\":\"\xc3\xa4\"}";
    static const char pieces[] = "{}[]\",:\\u0019.-eE+dtfn \n\x01\x80\xc3\xff";
    uint32_t random = 1;
    unsigned taken = 0;
    for (int round = 0; round < 50000; round++) {
        char text[sizeof seed];
        memcpy(text, seed, sizeof seed);
        for (int change = 0; change < 1 + round % 3; change++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % (sizeof seed - 1)] = pieces[(random >> 24) % (sizeof pieces - 1)];
        }
        ha_auto(ha_json_free) ha_json *json = NULL;
        struct ha_err err = {0};
        enum ha_code code = parse(text, sizeof seed - 1, &json, &err);
        assert_true(code == HA_OK || code == HA_E_MALFORMED);
        if (code != HA_OK)
            continue;
        ha_auto(ha_buf_clear) struct ha_buf pretty = {0};
        assert_int_equal(ha_json_pretty(&pretty, text, sizeof seed - 1, &err), HA_OK);
        ha_auto(ha_json_free) ha_json *again = parse_good(ha_buf_text(&pretty));
        assert_int_equal(ha_json_type(json), ha_json_type(again));
        assert_int_equal(ha_json_size(json), ha_json_size(again));
        taken++;
    }
    assert_true(taken > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_parse_takes_what_rfc8259_allows),
        cmocka_unit_test(json_parse_refuses_everything_else),
        cmocka_unit_test(json_parse_refuses_every_truncation),
        cmocka_unit_test(json_error_names_the_byte),
        cmocka_unit_test(json_depth_is_counted_in_arrays_and_objects),
        cmocka_unit_test(json_depth_has_a_limit_whatever_is_asked),
        cmocka_unit_test(json_duplicates_are_refused_with_their_pointer),
        cmocka_unit_test(json_pointer_of_long_names_is_cut),
        cmocka_unit_test(json_many_members_cost_no_more_than_reading),
        cmocka_unit_test(json_tree_can_be_read),
        cmocka_unit_test(json_type_names_are_those_of_messages),
        cmocka_unit_test(json_bool_is_only_a_boolean),
        cmocka_unit_test(json_uint_takes_only_plain_exact_integers),
        cmocka_unit_test(json_uint_knows_each_number_of_a_tree),
        cmocka_unit_test(json_number_of_64_characters_is_refused),
        cmocka_unit_test(json_mutated_texts_are_refused_or_read_alike),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
