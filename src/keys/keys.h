// SPDX-License-Identifier: Apache-2.0
// The named keys: the table, and what an administrator does with them. Thread-safe.
#pragma once

#include "base/log.h"
#include "keys/key.h"
#include "keys/traits.h"

struct ha_keys;

// Reads the state directory. Keys stay HA_STATE_TOKEN_DOWN until their token is bound.
enum ha_code ha_keys_new(const char *state_dir, const struct ha_log *log, struct ha_keys **ret_keys,
                         struct ha_err *err);
void ha_keys_free(struct ha_keys *keys);
HA_AUTO_DEFINE(struct ha_keys, ha_keys_free)

// Tells the keys of that token which one it is, so that they can say why it isn't ready before it ever was.
void ha_keys_attach(struct ha_keys *keys, struct ha_token *token);

// What leads to that token leads to successor; NULL: to none, since the token isn't in the configuration any more.
void ha_keys_detach(struct ha_keys *keys, struct ha_token *token, struct ha_token *successor);

// Compares the files of token's keys with what is in it and sets each key's state; finishes deletions that were cut
// off; undoes creations that left nothing; logs the rest with what to do. Fails when the token can't be listed. For
// ha_token_host.ready.
enum ha_code ha_keys_bind(struct ha_keys *keys, struct ha_token *token, struct ha_err *err);

// NULL: no such key. The caller unrefs it.
struct ha_key *ha_keys_get(struct ha_keys *keys, const char *name);
// All keys, sorted by name; the caller unrefs each and frees the array. NULL when there is none (n is 0) or no memory.
struct ha_key **ha_keys_all(struct ha_keys *keys, size_t *ret_n);

// Makes a key pair in n tokens (1 to HA_REPLICAS_MAX, all different): in the first one, which wraps it for the others.
// Or an HMAC key, in one token.
// traits: NULL for none, here and below.
// The file says "creating" before and "ready" after, so that a crash between is found. HA_E_TOKEN_DOWN and
// HA_E_KEY_CANNOT naming the token: nothing was made.
enum ha_code ha_keys_create(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                            enum ha_key_type type, unsigned purposes, const struct ha_key_traits *traits,
                            struct ha_key **ret_key, struct ha_err *err);
// Takes an HMAC key from outside into the token: n bytes, HA_HMAC_KEY_MIN to HA_HMAC_KEY_MAX. As ha_keys_create.
enum ha_code ha_keys_import(struct ha_keys *keys, const char *name, struct ha_token *token, const uint8_t *secret,
                            size_t n, const struct ha_key_traits *traits, struct ha_key **ret_key, struct ha_err *err);
// A key pair from outside, as ha_private_key_check gives it.
struct ha_keys_pair {
    const struct ha_buf *pkcs8;
    const struct ha_pubkey *public_key;
};
// Takes it into n tokens, where it can't be extracted (unless traits say backup), and has each of them prove that it is
// the key. As ha_keys_create.
enum ha_code ha_keys_import_pair(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                                 const struct ha_keys_pair *pair, unsigned purposes,
                                 const struct ha_key_traits *traits, struct ha_key **ret_key, struct ha_err *err);
// A key pair in a token, named by a PKCS#11 URI (RFC 7512).
struct ha_keys_source {
    struct ha_token *token;
    const char *uri;
};
// Takes a key pair that is in the tokens already: n (1 to HA_REPLICAS_MAX) copies of one, in a token each. Several
// prove that they are one key. purposes 0: what the attributes of all of them allow. HA_E_AMBIGUOUS naming the first
// two when more than one private key of a token fits; HA_E_CONFLICT naming the one that is another key than the first.
// On failure ret_wrong is the index of the source at fault, n for none.
enum ha_code ha_keys_adopt(struct ha_keys *keys, const char *name, const struct ha_keys_source *sources, size_t n,
                           unsigned purposes, const struct ha_key_traits *traits, struct ha_key **ret_key,
                           size_t *ret_wrong, struct ha_err *err);
// The one of n tokens that has the key pair which uri names. HA_E_NO_KEY, HA_E_AMBIGUOUS naming two; a token that can't
// be asked is an error, for it may be the one.
enum ha_code ha_keys_locate(struct ha_token *const *tokens, size_t n, const char *uri, struct ha_token **ret_token,
                            struct ha_err *err);
// Forgets the key; destroys its objects in the token when it was created by us, or when asked to.
enum ha_code ha_keys_delete(struct ha_keys *keys, const char *name, bool destroy, bool *ret_destroyed,
                            struct ha_err *err);
