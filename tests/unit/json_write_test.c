// SPDX-License-Identifier: Apache-2.0
// Tests of writing JSON and of indenting it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"

#include <stdio.h>
#include <string.h>

static void json_writer_puts_commas_where_they_belong(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_jw_object(&out, NULL);
    ha_jw_string(&out, "s", "x{[:,");
    ha_jw_array(&out, "a");
    ha_jw_number(&out, NULL, -5);
    ha_jw_array(&out, NULL);
    ha_jw_array_end(&out);
    ha_jw_object(&out, NULL);
    ha_jw_object_end(&out);
    ha_jw_string(&out, NULL, "");
    ha_jw_array_end(&out);
    ha_jw_bool(&out, "t", true);
    ha_jw_bool(&out, "f", false);
    ha_jw_null(&out, "z");
    ha_jw_number(&out, "min", INT64_MIN);
    ha_jw_bytes(&out, "b", "\xfb\xff", 2);
    ha_jw_hex(&out, "h", "\x0a\xff", 2);
    ha_jw_bytes(&out, "e", NULL, 0);
    ha_jw_object_end(&out);
    assert_string_equal(ha_buf_text(&out), "{\"s\":\"x{[:,\",\"a\":[-5,[],{},\"\"],\"t\":true,\"f\":false,\"z\":null,"
                                           "\"min\":-9223372036854775808,\"b\":\"-_8\",\"h\":\"0aff\",\"e\":\"\"}");
    ha_buf_putc(&out, '\n');
    size_t before = out.len;
    ha_jw_string(&out, NULL, "next");
    assert_string_equal(ha_buf_text(&out) + before, "\"next\"");
}

static void json_writer_escapes_so_that_the_reader_gives_it_back(void **state)
{
    char text[1024] = "";
    size_t n = 0;
    for (unsigned c = 1; c < 0x80; c++)
        text[n++] = (char)c;
    n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                          "\xc2\x80\xc2\x9f\xc2\xa0\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91");
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_jw_object(&out, NULL);
    ha_jw_string(&out, text, text);
    ha_jw_object_end(&out);
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_json_parse(ha_buf_text(&out), out.len, 1, &json, &err), HA_OK);
    assert_string_equal(ha_json_get_string(json, text), text);
}

// What is to be escaped is found wherever it stands, since characters are looked at eight at a time.
static void json_writer_escapes_at_every_place(void **state)
{
    static const unsigned special[] = {1, 0x1f, '"', '\\', 0x7f};
    static const unsigned plain[] = {' ', '!', '#', '[', ']', '~'};
    for (size_t n = 1; n <= 24; n++) {
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < HA_ARRAY_SIZE(special) + HA_ARRAY_SIZE(plain); i++) {
                bool is_special = i < HA_ARRAY_SIZE(special);
                ha_auto(ha_buf_clear) struct ha_buf out = {0};
                char text[25] = "", escaped[8] = "", expected[40];
                memset(text, 'x', n);
                text[at] = (char)(is_special ? special[i] : plain[i - HA_ARRAY_SIZE(special)]);
                if (text[at] == '"' || text[at] == '\\')
                    snprintf(escaped, sizeof escaped, "\\%c", text[at]);
                else
                    snprintf(escaped, sizeof escaped, is_special ? "\\u%04x" : "%c", text[at]);
                snprintf(expected, sizeof expected, "\"%.*s%s%s\"", (int)at, text, escaped, text + at + 1);
                ha_jw_quoted(&out, text);
                assert_string_equal(ha_buf_text(&out), expected);
            }
        }
    }
}

static void json_writer_replaces_what_isnt_utf8(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_jw_string(&out, NULL,
                 "a\xff"
                 "b\xc3");
    assert_string_equal(ha_buf_text(&out), "\"a\xef\xbf\xbd"
                                           "b\xef\xbf\xbd\"");
}

static void json_pretty_indents(void **state)
{
    static const char text[] = " {\"a\":[1,{\"b\":\"x:,{}[]\\\"\"}],\"e\":{ },\"f\":[ ],\"n\":-1.50e3} ";
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    ha_buf_puts(&out, ">");
    assert_int_equal(ha_json_pretty(&out, text, sizeof text - 1, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), ">{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x:,{}[]\\\"\"\n    }\n  ],\n"
                                           "  \"e\": {},\n  \"f\": [],\n  \"n\": -1.50e3\n}");
}

static void json_pretty_refuses_what_isnt_json(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    assert_int_equal(ha_json_pretty(&out, "{\"a\":", 5, &err), HA_E_MALFORMED);
    assert_int_equal(out.len, 0);
    assert_int_equal(ha_json_pretty(&out, "7", 1, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_writer_puts_commas_where_they_belong),
        cmocka_unit_test(json_writer_escapes_so_that_the_reader_gives_it_back),
        cmocka_unit_test(json_writer_escapes_at_every_place),
        cmocka_unit_test(json_writer_replaces_what_isnt_utf8),
        cmocka_unit_test(json_pretty_indents),
        cmocka_unit_test(json_pretty_refuses_what_isnt_json),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
