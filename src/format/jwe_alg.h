// SPDX-License-Identifier: Apache-2.0
// THE table of the key management algorithms of JWE (RFC 7518 section 4) that are spoken here. The rest is refused on
// purpose: RSA1_5 is an oracle, and the others share a secret or a password, which no key of ours is.
#pragma once

#include "crypto/alg.h"

enum ha_jwe_alg {
    HA_JWE_ALG_NONE,
    HA_JWE_RSA_OAEP,
    HA_JWE_RSA_OAEP_256,
    HA_JWE_ECDH_ES,  // the agreed key is the content's
    HA_JWE_ECDH_ES_A128KW,
    HA_JWE_ECDH_ES_A192KW,
    HA_JWE_ECDH_ES_A256KW,
    HA_JWE_ALG_COUNT
};

struct ha_jwe_alg_info {
    const char *name;  // "ECDH-ES+A128KW"
    enum ha_alg alg;   // what the private key does for it: HA_ALG_RSA_OAEP, HA_ALG_RSA_OAEP_256, HA_ALG_ECDH
    size_t kek_len;    // bytes of the key that wraps the content's; 0: none does
};
const struct ha_jwe_alg_info *ha_jwe_alg_info(enum ha_jwe_alg alg);
enum ha_jwe_alg ha_jwe_alg_by_name(const char *name);  // HA_JWE_ALG_NONE when unknown
bool ha_jwe_alg_fits(enum ha_jwe_alg alg, enum ha_key_type type);
