// SPDX-License-Identifier: Apache-2.0
// A version of a named key: what stands in its file, and what became of it in each token that holds it. Shared by
// reference, immutable but for its replicas' state and what is atomic.
#pragma once

#include "base/auto.h"
#include "channel/token.h"
#include "crypto/pubkey.h"

#include <pthread.h>
#include <stdatomic.h>

#define HA_KEY_ID_MAX    64  // bytes of a CKA_ID
#define HA_TROUBLE_MAX   400
#define HA_REPLICAS_MAX  8  // tokens that hold one key
#define HA_ACTIVE_ALWAYS 1  // activates_s of a first version, whatever the clock says

enum ha_key_phase {
    HA_PHASE_CREATING,  // the file was written, the objects perhaps
    HA_PHASE_READY,
    HA_PHASE_DELETING,  // the objects are perhaps destroyed
    HA_PHASE_COUNT
};

enum ha_key_state {
    HA_STATE_READY,
    HA_STATE_UNPROVEN,    // one of several replicas, which has to prove that it is the key before it is used
    HA_STATE_MISSING,     // the token doesn't have it
    HA_STATE_AMBIGUOUS,   // the token has more than one object that fits
    HA_STATE_INCOMPLETE,  // its creation was cut off
    HA_STATE_TOKEN_DOWN,  // not known: the token hasn't been ready since the start
    HA_STATE_COUNT
};
const char *ha_key_state_name(enum ha_key_state state);

// The key in one token.
struct ha_replica {
    char *token_name;
    struct ha_token *_Atomic token;  // NULL: none of the configuration
    uint8_t id[HA_KEY_ID_MAX];       // CKA_ID
    size_t id_len;
    _Atomic enum ha_key_state state;
    // Only of one of several replicas:
    _Atomic pid_t run;             // the token's process that state is about (ha_token_outstanding)
    _Atomic int64_t shun_ms;       // a point of ha_now_ms until which it is the last choice, because it failed
    atomic_bool gone;              // HA_PHASE_DELETING: its objects are destroyed
    char trouble[HA_TROUBLE_MAX];  // guarded by the key's lock
};

struct ha_key_certificate;  // keys/certificates.h

struct ha_key {
    atomic_uint refs;
    char *name;
    _Atomic enum ha_key_phase phase;
    enum ha_key_type type;
    unsigned purposes;
    bool adopted;   // made by someone else
    bool imported;  // that was given to us
    // What an administrator said of it (keys/traits.h):
    char *environment;  // a name, such as prod or pre-prod; NULL: unsaid
    char *holder;       // for whom it works: a participant, a client; NULL: the operator itself
    char *profile;      // by which its certificates are asked for, "uae-client" or "mhhs/tls"; NULL: none
    bool backup;        // made so that it may be wrapped out under a key encryption key
    unsigned version;   // from 1; several of one name stand beside each other (keys/versions.h)
    // What an administrator says afterwards. Written to the file, under the table's lock of changes:
    _Atomic int64_t activates_s;  // UNIX time from which it is the one that signs; 0: nobody has said one
    _Atomic int64_t overlap_s;    // for how long the version before it goes on being published then
    _Atomic int64_t deletes_s;    // UNIX time at which it is deleted, and not used until then; 0: it stays
    atomic_bool deletes_objects;  // then the objects of an adopted key too
    atomic_bool disabled;
    bool deletes_all;              // HA_PHASE_DELETING: the other versions of the name are meant too
    unsigned newest;               // a higher version that there was and isn't any more; 0: none. Under the same lock
    char created[25];              // ISO 8601
    struct ha_pubkey *public_key;  // NULL while HA_PHASE_CREATING; an HMAC key's identity
    struct ha_replica *replicas;   // at least one
    size_t n_replicas;
    _Atomic int64_t last_use_s;              // keys/last_use.h
    atomic_uint turn;                        // counts uses: equally busy replicas take turns
    struct ha_key_certificate *certificate;  // guarded by lock; NULL: none installed
    pthread_mutex_t lock;                    // guards the troubles and the certificate
    pthread_cond_t changed;                  // a replica's state, on the monotonic clock
};

// A new key with one reference and no replica. name is copied. NULL: out of memory.
struct ha_key *ha_key_new(const char *name);
// Adds a replica while nobody else has the key. Copies; HA_E_TOO_LARGE when there are HA_REPLICAS_MAX.
enum ha_code ha_key_add_replica(struct ha_key *key, const char *token_name, const uint8_t *id, size_t id_len,
                                struct ha_err *err);
struct ha_key *ha_key_ref(struct ha_key *key);
void ha_key_unref(struct ha_key *key);  // NULL is fine
HA_AUTO_DEFINE(struct ha_key, ha_key_unref)

// trouble: why it isn't ready, and what to do; "" when it is.
void ha_replica_set_state(struct ha_key *key, struct ha_replica *replica, enum ha_key_state state, const char *trouble);
void ha_replica_trouble(struct ha_key *key, const struct ha_replica *replica, char ret_text[static HA_TROUBLE_MAX]);
// The same for all replicas at once.
void ha_key_set_state(struct ha_key *key, enum ha_key_state state, const char *trouble);
// What the replica is good for at this moment: one of several isn't ready while its token isn't.
enum ha_key_state ha_replica_state(const struct ha_key *key, const struct ha_replica *replica);
// The state of the replica that is best off, and its trouble.
enum ha_key_state ha_key_state(const struct ha_key *key);
void ha_key_trouble(struct ha_key *key, char ret_text[static HA_TROUBLE_MAX]);
