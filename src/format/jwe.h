// SPDX-License-Identifier: Apache-2.0
// Decrypting JSON Web Encryption (RFC 7516), compact and JSON, in two phases: begin says what the token has to do, end
// gives the plaintext. Thread-safe.
//
// What the header says is public, and told when it is refused. Of all the rest only one thing is ever told: that it
// doesn't decrypt. Whatever was wrong, the same work was done for it, with a random key in the place of one that
// couldn't be had (RFC 7516 section 11.5).
#pragma once

#include "crypto/aead.h"
#include "format/jwe_alg.h"
#include "format/jws.h"

#define HA_JWE_RECIPIENTS_MAX 64

// What a profile has to say on an encrypted message. Zeroed, it permits what the standard does, as far as it is spoken
// here; ha_jwe_plain() is that.
struct ha_jwe_profile {
    struct ha_jose_list algs;  // names of ha_jwe_alg that are permitted, the first that fits is the one to encrypt
                               // with; empty: any, and RSA-OAEP-256 or ECDH-ES+A256KW
    struct ha_jose_list encs;  // names of ha_aead, likewise; empty: any, and A256GCM
    enum ha_kid_rule kid;      // of the key that decrypts, and of a recipient known by its certificate
    char *kid_text;            // the kid of the key that decrypts, whatever the rule; NULL: by the rule
    char *certificate;         // path of a PEM file with the certificate of the key that decrypts; NULL: none
    bool kid_required;         // a message has to name its key, and one that is made does
    char *typ, *cty;           // of the header of a message that is made. One that is decrypted has this cty, if any is
                               // said here; typ says nothing of the content and isn't looked at
    bool long_iv;              // GCM with initialization vectors of 16 bytes is decrypted too, as Mojaloop's older
                               // messages have them; RFC 7518 knows 12 only
    bool nested;               // what is inside is a JWS: signed before it is encrypted, verified after decryption
    uint32_t inner_algs;       // of that JWS: bits 1u << enum ha_alg; 0: what the keys it is verified with permit
};
const struct ha_jwe_profile *ha_jwe_plain(void);

// One message that is being decrypted.
struct ha_jwe {
    enum ha_jwe_alg jwe_alg;
    enum ha_aead enc;
    // What the token is asked for.
    enum ha_alg alg;  // HA_ALG_RSA_OAEP, HA_ALG_RSA_OAEP_256: decrypt key_text; HA_ALG_ECDH: derive with epk
    struct ha_buf encrypted_key;  // for RSA as long as the modulus
    struct ha_pubkey *epk;        // on the key's curve
    // What the header says.
    struct ha_buf header;  // the JSON of the protected header; "{}" when there is none
    const char *kid;       // the recipient's; NULL: none. Lives as long as the job, as cty does
    const char *cty;
    // For ha_jwe_end alone.
    ha_json *protected_header, *message;  // the latter is NULL for the compact form
    const ha_json *parts[3];              // protected, shared unprotected, the recipient's; NULL: none
    struct ha_buf apu, apv, aad, iv, ciphertext, tag;
    bool broken;  // it can't decrypt any more, which nobody is told before the end
};
void ha_jwe_clear(struct ha_jwe *job);
HA_AUTO_DEFINE_CLEAR(struct ha_jwe, ha_jwe_clear)

// For whom a message has to be.
struct ha_jwe_key {
    const struct ha_pubkey *key;
    // Its kid. A message that names another is refused. NULL: unknown, then any message of one recipient is taken, and
    // of several one whose kid is the key's thumbprint, or else the only one whose algorithm fits the key.
    const char *kid;
};

// Reads the message of n bytes, and fills ret_job (zeroed by the caller, who clears it in any case). HA_E_TOO_LARGE;
// HA_E_MALFORMED: no JWE, or a header that isn't well formed; HA_E_KEY_CANNOT: an algorithm that isn't permitted or
// doesn't fit the key, or a message for another one; HA_E_AMBIGUOUS: two recipients fit.
enum ha_code ha_jwe_begin(const struct ha_jwe_profile *profile, const struct ha_jwe_key *key, const char *text,
                          size_t n, struct ha_jwe *ret_job, struct ha_err *err);
// secret: what the token gave, n bytes; NULL: it said that it doesn't decrypt. Appends the plaintext, or fails with
// ha_decryption_failed (HA_E_MEMORY, HA_E_INTERNAL apart).
enum ha_code ha_jwe_end(const struct ha_jwe *job, const uint8_t *secret, size_t n, struct ha_buf *plaintext,
                        struct ha_err *err);
