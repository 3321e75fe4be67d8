// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens (RFC 7519): claims that are filled in, pinned and limited before they are signed, and checked after
// they verified. Thread-safe.
#pragma once

#include "format/jws_verify.h"

// What a profile has to say on a token. Zeroed, it fills nothing in and limits nothing (but jws does). Numbers are
// seconds; 0 is no limit.
struct ha_jwt_profile {
    struct ha_jws_profile jws;
    bool iat, nbf, exp, jti;  // claims that are filled in; exp when there is a lifetime
    bool own_jti;             // a caller may give its own jti instead of the fresh UUID
    unsigned nbf_before;      // nbf is so much before now
    unsigned lifetime;        // exp, counted from the earlier of iat and nbf (else now), unless the caller says
    unsigned lifetime_min, lifetime_max;  // of what is signed, counted likewise; outside it is refused, not cut
    unsigned skew;                        // how far the caller's own iat and nbf may be ahead of now or (iat) behind it
    unsigned nbf_age_max;                 // how far nbf may be behind now
    struct ha_jose_list pins;     // "iss=VALUE": the claim is this string. Filled in when it is missing; several of
                                  // one claim are the values to choose from, of which the caller has to give one
    struct ha_jose_list at_most;  // "max_age=3600": the claim, if there, is a number up to that
    struct ha_jose_list required, forbidden;
    bool aud_string;  // aud is one string, not a list
};
// Fills in iat, exp (if a lifetime is asked for) and jti, and permits all else.
const struct ha_jwt_profile *ha_jwt_plain(void);

struct ha_jwt_request {
    const struct ha_jwt_profile *profile;
    struct ha_jws_request jws;   // its profile is &profile->jws
    struct ha_json_text claims;  // an object; what isn't filled in keeps its order and its bytes
    unsigned lifetime;           // wished for; 0: the profile's
    int64_t now_s;               // seconds since 1970
};
// As ha_jws_begin, with the claims as payload (compact JSON). Pointers begin with "/claims" or are "/lifetime".
// ha_jws_end makes the token, in the compact form.
enum ha_code ha_jwt_begin(const struct ha_jwt_request *request, struct ha_jws *ret_job, struct ha_err *err);

struct ha_jwt_rules {
    const char *typ;        // compared as RFC 7515 section 4.1.9 wants it; NULL: any
    const char *iss, *sub;  // NULL: any
    const char *aud;        // one of the token's; NULL: any
    int64_t now_s;
    unsigned skew;          // seconds that clocks may differ
    unsigned lifetime_max;  // exp minus the earlier of iat and nbf; 0: no limit
    bool need_exp;
};
// HA_E_MALFORMED when the payload isn't a JSON object, HA_E_NOT_VERIFIED with the reason. The caller frees the claims.
enum ha_code ha_jwt_check(const struct ha_jws_verified *verified, const struct ha_jwt_rules *rules,
                          ha_json **ret_claims, struct ha_err *err);
