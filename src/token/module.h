// SPDX-License-Identifier: Apache-2.0
// The vendor's module: loaded with p11-kit, initialised, initialised anew.
#pragma once

#include "base/err.h"

struct ha_p11;

// Loads options->module into token->p11. Once a process. HA_E_CONFIG when it isn't a module.
enum ha_code ha_module_load(struct ha_p11 *token, struct ha_err *err);
// C_Initialize, with options->module_args where given; asserts our signal dispositions again.
enum ha_code ha_module_initialize(struct ha_p11 *token, struct ha_err *err);
// C_Finalize, if it was initialised; its answer doesn't matter.
void ha_module_finalize(struct ha_p11 *token);
