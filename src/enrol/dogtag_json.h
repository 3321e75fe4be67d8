// SPDX-License-Identifier: Apache-2.0
// The JSON that Dogtag's REST API speaks, v1 and v2. What the server sent is untrusted; what isn't understood of it is
// passed on as it was written, or left alone. Thread-safe. HA_E_CA for what doesn't fit.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { HA_DOGTAG_ID_SIZE = 68 };  // "0x", 64 digits, NUL

enum ha_dogtag_status {
    HA_DOGTAG_PENDING,   // nobody has decided, or the server is at it
    HA_DOGTAG_COMPLETE,  // there is a certificate
    HA_DOGTAG_REJECTED,  // or canceled
};

// A request, as the server tells of it.
struct ha_dogtag_info {
    char request_id[HA_DOGTAG_ID_SIZE];
    char certificate_id[HA_DOGTAG_ID_SIZE];  // "" unless complete
    enum ha_dogtag_status status;
    char words[200];  // why it was rejected; "" unsaid
};

// The JSON object, which is what its name says.
enum ha_code ha_dogtag_parse(const char *text, size_t n, const char *what, ha_json **ret_json, struct ha_err *err);
// Whether it can be an id in a path: "0x1f" or "31".
bool ha_dogtag_id_valid(const char *id);

// The profile's template with its blanks filled: the request (PKCS#10, PEM), the requestor's name, and inputs, lines
// NAME=VALUE (NULL: none). HA_E_CA when the profile doesn't take a PKCS#10; HA_E_USAGE when it has no input of a NAME.
enum ha_code ha_dogtag_fill(const char *template, size_t n, const char *csr, const char *requestor, const char *inputs,
                            struct ha_buf *out, struct ha_err *err);
// The answer to a submission, which has one request; and a request.
enum ha_code ha_dogtag_read_submitted(const char *text, size_t n, struct ha_dogtag_info *ret_info, struct ha_err *err);
enum ha_code ha_dogtag_read_request(const char *text, size_t n, struct ha_dogtag_info *ret_info, struct ha_err *err);
// The ids of the requests in a list, newest last, each appended with a newline.
enum ha_code ha_dogtag_read_ids(const char *text, size_t n, struct ha_buf *out, struct ha_err *err);
// Checks that it is the review of that request and has a nonce; appends the PKCS#10 that it is about to ret_csr (PEM;
// nothing when it has none).
enum ha_code ha_dogtag_read_review(const char *text, size_t n, const char *request_id, struct ha_buf *ret_csr,
                                   struct ha_err *err);
// The certificate and the chain that came with it, as PEM.
enum ha_code ha_dogtag_read_certificate(const char *text, size_t n, struct ha_buf *out, struct ha_err *err);
// The request to revoke, with the nonce of the review of a certificate. reason: as Dogtag names it.
enum ha_code ha_dogtag_put_revocation(const char *review, size_t n, const char *reason, const char *comments,
                                      struct ha_buf *out, struct ha_err *err);
// The lines "ID\tNAME\n" of a list of profiles.
enum ha_code ha_dogtag_read_profiles(const char *text, size_t n, struct ha_buf *out, struct ha_err *err);
// The words of a refusal, if it has any: printable, at most size - 1 bytes. "" otherwise.
void ha_dogtag_read_refusal(const char *text, size_t n, char *ret_words, size_t size);
