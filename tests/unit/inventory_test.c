// SPDX-License-Identifier: Apache-2.0
// The inventory's forms, of answers good and bad.
#include "cli/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CERTIFICATE(from, until)                                                                                       \
    "\"certificate\":{\"subject\":\"CN=a\\\\, b,O=c\",\"issuer\":\"CN=ca\",\"serial\":\"0a\",\"not_before\":\"" from   \
    "\",\"not_after\":\"" until "\"}"
#define YEAR CERTIFICATE("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")

struct rig {
    ha_json *json;
    struct ha_inventory inventory;
    struct ha_buf out;
};

static void rig_clear(struct rig *rig)
{
    ha_inventory_clear(&rig->inventory);
    ha_json_free(rig->json);
    ha_buf_clear(&rig->out);
}
HA_AUTO_DEFINE_CLEAR(struct rig, rig_clear)

static enum ha_code read_text(const char *text, struct rig *rig)
{
    struct ha_err err = {0};
    assert_int_equal(ha_json_parse(text, strlen(text), 16, &rig->json, &err), HA_OK);
    return ha_inventory_read(rig->json, &rig->inventory, &err);
}

// A key's certificate that ends at that time, looked at on 21 November 2026 at noon with 90 days of notice.
static void read_until(const char *until, struct rig *rig)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"at\":\"2026-11-21T12:00:00Z\",\"expiry_days\":[30,90],\"keys\":[{\"name\":\"k\",\"version\":1,"
             "\"certificate\":{\"subject\":\"CN=x\",\"not_before\":\"2026-01-01T00:00:00Z\",\"not_after\":\"%s\"}}]}",
             until);
    assert_int_equal(read_text(text, rig), HA_OK);
}

static void inventory_says_how_near_an_end_is(void **state)
{
    static const struct {
        const char *until, *when;
        enum ha_expiry expiry;
    } rows[] = {
        {"2025-11-21T12:00:00Z", "365 days ago", HA_EXPIRY_EXPIRED},
        {"2026-11-20T12:00:00Z", "1 day ago", HA_EXPIRY_EXPIRED},
        {"2026-11-20T12:00:01Z", "less than a day ago", HA_EXPIRY_EXPIRED},
        {"2026-11-21T11:59:59Z", "less than a day ago", HA_EXPIRY_EXPIRED},
        {"2026-11-21T12:00:00Z", "within a day", HA_EXPIRY_URGENT},
        {"2026-11-22T11:59:59Z", "within a day", HA_EXPIRY_URGENT},
        {"2026-11-22T12:00:00Z", "in 1 day", HA_EXPIRY_URGENT},
        {"2026-12-21T12:00:00Z", "in 30 days", HA_EXPIRY_URGENT},
        {"2026-12-21T12:00:01Z", "in 30 days", HA_EXPIRY_SOON},
        {"2027-02-19T12:00:00Z", "in 90 days", HA_EXPIRY_SOON},
        {"2027-02-19T12:00:01Z", "in 90 days", HA_EXPIRY_LATER},
        {"9999-12-31T23:59:59Z", "in 2912118 days", HA_EXPIRY_LATER},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(rig_clear) struct rig rig = {0};
        read_until(rows[i].until, &rig);
        ha_inventory_when(&rig.inventory, &rig.inventory.rows[0], &rig.out);
        assert_string_equal(ha_buf_text(&rig.out), rows[i].when);
        assert_int_equal(ha_inventory_expiry(&rig.inventory, &rig.inventory.rows[0]), rows[i].expiry);
        // Whatever the dates, the page can be written.
        ha_inventory_html(&rig.inventory, "here", &rig.out);
        assert_true(ha_buf_ok(&rig.out));
        assert_null(strstr(ha_buf_text(&rig.out), "nan"));
    }
}

static void inventory_refuses_what_is_none(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"at\":\"2026-11-21T12:00:00Z\"}",
        "{\"at\":\"now\",\"keys\":[]}",
        "{\"keys\":[]}",
        "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":{}}",
        "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[7]}",
        "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[{\"name\":\"k\"}]}",
        "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[{\"version\":1}]}",
        "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[{\"name\":\"k\",\"version\":1,\"certificate\":{}}]}",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        ha_auto(rig_clear) struct rig rig = {0};
        assert_int_equal(read_text(texts[i], &rig), HA_E_AGENT);
    }
}

static void inventory_of_nothing_is_a_page_and_a_line(void **state)
{
    ha_auto(rig_clear) struct rig rig = {0};
    assert_int_equal(read_text("{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[]}", &rig), HA_OK);
    ha_inventory_html(&rig.inventory, "here", &rig.out);
    assert_non_null(strstr(ha_buf_text(&rig.out), "No certificate is installed that is in use."));
    assert_non_null(strstr(ha_buf_text(&rig.out), "</html>"));
    ha_buf_reset(&rig.out);
    ha_inventory_csv(&rig.inventory, &rig.out);
    assert_ptr_equal(strstr(ha_buf_text(&rig.out), "\r\n"), ha_buf_text(&rig.out) + rig.out.len - 2);
    ha_buf_reset(&rig.out);
    ha_inventory_next(&rig.inventory, 5, &rig.out);
    assert_int_equal(rig.out.len, 0);
}

static void inventory_shows_what_nobody_cares_for_in_the_table_alone(void **state)
{
    static const char *const marks[] = {"\"status\":\"retired\"", "\"status\":\"active\",\"disabled\":true",
                                        "\"status\":\"active\",\"deletes\":\"2026-12-01T00:00:00Z\""};
    for (size_t i = 0; i < HA_ARRAY_SIZE(marks); i++) {
        ha_auto(rig_clear) struct rig rig = {0};
        char text[512];
        snprintf(text, sizeof text,
                 "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[{\"name\":\"old\",\"version\":1,%s," YEAR "}]}", marks[i]);
        assert_int_equal(read_text(text, &rig), HA_OK);
        ha_inventory_html(&rig.inventory, "here", &rig.out);
        assert_null(strstr(ha_buf_text(&rig.out), "<ol>"));
        assert_non_null(strstr(ha_buf_text(&rig.out), "certificates of 1 version that"));
        assert_non_null(strstr(ha_buf_text(&rig.out), "<tr class=\"over\"><th scope=\"row\">old"));
        ha_buf_reset(&rig.out);
        ha_inventory_next(&rig.inventory, 5, &rig.out);
        assert_int_equal(rig.out.len, 0);
    }
}

static void inventory_page_escapes_every_text(void **state)
{
    static const char text[] = "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[{\"name\":\"<n>\",\"version\":1,"
                               "\"status\":\"<s>\",\"state\":\"<t>\",\"type\":\"<y>\",\"purposes\":[\"<p>\"],"
                               "\"environment\":\"<e>\",\"holder\":\"<h>\\u0001\",\"tokens\":[\"<k>\"],"
                               "\"retires\":\"<r>\",\"deletes\":\"<d>\",\"last_use\":\"<l>\","
                               "\"certificate\":{\"subject\":\"CN=<c>&\\\"\",\"issuer\":\"<i>\",\"serial\":\"<x>\","
                               "\"not_before\":\"2026-01-01T00:00:00<b>\",\"not_after\":\"2027-01-01T00:00:00<a>\"}}]}";
    ha_auto(rig_clear) struct rig rig = {0};
    assert_int_equal(read_text(text, &rig), HA_OK);
    ha_inventory_html(&rig.inventory, "<source>", &rig.out);
    const char *page = ha_buf_text(&rig.out);
    for (const char *c = "nstypehkrdlcixba"; *c; c++) {
        // Some of these are elements of HTML: <s>, <p> and <i> aren't written by us with these texts in them.
        char raw[] = {'<', *c, '>', '\0'}, escaped[] = {'&', 'l', 't', ';', *c, '&', 'g', 't', ';', '\0'};
        if (!strchr("pib", *c))
            assert_null(strstr(page, raw));
        if (!strchr("lba", *c))
            assert_non_null(strstr(page, escaped));
    }
    assert_non_null(strstr(page, "CN=&lt;c&gt;&amp;&quot;"));
    assert_non_null(strstr(page, "&lt;source&gt;"));
    assert_null(strchr(page, '\x01'));
    assert_null(strstr(page, "script"));
}

static void inventory_csv_quotes_and_disarms(void **state)
{
    static const char text[] =
        "{\"at\":\"2026-11-21T12:00:00Z\",\"keys\":[{\"name\":\"k\",\"version\":1,\"holder\":\"=1+1\","
        "\"environment\":\"@x\",\"profile\":\"a,\\\"b\\\"\",\"type\":\"-1\",\"status\":\"\\t=2\"," YEAR "}]}";
    ha_auto(rig_clear) struct rig rig = {0};
    assert_int_equal(read_text(text, &rig), HA_OK);
    ha_inventory_csv(&rig.inventory, &rig.out);
    const char *csv = strstr(ha_buf_text(&rig.out), "\r\n");
    assert_non_null(strstr(csv, ",'=1+1,"));
    assert_non_null(strstr(csv, ",'@x,"));
    assert_non_null(strstr(csv, ",'-1,"));
    assert_non_null(strstr(csv, ",'\t=2,"));
    assert_non_null(strstr(csv, ",\"a,\"\"b\"\"\","));
    assert_non_null(strstr(csv, ",\"CN=a\\, b,O=c\","));
    assert_non_null(strstr(csv, ",40\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inventory_says_how_near_an_end_is),
        cmocka_unit_test(inventory_refuses_what_is_none),
        cmocka_unit_test(inventory_of_nothing_is_a_page_and_a_line),
        cmocka_unit_test(inventory_shows_what_nobody_cares_for_in_the_table_alone),
        cmocka_unit_test(inventory_page_escapes_every_text),
        cmocka_unit_test(inventory_csv_quotes_and_disarms),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
