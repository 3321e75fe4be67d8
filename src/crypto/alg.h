// SPDX-License-Identifier: Apache-2.0
// THE tables of algorithms, key types, hashes and purposes. Everything that names one asks here; the help, the
// documentation and the policy are made of these rows, so that they can't differ.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ha_hash { HA_HASH_NONE, HA_HASH_SHA1, HA_HASH_SHA256, HA_HASH_SHA384, HA_HASH_SHA512, HA_HASH_COUNT };

struct ha_hash_info {
    const char *name;         // "SHA-256", as OpenSSL knows it too
    size_t len;               // bytes
    uint8_t digest_info[19];  // the DER that goes before the digest in EMSA-PKCS1-v1_5 (RFC 8017 section 9.2, note 1)
    size_t digest_info_len;
};
const struct ha_hash_info *ha_hash_info(enum ha_hash hash);

enum ha_family { HA_FAMILY_RSA, HA_FAMILY_EC, HA_FAMILY_ED, HA_FAMILY_MAC, HA_FAMILY_KEK };

enum ha_key_type {
    HA_KEY_NONE,
    HA_KEY_RSA_2048,
    HA_KEY_RSA_3072,
    HA_KEY_RSA_4096,
    HA_KEY_EC_P256,
    HA_KEY_EC_P384,
    HA_KEY_EC_P521,
    HA_KEY_ED25519,
    HA_KEY_RSA_OTHER,  // an adopted RSA key of another size (2048..16384 bits)
    HA_KEY_HMAC_256,   // a secret for HMAC-SHA256, HA_HMAC_KEY_MIN..MAX bytes; no pair
    HA_KEY_AES_256,    // a key encryption key, under which other keys leave a token and come back; no pair
    HA_KEY_TYPE_COUNT
};

#define HA_HMAC_KEY_MIN 32   // bytes: as long as the hash (RFC 2104 section 3); SoftHSM takes no less
#define HA_HMAC_KEY_MAX 512  // SoftHSM takes no more

struct ha_key_type_info {
    const char *name;  // "rsa:2048", "ec:p256", "ed25519", "hmac:256", "aes:256"
    enum ha_family family;
    unsigned bits;  // of the modulus, the field, the hash or the AES key; 0 for HA_KEY_RSA_OTHER
    bool creatable;
    const char *jwk_curve;  // "P-256"; NULL for RSA and secret keys
    uint8_t oid[10];        // DER of the curve's OBJECT IDENTIFIER (CKA_EC_PARAMS); for Ed25519 that of id-Ed25519
    size_t oid_len;
};
const struct ha_key_type_info *ha_key_type_info(enum ha_key_type type);
bool ha_key_type_is_secret(enum ha_key_type type);       // no pair: HMAC, AES
enum ha_key_type ha_key_type_by_name(const char *name);  // HA_KEY_NONE when unknown

enum ha_alg {
    HA_ALG_NONE,
    HA_ALG_RS256,
    HA_ALG_RS384,
    HA_ALG_RS512,
    HA_ALG_PS256,
    HA_ALG_PS384,
    HA_ALG_PS512,
    HA_ALG_ES256,
    HA_ALG_ES384,
    HA_ALG_ES512,
    HA_ALG_ED25519,
    HA_ALG_RSA_OAEP,
    HA_ALG_RSA_OAEP_256,
    HA_ALG_RSA1_5,
    HA_ALG_ECDH,
    HA_ALG_HMAC_SHA256,
    HA_ALG_COUNT
};

enum ha_alg_use { HA_USE_SIGN, HA_USE_DECRYPT, HA_USE_DERIVE, HA_USE_MAC };
enum ha_padding { HA_PAD_NONE, HA_PAD_PKCS1, HA_PAD_PSS, HA_PAD_OAEP };

struct ha_alg_info {
    const char
        *name;  // JOSE name: "RS256"; "ECDH" for plain Diffie-Hellman, "HMAC-SHA256" for what no JOSE code may take
    const char *alias;  // accepted on input: "EdDSA"; NULL
    enum ha_alg_use use;
    enum ha_family family;
    enum ha_key_type key_type;  // the one type it works with (ES256: P-256); HA_KEY_NONE: any of the family
    enum ha_hash hash;          // of the data (sign), of OAEP and its MGF1 (decrypt); NONE for Ed25519, RSA1_5, ECDH
    enum ha_padding padding;
};
const struct ha_alg_info *ha_alg_info(enum ha_alg alg);
enum ha_alg ha_alg_by_name(const char *name);  // HA_ALG_NONE when unknown
bool ha_alg_fits(enum ha_alg alg, enum ha_key_type type);
// What a key of that type signs with when nobody says: RS256, ES256/384/512, Ed25519. HA_ALG_NONE for a secret key.
enum ha_alg ha_alg_default(enum ha_key_type type);

// What a key may be used for; a set of bits.
enum ha_purpose {
    HA_PURPOSE_SIGN = 1,         // signatures of messages, and certificate requests
    HA_PURPOSE_CSR = 2,          // certificate requests only, for a key that otherwise decrypts or derives
    HA_PURPOSE_DECRYPT = 4,      // RSA
    HA_PURPOSE_DERIVE = 8,       // EC
    HA_PURPOSE_TLS_SERVER = 16,  // a server's handshakes, and certificate requests
    HA_PURPOSE_TLS_CLIENT = 32,  // a client's handshakes, and certificate requests
    HA_PURPOSE_TLS13_ONLY = 64,  // with one of these: none of TLS 1.2
    HA_PURPOSE_MAC = 128,        // HMAC
    HA_PURPOSE_DUAL = 256,       // with sign and one for TLS: one key for both
    HA_PURPOSE_WRAP = 512,       // AES: wrapping other keys
};
#define HA_PURPOSE_COUNT 10
// Each of the last lets a key sign certificate requests.
#define HA_PURPOSES_TLS      (HA_PURPOSE_TLS_SERVER | HA_PURPOSE_TLS_CLIENT)
#define HA_PURPOSES_CSR      (HA_PURPOSE_SIGN | HA_PURPOSE_CSR | HA_PURPOSES_TLS)
#define HA_PURPOSES_TEXT_MAX 96  // bytes that hold the names of any set
struct ha_purpose_info {
    enum ha_purpose bit;
    const char *name;  // "sign"
    const char *help;
};
const struct ha_purpose_info *ha_purpose_info(size_t index);  // index < HA_PURPOSE_COUNT
// "sign,decrypt" -> bits; 0 when a name is unknown or the list is empty.
unsigned ha_purposes_parse(const char *list);
// bits -> "sign,decrypt"; size >= HA_PURPOSES_TEXT_MAX is enough for any set.
void ha_purposes_print(unsigned purposes, char *ret_text, size_t size);
// The purposes that a key of this type can have at all (no decrypt for EC, no derive for RSA or Ed25519).
unsigned ha_purposes_possible(enum ha_key_type type);
// Whether one key may have all of these: a key for TLS has no other purposes beside csr, and with dual also sign; dual
// and tls13-only are nothing by themselves. HA_E_KEY_CANNOT with the rule.
enum ha_code ha_purposes_check(unsigned purposes, struct ha_err *err);

// The same, and whether a key of this type can have them.
enum ha_code ha_purposes_fit(enum ha_key_type type, unsigned purposes, struct ha_err *err);

// A SignatureScheme of TLS (RFC 8446 section 4.2.3) that our algorithms can do.
struct ha_tls_scheme {
    const char *name;  // "rsa_pss_rsae_sha256"
    enum ha_alg alg;
};
// NULL-name-terminated.
const struct ha_tls_scheme *ha_tls_schemes(void);
const struct ha_tls_scheme *ha_tls_scheme_by_name(const char *name);  // NULL when unknown
