// SPDX-License-Identifier: Apache-2.0
// Encodings around a signature or a ciphertext: ECDSA raw and DER, EMSA-PKCS1-v1_5, EMSA-PSS, OAEP decoding.
// All append to out and leave it as it was on failure. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/alg.h"

#define HA_ECDSA_RAW_MAX 132  // bytes of r || s: P-521's

// r || s (both field_len bytes, as PKCS#11 and JOSE have it) -> DER ECDSA-Sig-Value (RFC 3279 section 2.2.3), and back.
enum ha_code ha_ecdsa_raw_to_der(const uint8_t *raw, size_t n, struct ha_buf *out, struct ha_err *err);
enum ha_code ha_ecdsa_der_to_raw(const uint8_t *der, size_t n, size_t field_len, struct ha_buf *out,
                                 struct ha_err *err);

// DigestInfo (RFC 8017 section 9.2): what CKM_RSA_PKCS signs.
void ha_digest_info(enum ha_hash hash, const uint8_t *digest, struct ha_buf *out);
// The whole block of modulus_bytes bytes for a raw RSA operation (RFC 8017 section 9.2).
enum ha_code ha_emsa_pkcs1(enum ha_hash hash, const uint8_t *digest, size_t modulus_bytes, struct ha_buf *out,
                           struct ha_err *err);
// EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) with MGF1 of the same hash, salt as long as the hash, for a modulus of
// modulus_bits; the block has (modulus_bits+7)/8 bytes.
enum ha_code ha_emsa_pss(enum ha_hash hash, const uint8_t *digest, unsigned modulus_bits, struct ha_buf *out,
                         struct ha_err *err);
// EME-OAEP decoding (RFC 8017 section 7.1.2 step 3) of the block that a raw RSA decryption gave, MGF1 of the same hash.
// In constant time up to the result; every failure is the same HA_E_DECRYPTION.
enum ha_code ha_oaep_decode(enum ha_hash hash, const uint8_t *block, size_t n, const uint8_t *label, size_t label_len,
                            struct ha_buf *out, struct ha_err *err);
// The one error of a ciphertext that doesn't decrypt, whoever found it out: every byte of err is always the same.
enum ha_code ha_decryption_failed(struct ha_err *err);
