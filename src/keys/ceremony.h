// SPDX-License-Identifier: Apache-2.0
// A ceremony: a key that one person asks for, two approve, and a signed transcript tells of. Its file is
// STATE-DIR/ceremonies/ID.json, which once it is done is a JWS in its flattened form with further members (RFC 7515
// section 7.2.2 has them ignored). A plain value; nothing in it is secret.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "keys/key.h"

#include <sys/types.h>

#define HA_CEREMONY_APPROVALS 2  // of as many people
#define HA_CEREMONY_ID_MAX    32
#define HA_CEREMONY_HASH_LEN  64  // hexadecimal digits

enum ha_ceremony_phase {
    HA_CEREMONY_PENDING,  // waits for approvals
    HA_CEREMONY_MAKING,   // has them; the key is made, or being made, or what came in between is to be gone on with
    HA_CEREMONY_DONE,
    HA_CEREMONY_PHASE_COUNT
};
const char *ha_ceremony_phase_name(enum ha_ceremony_phase phase);

struct ha_ceremony_person {
    uid_t uid;
    char user[33];  // "" when the system has no name for the uid
    char time[25];  // when, ISO 8601
};

struct ha_ceremony {
    char id[HA_CEREMONY_ID_MAX + 1];
    enum ha_ceremony_phase phase;
    char key[65];
    struct ha_buf request;  // JSON text of the object that PUT /v1/keys/{name} takes
    struct ha_buf csr;      // likewise of POST /v1/keys/{name}/csr; empty: no certificate request is wanted
    struct ha_ceremony_person requester;
    struct ha_ceremony_person approvals[HA_CEREMONY_APPROVALS];
    size_t n_approvals;
    char making[25];           // since when it is made; "" while pending
    struct ha_buf transcript;  // a compact JWS; empty until done
};
void ha_ceremony_clear(struct ha_ceremony *ceremony);
HA_AUTO_DEFINE_CLEAR(struct ha_ceremony, ha_ceremony_clear)

// A new id, and the time.
enum ha_code ha_ceremony_begin(struct ha_ceremony *ceremony, struct ha_err *err);
// What people approve: a hash over the key's name, request and csr.
enum ha_code ha_ceremony_hash(const struct ha_ceremony *ceremony, char ret_hash[static HA_CEREMONY_HASH_LEN + 1],
                              struct ha_err *err);
// As the file has it, and as the API shows it: the members of an object that is open in out. A failure is out's.
void ha_ceremony_put(const struct ha_ceremony *ceremony, struct ha_buf *out);
void ha_ceremony_put_person(struct ha_buf *out, const char *name, const struct ha_ceremony_person *person);

// STATE-DIR/ceremonies. Several threads may read; whoever changes a ceremony takes turns.
struct ha_ceremonies;
enum ha_code ha_ceremonies_new(const char *state_dir, struct ha_ceremonies **ret_ceremonies, struct ha_err *err);
void ha_ceremonies_free(struct ha_ceremonies *ceremonies);
void ha_ceremonies_lock(struct ha_ceremonies *ceremonies);
void ha_ceremonies_unlock(struct ha_ceremonies *ceremonies);
// Into a zeroed struct. HA_E_NO_ROUTE: there is none with this id. HA_E_CONFIG: its file is damaged.
enum ha_code ha_ceremonies_load(struct ha_ceremonies *ceremonies, const char *id, struct ha_ceremony *ceremony,
                                struct ha_err *err);
// That HA_E_NO_ROUTE.
enum ha_code ha_ceremonies_none(const char *id, struct ha_err *err);
enum ha_code ha_ceremonies_save(struct ha_ceremonies *ceremonies, const struct ha_ceremony *ceremony,
                                struct ha_err *err);
enum ha_code ha_ceremonies_remove(struct ha_ceremonies *ceremonies, const char *id, struct ha_err *err);
// Calls take with each, in no order, until it returns false. Damaged files are left out; one that can't be read is a
// failure. ceremony is valid during the call.
enum ha_code ha_ceremonies_each(struct ha_ceremonies *ceremonies, void *context,
                                bool (*take)(void *context, const struct ha_ceremony *ceremony), struct ha_err *err);
// HA_E_CONFLICT naming the ceremony that isn't done and is to make the key of that name.
enum ha_code ha_ceremonies_check_name(struct ha_ceremonies *ceremonies, const char *name, struct ha_err *err);
// The same for whoever is about to make a key, but for the thread that has the lock: that is the ceremony itself.
enum ha_code ha_ceremonies_may_make(struct ha_ceremonies *ceremonies, const char *name, struct ha_err *err);
