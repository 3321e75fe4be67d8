// SPDX-License-Identifier: Apache-2.0
// The named keys: the table, and what an administrator does with them. Thread-safe.
#pragma once

#include "base/log.h"
#include "keys/key.h"
#include "keys/traits.h"
#include "keys/versions.h"

struct ha_ceremonies;
struct ha_keys;

// Reads the state directory. Keys stay HA_STATE_TOKEN_DOWN until their token is bound. Nothing happens by the clock
// yet.
enum ha_code ha_keys_new(const char *state_dir, const struct ha_log *log, struct ha_keys **ret_keys,
                         struct ha_err *err);
void ha_keys_free(struct ha_keys *keys);
HA_AUTO_DEFINE(struct ha_keys, ha_keys_free)
// Keeps the tokens that keys lead to from being freed.
struct ha_keys_hold {
    void *context;
    void *(*take)(void *context);
    void (*give_back)(void *held);
};
// From now on what an administrator has put off is done when its time comes, in a thread of its own, which uses tokens
// only while it holds them.
enum ha_code ha_keys_start(struct ha_keys *keys, const struct ha_keys_hold *hold, struct ha_err *err);
// Ends that, before the tokens go for good: what is under way with one is over when it returns. NULL is fine.
void ha_keys_stop(struct ha_keys *keys);
// Those of the same state directory. Borrowed.
struct ha_ceremonies *ha_keys_ceremonies(struct ha_keys *keys);

// Tells the keys of that token which one it is, so that they can say why it isn't ready before it ever was.
void ha_keys_attach(struct ha_keys *keys, struct ha_token *token);

// What leads to that token leads to successor; NULL: to none, since the token isn't in the configuration any more.
void ha_keys_detach(struct ha_keys *keys, struct ha_token *token, struct ha_token *successor);

// Compares the files of token's keys with what is in it and sets each key's state; finishes deletions that were cut
// off; undoes creations that left nothing; logs the rest with what to do. Fails when the token can't be listed. For
// ha_token_host.ready.
enum ha_code ha_keys_bind(struct ha_keys *keys, struct ha_token *token, struct ha_err *err);

// The active version. NULL: no such key. The caller unrefs it.
struct ha_key *ha_keys_get(struct ha_keys *keys, const char *name);
struct ha_key *ha_keys_get_version(struct ha_keys *keys, const char *name, unsigned version);
// The version that has this public key, HA_SPKI_HASH_LEN bytes.
struct ha_key *ha_keys_get_spki(struct ha_keys *keys, const char *name, const uint8_t *spki_sha256);
// All versions of one key, the first one first; as ha_keys_all.
struct ha_key **ha_keys_versions(struct ha_keys *keys, const char *name, size_t *ret_n);
// What the version is now, beside the others of its name; ret_until_s as for ha_versions_status.
enum ha_key_status ha_keys_status(struct ha_keys *keys, const struct ha_key *key, int64_t *ret_until_s);
// All versions of all keys, sorted by name and version; the caller unrefs each and frees the array. NULL when there is
// none (n is 0) or no memory.
struct ha_key **ha_keys_all(struct ha_keys *keys, size_t *ret_n);
void ha_keys_list_free(struct ha_key **list, size_t n);

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
                                 const struct ha_keys_pair *pair, unsigned purposes, const struct ha_key_traits *traits,
                                 struct ha_key **ret_key, struct ha_err *err);
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
// Makes the next version, of the newest one's type, purposes, tokens and traits. It signs after_s after it was
// made, since only then others can know it; negative: it waits for ha_keys_activate. HA_E_CONFLICT while one is
// pending.
enum ha_code ha_keys_rotate(struct ha_keys *keys, const char *name, int64_t after_s, int64_t overlap_s,
                            struct ha_key **ret_key, struct ha_err *err);
// From at_s (UNIX time) on it is the version that signs; 0 is the pending one. Also one that was active before.
// overlap_s: negative leaves it as it is. HA_E_CONFLICT for a time to come of the active one.
enum ha_code ha_keys_activate(struct ha_keys *keys, const char *name, unsigned version, int64_t at_s, int64_t overlap_s,
                              struct ha_key **ret_key, struct ha_err *err);
// HA_E_KEY_CANNOT in words, for a version that isn't there.
enum ha_code ha_keys_no_version(const char *name, unsigned version, struct ha_err *err);
// version here and below: 0 for all. A version that is barred alone while it is pending loses its time.
enum ha_code ha_keys_disable(struct ha_keys *keys, const char *name, unsigned version, bool disabled,
                             struct ha_err *err);
// Has it deleted when that time comes, and not used until then; at_s 0 takes that back. objects, and HA_E_CONFLICT: as
// in ha_keys_delete; also when it is being deleted.
enum ha_code ha_keys_schedule(struct ha_keys *keys, const char *name, unsigned version, int64_t at_s, bool objects,
                              struct ha_err *err);
// Forgets the key; destroys its objects in the token when it was created by us, or when asked to. HA_E_CONFLICT for
// the active one of several versions.
enum ha_code ha_keys_delete(struct ha_keys *keys, const char *name, unsigned version, bool destroy, bool *ret_destroyed,
                            struct ha_err *err);
