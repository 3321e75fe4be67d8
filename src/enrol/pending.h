// SPDX-License-Identifier: Apache-2.0
// Enrolments as files: what was asked of which CA for which key, and how far it came. One file a version of a key,
// NAME@N.json, replaced atomically and synced at each step, so that whatever ends the program, it goes on from there.
// There is no secret in it. The file stays after the certificate is installed: renewal and revocation read it.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum ha_enrol_state {
    HA_ENROL_PREPARED,    // the CSR is made; the CA has it not, or has refused it
    HA_ENROL_SUBMITTING,  // the CA may have it: no answer was understood yet
    HA_ENROL_SUBMITTED,   // the CA has it and hasn't decided, or its certificate isn't fetched
    HA_ENROL_ISSUED,      // the certificate is here and the agent hasn't got it
    HA_ENROL_INSTALLED,   // the end
    HA_ENROL_REJECTED,    // the other end: the CA decided against it
    HA_ENROL_STATE_COUNT
};
const char *ha_enrol_state_name(enum ha_enrol_state state);  // "prepared"
bool ha_enrol_is_over(enum ha_enrol_state state);

enum ha_enrol_protocol { HA_ENROL_EST, HA_ENROL_DOGTAG, HA_ENROL_PROTOCOL_COUNT };
const char *ha_enrol_protocol_name(enum ha_enrol_protocol protocol);  // "est"

// A zeroed struct is an empty one. The strings are owned; NULL is absent.
struct ha_enrolment {
    char *key;
    uint64_t version;  // from 1
    enum ha_enrol_state state;
    enum ha_enrol_protocol protocol;
    char *url;          // the CA's, without a slash at the end
    char *label;        // EST's: which of its profiles
    char *profile;      // Dogtag's profile id
    char *inputs;       // more of what Dogtag's profile asks for: lines NAME=VALUE
    char *ca_file;      // whom the CA's server is trusted by: a PEM file
    char *client_key;   // the agent's key that the CA knows us by
    char *client_cert;  // its certificate in a PEM file; NULL: what the agent has installed
    char *user_file;    // USER:PASSWORD
    bool reenrol;       // simplereenroll
    bool approve;       // we decide ourselves, as an agent of the CA
    bool store_in_token;
    char *csr;              // PEM
    char *request_id;       // Dogtag's
    char *certificate_id;   // Dogtag's, "0x..."
    char *certificates;     // PEM, the leaf first
    char *failure;          // what went wrong the last time
    char *began, *changed;  // ISO 8601
    uint64_t retry_at;      // seconds since 1970: the CA wants to be left alone until then; 0: unsaid
};
void ha_enrolment_clear(struct ha_enrolment *enrolment);
HA_AUTO_DEFINE_CLEAR(struct ha_enrolment, ha_enrolment_clear)
// Puts a copy of text (NULL: nothing) in the place of a member. HA_E_MEMORY.
enum ha_code ha_enrolment_set(char **member, const char *text, struct ha_err *err);

// given, or HSM_AGENT_ENROL_DIR, or the built-in one: for root HA_LOCALSTATEDIR "/lib/hsm-agent-enrol", for others
// hsm-agent/enrol in XDG_STATE_HOME or ~/.local/state. It is made (0700) when it isn't there, and has to be ours alone
// to write to.
enum ha_code ha_enrol_dir(const char *given, char **ret_path, struct ha_err *err);
// *ret_found: whether there is a file. ret_enrolment is to be cleared.
enum ha_code ha_enrol_load(const char *dir, const char *key, uint64_t version, struct ha_enrolment *ret_enrolment,
                           bool *ret_found, struct ha_err *err);
// Sets changed. HA_E_TOO_LARGE for what ha_enrol_load wouldn't read; the file is as it was then.
enum ha_code ha_enrol_save(const char *dir, struct ha_enrolment *enrolment, struct ha_err *err);
enum ha_code ha_enrol_forget(const char *dir, const char *key, uint64_t version, struct ha_err *err);
// Nobody else works at that enrolment while the descriptor is open. HA_E_CONFLICT when somebody does.
enum ha_code ha_enrol_lock(const char *dir, const char *key, uint64_t version, int *ret_fd, struct ha_err *err);

struct ha_enrol_name {
    char key[65];
    uint64_t version;
};
// All there are, sorted; *ret_names is malloc'ed.
enum ha_code ha_enrol_list(const char *dir, struct ha_enrol_name **ret_names, size_t *ret_n, struct ha_err *err);
