// SPDX-License-Identifier: Apache-2.0
// The table of PKCS#11 return values (2.40 and 3.0), and the words made of it.
#include "token/ckr.h"

#include <stdlib.h>
#include <string.h>

// Numbers, since no header that we build with names all of them.
// clang-format off
static const struct ha_ckr_info rows[] = {
    {0x0, "CKR_OK", HA_CKR_OK},
    {0x1, "CKR_CANCEL", HA_CKR_OTHER},
    {0x2, "CKR_HOST_MEMORY", HA_CKR_OTHER},
    {0x3, "CKR_SLOT_ID_INVALID", HA_CKR_DEVICE},
    {0x5, "CKR_GENERAL_ERROR", HA_CKR_VAGUE},
    {0x6, "CKR_FUNCTION_FAILED", HA_CKR_VAGUE},
    {0x7, "CKR_ARGUMENTS_BAD", HA_CKR_OTHER},
    {0x8, "CKR_NO_EVENT", HA_CKR_OTHER},
    {0x9, "CKR_NEED_TO_CREATE_THREADS", HA_CKR_OTHER},
    {0xa, "CKR_CANT_LOCK", HA_CKR_OTHER},
    {0x10, "CKR_ATTRIBUTE_READ_ONLY", HA_CKR_OTHER},
    {0x11, "CKR_ATTRIBUTE_SENSITIVE", HA_CKR_OTHER},
    {0x12, "CKR_ATTRIBUTE_TYPE_INVALID", HA_CKR_OTHER},
    {0x13, "CKR_ATTRIBUTE_VALUE_INVALID", HA_CKR_OTHER},
    {0x1b, "CKR_ACTION_PROHIBITED", HA_CKR_KEY},
    {0x20, "CKR_DATA_INVALID", HA_CKR_DATA},
    {0x21, "CKR_DATA_LEN_RANGE", HA_CKR_DATA},
    {0x30, "CKR_DEVICE_ERROR", HA_CKR_DEVICE},
    {0x31, "CKR_DEVICE_MEMORY", HA_CKR_VAGUE},
    {0x32, "CKR_DEVICE_REMOVED", HA_CKR_DEVICE},
    {0x40, "CKR_ENCRYPTED_DATA_INVALID", HA_CKR_DATA},
    {0x41, "CKR_ENCRYPTED_DATA_LEN_RANGE", HA_CKR_DATA},
    {0x42, "CKR_AEAD_DECRYPT_FAILED", HA_CKR_DATA},
    {0x50, "CKR_FUNCTION_CANCELED", HA_CKR_VAGUE},
    {0x51, "CKR_FUNCTION_NOT_PARALLEL", HA_CKR_OTHER},
    {0x54, "CKR_FUNCTION_NOT_SUPPORTED", HA_CKR_KEY},
    {0x60, "CKR_KEY_HANDLE_INVALID", HA_CKR_SESSION},
    {0x62, "CKR_KEY_SIZE_RANGE", HA_CKR_KEY},
    {0x63, "CKR_KEY_TYPE_INCONSISTENT", HA_CKR_KEY},
    {0x64, "CKR_KEY_NOT_NEEDED", HA_CKR_OTHER},
    {0x65, "CKR_KEY_CHANGED", HA_CKR_OTHER},
    {0x66, "CKR_KEY_NEEDED", HA_CKR_OTHER},
    {0x67, "CKR_KEY_INDIGESTIBLE", HA_CKR_KEY},
    {0x68, "CKR_KEY_FUNCTION_NOT_PERMITTED", HA_CKR_KEY},
    {0x69, "CKR_KEY_NOT_WRAPPABLE", HA_CKR_KEY},
    {0x6a, "CKR_KEY_UNEXTRACTABLE", HA_CKR_KEY},
    {0x70, "CKR_MECHANISM_INVALID", HA_CKR_KEY},
    {0x71, "CKR_MECHANISM_PARAM_INVALID", HA_CKR_KEY},
    {0x82, "CKR_OBJECT_HANDLE_INVALID", HA_CKR_SESSION},
    {0x90, "CKR_OPERATION_ACTIVE", HA_CKR_SESSION},
    {0x91, "CKR_OPERATION_NOT_INITIALIZED", HA_CKR_SESSION},
    {0xa0, "CKR_PIN_INCORRECT", HA_CKR_PIN},
    {0xa1, "CKR_PIN_INVALID", HA_CKR_PIN},
    {0xa2, "CKR_PIN_LEN_RANGE", HA_CKR_PIN},
    {0xa3, "CKR_PIN_EXPIRED", HA_CKR_PIN},
    {0xa4, "CKR_PIN_LOCKED", HA_CKR_PIN},
    {0xb0, "CKR_SESSION_CLOSED", HA_CKR_SESSION},
    {0xb1, "CKR_SESSION_COUNT", HA_CKR_VAGUE},
    {0xb3, "CKR_SESSION_HANDLE_INVALID", HA_CKR_SESSION},
    {0xb4, "CKR_SESSION_PARALLEL_NOT_SUPPORTED", HA_CKR_OTHER},
    {0xb5, "CKR_SESSION_READ_ONLY", HA_CKR_OTHER},
    {0xb6, "CKR_SESSION_EXISTS", HA_CKR_OTHER},
    {0xb7, "CKR_SESSION_READ_ONLY_EXISTS", HA_CKR_OTHER},
    {0xb8, "CKR_SESSION_READ_WRITE_SO_EXISTS", HA_CKR_OTHER},
    {0xc0, "CKR_SIGNATURE_INVALID", HA_CKR_DATA},
    {0xc1, "CKR_SIGNATURE_LEN_RANGE", HA_CKR_DATA},
    {0xd0, "CKR_TEMPLATE_INCOMPLETE", HA_CKR_OTHER},
    {0xd1, "CKR_TEMPLATE_INCONSISTENT", HA_CKR_OTHER},
    {0xe0, "CKR_TOKEN_NOT_PRESENT", HA_CKR_DEVICE},
    {0xe1, "CKR_TOKEN_NOT_RECOGNIZED", HA_CKR_DEVICE},
    {0xe2, "CKR_TOKEN_WRITE_PROTECTED", HA_CKR_OTHER},
    {0xf0, "CKR_UNWRAPPING_KEY_HANDLE_INVALID", HA_CKR_SESSION},
    {0xf1, "CKR_UNWRAPPING_KEY_SIZE_RANGE", HA_CKR_KEY},
    {0xf2, "CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT", HA_CKR_KEY},
    {0x100, "CKR_USER_ALREADY_LOGGED_IN", HA_CKR_OTHER},
    {0x101, "CKR_USER_NOT_LOGGED_IN", HA_CKR_SESSION},
    {0x102, "CKR_USER_PIN_NOT_INITIALIZED", HA_CKR_OTHER},
    {0x103, "CKR_USER_TYPE_INVALID", HA_CKR_OTHER},
    {0x104, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", HA_CKR_OTHER},
    {0x105, "CKR_USER_TOO_MANY_TYPES", HA_CKR_OTHER},
    {0x110, "CKR_WRAPPED_KEY_INVALID", HA_CKR_DATA},
    {0x112, "CKR_WRAPPED_KEY_LEN_RANGE", HA_CKR_DATA},
    {0x113, "CKR_WRAPPING_KEY_HANDLE_INVALID", HA_CKR_SESSION},
    {0x114, "CKR_WRAPPING_KEY_SIZE_RANGE", HA_CKR_KEY},
    {0x115, "CKR_WRAPPING_KEY_TYPE_INCONSISTENT", HA_CKR_KEY},
    {0x120, "CKR_RANDOM_SEED_NOT_SUPPORTED", HA_CKR_OTHER},
    {0x121, "CKR_RANDOM_NO_RNG", HA_CKR_OTHER},
    {0x130, "CKR_DOMAIN_PARAMS_INVALID", HA_CKR_KEY},
    {0x140, "CKR_CURVE_NOT_SUPPORTED", HA_CKR_KEY},
    {0x150, "CKR_BUFFER_TOO_SMALL", HA_CKR_OTHER},
    {0x160, "CKR_SAVED_STATE_INVALID", HA_CKR_OTHER},
    {0x170, "CKR_INFORMATION_SENSITIVE", HA_CKR_OTHER},
    {0x180, "CKR_STATE_UNSAVEABLE", HA_CKR_OTHER},
    {0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", HA_CKR_DEVICE},
    {0x191, "CKR_CRYPTOKI_ALREADY_INITIALIZED", HA_CKR_OTHER},
    {0x1a0, "CKR_MUTEX_BAD", HA_CKR_OTHER},
    {0x1a1, "CKR_MUTEX_NOT_LOCKED", HA_CKR_OTHER},
    {0x1b0, "CKR_NEW_PIN_MODE", HA_CKR_OTHER},
    {0x1b1, "CKR_NEXT_OTP", HA_CKR_OTHER},
    {0x1b5, "CKR_EXCEEDED_MAX_ITERATIONS", HA_CKR_OTHER},
    {0x1b6, "CKR_FIPS_SELF_TEST_FAILED", HA_CKR_OTHER},
    {0x1b7, "CKR_LIBRARY_LOAD_FAILED", HA_CKR_OTHER},
    {0x1b8, "CKR_PIN_TOO_WEAK", HA_CKR_OTHER},
    {0x1b9, "CKR_PUBLIC_KEY_INVALID", HA_CKR_DATA},
    {0x200, "CKR_FUNCTION_REJECTED", HA_CKR_VAGUE},
    {0x201, "CKR_TOKEN_RESOURCE_EXCEEDED", HA_CKR_VAGUE},
    {0x202, "CKR_OPERATION_CANCEL_FAILED", HA_CKR_OTHER},
    {0x203, "CKR_KEY_EXHAUSTED", HA_CKR_KEY},
    {0x80000000, "CKR_VENDOR_DEFINED", HA_CKR_VAGUE},
};
// clang-format on

const struct ha_ckr_info *ha_ckr_row(size_t index)
{
    return index < HA_ARRAY_SIZE(rows) ? &rows[index] : NULL;
}

static int compare(const void *key, const void *row)
{
    CK_RV rv = *(const CK_RV *)key;
    CK_RV other = ((const struct ha_ckr_info *)row)->rv;
    return rv < other ? -1 : rv > other;
}

static const struct ha_ckr_info *find(CK_RV rv)
{
    return bsearch(&rv, rows, HA_ARRAY_SIZE(rows), sizeof(rows[0]), compare);
}

const char *ha_ckr_name(CK_RV rv)
{
    const struct ha_ckr_info *row = find(rv);
    return row ? row->name : NULL;
}

enum ha_ckr_class ha_ckr_class(CK_RV rv)
{
    const struct ha_ckr_info *row = find(rv);
    if (!row)
        return rv & CKR_VENDOR_DEFINED ? HA_CKR_VAGUE : HA_CKR_OTHER;
    return row->class;
}

static enum ha_code code_of(CK_RV rv)
{
    switch (ha_ckr_class(rv)) {
    case HA_CKR_PIN:
        return HA_E_PIN;
    case HA_CKR_KEY:
        return HA_E_KEY_CANNOT;
    case HA_CKR_DEVICE:
        return HA_E_TOKEN_DOWN;
    case HA_CKR_OK:
    case HA_CKR_DATA:
    case HA_CKR_SESSION:
    case HA_CKR_VAGUE:
    case HA_CKR_OTHER:
        break;
    }
    return rv == CKR_SESSION_COUNT ? HA_E_BUSY : HA_E_TOKEN_ERROR;
}

enum ha_code ha_ckr_fail(struct ha_err *err, const char *function, CK_RV rv)
{
    const char *name = ha_ckr_name(rv);
    if (!name)
        name = rv & CKR_VENDOR_DEFINED ? "a code of the vendor's own" : "an unknown code";
    enum ha_code code = ha_fail(err, code_of(rv), "%s: %s (0x%lx)", function, name, rv);
    err->rv = rv;
    strncpy(err->function, function, sizeof(err->function) - 1);
    return code;
}

struct ha_ckr_cure ha_ckr_cure(const struct ha_err *err)
{
    // One that ha_sign held back: a new session, and if that doesn't help, it is the token's arithmetic.
    if (err->rv == CKR_SIGNATURE_INVALID)
        return (struct ha_ckr_cure){.first = HA_RUNG_SESSION};
    switch (ha_ckr_class(err->rv)) {
    case HA_CKR_SESSION:
        return (struct ha_ckr_cure){HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_PROCESS};
    case HA_CKR_DEVICE:
        return (struct ha_ckr_cure){HA_RUNG_SESSION, HA_RUNG_MODULE, HA_RUNG_PROCESS};
    case HA_CKR_VAGUE:
        return (struct ha_ckr_cure){HA_RUNG_SESSION, HA_RUNG_LOGIN, HA_RUNG_NONE};
    case HA_CKR_OK:
    case HA_CKR_DATA:
    case HA_CKR_PIN:
    case HA_CKR_KEY:
    case HA_CKR_OTHER:
        break;
    }
    return (struct ha_ckr_cure){0};
}

bool ha_ckr_curable(const struct ha_err *err)
{
    return ha_ckr_cure(err).first != HA_RUNG_NONE;
}
