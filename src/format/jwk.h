// SPDX-License-Identifier: Apache-2.0
// Other people's keys, as a JWK Set (RFC 7517) or certificates bring them; and how ours get their key ids. Immutable
// after reading, and thread-safe.
#pragma once

#include "format/x5c.h"

#define HA_JWKS_MAX 256  // keys of one set
#define HA_KID_MAX  256  // bytes of a kid

// What a JWK says that it is for ("use", RFC 7517 section 4.2).
enum ha_jwk_use { HA_JWK_UNSAID, HA_JWK_SIG, HA_JWK_ENC };

struct ha_jwk {
    struct ha_pubkey *key;
    char *kid;  // NULL: none
    char *alg;  // as written, also what isn't of ha_alg: "ECDH-ES+A128KW"; NULL: none
    enum ha_jwk_use use;
    bool may_verify, may_encrypt;  // what use and key_ops leave
    bool has_hash;                 // x5t#S256, given or that of x5c
    uint8_t hash[HA_X5C_HASH_LEN];
};
void ha_jwk_clear(struct ha_jwk *jwk);
HA_AUTO_DEFINE_CLEAR(struct ha_jwk, ha_jwk_clear)

struct ha_jwks {
    struct ha_jwk *items;
    size_t n;
    size_t skipped;  // of kinds that aren't known, as RFC 7517 section 5 wants it
};
void ha_jwks_clear(struct ha_jwks *keys);
HA_AUTO_DEFINE_CLEAR(struct ha_jwks, ha_jwks_clear)

// One public JWK. x5c and x5t#S256 have to fit the key and each other; a private or symmetric key is refused.
// HA_E_MALFORMED, HA_E_KEY_CANNOT (a kind that isn't known), HA_E_CONFLICT, each with the member's pointer.
enum ha_code ha_jwk_parse(const ha_json *json, struct ha_jwk *ret_jwk, struct ha_err *err);

// Each of these adds to keys (zeroed by the caller at first, who clears it); on failure some may have been added.
// A set {"keys":[...]}, or one JWK alone. Keys of unknown kinds in a set are skipped, private and symmetric ones
// refused.
enum ha_code ha_jwks_add_json(struct ha_jwks *keys, const ha_json *json, struct ha_err *err);
// PEM: one PUBLIC KEY, or a certificate (with its chain behind it), whose dates have to hold at at_s.
enum ha_code ha_jwks_add_pem(struct ha_jwks *keys, const char *pem, size_t n, int64_t at_s, struct ha_err *err);

// How the kid of a key of ours comes about.
enum ha_kid_rule {
    HA_KID_NONE,        // none but the caller's
    HA_KID_THUMBPRINT,  // RFC 7638, SHA-256
    HA_KID_X5T_S256,    // base64url(SHA-256(DER certificate)), as in the UAE directory
    HA_KID_RULE_COUNT
};
const char *ha_kid_rule_name(enum ha_kid_rule rule);  // "none", "thumbprint", "x5t-s256"

// Appends the kid to out: text when there is one, or by the rule. certificate may be NULL, but HA_KID_X5T_S256 without
// one is HA_E_KEY_CANNOT.
enum ha_code ha_kid_make(enum ha_kid_rule rule, const char *text, const struct ha_pubkey *key,
                         const struct ha_x5c *certificate, struct ha_buf *out, struct ha_err *err);

// One of our keys in a JWK Set.
struct ha_jwk_own {
    const struct ha_pubkey *key;
    const char *kid;  // NULL: none
    enum ha_jwk_use use;
    const char *alg;                   // NULL: none
    const struct ha_x5c *certificate;  // NULL: none; x5c and x5t#S256
};
// Writes it as an object into the array that is open in out.
void ha_jwk_write(struct ha_buf *out, const struct ha_jwk_own *own);
