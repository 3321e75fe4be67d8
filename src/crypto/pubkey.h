// SPDX-License-Identifier: Apache-2.0
// A public key: made of what a token or a peer gives, shown as SPKI, PEM or JWK, used to verify. Immutable after
// creation and thread-safe.
//
// It is also what a key of ours is known by. A secret key has no public key, so a code by it takes that place, in a
// structure like an SPKI ("identity"): such a key is private to us, verifies nothing and is shown to nobody.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/alg.h"

#define HA_SPKI_HASH_LEN 32

struct ha_pubkey;
struct evp_pkey_st;

// SubjectPublicKeyInfo (RFC 5280 section 4.1), exactly n bytes. RSA below 2048 bits, other curves: HA_E_KEY_CANNOT.
enum ha_code ha_pubkey_from_spki(const uint8_t *der, size_t n, struct ha_pubkey **ret_key, struct ha_err *err);
// Big-endian modulus and exponent (leading zeros allowed).
enum ha_code ha_pubkey_from_rsa(const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
                                size_t exponent_len, struct ha_pubkey **ret_key, struct ha_err *err);
// A point as tokens give it: 04||x||y or the raw 32 bytes of Ed25519, with or without the DER OCTET STRING around it
// (PKCS#11 3.0 section 2.3.3: CKA_EC_POINT). Points off the curve are refused.
enum ha_code ha_pubkey_from_point(enum ha_key_type type, const uint8_t *point, size_t n, struct ha_pubkey **ret_key,
                                  struct ha_err *err);
// PEM "PUBLIC KEY", n bytes of text.
enum ha_code ha_pubkey_from_pem(const char *pem, size_t n, struct ha_pubkey **ret_key, struct ha_err *err);
// A public JWK (RFC 7517, 7518 section 6, 8037); members beyond kty, crv, x, y, n, e are ignored; "d" is refused.
enum ha_code ha_pubkey_from_jwk(const ha_json *jwk, struct ha_pubkey **ret_key, struct ha_err *err);
// The identity of a secret key: an HMAC key whose code over HA_PUBKEY_CHECK_TEXT is check, or an AES key under which
// that text's SHA-256, wrapped by RFC 5649, has the SHA-256 check.
#define HA_PUBKEY_CHECK_LEN  32
#define HA_PUBKEY_CHECK_TEXT "hsm-agent: this code tells which key it is."
enum ha_code ha_pubkey_from_check(enum ha_key_type type, const uint8_t check[static HA_PUBKEY_CHECK_LEN],
                                  struct ha_pubkey **ret_key, struct ha_err *err);
// What ha_pubkey_spki gave for a key of ours, from our own files and processes: an SPKI, or an identity, which the
// others take from nobody.
enum ha_code ha_pubkey_restore(const uint8_t *der, size_t n, struct ha_pubkey **ret_key, struct ha_err *err);
// NULL: out of memory. Costs no arithmetic.
struct ha_pubkey *ha_pubkey_copy(const struct ha_pubkey *key);
void ha_pubkey_free(struct ha_pubkey *key);
HA_AUTO_DEFINE(struct ha_pubkey, ha_pubkey_free)

enum ha_key_type ha_pubkey_type(const struct ha_pubkey *key);
// Whether it is a public key, not an identity. What follows after the hash is for these.
bool ha_pubkey_is_public(const struct ha_pubkey *key);
unsigned
ha_pubkey_bits(const struct ha_pubkey *key);  // of the modulus, the field (521 for P-521, 256 for Ed25519) or the hash
const uint8_t *ha_pubkey_spki(const struct ha_pubkey *key, size_t *ret_len);  // DER, borrowed
const uint8_t *ha_pubkey_spki_sha256(const struct ha_pubkey *key);            // HA_SPKI_HASH_LEN bytes, borrowed
struct evp_pkey_st *ha_pubkey_evp(const struct ha_pubkey *key);               // borrowed, public part only

void ha_pubkey_to_pem(const struct ha_pubkey *key, struct ha_buf *out);
// Writes the members kty, crv, x, y | n, e into a JSON object that is open in out.
void ha_pubkey_to_jwk(const struct ha_pubkey *key, struct ha_buf *out);
// JWK thumbprint, SHA-256 (RFC 7638).
enum ha_code ha_pubkey_thumbprint(const struct ha_pubkey *key, uint8_t ret_hash[static 32], struct ha_err *err);
// The uncompressed point 04||x||y of an EC key (or the 32 bytes of Ed25519), appended. HA_E_KEY_CANNOT for RSA.
enum ha_code ha_pubkey_point(const struct ha_pubkey *key, struct ha_buf *out, struct ha_err *err);

// Verifies over data (hashed here). ECDSA signatures are raw r||s. false: doesn't verify, for whatever reason.
bool ha_pubkey_verify(const struct ha_pubkey *key, enum ha_alg alg, const void *data, size_t n, const uint8_t *sig,
                      size_t sig_len);
// The same over a digest that alg's hash made. false for Ed25519, which takes none.
bool ha_pubkey_verify_digest(const struct ha_pubkey *key, enum ha_alg alg, const void *digest, size_t n,
                             const uint8_t *sig, size_t sig_len);
