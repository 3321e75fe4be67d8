// SPDX-License-Identifier: Apache-2.0
// What a module tells of its tokens without a login, as JSON.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "token/library.h"
#include "token/options.h"

#include <p11-kit/pkcs11.h>

// The object of that name: label, serial, manufacturer, model, uri, state, and the flags as true or false.
enum ha_code ha_inspect_put_token(struct ha_buf *out, const char *name, const CK_TOKEN_INFO *info, struct ha_err *err);
// A document of all slots.
enum ha_code ha_inspect_put_slots(const struct ha_library *library, struct ha_buf *out, struct ha_err *err);
// A document of all that can be told of the token options->token: also versions, room, mechanisms, and the agent's
// algorithms that it does. Loads the module by p11-kit.
enum ha_code ha_inspect_token(const struct ha_token_options *options, const struct ha_log *log, struct ha_buf *out,
                              struct ha_err *err);
