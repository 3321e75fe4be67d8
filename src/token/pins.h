// SPDX-License-Identifier: Apache-2.0
// Changing the PINs of a token, with libp11. A PIN is tried once; what the token tells of further tries is passed on.
#pragma once

#include "base/err.h"
#include "base/secret.h"
#include "token/library.h"

#include <stdbool.h>

enum ha_pin_owner { HA_PIN_USER, HA_PIN_SO };

// Before the owner's PIN is tried. HA_E_PIN: the token says that it is locked, or, unless final_try, that one more
// wrong PIN would lock it.
enum ha_code ha_pins_may_try(const PKCS11_TOKEN *token, enum ha_pin_owner owner, bool final_try, struct ha_err *err);
// Replaces the owner's PIN, whose present one is old. HA_E_PIN: the token refused one of them; the words say what it
// tells of further tries. library's slots are listed anew.
enum ha_code ha_pins_change(struct ha_library *library, PKCS11_SLOT *slot, enum ha_pin_owner owner,
                            struct ha_secret *old, struct ha_secret *new, CK_TOKEN_INFO *ret_info, struct ha_err *err);
// Gives the user another PIN, as the security officer; also when the user's is locked or was never set.
enum ha_code ha_pins_reset(struct ha_library *library, PKCS11_SLOT *slot, struct ha_secret *so_pin,
                           struct ha_secret *new, CK_TOKEN_INFO *ret_info, struct ha_err *err);
