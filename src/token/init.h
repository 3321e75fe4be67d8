// SPDX-License-Identifier: Apache-2.0
// Initialising a token, with libp11.
#pragma once

#include "base/err.h"
#include "base/secret.h"
#include "token/library.h"
#include "token/options.h"

#define HA_INIT_SERIAL_SIZE 33

// The slot that options->label, slot and erase mean: one whose token isn't initialised, the first unless slot names it;
// or that of the token with the serial number erase. HA_E_CONFLICT: another token has the label. HA_E_TOKEN_DOWN: no
// such slot.
enum ha_code ha_init_choose(const struct ha_library *library, const struct ha_token_options *options,
                            PKCS11_SLOT **ret_slot, struct ha_err *err);
// Initialises the token in slot, which destroys what is in it, and sets the user's PIN. slot and all of library's slots
// are listed anew.
enum ha_code ha_init_slot(struct ha_library *library, PKCS11_SLOT *slot, const char *label, struct ha_secret *so_pin,
                          struct ha_secret *pin, CK_TOKEN_INFO *ret_info, struct ha_err *err);
// A PIN from its file; one with a zero byte is refused, since libp11 takes C strings.
enum ha_code ha_init_read_pin(const char *source, struct ha_secret **ret_pin, struct ha_err *err);
// All of it in one, for hsm-agent-token --init: with the PINs from options->so_pin and options->pin.
enum ha_code ha_init_token(const struct ha_token_options *options, char ret_serial[static HA_INIT_SERIAL_SIZE],
                           struct ha_err *err);
