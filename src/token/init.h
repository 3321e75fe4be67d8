// SPDX-License-Identifier: Apache-2.0
// Initialising a token, with libp11.
#pragma once

#include "base/err.h"
#include "token/options.h"

#define HA_INIT_SERIAL_SIZE 33

// Initialises a slot without a token with options->label and the PINs from options->so_pin and options->pin.
// HA_E_CONFLICT: a token with that label is there already. HA_E_TOKEN_DOWN: no free slot.
enum ha_code ha_init_token(const struct ha_token_options *options, char ret_serial[static HA_INIT_SERIAL_SIZE],
                           struct ha_err *err);
