// SPDX-License-Identifier: Apache-2.0
// The JSON of Dogtag's REST API, both versions of it.
#include "enrol/dogtag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void filling_changes_the_blanks_and_nothing_else(void **state)
{
    static const char template[] =
        "{\"ProfileID\":\"caServerCert\", \"Renewal\":false,\"Odd\":12345678901234567890.5,\n"
        " \"Input\":[{\"id\":\"i1\",\"Attribute\":[{\"name\":\"cert_request_type\",\"Value\":\"\",\"x\":[1]},"
        "{\"Value\":\"old\",\"name\":\"cert_request\"},{\"name\":\"other\",\"Value\":\"kept\"}]},"
        "{\"id\":\"i2\",\"Attribute\":[{\"name\":\"requestor_name\"},{\"name\":\"requestor_email\",\"Value\":\"\"}]}],"
        "\"Output\":[]}";
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_dogtag_fill(template, strlen(template), "--CSR--\n", "me", "requestor_email=a@b\n", &out, &err),
                     HA_OK);
    assert_string_equal(
        ha_buf_text(&out),
        "{\"ProfileID\":\"caServerCert\",\"Renewal\":false,\"Odd\":12345678901234567890.5,"
        "\"Input\":[{\"id\":\"i1\",\"Attribute\":[{\"name\":\"cert_request_type\",\"x\":[1],\"Value\":\"pkcs10\"},"
        "{\"name\":\"cert_request\",\"Value\":\"--CSR--\\n\"},{\"name\":\"other\",\"Value\":\"kept\"}]},"
        "{\"id\":\"i2\",\"Attribute\":[{\"name\":\"requestor_name\",\"Value\":\"me\"},"
        "{\"name\":\"requestor_email\",\"Value\":\"a@b\"}]}],\"Output\":[]}");
}

static void filling_knows_lists_of_one_without_brackets(void **state)
{
    static const char template[] = "{\"Input\":{\"Attribute\":{\"name\":\"cert_request\",\"Value\":\"\"}}}";
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_dogtag_fill(template, strlen(template), "C", "me", NULL, &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), "{\"Input\":{\"Attribute\":{\"name\":\"cert_request\",\"Value\":\"C\"}}}");
}

static void filling_refuses_what_has_no_place_for_the_request(void **state)
{
    static const struct {
        const char *template, *inputs;
        enum ha_code code;
    } cases[] = {
        {"", NULL, HA_E_CA},
        {"[]", NULL, HA_E_CA},
        {"{}", NULL, HA_E_CA},
        {"{\"Input\":7}", NULL, HA_E_CA},
        {"{\"Input\":[7,null,{\"Attribute\":[8,{\"name\":9}]}]}", NULL, HA_E_CA},
        {"{\"Input\":[{\"Attribute\":[{\"name\":\"cert_request\"},{\"name\":\"cert_request\"}]}]}", NULL, HA_E_CA},
        {"{\"Input\":[{\"Attribute\":[{\"name\":\"cert_request\"}]}]}", "no=1\n", HA_E_USAGE},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        assert_int_equal(
            ha_dogtag_fill(cases[i].template, strlen(cases[i].template), "C", "me", cases[i].inputs, &out, &err),
            cases[i].code);
        assert_int_equal(out.len, 0);
    }
}

#define REQUEST(status_, more_) "{\"requestID\":\"0x1f\",\"requestStatus\":\"" status_ "\"" more_ "}"

static void submissions_are_read_in_both_versions(void **state)
{
    static const char *const texts[] = {
        "{\"total\":1,\"entries\":[" REQUEST("pending", "") "]}",
        "{\"entries\":" REQUEST("pending", ",\"certId\":null") ",\"Link\":[]}",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        struct ha_err err = {0};
        struct ha_dogtag_info info = {0};
        assert_int_equal(ha_dogtag_read_submitted(texts[i], strlen(texts[i]), &info, &err), HA_OK);
        assert_string_equal(info.request_id, "0x1f");
        assert_int_equal(info.status, HA_DOGTAG_PENDING);
        assert_string_equal(info.certificate_id, "");
    }
}

static void requests_have_each_status(void **state)
{
    static const struct {
        const char *text;
        enum ha_dogtag_status status;
        const char *words;
    } cases[] = {
        {REQUEST("begin", ""), HA_DOGTAG_PENDING, ""},
        {REQUEST("svc_pending", ""), HA_DOGTAG_PENDING, ""},
        {REQUEST("complete", ",\"certId\":\"0x7\""), HA_DOGTAG_COMPLETE, ""},
        {REQUEST("rejected", ",\"errorMessage\":\"no\\u0007 way\""), HA_DOGTAG_REJECTED, "no? way"},
        {REQUEST("canceled", ""), HA_DOGTAG_REJECTED, ""},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        struct ha_dogtag_info info = {0};
        assert_int_equal(ha_dogtag_read_request(cases[i].text, strlen(cases[i].text), &info, &err), HA_OK);
        assert_int_equal(info.status, cases[i].status);
        assert_string_equal(info.words, cases[i].words);
    }
}

static void answers_that_do_not_fit_are_refused(void **state)
{
    static const char *const requests[] = {
        "",
        "<html>",
        "{}",
        "[]",
        "null",
        REQUEST("complete", ""),
        REQUEST("complete", ",\"certId\":\"../../x\""),
        REQUEST("whatever", ""),
        "{\"requestID\":31,\"requestStatus\":\"pending\"}",
        "{\"requestID\":\"0x\",\"requestStatus\":\"pending\"}",
        "{\"requestID\":\"1/approve\",\"requestStatus\":\"pending\"}",
        "{\"requestStatus\":\"pending\"}",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(requests); i++) {
        struct ha_err err = {0};
        struct ha_dogtag_info info = {.request_id = "untouched"};
        ha_auto(ha_buf_clear) struct ha_buf list = {0};
        assert_int_equal(ha_dogtag_read_request(requests[i], strlen(requests[i]), &info, &err), HA_E_CA);
        ha_buf_printf(&list, "{\"entries\":[%s]}", requests[i]);
        assert_int_equal(ha_dogtag_read_submitted(ha_buf_text(&list), list.len, &info, &err), HA_E_CA);
        assert_string_equal(info.request_id, "untouched");
        assert_true(err.detail[0] && err.hint[0]);
    }
}

static void two_requests_for_one_submission_are_refused(void **state)
{
    static const char text[] = "{\"entries\":[" REQUEST("pending", "") "," REQUEST("pending", "") "]}";
    struct ha_err err = {0};
    struct ha_dogtag_info info;
    assert_int_equal(ha_dogtag_read_submitted(text, strlen(text), &info, &err), HA_E_CA);
}

static void reviews_are_of_the_request_and_have_a_nonce(void **state)
{
    static const struct {
        const char *text;
        enum ha_code code;
    } cases[] = {
        {"{\"requestId\":\"0x1F\",\"nonce\":\"-5\"}", HA_OK},
        {"{\"requestId\":\"0x1f\",\"nonce\":-5}", HA_OK},
        {"{\"requestId\":\"0x1f\"}", HA_E_CA},
        {"{\"requestId\":\"0x1f\",\"nonce\":\"\"}", HA_E_CA},
        {"{\"requestId\":\"0x1f\",\"nonce\":null}", HA_E_CA},
        {"{\"requestId\":\"0x2f\",\"nonce\":\"5\"}", HA_E_CA},
        {"{\"nonce\":\"5\"}", HA_E_CA},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf csr = {0};
        assert_int_equal(ha_dogtag_read_review(cases[i].text, strlen(cases[i].text), "0x1f", &csr, &err),
                         cases[i].code);
        assert_string_equal(ha_buf_text(&csr), "");
    }
}

static void reviews_have_the_request_in_them(void **state)
{
    static const char text[] = "{\"requestId\":\"1\",\"nonce\":\"2\",\"Input\":[7,{\"Attribute\":{\"name\":\"x\"}},"
                               "{\"Attribute\":[{\"name\":\"cert_request\",\"Value\":\"C\"}]}]}";
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf csr = {0};
    assert_int_equal(ha_dogtag_read_review(text, strlen(text), "1", &csr, &err), HA_OK);
    assert_string_equal(ha_buf_text(&csr), "C");
}

static void revocations_keep_every_digit_of_the_nonce(void **state)
{
    static const char review[] = "{\"id\":\"0x1\",\"a\":{\"Nonce\":1}, \"Nonce\" : -6406250841074755437 }";
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0}, none = {0};
    assert_int_equal(ha_dogtag_put_revocation(review, strlen(review), "Superseded", "a \"b\"", &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out),
                        "{\"Reason\":\"Superseded\",\"Comments\":\"a \\\"b\\\"\",\"Nonce\":-6406250841074755437}");
    assert_int_equal(ha_dogtag_put_revocation("{\"Nonce\":[]}", 12, "Superseded", NULL, &none, &err), HA_E_CA);
    assert_int_equal(none.len, 0);
}

static void reasons_have_both_names(void **state)
{
    static const char *const same[] = {"keyCompromise", "Key_Compromise", "KEY-COMPROMISE", "keycompromise"};
    struct ha_err err = {0};
    const char *name = NULL;
    for (size_t i = 0; i < HA_ARRAY_SIZE(same); i++) {
        assert_int_equal(ha_dogtag_reason(same[i], &name, &err), HA_OK);
        assert_string_equal(name, "Key_Compromise");
    }
    assert_int_equal(ha_dogtag_reason("cessationofoperation", &name, &err), HA_OK);
    assert_string_equal(name, "Cessation_of_Operation");
    assert_int_equal(ha_dogtag_reason("", &name, &err), HA_E_USAGE);
    assert_int_equal(ha_dogtag_reason("keyCompromised", &name, &err), HA_E_USAGE);
}

static void profiles_are_listed_without_control_characters(void **state)
{
    static const char text[] =
        "{\"entries\":[{\"profileId\":\"a\",\"profileName\":\"A\\tb\\n\"},{\"profileId\":\"c\"}]}";
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_dogtag_read_profiles(text, strlen(text), &out, &err), HA_OK);
    assert_string_equal(ha_buf_text(&out), "a\tA?b?\nc\t\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filling_changes_the_blanks_and_nothing_else),
        cmocka_unit_test(filling_knows_lists_of_one_without_brackets),
        cmocka_unit_test(filling_refuses_what_has_no_place_for_the_request),
        cmocka_unit_test(submissions_are_read_in_both_versions),
        cmocka_unit_test(requests_have_each_status),
        cmocka_unit_test(answers_that_do_not_fit_are_refused),
        cmocka_unit_test(two_requests_for_one_submission_are_refused),
        cmocka_unit_test(reviews_are_of_the_request_and_have_a_nonce),
        cmocka_unit_test(reviews_have_the_request_in_them),
        cmocka_unit_test(revocations_keep_every_digit_of_the_nonce),
        cmocka_unit_test(reasons_have_both_names),
        cmocka_unit_test(profiles_are_listed_without_control_characters),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("enrol_dogtag", tests, NULL, NULL);
}
