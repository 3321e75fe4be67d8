// SPDX-License-Identifier: Apache-2.0
// Bringing the token up: module, slot, login, sessions, ways.
#pragma once

#include "base/err.h"

#include <stddef.h>

struct ha_p11;

// Once a process. control is watched while a PIN is asked for. n_workers sessions are wanted; *ret_opened of them came
// about. Tried again a few times where a token is still starting, but never with a PIN that was refused.
enum ha_code ha_start(struct ha_p11 *token, int control, size_t n_workers, size_t *ret_opened, struct ha_err *err);
