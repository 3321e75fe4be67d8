// SPDX-License-Identifier: Apache-2.0
// Encrypting to somebody's public key: JWE in its compact form (RFC 7516 section 5.1). Takes no key of ours.
// Thread-safe.
#pragma once

#include "format/jwe.h"

struct ha_jwe_encryption {
    const struct ha_jwe_profile *profile;
    const struct ha_pubkey *recipient;
    enum ha_jwe_alg alg;       // HA_JWE_ALG_NONE: the profile's choice
    enum ha_aead enc;          // HA_AEAD_NONE: likewise
    const char *kid;           // NULL: none
    const char *typ, *cty;     // NULL: the profile's
    const uint8_t *apu, *apv;  // for ECDH-ES; NULL: none
    size_t apu_len, apv_len;
    struct ha_json_text header;  // an object: more members of the header, which keep their order; none
};
// Appends the message. HA_E_KEY_CANNOT: the algorithm isn't permitted or doesn't fit the recipient's key;
// HA_E_MALFORMED with the pointer "/kid", "/header/...".
enum ha_code ha_jwe_encrypt(const struct ha_jwe_encryption *encryption, const void *plaintext, size_t n,
                            struct ha_buf *out, struct ha_err *err);
