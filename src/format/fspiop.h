// SPDX-License-Identifier: Apache-2.0
// FSPIOP-Signature of the Mojaloop API (Signature v1.1): a JWS of the body in a header field, with the request's line
// and header fields in its protected header. Thread-safe.
#pragma once

#include "crypto/pubkey.h"
#include "format/http_message.h"
#include "format/jws.h"

enum ha_fspiop_canonical {
    HA_FSPIOP_SORTED,  // the body is rewritten: compact, members sorted. Validators that parse and write it anew need
                       // that
    HA_FSPIOP_AS_IS,   // the body's bytes are signed as they are
};
enum ha_fspiop_uri {
    HA_FSPIOP_URI_RESOURCE,  // from the API's resource on: /transfers of /api/fspiop/transfers
    HA_FSPIOP_URI_PATH,      // path and query
};

struct ha_fspiop_profile {
    enum ha_alg algorithm;  // RS256, ES256; NONE: what the key does
    enum ha_fspiop_canonical canonical;
    enum ha_fspiop_uri uri;
    struct ha_jose_list protect;  // fields that are protected, in that order, when they are there; besides those of
                                  // the specification, Date and FSPIOP-Encryption
    char *source;                 // the FSPIOP-Source that may be signed for; NULL: any
    uint32_t accept;              // verification: bits 1u << enum ha_alg; 0: RS256 and ES256
    unsigned max_age_s;           // verification: how far from now Date may be; 0: any
};
// All zero: sorted, from the resource on, any source.
const struct ha_fspiop_profile *ha_fspiop_plain(void);

struct ha_fspiop_job {
    enum ha_alg alg;
    struct ha_buf input;        // what is to be signed
    struct ha_buf header;       // the protected header, base64url
    struct ha_buf body;         // to be sent
    struct ha_buf uri, method;  // of the fields FSPIOP-URI and FSPIOP-HTTP-Method
};
void ha_fspiop_clear(struct ha_fspiop_job *job);
HA_AUTO_DEFINE_CLEAR(struct ha_fspiop_job, ha_fspiop_clear)

// The message needs a body and the field FSPIOP-Source. ret_job, zeroed by the caller, is cleared by the caller.
enum ha_code ha_fspiop_begin(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                             const struct ha_pubkey *key, struct ha_fspiop_job *ret_job, struct ha_err *err);

#define HA_FSPIOP_FIELDS 3
struct ha_fspiop_fields {
    struct ha_http_field field[HA_FSPIOP_FIELDS];  // borrowed from the job and from value
    size_t n;
    struct ha_buf value;
};
void ha_fspiop_fields_clear(struct ha_fspiop_fields *fields);
HA_AUTO_DEFINE_CLEAR(struct ha_fspiop_fields, ha_fspiop_fields_clear)
// ret_fields, zeroed by the caller, borrows from job.
enum ha_code ha_fspiop_end(const struct ha_fspiop_job *job, const uint8_t *signature, size_t n,
                           struct ha_fspiop_fields *ret_fields, struct ha_err *err);

// Verifies with the key of the message's FSPIOP-Source, which the caller has found. URI, method, source, destination,
// and every other protected field have to be those of the message. now_s: seconds since 1970. HA_E_NOT_VERIFIED with
// the reason.
enum ha_code ha_fspiop_verify(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                              const struct ha_pubkey *key, int64_t now_s, struct ha_err *err);
