// SPDX-License-Identifier: Apache-2.0
// The content's key, from what the private key gave and to what the public key takes (RFC 7518 section 4). Thread-safe.
#pragma once

#include "format/jwe.h"

// secret: the decrypted key, or the x coordinate that was agreed on. Appends the content's key, of whatever length;
// ha_decryption_failed when it can't be had.
enum ha_code ha_jwe_key_open(const struct ha_jwe *job, const uint8_t *secret, size_t n, struct ha_buf *cek,
                             struct ha_err *err);

// How a content's key gets to a recipient.
struct ha_jwe_sealed {
    struct ha_buf cek;            // the content's key
    struct ha_buf encrypted_key;  // empty for ECDH-ES
    struct ha_pubkey *epk;        // NULL for RSA
};
void ha_jwe_sealed_clear(struct ha_jwe_sealed *sealed);
HA_AUTO_DEFINE_CLEAR(struct ha_jwe_sealed, ha_jwe_sealed_clear)

// A new key for the content. apu, apv: for ECDH-ES. ret_sealed is zeroed by the caller, who clears it in any case.
enum ha_code ha_jwe_key_seal(enum ha_jwe_alg alg, enum ha_aead enc, const struct ha_pubkey *recipient,
                             const struct ha_buf *apu, const struct ha_buf *apv, struct ha_jwe_sealed *ret_sealed,
                             struct ha_err *err);
