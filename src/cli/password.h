// SPDX-License-Identifier: Apache-2.0
// The password of a file: typed at a terminal without an echo, or out of a private file. Never an argument.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define HA_PASSWORD_MAX 1024  // bytes

// source: "prompt" (or NULL) asks "PROMPT: " at the terminal; "file:PATH" and "credential:NAME" (systemd's) read a
// file, of which line ends at its end don't count. Appends the password, which may be empty; what out held before is
// wiped when it grows. HA_E_USAGE for another source.
enum ha_code ha_password_read(const char *source, const char *prompt, struct ha_buf *out, struct ha_err *err);
