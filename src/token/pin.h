// SPDX-License-Identifier: Apache-2.0
// Where a PIN comes from: a private file, or the terminal.
#pragma once

#include "base/err.h"
#include "base/secret.h"

#define HA_PIN_MAX 255  // bytes

// source is file:PATH. Into a new secret, which the caller frees as soon as the login is done. An empty PIN is
// HA_E_CONFIG: a token would count it as a try.
enum ha_code ha_pin_read(const char *source, struct ha_secret **ret_pin, struct ha_err *err);
// Asks a question on /dev/tty, without echo. HA_E_TOKEN_DOWN: whoever has the other end of control closed it meanwhile.
enum ha_code ha_pin_ask(const char *question, int control, struct ha_secret **ret_pin, struct ha_err *err);
// The same for the PIN of the agent's token of that name.
enum ha_code ha_pin_prompt(const char *token_name, int control, struct ha_secret **ret_pin, struct ha_err *err);
