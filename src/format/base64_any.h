// SPDX-License-Identifier: Apache-2.0
// Base64 of peers that don't agree on which: the standard alphabet or the one for URLs, with padding or without.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Appends to out. HA_E_MALFORMED for anything else, both alphabets in one text included.
enum ha_code ha_base64_any_decode(struct ha_buf *out, const char *text, size_t n, struct ha_err *err);
