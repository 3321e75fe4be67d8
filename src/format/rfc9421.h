// SPDX-License-Identifier: Apache-2.0
// HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530). Thread-safe.
#pragma once

#include "crypto/pubkey.h"
#include "format/http_message.h"
#include "format/jws.h"

enum ha_rfc9421_keyid { HA_RFC9421_KEYID_THUMBPRINT, HA_RFC9421_KEYID_TEXT, HA_RFC9421_KEYID_NONE };
enum ha_rfc9421_digest { HA_RFC9421_DIGEST_SHA256, HA_RFC9421_DIGEST_SHA512, HA_RFC9421_DIGEST_NONE };

struct ha_rfc9421_profile {
    enum ha_alg algorithm;  // one of rfc9421's: PS512, RS256, ES256, ES384, Ed25519; NONE: the key's
    char *label;            // NULL: "sig1"; verification: the only one there is
    // Covered components in their order, as in Signature-Input: @method, content-digest, @query-param;name="a".
    // None: @method, @target-uri (of a response @status), and with a body content-digest and content-type.
    struct ha_jose_list components;
    enum ha_rfc9421_digest digest;  // the Content-Digest that is added when the message has a body and no such field
    bool created;                   // the parameter is sent
    unsigned lifetime_s;            // the parameter expires is created + this; 0: not sent
    bool nonce;                     // the parameter is sent: 16 random bytes in base64url
    bool alg_parameter;             // the parameter alg is sent
    enum ha_rfc9421_keyid keyid;
    char *keyid_text;
    char *tag;                     // NULL: none. Verification: a signature without it isn't looked at
    struct ha_jose_list required;  // verification: components that have to be covered; none: as for components
    unsigned max_age_s;            // verification: how old created may be, which has to be there then; 0: any
};
// The default components, SHA-256, created, keyid the thumbprint, 300 seconds.
const struct ha_rfc9421_profile *ha_rfc9421_plain(void);

struct ha_rfc9421_job {
    enum ha_alg alg;
    struct ha_buf input;              // the signature base
    struct ha_buf label, parameters;  // of the signature
    struct ha_buf content_digest;     // the field that is added; empty: none
};
void ha_rfc9421_clear(struct ha_rfc9421_job *job);
HA_AUTO_DEFINE_CLEAR(struct ha_rfc9421_job, ha_rfc9421_clear)

// now_s: seconds since 1970. ret_job, zeroed by the caller, is cleared by the caller.
enum ha_code ha_rfc9421_begin(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                              const struct ha_pubkey *key, int64_t now_s, struct ha_rfc9421_job *ret_job,
                              struct ha_err *err);

#define HA_RFC9421_FIELDS 3
struct ha_rfc9421_fields {
    struct ha_http_field field[HA_RFC9421_FIELDS];  // borrowed from the job and from the two values
    size_t n;
    struct ha_buf signature_input, signature;
};
void ha_rfc9421_fields_clear(struct ha_rfc9421_fields *fields);
HA_AUTO_DEFINE_CLEAR(struct ha_rfc9421_fields, ha_rfc9421_fields_clear)
enum ha_code ha_rfc9421_end(const struct ha_rfc9421_job *job, const uint8_t *signature, size_t n,
                            struct ha_rfc9421_fields *ret_fields, struct ha_err *err);

// A key that signatures may be of. alg pins the algorithm; NONE: each that the key's type allows.
struct ha_rfc9421_key {
    const struct ha_pubkey *key;
    enum ha_alg alg;
    const char *keyid;  // NULL: whatever the signature says, or nothing
};
// Verifies the signature with the profile's label (NULL in the profile: the only one there is). A body has to fit the
// Content-Digest where that is covered. HA_E_NOT_VERIFIED with the reason. *ret_key is the index of the key.
enum ha_code ha_rfc9421_verify(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                               const struct ha_rfc9421_key *keys, size_t n_keys, int64_t now_s, size_t *ret_key,
                               struct ha_err *err);
