// SPDX-License-Identifier: Apache-2.0
// The table of return values.
#include "token/ckr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void ckr_rows_are_sorted_and_found(void **state)
{
    size_t n = 0;
    for (const struct ha_ckr_info *row; (row = ha_ckr_row(n)); n++) {
        if (n > 0)
            assert_true(ha_ckr_row(n - 1)->rv < row->rv);
        assert_ptr_equal(ha_ckr_name(row->rv), row->name);
        assert_int_equal(ha_ckr_class(row->rv), row->class);
    }
    assert_true(n > 90);
}

// Against the names of a header that somebody else wrote.
static void ckr_names_match_the_standard(void **state)
{
#define ROW(code)                                                                                                      \
    {                                                                                                                  \
        code, #code                                                                                                    \
    }
    static const struct {
        CK_RV rv;
        const char *name;
    } rows[] = {
        ROW(CKR_OK),
        ROW(CKR_HOST_MEMORY),
        ROW(CKR_SLOT_ID_INVALID),
        ROW(CKR_GENERAL_ERROR),
        ROW(CKR_FUNCTION_FAILED),
        ROW(CKR_ARGUMENTS_BAD),
        ROW(CKR_CANT_LOCK),
        ROW(CKR_ATTRIBUTE_SENSITIVE),
        ROW(CKR_ATTRIBUTE_TYPE_INVALID),
        ROW(CKR_ACTION_PROHIBITED),
        ROW(CKR_DATA_INVALID),
        ROW(CKR_DATA_LEN_RANGE),
        ROW(CKR_DEVICE_ERROR),
        ROW(CKR_DEVICE_MEMORY),
        ROW(CKR_DEVICE_REMOVED),
        ROW(CKR_ENCRYPTED_DATA_INVALID),
        ROW(CKR_ENCRYPTED_DATA_LEN_RANGE),
        ROW(CKR_FUNCTION_NOT_SUPPORTED),
        ROW(CKR_KEY_HANDLE_INVALID),
        ROW(CKR_KEY_SIZE_RANGE),
        ROW(CKR_KEY_TYPE_INCONSISTENT),
        ROW(CKR_KEY_FUNCTION_NOT_PERMITTED),
        ROW(CKR_MECHANISM_INVALID),
        ROW(CKR_MECHANISM_PARAM_INVALID),
        ROW(CKR_OBJECT_HANDLE_INVALID),
        ROW(CKR_OPERATION_ACTIVE),
        ROW(CKR_OPERATION_NOT_INITIALIZED),
        ROW(CKR_PIN_INCORRECT),
        ROW(CKR_PIN_INVALID),
        ROW(CKR_PIN_LEN_RANGE),
        ROW(CKR_PIN_EXPIRED),
        ROW(CKR_PIN_LOCKED),
        ROW(CKR_SESSION_CLOSED),
        ROW(CKR_SESSION_COUNT),
        ROW(CKR_SESSION_HANDLE_INVALID),
        ROW(CKR_SESSION_READ_ONLY),
        ROW(CKR_SIGNATURE_INVALID),
        ROW(CKR_TEMPLATE_INCOMPLETE),
        ROW(CKR_TEMPLATE_INCONSISTENT),
        ROW(CKR_TOKEN_NOT_PRESENT),
        ROW(CKR_TOKEN_NOT_RECOGNIZED),
        ROW(CKR_TOKEN_WRITE_PROTECTED),
        ROW(CKR_USER_ALREADY_LOGGED_IN),
        ROW(CKR_USER_NOT_LOGGED_IN),
        ROW(CKR_USER_PIN_NOT_INITIALIZED),
        ROW(CKR_DOMAIN_PARAMS_INVALID),
        ROW(CKR_CURVE_NOT_SUPPORTED),
        ROW(CKR_BUFFER_TOO_SMALL),
        ROW(CKR_CRYPTOKI_NOT_INITIALIZED),
        ROW(CKR_CRYPTOKI_ALREADY_INITIALIZED),
        {0x1b8, "CKR_PIN_TOO_WEAK"},  // in p11-kit's header they have other numbers than in the standard
        {0x1b9, "CKR_PUBLIC_KEY_INVALID"},
        ROW(CKR_FUNCTION_REJECTED),
        ROW(CKR_VENDOR_DEFINED),
    };
#undef ROW
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        assert_non_null(ha_ckr_name(rows[i].rv));
        assert_string_equal(ha_ckr_name(rows[i].rv), rows[i].name);
    }
    assert_null(ha_ckr_name(0x4));
    assert_int_equal(ha_ckr_class(0x4), HA_CKR_OTHER);
    assert_int_equal(ha_ckr_class(CKR_VENDOR_DEFINED | 0x101), HA_CKR_VAGUE);
}

static void ckr_fail_carries_words_and_code(void **state)
{
    static const struct {
        CK_RV rv;
        enum ha_code code;
        const char *detail;
    } rows[] = {
        {CKR_KEY_FUNCTION_NOT_PERMITTED, HA_E_KEY_CANNOT, "C_Sign: CKR_KEY_FUNCTION_NOT_PERMITTED (0x68)"},
        {CKR_PIN_INCORRECT, HA_E_PIN, "C_Sign: CKR_PIN_INCORRECT (0xa0)"},
        {CKR_DEVICE_REMOVED, HA_E_TOKEN_DOWN, "C_Sign: CKR_DEVICE_REMOVED (0x32)"},
        {CKR_SESSION_HANDLE_INVALID, HA_E_TOKEN_ERROR, "C_Sign: CKR_SESSION_HANDLE_INVALID (0xb3)"},
        {CKR_SESSION_COUNT, HA_E_BUSY, "C_Sign: CKR_SESSION_COUNT (0xb1)"},
        {0x80000101, HA_E_TOKEN_ERROR, "C_Sign: a code of the vendor's own (0x80000101)"},
        {0x7777, HA_E_TOKEN_ERROR, "C_Sign: an unknown code (0x7777)"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        assert_int_equal(ha_ckr_fail(&err, "C_Sign", rows[i].rv), rows[i].code);
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(err.rv, rows[i].rv);
        assert_string_equal(err.function, "C_Sign");
        assert_string_equal(err.detail, rows[i].detail);
    }
}

static void ckr_cure_goes_as_far_as_the_failure(void **state)
{
    static const struct {
        CK_RV rv;
        struct ha_ckr_cure cure;
    } rows[] = {
        {CKR_SESSION_HANDLE_INVALID, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_PROCESS}},
        {CKR_USER_NOT_LOGGED_IN, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_PROCESS}},
        {CKR_OBJECT_HANDLE_INVALID, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_PROCESS}},
        {CKR_DEVICE_ERROR, {HA_RUNG_SESSION, HA_RUNG_MODULE, HA_RUNG_PROCESS}},
        {CKR_DEVICE_REMOVED, {HA_RUNG_SESSION, HA_RUNG_MODULE, HA_RUNG_PROCESS}},
        {CKR_TOKEN_NOT_PRESENT, {HA_RUNG_SESSION, HA_RUNG_MODULE, HA_RUNG_PROCESS}},
        {CKR_CRYPTOKI_NOT_INITIALIZED, {HA_RUNG_SESSION, HA_RUNG_MODULE, HA_RUNG_PROCESS}},
        {CKR_GENERAL_ERROR, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE}},
        {CKR_FUNCTION_FAILED, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE}},
        {CKR_DEVICE_MEMORY, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE}},
        {CKR_SESSION_COUNT, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE}},
        {CKR_VENDOR_DEFINED, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE}},
        {0x80000123, {HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE}},
        {CKR_SIGNATURE_INVALID, {HA_RUNG_SESSION, HA_RUNG_NONE, HA_RUNG_NONE}},
        {CKR_OK, {HA_RUNG_NONE, HA_RUNG_NONE, HA_RUNG_NONE}},
        {CKR_PIN_INCORRECT, {HA_RUNG_NONE, HA_RUNG_NONE, HA_RUNG_NONE}},
        {CKR_DATA_INVALID, {HA_RUNG_NONE, HA_RUNG_NONE, HA_RUNG_NONE}},
        {CKR_HOST_MEMORY, {HA_RUNG_NONE, HA_RUNG_NONE, HA_RUNG_NONE}},
        {CKR_MECHANISM_INVALID, {HA_RUNG_NONE, HA_RUNG_NONE, HA_RUNG_NONE}},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {.rv = rows[i].rv};
        struct ha_ckr_cure cure = ha_ckr_cure(&err);
        assert_int_equal(cure.first, rows[i].cure.first);
        assert_int_equal(cure.second, rows[i].cure.second);
        assert_int_equal(cure.last, rows[i].cure.last);
        assert_int_equal(ha_ckr_curable(&err), rows[i].cure.first != HA_RUNG_NONE);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ckr_rows_are_sorted_and_found),
        cmocka_unit_test(ckr_names_match_the_standard),
        cmocka_unit_test(ckr_fail_carries_words_and_code),
        cmocka_unit_test(ckr_cure_goes_as_far_as_the_failure),
    };
    return cmocka_run_group_tests_name("token_ckr", tests, NULL, NULL);
}
