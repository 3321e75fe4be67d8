// SPDX-License-Identifier: Apache-2.0
// Verifying JSON Web Signatures, compact or JSON, with keys that the caller trusts. What the message says of itself is
// never trusted: the algorithm has to be the key's. Thread-safe.
#pragma once

#include "format/jws.h"

struct ha_jws_rules {
    const struct ha_jwks *keys;  // borrowed; may be empty when trust is set
    uint32_t algs;               // bits 1u << enum ha_alg that are accepted; 0: whatever the keys permit
    uint32_t profile_algs;       // likewise, somebody else's list: an algorithm has to be in both
    const void *payload;         // of a detached message; NULL: none
    size_t payload_len;
    bool any;  // of several signatures one suffices; else each has to verify
    // Decides whether a header's x5c may be believed (its first certificate is then the key); NULL: x5c is ignored.
    enum ha_code (*trust)(void *context, const struct ha_x5c *chain, struct ha_err *err);
    void *trust_context;
};

// A message that verified.
struct ha_jws_verified {
    struct ha_buf payload;     // decoded; a copy of the caller's when it was detached
    enum ha_alg alg;           // of the first signature that verified, as the rest is
    ha_json *header;           // the protected header; NULL: none
    ha_json *unprotected;      // NULL: none
    const struct ha_jwk *jwk;  // the key, one of the rules'; NULL: that of certificates
    struct ha_x5c certificates;
    size_t n_signatures, n_good;
};
void ha_jws_verified_clear(struct ha_jws_verified *verified);
HA_AUTO_DEFINE_CLEAR(struct ha_jws_verified, ha_jws_verified_clear)

// Fills ret_verified (zeroed by the caller, who clears it in any case; nothing in it counts on failure).
// HA_E_MALFORMED: it isn't a JWS; HA_E_TOO_LARGE; HA_E_NOT_VERIFIED: it is one, and the detail says why it isn't
// accepted. A member of the header: from the protected header or from the unprotected one, never both.
enum ha_code ha_jws_verify(const char *text, size_t n, const struct ha_jws_rules *rules,
                           struct ha_jws_verified *ret_verified, struct ha_err *err);
// A member of either header; NULL when absent.
const ha_json *ha_jws_verified_member(const struct ha_jws_verified *verified, const char *name);
