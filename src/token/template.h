// SPDX-License-Identifier: Apache-2.0
// The attributes of a new key pair.
#pragma once

#include "channel/packet.h"
#include "crypto/alg.h"

#include <p11-kit/pkcs11.h>

#define HA_TEMPLATE_MAX 20  // attributes on each side

struct ha_template {
    CK_MECHANISM mechanism;
    CK_ATTRIBUTE public_key[HA_TEMPLATE_MAX], private_key[HA_TEMPLATE_MAX];
    CK_ULONG n_public, n_private;
    CK_ULONG modulus_bits;  // what an attribute above points to
};

// How many ways there are to ask for a pair of the type, the best first: each spelling of CKA_EC_PARAMS (two for
// Ed25519), with all that the key mustn't do said; then the same without that, for tokens that know only keys that can
// do everything of their type (tpm2-pkcs11).
unsigned ha_template_variants(enum ha_key_type type);
// Whether that one leaves to the token what the key can do beyond its purposes.
bool ha_template_is_lax(enum ha_key_type type, unsigned variant);
// For a GENERATE question that was checked. With HA_PACKET_SHARED the pair is the session's, and can be wrapped.
// ret_template points into itself and into question: don't copy it.
void ha_template_fill(struct ha_template *ret_template, enum ha_key_type type, unsigned variant,
                      const struct ha_packet *question);
