// SPDX-License-Identifier: Apache-2.0
// Names of subjects, right and wrong, in both ways to write them.
#include "cli/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code put(const char *text, struct ha_buf *out, struct ha_err *err)
{
    ha_buf_putc(out, '[');
    enum ha_code code = ha_subject_put(text, out, err);
    ha_buf_putc(out, ']');
    return code;
}

static void subject_right_names_become_rdns(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"", "[]"},
        {"  ", "[]"},
        {"/", "[]"},
        {"CN=x", "[{\"CN\":\"x\"}]"},
        {"C=AE,O=Acme\\, Inc,CN=x", "[{\"C\":\"AE\"},{\"O\":\"Acme, Inc\"},{\"CN\":\"x\"}]"},
        {" C = AE , CN = a b  ", "[{\"C\":\"AE\"},{\"CN\":\"a b\"}]"},
        {"OU=a+CN=b,O=c", "[{\"OU\":\"a\",\"CN\":\"b\"},{\"O\":\"c\"}]"},
        {"CN=\\ a\\ ", "[{\"CN\":\" a \"}]"},
        {"CN=a\\+b\\=c\\\\\\\"\\<\\>\\;\\#", "[{\"CN\":\"a+b=c\\\\\\\"<>;#\"}]"},
        {"CN=\\#1", "[{\"CN\":\"#1\"}]"},
        {"CN=a#b=c/d", "[{\"CN\":\"a#b=c/d\"}]"},
        {"CN=Lu\\C4\\8Di\\C4\\87", "[{\"CN\":\"Lu\xc4\x8di\xc4\x87\"}]"},
        {"CN=\xd8\xb9", "[{\"CN\":\"\xd8\xb9\"}]"},
        {"1.3.6.1.4.1.311.60.2.1.3=AE", "[{\"1.3.6.1.4.1.311.60.2.1.3\":\"AE\"}]"},
        {"/C=AE/O=Acme, Inc/CN=x", "[{\"C\":\"AE\"},{\"O\":\"Acme, Inc\"},{\"CN\":\"x\"}]"},
        {"/CN=a\\/b\\+c/OU=d+O=e", "[{\"CN\":\"a/b+c\"},{\"OU\":\"d\",\"O\":\"e\"}]"},
        {"/CN= a <b>;\"c\"#", "[{\"CN\":\" a <b>;\\\"c\\\"#\"}]"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        if (put(rows[i].text, &out, &err) != HA_OK)
            fail_msg("%s: %s", rows[i].text, err.detail);
        assert_string_equal(ha_buf_text(&out), rows[i].json);
    }
}

static void subject_wrong_names_are_refused(void **state)
{
    static const char *const wrong[] = {
        "x",       "=x",       "CN",      "CN=",      "CN= ",    ",CN=x",     "CN=x,",      "CN=x,,O=y",
        "CN=x+",   "+CN=x",    "CN=a;b",  "CN=\"a\"", "CN=a<b",  "CN=#0401",  "CN=a\\",     "CN=a\\q",
        "CN=a\\4", "CN=a\\4g", "CN=\\00", "CN=\\ff",  "CN=\xff", "CN=a+CN=b", "C N=a",      "CN\xc3=a",
        "/CN=x/",  "//CN=x",   "/CN=x\\", "/x",       "/CN=",    "\\CN=x",    "CN=a,\nO=b",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        if (put(wrong[i], &out, &err) != HA_E_USAGE)
            fail_msg("taken: %s as %s", wrong[i], ha_buf_text(&out));
        assert_true(err.detail[0] && err.hint[0]);
    }
}

static void subject_error_names_the_place(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_err err = {0};
    assert_int_equal(put("C=AE,O", &out, &err), HA_E_USAGE);
    assert_non_null(strstr(err.detail, "character 7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subject_right_names_become_rdns),
        cmocka_unit_test(subject_wrong_names_are_refused),
        cmocka_unit_test(subject_error_names_the_place),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cli_subject", tests, NULL, NULL);
}
