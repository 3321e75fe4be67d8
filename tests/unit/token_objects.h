// SPDX-License-Identifier: Apache-2.0
// Objects on the rig's token as the child tells of them, and as libp11 sees them.
#pragma once

#include "token_rig.h"

struct token_seen {
    unsigned n;      // objects in all
    unsigned found;  // with the id asked for
    uint32_t flags;
    char label[256], why[256];
    uint8_t spki[1024];
    size_t spki_len;
};

// All that the URI fits ("": all private keys); ret_seen tells of the last one with that id.
enum ha_code token_list(struct rig *rig, const char *uri, const char *id, struct token_seen *ret_seen,
                        struct ha_err *err);
enum ha_code token_generate(struct rig *rig, const char *id, const char *label, unsigned type, unsigned purposes,
                            struct ha_err *err);
enum ha_code token_destroy(struct rig *rig, const char *id, const struct ha_pubkey *key, struct ha_err *err);
// Signs and verifies, with the key's own default algorithm.
enum ha_code token_sign(struct rig *rig, const char *id, const struct ha_pubkey *key, struct ha_err *err);
// How many private (or public) keys with that id libp11 sees; asserts their label and class. SOFTHSM2_CONF is set in
// our environment; no child is running; the token has no Ed25519 key (libp11 stops at it).
unsigned token_count(bool private_key, const char *id, const char *label);
// How many certificates with that id and label libp11 sees that are n bytes of DER; as token_count.
unsigned token_certificates(const char *id, const char *label, const void *der, size_t n);
