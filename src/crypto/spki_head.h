// SPDX-License-Identifier: Apache-2.0
// What is before the key in a SubjectPublicKeyInfo, of types whose keys are all equally long: points, and the
// identities of secret keys (ha_pubkey_from_check), whose algorithm says what the code is made with. OpenSSL's encoder
// and decoder take longer over these few bytes than its arithmetic over the point, and a start reads each key of a
// token. Thread-safe.
#pragma once

#include "crypto/alg.h"

#include <stddef.h>
#include <stdint.h>

#define HA_SPKI_HEAD_MAX 33
#define HA_SPKI_FOOT_LEN 5  // of RSA: the exponent

struct ha_spki_head {
    enum ha_key_type type;
    size_t len;
    uint8_t bytes[HA_SPKI_HEAD_MAX];
};

extern const uint8_t ha_spki_foot[HA_SPKI_FOOT_LEN];

// Bytes of the plain point, of the code, or of modulus and foot, that follow.
size_t ha_spki_tail_len(const struct ha_spki_head *head);
// NULL: keys of this type have various lengths.
const struct ha_spki_head *ha_spki_head_of(enum ha_key_type type);
// The head that these n bytes begin with, if as many follow as should; else NULL, which says nothing about them.
const struct ha_spki_head *ha_spki_head_find(const uint8_t *der, size_t n);
