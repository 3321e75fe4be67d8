// SPDX-License-Identifier: Apache-2.0
// A key of ours as the signer of certificate requests and certificates.
#pragma once

#include "api/call.h"
#include "format/signer.h"

struct ha_key_signing {
    const struct ha_call_context *call;
    struct ha_key *key;
    const char *token;  // the one that signed; NULL: none has yet
};

// signing is borrowed, and lives as long as the signer.
struct ha_signer ha_key_signer(struct ha_key_signing *signing);
