// SPDX-License-Identifier: Apache-2.0
// PKCS#11 return values: their names, what they mean for us, and how they become a struct ha_err. Thread-safe.
#pragma once

#include "base/err.h"

#include <p11-kit/pkcs11.h>
#include <stddef.h>

enum ha_ckr_class {
    HA_CKR_OK,
    HA_CKR_DATA,     // the input is at fault
    HA_CKR_PIN,      // the PIN was refused: never to be tried again
    HA_CKR_SESSION,  // a session, login or handle was lost: a new one may do
    HA_CKR_KEY,      // this key, or this token, can't do that
    HA_CKR_DEVICE,   // the token, or the module's hold on it, is gone
    HA_CKR_VAGUE,    // something failed, and the token doesn't say what
    HA_CKR_OTHER,
};

struct ha_ckr_info {
    CK_RV rv;
    const char *name;  // "CKR_DEVICE_ERROR"
    enum ha_ckr_class class;
};

// How far a failure is followed. HACKING.md, "The ladder", has the reasons.
enum ha_rung {
    HA_RUNG_NONE,     // it isn't: the same again would fail again
    HA_RUNG_SESSION,  // a new session, with a new look-up of the key
    HA_RUNG_LOGIN,    // all sessions closed, and a new login
    HA_RUNG_MODULE,   // C_Finalize and C_Initialize
    HA_RUNG_PROCESS,  // a new process
};
struct ha_ckr_cure {
    enum ha_rung first;   // after the first failure
    enum ha_rung second;  // after the second, if nobody else succeeds
    enum ha_rung last;    // after the third, if nobody else succeeds; NONE: the caller is told
};

// A row of the table, in rising order of rv; NULL from the end on.
const struct ha_ckr_info *ha_ckr_row(size_t index);
// NULL for a value that no version of the standard names.
const char *ha_ckr_name(CK_RV rv);
// HA_CKR_OTHER for unknown values.
enum ha_ckr_class ha_ckr_class(CK_RV rv);

// The failure of a PKCS#11 function (its name at most 31 bytes): "C_Sign: CKR_DEVICE_ERROR (0x30)". The code follows
// the class: HA_E_PIN, HA_E_TOKEN_DOWN, HA_E_KEY_CANNOT, else HA_E_TOKEN_ERROR. Returns the code; rv isn't CKR_OK.
enum ha_code ha_ckr_fail(struct ha_err *err, const char *function, CK_RV rv);
// What may cure err. All NONE for what isn't a token's failure.
struct ha_ckr_cure ha_ckr_cure(const struct ha_err *err);
// Whether anything may.
bool ha_ckr_curable(const struct ha_err *err);
