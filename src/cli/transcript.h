// SPDX-License-Identifier: Apache-2.0
// Verifying the transcript of a ceremony here, without the agent whose doings it tells.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// A public key from a file: PEM or JWK. Then whether the flattened JWS of these parts (base64url) is by it.
// HA_E_NOT_VERIFIED: it isn't. HA_E_MALFORMED: not a JWS, or an algorithm that isn't known.
enum ha_code ha_transcript_verify(const char *key_path, const char *protected, const char *payload,
                                  const char *signature, struct ha_err *err);
