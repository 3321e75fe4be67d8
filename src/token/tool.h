// SPDX-License-Identifier: Apache-2.0
// What `hsm-agent token list`, `info`, `init` and `pin` have this program do: one act on one token, without an agent.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "token/options.h"

// Does options->tool; PINs are asked for on the terminal, or read from files. Appends the JSON document to out.
// Standard input is whom a prompt is for: when its other end is closed, the prompt gives up. One thread.
enum ha_code ha_tool_run(const struct ha_token_options *options, const struct ha_log *log, struct ha_buf *out,
                         struct ha_err *err);
// The document of a failure.
void ha_tool_put_error(struct ha_buf *out, const struct ha_err *err);
