// SPDX-License-Identifier: Apache-2.0
// What a key does: builds the questions for the tokens that hold it. Whether it may is the policy's business, not this
// file's.
#pragma once

#include "channel/token.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "crypto/hasher.h"
#include "keys/key.h"

#define HA_USES_MAX 256  // in one go

// As what the policy granted a use; for the record. Its texts live as long as the configuration and its profiles.
struct ha_use_grant {
    const char *client;  // the section; NULL: nobody has noted it
    enum ha_operation operation;
    enum ha_alg alg;
    const char *profile;  // NULL: none
    const char *shadow;   // why shadow mode alone let it pass; NULL: it didn't have to
};

// One use; the exchange's question points into it and into the caller's input. Zero it first; clear it after.
struct ha_use {
    struct ha_exchange exchange;  // with the outcome
    const char *token;            // the name of the token that did it, or failed last; lives as long as the key
    struct ha_use_grant grant;
    struct ha_part said;  // what the caller has signed, for the record; data NULL: only its digest is known
    struct ha_part data;  // what is signed, if it is for the token or us to hash
    bool hashed;          // digest is that of data
    uint8_t digest[HA_DIGEST_MAX];
    struct ha_buf point;
};
void ha_use_clear(struct ha_use *use);
HA_AUTO_DEFINE_CLEAR(struct ha_use, ha_use_clear)

// HA_E_KEY_DISABLED, HA_E_KEY_CANNOT, HA_E_KEY_INCOMPLETE, HA_E_AMBIGUOUS, HA_E_TOKEN_DOWN when it can't at present or
// at all.
enum ha_code ha_use_check(struct ha_key *key, enum ha_alg alg, unsigned purposes, struct ha_err *err);

// HA_E_KEY_DISABLED when an administrator has disabled the key, or has said when it is to be deleted.
enum ha_code ha_use_check_barred(const struct ha_key *key, struct ha_err *err);

// Fill in use; each checks the key first. purposes: any of these bits suffices.
enum ha_code ha_use_sign(struct ha_key *key, enum ha_alg alg, unsigned purposes, const uint8_t *data, size_t n,
                         struct ha_use *use, struct ha_err *err);
enum ha_code ha_use_sign_digest(struct ha_key *key, enum ha_alg alg, const uint8_t *digest, size_t n,
                                struct ha_use *use, struct ha_err *err);
// ECDSA on the key's own curve, of data with any hash.
enum ha_code ha_use_sign_ecdsa(struct ha_key *key, enum ha_hash hash, unsigned purposes, const uint8_t *data, size_t n,
                               struct ha_use *use, struct ha_err *err);
// What hashes for several uses in turn. Zero it first; clear it after.
struct ha_use_hasher {
    enum ha_hash hash;
    struct ha_hasher *hasher;  // NULL: there is none yet
};
void ha_use_hasher_clear(struct ha_use_hasher *hasher);
HA_AUTO_DEFINE_CLEAR(struct ha_use_hasher, ha_use_hasher_clear)
// Turns the question to one replica and its token: its object, and the digest instead of the data where the token takes
// that. hasher NULL: there is but one use.
enum ha_code ha_use_aim(struct ha_use *use, const struct ha_key *key, const struct ha_replica *replica,
                        struct ha_token *token, struct ha_use_hasher *hasher, struct ha_err *err);
// Makes the output of a signature that was answered DER, as OpenSSL and X.509 have it. Only ECDSA's is another before.
enum ha_code ha_use_sign_der(struct ha_use *use, struct ha_err *err);
enum ha_code ha_use_decrypt(struct ha_key *key, enum ha_alg alg, const uint8_t *ciphertext, size_t n,
                            const uint8_t *label, size_t label_len, struct ha_use *use, struct ha_err *err);
enum ha_code ha_use_derive(struct ha_key *key, enum ha_alg alg, const struct ha_pubkey *peer, struct ha_use *use,
                           struct ha_err *err);
