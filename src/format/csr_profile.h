// SPDX-License-Identifier: Apache-2.0
// The scheme csr: what an ecosystem wants of a certificate request and of the key behind it. Pure functions.
#pragma once

#include "format/csr.h"
#include "format/jws.h"
#include "format/profile.h"

enum ha_csr_holder { HA_CSR_HOLDER_ANY, HA_CSR_HOLDER_REQUIRED, HA_CSR_HOLDER_FORBIDDEN };

// The options of scheme = csr; hsm-agent-profiles(5) says what each is.
struct ha_csr_profile {
    unsigned key_types;                // bits 1u << (enum ha_key_type - 1); 0: any
    unsigned purposes;                 // the key has to have all of these (enum ha_purpose)
    unsigned forbidden_purposes;       // and none of these
    enum ha_csr_holder holder;         // whether the key has to be for somebody else
    char *role;                        // what the site is; NULL: unsaid
    struct ha_jose_list roles;         // who may use the message; empty: anybody
    uint32_t algs;                     // 0: any that fits the key
    struct ha_jose_list environments;  // "pre-prod=nonprod"; empty: the key's environment isn't asked for
    struct ha_jose_list names;         // "prod *.example.com"
    struct ha_jose_list vetted;        // "acme O=Acme Ltd"
    struct ha_jose_list subject;       // "C=AE", "OU?={any}": an RDN each, in their order
    struct ha_jose_list san_dns;       // templates; each DNS name fits one of them
    bool san_ip, san_uri, san_email, san_cn;
    unsigned san_min;
    struct ha_jose_list key_usage, extended_key_usage;
    unsigned publish_s, overlap_s;  // for a key's next version: before it signs, and how long both are published
};

// The key that the request is about, as far as rules look at it. Borrowed; NULL is unsaid.
struct ha_csr_key {
    const char *name;
    enum ha_key_type type;
    unsigned purposes;
    const char *environment, *holder;
};

// Whether the rules can be read. HA_E_CONFIG naming the option. For loading.
enum ha_code ha_csr_profile_check(const void *options, struct ha_err *err);

// Whether certificates for such a key may be asked for by the message: its type, purposes, environment, holder, and
// what the site is. HA_E_KEY_CANNOT with the rule. For a request, and before such a key is made.
enum ha_code ha_csr_profile_check_key(const struct ha_profile *profile, const struct ha_csr_key *key,
                                      struct ha_err *err);

// The algorithm of a request that names wanted (HA_ALG_NONE: none). HA_E_KEY_CANNOT at /algorithm.
enum ha_code ha_csr_profile_algorithm(const struct ha_profile *profile, const struct ha_csr_key *key,
                                      enum ha_alg wanted, enum ha_alg *ret_alg, struct ha_err *err);

// Completes request, whose key has been checked: subject, alternative names and usages are those of the profile, and
// what the request says of them has to fit. values: {"CN":"..."}, instead of a subject; NULL: none. What request points
// to afterwards is in ret_made, or still the caller's.
// HA_E_MALFORMED, HA_E_UNKNOWN_MEMBER, HA_E_KEY_CANNOT with the member's pointer and the rule.
enum ha_code ha_csr_profile_apply(const struct ha_profile *profile, const struct ha_csr_key *key, const ha_json *values,
                                  struct ha_csr_request *request, ha_json **ret_made, struct ha_err *err);
