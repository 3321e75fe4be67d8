// SPDX-License-Identifier: Apache-2.0
// What the parts of scheme = csr share: one request against one message's rules, and the readers of its lines.
#pragma once

#include "format/csr_profile.h"
#include "format/csr_template.h"

struct ha_csr_check {
    const struct ha_profile *profile;
    const struct ha_csr_profile *rules;
    const struct ha_csr_key *key;
    const char *environment;  // the key's, or the one that is tried in its place
};

// --- Lines. Each is read in place: the parts are copied into the caller's buffers.
#define HA_CSR_WORD_MAX 80

struct ha_csr_rdn {
    char type[HA_CSR_WORD_MAX];
    bool optional;
    const char *text;  // of its template
};
// "C=AE", "OU?={any}". HA_E_CONFIG.
enum ha_code ha_csr_rdn_read(const char *line, struct ha_csr_rdn *ret_rdn, struct ha_err *err);

// The profile's word for an environment, of its own length; NULL: the profile doesn't have it.
const char *ha_csr_environment_word(const struct ha_csr_profile *rules, const char *environment);
// The environment of a line "prod=prod", copied.
void ha_csr_environment_name(const char *line, char ret_name[static HA_CSR_WORD_MAX]);

// What a template of the check's profile comes to, for its key and environment. HA_E_KEY_CANNOT: there is no vetted
// value for the holder.
enum ha_code ha_csr_check_template(const struct ha_csr_check *check, const char *text,
                                   struct ha_csr_template *ret_template, struct ha_err *err);

// Whether the value that is called what ("CN") fits the template. pointer: of the member that has it. HA_E_MALFORMED
// with what would fit; HA_E_KEY_CANNOT: it would for a key of another environment.
enum ha_code ha_csr_rules_fit(const struct ha_csr_check *check, const char *what, const char *text, const char *value,
                              const char *pointer, struct ha_err *err);

// --- The parts of a request. Each writes what the request will have, as members of the object that is open in out.

// Also gives the CN, "" when the subject has none.
enum ha_code ha_csr_rules_subject(const struct ha_csr_check *check, const ha_json *subject, const ha_json *values,
                                  struct ha_buf *out, struct ha_buf *ret_cn, struct ha_err *err);
// Writes nothing when san (NULL: the request has none) is right as it is.
enum ha_code ha_csr_rules_san(const struct ha_csr_check *check, const ha_json *san, const char *cn, struct ha_buf *out,
                              struct ha_err *err);
// Whether a CN or DNS name is of the key's environment; one of the profile's own, which is the same for all keys, needs
// only not be of another. pointer: of the member that has it.
enum ha_code ha_csr_rules_name(const struct ha_csr_check *check, const char *name, bool own, const char *pointer,
                               struct ha_err *err);
