// SPDX-License-Identifier: Apache-2.0
// Encrypting to somebody's public key: JWE in its compact form (RFC 7516 section 5.1). Takes no key of ours.
// Thread-safe.
#pragma once

#include "format/jwe.h"

struct ha_jwe_encryption {
    const struct ha_jwe_profile *profile;
    const struct ha_pubkey *recipient;
    enum ha_jwe_alg alg;         // HA_JWE_ALG_NONE: the profile's choice
    enum ha_aead enc;            // HA_AEAD_NONE: likewise
    const char *kid;             // of the recipient; NULL: none
    struct ha_json_text header;  // an object: more members of the header, which keep their order; none. kid is in the
                                 // place of the above; apu and apv go into the key agreement
};
// Appends the message. The header is alg, enc, kid, typ, cty, epk, then the caller's others. HA_E_KEY_CANNOT: the
// algorithm isn't permitted or doesn't fit the recipient's key; HA_E_FORBIDDEN: the profile says otherwise;
// HA_E_MALFORMED. Pointers are "/algorithm", "/encryption", "/header/NAME".
enum ha_code ha_jwe_encrypt(const struct ha_jwe_encryption *encryption, const void *plaintext, size_t n,
                            struct ha_buf *out, struct ha_err *err);
