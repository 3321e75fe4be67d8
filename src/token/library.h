// SPDX-License-Identifier: Apache-2.0
// The module by way of libp11, for what writes to a token rather than to its objects: making it, and its PINs.
//
// libp11 keeps copies of the PINs in ordinary memory, and waits for ever for a session that a token doesn't have: only
// a process that lives for one such act, can't be dumped, and has an alarm set, may use it.
#pragma once

#include "base/err.h"
#include "token/options.h"

#include <libp11.h>
#include <p11-kit/pkcs11.h>

struct ha_library {
    PKCS11_CTX *ctx;
    bool loaded;
    PKCS11_SLOT *slots;
    unsigned n_slots;
};

// Into a zeroed struct, with options->module and options->module_args; lists the slots. HA_E_CONFIG: not a module.
enum ha_code ha_library_open(const struct ha_token_options *options, struct ha_library *library, struct ha_err *err);
void ha_library_close(struct ha_library *library);
HA_AUTO_DEFINE_CLEAR(struct ha_library, ha_library_close)
// Lists the slots anew: what was read of them is gone.
enum ha_code ha_library_list(struct ha_library *library, struct ha_err *err);

// What libp11 has read of a token, as PKCS#11 has it: texts and flags. Numbers are zero.
CK_TOKEN_INFO ha_library_info(const PKCS11_TOKEN *token);
// The one initialised token that text means: its label, or a PKCS#11 URI. Borrowed from library. HA_E_TOKEN_DOWN: none.
// HA_E_AMBIGUOUS: several.
enum ha_code ha_library_find(const struct ha_library *library, const char *text, PKCS11_SLOT **ret_slot,
                             struct ha_err *err);
// The failure of the last call of libp11, which called that function of PKCS#11.
enum ha_code ha_library_fail(struct ha_err *err, const char *function);
