// SPDX-License-Identifier: Apache-2.0
// The signature of the MHHS Data Integration Platform: the header fields X-DIP-Signature, X-DIP-Signature-Date,
// X-DIP-Signature-Certificate and X-DIP-Content-Hash. Thread-safe.
//
// What is signed is METHOD;destination;date;content hash. Working clients agree on the details that are the defaults
// here (0 of each enum); the Code of Connection says some of them otherwise or not at all, so each is an option.
#pragma once

#include "crypto/alg.h"
#include "format/certificate.h"
#include "format/chain.h"
#include "format/http_message.h"

enum ha_dip_text { HA_DIP_BASE64, HA_DIP_BASE64URL, HA_DIP_HEX };  // base64 has padding, base64url has none
enum ha_dip_ecdsa { HA_DIP_ECDSA_DER, HA_DIP_ECDSA_RAW };
enum ha_dip_content { HA_DIP_CONTENT_DIGEST, HA_DIP_CONTENT_PAYLOAD };  // SHA-256 of the body, or the body itself
enum ha_dip_date { HA_DIP_DATE_ISO, HA_DIP_DATE_LITERAL };  // 2026-11-21T10:00:00.123Z, 2026-11-21T10:00:00.123:Z
enum ha_dip_destination {
    HA_DIP_DESTINATION_URL_LOWER,  // the whole URL with its query, in lower case
    HA_DIP_DESTINATION_URL,        // as it is
    HA_DIP_DESTINATION_PATH,       // the path alone, as it is
    HA_DIP_DESTINATION_PATH_QUERY,
};
enum ha_dip_certificate { HA_DIP_CERTIFICATE_PEM, HA_DIP_CERTIFICATE_DER };  // in base64
enum ha_dip_empty { HA_DIP_EMPTY_BRACES, HA_DIP_EMPTY_NOTHING };             // what stands for an empty body: {}

struct ha_dip_profile {
    enum ha_alg algorithm;  // RS256, ES256; NONE: what the key does
    enum ha_dip_ecdsa ecdsa;
    enum ha_dip_text signature_text;  // not HEX
    enum ha_dip_content content;
    enum ha_dip_text content_text;  // of the digest; of the payload HA_DIP_BASE64URL or HA_DIP_BASE64
    enum ha_dip_date date;
    enum ha_dip_destination destination;
    bool double_hash;   // the string's SHA-256 is signed as data, so that it is hashed twice
    bool content_hash;  // the field X-DIP-Content-Hash is sent
    enum ha_dip_certificate certificate;
    enum ha_dip_empty empty;
    bool any_date;           // signing: the request may say any date; else one that is at most max_age_s away
    char *certificate_file;  // of the certificate that is sent, PEM or DER; NULL: the request brings it
    char *anchors_file;      // verification: PEM certificates that are trusted; NULL: the request brings them
    char *crls_file;         // verification: PEM lists; NULL
    bool revocation;         // verification: somebody has to say that the certificate isn't revoked
    unsigned cache_s;        // verification: how old a list or an OCSP response may be; 0: as old as it says
    unsigned max_age_s;      // verification: how far from now the date may be; 0: any
};
// What working clients send: all zero, but content_hash and revocation true, cache_s a day and max_age_s 300.
const struct ha_dip_profile *ha_dip_plain(void);

struct ha_dip_job {
    enum ha_alg alg;
    struct ha_buf input;                            // what is to be signed
    const struct ha_dip_profile *profile;           // borrowed
    struct ha_buf date, content_hash, certificate;  // header values
};
void ha_dip_clear(struct ha_dip_job *job);
HA_AUTO_DEFINE_CLEAR(struct ha_dip_job, ha_dip_clear)

// now_ms: milliseconds since 1970, for the date, unless the message has the field X-DIP-Signature-Date. That has to be
// in the profile's form, and is kept as it is. key and certificate: the signer's; HA_E_CONFLICT when the certificate is
// another key's. ret_job, zeroed by the caller, is cleared by the caller; it borrows profile.
enum ha_code ha_dip_begin(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                          const struct ha_pubkey *key, const struct ha_certificate *certificate, int64_t now_ms,
                          struct ha_dip_job *ret_job, struct ha_err *err);

#define HA_DIP_FIELDS 4
struct ha_dip_fields {
    struct ha_http_field field[HA_DIP_FIELDS];  // names and values, borrowed from the job and from signature
    size_t n;
    struct ha_buf signature;
};
void ha_dip_fields_clear(struct ha_dip_fields *fields);
HA_AUTO_DEFINE_CLEAR(struct ha_dip_fields, ha_dip_fields_clear)
// signature: n bytes, ECDSA as raw r||s. ret_fields, zeroed by the caller, borrows from job.
enum ha_code ha_dip_end(const struct ha_dip_job *job, const uint8_t *signature, size_t n,
                        struct ha_dip_fields *ret_fields, struct ha_err *err);

// Verifies a message that has the fields. Base64 and base64url, PEM and DER, ECDSA as DER and raw are all taken, since
// none can be mistaken for the other; what is signed has to be the profile's. HA_E_NOT_VERIFIED with the reason.
// trust->at is the time, also of the date. *ret_certificate is the signer's; the caller frees it.
enum ha_code ha_dip_verify(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                           const struct ha_chain_trust *trust, struct ha_certificate **ret_certificate,
                           struct ha_err *err);
