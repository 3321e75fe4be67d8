// SPDX-License-Identifier: Apache-2.0
// Finding the one token that the configuration's URI means.
#pragma once

#include "base/err.h"

#include <p11-kit/pkcs11.h>
#include <stddef.h>

struct ha_p11;

// Sets token->slot and token->info. HA_E_CONFIG: not a URI, or one that names no token, or has a PIN in it.
// HA_E_TOKEN_DOWN: no token fits (the detail lists those that are there). HA_E_AMBIGUOUS: several fit (the detail names
// two).
enum ha_code ha_slot_find(struct ha_p11 *token, struct ha_err *err);
// Blank-padded text of a PKCS#11 structure as a C string; ret_text has room for n + 1 bytes.
void ha_slot_text(const CK_UTF8CHAR *padded, size_t n, char *ret_text);
