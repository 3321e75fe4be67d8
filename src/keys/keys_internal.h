// SPDX-License-Identifier: Apache-2.0
// What the files that make up ha_keys share.
#pragma once

#include "keys/keys.h"
#include "keys/store.h"

#include <pthread.h>

// The thread of calendar.c.
struct ha_calendar {
    struct ha_keys_hold hold;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;  // on the wall clock
    bool running, stop, look;
};

struct ha_keys {
    const struct ha_log *log;
    struct ha_store store;
    char *certificates;  // STATE-DIR/certificates
    struct ha_ceremonies *ceremonies;
    pthread_mutex_t changing;  // creations, adoptions, deletions and binding, one after the other
    pthread_rwlock_t lock;     // guards the table
    struct ha_key **items;     // sorted by name and version; one reference each
    size_t n, cap;
    struct ha_calendar calendar;
};

// Makes the directory of the certificates.
enum ha_code ha_certificates_open(struct ha_keys *keys, const char *state_dir, struct ha_err *err);
// Gives a key that was read from its file the certificate that was installed for it. One that can't be read or is
// another key's is logged and left out.
void ha_certificates_load(struct ha_keys *keys, struct ha_key *key);
// Removes the key's certificate, if there is one, under keys->changing.
enum ha_code ha_certificates_remove(struct ha_keys *keys, struct ha_key *key, struct ha_err *err);
// Takes over the caller's reference. HA_E_MEMORY leaves it with the caller.
enum ha_code ha_keys_insert(struct ha_keys *keys, struct ha_key *key, struct ha_err *err);
// Destroys the key's objects in one token, and notes it.
enum ha_code ha_keys_destroy_replica(struct ha_key *key, struct ha_replica *replica, struct ha_token *token,
                                     struct ha_err *err);
// Takes keys->changing, which the caller gives back; fails without it when the name is bad or taken.
enum ha_code ha_keys_begin(struct ha_keys *keys, const char *name, struct ha_err *err);
// Puts a new key into the table, and gives the caller a reference.
enum ha_code ha_keys_add(struct ha_keys *keys, struct ha_key *key, struct ha_key **ret_key, struct ha_err *err);
// Gives a new key its replicas in these tokens, with a CKA_ID, and its date. Fails when one of them isn't ready.
enum ha_code ha_keys_place(struct ha_key *key, struct ha_token *const *tokens, size_t n, struct ha_err *err);
// Nobody was told of the key: its objects go, now or when their token is back. They are destroyed by their id alone,
// which is ours; of a half-made pair nothing may tell the public key.
void ha_keys_abandon(struct ha_keys *keys, struct ha_key *key);
// A key pair that comes from outside into each of its tokens by bring, and is proved there before anybody is told.
struct ha_arrival {
    const struct ha_pubkey *public_key;
    unsigned purposes;
    const struct ha_key_traits *traits;
    enum ha_code (*bring)(const struct ha_key *key, const struct ha_replica *replica, const void *context,
                          struct ha_err *err);
    const void *context;
};
enum ha_code ha_keys_receive(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                             const struct ha_arrival *arrival, struct ha_key **ret_key, struct ha_err *err);
// Makes the key, which has everything but replicas and a public key, in n tokens, and adds it. secret: the bytes of an
// HMAC key from outside; NULL: the token makes the key. keys->changing is held.
enum ha_code ha_keys_make(struct ha_keys *keys, struct ha_key *key, struct ha_token *const *tokens, size_t n,
                          const struct ha_part *secret, struct ha_key **ret_key, struct ha_err *err);
// Has the version sign from then on; in the file when it returns. keys->changing is held.
enum ha_code ha_keys_set_activation(struct ha_keys *keys, struct ha_key *key, int64_t at_s, struct ha_err *err);
// When the files have been read: versions that were to be deleted with another one are marked as that one is.
void ha_keys_resume_deletions(struct ha_keys *keys);
// HA_E_CONFLICT for the active one of several versions. keys->changing is held.
enum ha_code ha_keys_check_deletable(struct ha_keys *keys, const char *name, unsigned version, struct ha_err *err);
// Deletes the version if it is still there and its time has come; false: it isn't.
enum ha_code ha_keys_delete_due(struct ha_keys *keys, struct ha_key *key, int64_t now_s, bool *ret_due,
                                bool *ret_destroyed, struct ha_err *err);
// A time has changed.
void ha_calendar_look(struct ha_keys *keys);
// A new key pair for all replicas of the key, which has no public key yet, in three steps. What the tokens have to do
// it with is asked for first, and nothing made.
struct ha_sharing {
    enum ha_wrap how;
    struct ha_buf wrappers;  // the wrapping keys of all tokens but the first, as GENERATE takes them
};
void ha_sharing_clear(struct ha_sharing *sharing);
HA_AUTO_DEFINE_CLEAR(struct ha_sharing, ha_sharing_clear)
enum ha_code ha_sharing_prepare(const struct ha_key *key, struct ha_sharing *sharing, struct ha_err *err);
// Makes the pair in all tokens, and has each replica prove that it is the key. After a failure any of the tokens may
// have objects.
enum ha_code ha_sharing_make(struct ha_key *key, const struct ha_sharing *sharing, struct ha_err *err);
// Out of the table; the key's own reference of the caller stays.
void ha_keys_drop(struct ha_keys *keys, const struct ha_key *key);
