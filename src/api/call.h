// SPDX-License-Identifier: Apache-2.0
// One request on its way through a handler.
#pragma once

#include "api/api.h"
#include "base/json.h"
#include "base/text.h"
#include "channel/token.h"
#include "policy/content.h"
#include "policy/policy.h"

#define HA_BATCH_MAX 256  // operations in one request

// Which of a key's versions is meant; zeroed, the active one.
struct ha_version_choice {
    unsigned number;  // 0: unsaid
    bool by_spki;
    uint8_t spki_sha256[HA_SPKI_HASH_LEN];
};

// What a request has been granted to do so far.
struct ha_takings {
    size_t n;       // uses taken
    bool seconded;  // somebody else has made the same request
};

// What the audit log is to tell of a request, as far as it is known.
struct ha_call_record {
    int64_t start_us;   // of ha_now_us
    const char *route;  // "POST /v1/keys/{name}/sign"; NULL: none was found
    bool asked;         // the policy, about what follows
    char key[HA_NAME_MAX + 1];
    enum ha_operation operation;
    enum ha_alg alg;
    const char *profile;  // NULL: none
    const char *client;   // the section; NULL: none applies
    unsigned told;        // lines that the log has of this request
};

struct ha_call_context {
    const struct ha_api *api;
    const struct ha_request *request;
    const char *name;                 // the path's {name}; NULL when it has none
    struct ha_version_choice choice;  // of the versions of that key
    struct ha_caller caller;          // whom the tokens work for, and how long
    ha_json *body;                    // parsed; NULL when the route takes none
    unsigned status;                  // of the reply; 200 unless the handler changes it
    const char *content_type;         // likewise "application/json"; a constant
    struct ha_buf *out;               // the reply's JSON
    struct ha_takings *takings;       // the request's; also of those that are made of it
    struct ha_call_record *record;    // NULL: nothing is told
    bool granted;                     // the policy isn't asked: it was, for the ceremony that this is a part of
};

// Asks the policy, and looks the key's chosen version up (ha_call_version). HA_E_NO_KEY, the same for a key that isn't
// there and for one the caller may not know of; HA_E_FORBIDDEN with what would have to be granted. The caller unrefs
// the key.
enum ha_code ha_call_key(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                         struct ha_key **ret_key, struct ha_err *err);
// The same for a message of a profile, which rules may be about: what the request's "profile" named (NULL: the plain
// message), as ha_call_profile found it.
enum ha_code ha_call_key_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                 const struct ha_profile *profile, struct ha_key **ret_key, struct ha_err *err);
// The message that the request's member "profile" named (NULL: it had none, and the plain one is meant), of one of the
// schemes (HA_SCHEME_BIT). HA_E_MALFORMED at pointer: there is none such. HA_E_KEY_CANNOT: the site has yet to give
// values.
enum ha_code ha_call_profile(const struct ha_call_context *call, const char *name, unsigned schemes,
                             const char *pointer, const struct ha_profile **ret_profile, struct ha_err *err);
// The policy alone, for a key that the caller has been given already (items of a batch), or that isn't there yet.
enum ha_code ha_call_allowed(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                             struct ha_err *err);
enum ha_code ha_call_allowed_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                     const struct ha_profile *profile, struct ha_err *err);
// The last word on one use of call->name, before ha_call_exchange and once for each message: the policy is asked with
// the content, where the operation has one (NULL: it hasn't), and the use is taken from the rate and the budget of the
// section that grants it. HA_E_RATE and HA_E_BUDGET with the time until there is another, HA_E_CLOCK when the key's
// messages need a clock that is right, beside what ha_call_allowed says. use (NULL: the request has but one kind) is
// told, for the audit log.
struct ha_use;
enum ha_code ha_call_take(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                          const struct ha_profile *profile, const enum ha_content *content, struct ha_use *use,
                          struct ha_err *err);
// The version of call->name that call->choice means, for a caller who may know of the key and do that with it.
// HA_E_NO_KEY, HA_E_CONFLICT when no version has that public key; HA_E_KEY_CANNOT when there is no such version, or a
// retired one is to make a message. The caller unrefs it.
enum ha_code ha_call_version(const struct ha_call_context *call, enum ha_operation operation, struct ha_key **ret_key,
                             struct ha_err *err);
// How a key is rotated, in seconds: how long a new version is published before it signs, and the old one after.
struct ha_rotation_times {
    int64_t publish_s, overlap_s;
};
void ha_call_times(const struct ha_call_context *call, const struct ha_key *key, struct ha_rotation_times *ret_times);
// Takes the version that the body names, 0 for none, where the query chose none. Later names are to be checked.
void ha_call_choose(struct ha_call_context *call, uint64_t version);
enum ha_code ha_call_check_version(const struct ha_key *key, uint64_t version, struct ha_err *err);
// Those that a message may have been encrypted to: the chosen one, or all that aren't barred (n is 0 without memory),
// beginning with key, the newest first of the others. The caller frees them (ha_keys_list_free).
struct ha_key **ha_call_versions(const struct ha_call_context *call, struct ha_key *key, size_t *ret_n);
// The operations that are granted on call->name at all, as bits: what ha_call_allowed may say yes to.
unsigned ha_call_operations(const struct ha_call_context *call);
// HA_E_FORBIDDEN unless some [client] section is about the caller: for what takes no key of ours.
enum ha_code ha_call_any_client(const struct ha_call_context *call, struct ha_err *err);
// The same HA_E_NO_KEY for a key that isn't there and for one the caller may not know of.
enum ha_code ha_call_no_key(const struct ha_call_context *call, struct ha_err *err);
// Logs that the content was refused, for the reason in err, and returns err's code.
enum ha_code ha_call_refused_content(const struct ha_call_context *call, enum ha_operation operation,
                                     enum ha_content content, struct ha_err *err);
// Does n uses (HA_BATCH_MAX at most) of one key and returns when each has its code. None is done in a request that has
// taken none. The audit log has a line of each then; where it can't, none of them was of use: HA_E_AUDIT.
void ha_call_exchange(const struct ha_call_context *call, struct ha_key *key, struct ha_use *const *uses, size_t n);

// The handlers, one for each route. Each appends one JSON object to call->out or fails.
enum ha_code ha_handle_version(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_whoami(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_alive(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ready(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_tokens(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_profiles(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_token_unlock(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_keys(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_inventory(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_metrics(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_put(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_delete(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_certificate(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_certificate_check(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_certificate_put(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_certificate_delete(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_keep(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_rotate(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_activate(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_disable(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_key_enable(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_sign(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_tls(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_decrypt(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_derive(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_backup(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_restore(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_export(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_import(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_mac(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_http_signature(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_verify_http(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_jwe_decrypt(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_jwe_encrypt(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_jws(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_jwt(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_jwks(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_verify_jws(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_self_signed(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_csr(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ceremony_request(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ceremonies(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ceremony(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ceremony_approve(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ceremony_run(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_audit_head(struct ha_call_context *call, struct ha_err *err);
enum ha_code ha_handle_ceremony_cancel(struct ha_call_context *call, struct ha_err *err);

// What can be said of a PUT that is to make a new key, before it does: call->body and call->name. HA_E_MALFORMED at the
// member that only an adoption or an import has.
enum ha_code ha_key_put_check(const struct ha_call_context *call, struct ha_err *err);

// Writes the members every use of a key begins with: key, version, algorithm, token (the one that did it).
void ha_write_use(struct ha_buf *out, const struct ha_key *key, enum ha_alg alg, const char *token);
// Writes what is known of a key, as an object.
void ha_write_key(const struct ha_call_context *call, struct ha_key *key, bool with_public_key);
// Writes a problem document as an object named name (NULL: the top, or an item of a list).
void ha_write_problem(struct ha_buf *out, const char *name, const struct ha_err *err, const char *request_id);
