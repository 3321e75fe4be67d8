// SPDX-License-Identifier: Apache-2.0
// Making JSON Web Signatures (RFC 7515, 7797, 8037) in two phases: begin says what the token has to sign, end makes the
// message. Thread-safe.
#pragma once

#include "base/json_text.h"
#include "format/jwk.h"

#define HA_JWS_SIGNERS_MAX 16
#define HA_JOSE_HEADER_MAX (16 * 1024)    // bytes of a header's JSON
#define HA_JOSE_TEXT_MAX   (1024 * 1024)  // bytes of a whole message
#define HA_JOSE_DEPTH_MAX  32             // of its JSON

enum ha_jws_form { HA_JWS_COMPACT, HA_JWS_FLATTENED, HA_JWS_GENERAL, HA_JWS_FORM_COUNT };
const char *ha_jws_form_name(enum ha_jws_form form);  // "compact"

// Names or NAME=VALUE texts of a profile.
struct ha_jose_list {
    char **items;
    size_t n;
};

// What a profile has to say on a signature. Zeroed, it permits any algorithm and nothing else; ha_jws_plain() permits
// all that the standard does.
struct ha_jws_profile {
    uint32_t algs;  // bits 1u << enum ha_alg; 0: any that fits the key
    enum ha_kid_rule kid;
    char *kid_text;      // the kid, whatever the rule; NULL: by the rule
    char *certificate;   // path of a PEM file with the signer's certificate (and chain); NULL: none
    bool x5c, x5t_s256;  // header members that are written when there is a certificate
    char *typ, *cty;     // the header has these and no others; NULL: as the caller wishes, if headers lists them
    struct ha_jose_list headers;  // further members that the caller may put into the header; "*": any
    unsigned forms;               // bits 1u << enum ha_jws_form that are permitted; 0: compact only
    bool detached;                // a detached payload is permitted
    bool unencoded;               // b64 false (RFC 7797) is permitted
};
const struct ha_jws_profile *ha_jws_plain(void);

struct ha_jws_request {
    const struct ha_jws_profile *profile;
    enum ha_alg alg;                   // as ha_jws_choose_alg said
    const struct ha_pubkey *key;       // the signer's
    const struct ha_x5c *certificate;  // the signer's, for kid, x5c, x5t#S256; NULL: none
    struct ha_json_text header;        // an object: members of the protected header, which keep their order; none
    struct ha_json_text unprotected;   // an object: members of the unprotected header (JSON forms only); none
    bool unencoded;                    // b64 false
};

// One signature in the making.
struct ha_jws {
    enum ha_alg alg;
    struct ha_buf input;      // what is to be signed
    struct ha_buf signature;  // the caller appends it before the end; ECDSA is raw r||s
    size_t header_len;        // of the protected header's base64url, with which input begins; '.' and payload follow
    bool unencoded;
    struct ha_buf unprotected;  // JSON text of the object; empty: none
};
void ha_jws_clear(struct ha_jws *job);
HA_AUTO_DEFINE_CLEAR(struct ha_jws, ha_jws_clear)

// The algorithm: wanted (HA_ALG_NONE: unsaid) if the profile permits it, else the first of the profile's that fits the
// key, preferably the key's own default. HA_E_KEY_CANNOT. Whether it fits the key of an explicit wish is not looked at.
enum ha_code ha_jws_choose_alg(const struct ha_jws_profile *profile, enum ha_key_type type, enum ha_alg wanted,
                               enum ha_alg *ret_alg, struct ha_err *err);

// Fills ret_job (zeroed by the caller, who clears it in any case). The header is alg, kid, typ, cty, then the caller's
// others as written, then x5t#S256, x5c and what unencoded needs. HA_E_MALFORMED, HA_E_FORBIDDEN (the profile doesn't
// permit it), HA_E_CONFLICT (the certificate is another key's), HA_E_TOO_LARGE; pointers begin with "/header" or
// "/unprotected".
enum ha_code ha_jws_begin(const struct ha_jws_request *request, const void *payload, size_t n, struct ha_jws *ret_job,
                          struct ha_err *err);
// Whether the profile and the payload permit that form. To be asked before the token signs; pointers as in the API:
// "/serialization", "/detached", "/signers".
enum ha_code ha_jws_check_form(const struct ha_jws_profile *profile, const struct ha_jws *jobs, size_t n,
                               enum ha_jws_form form, bool detached, struct ha_err *err);
// Appends the message of n signed jobs over one payload; n is 1 but for the general form.
enum ha_code ha_jws_end(const struct ha_jws *jobs, size_t n, enum ha_jws_form form, bool detached, struct ha_buf *out,
                        struct ha_err *err);
