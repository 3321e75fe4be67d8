// SPDX-License-Identifier: Apache-2.0
// Dogtag's REST API (v2, or v1 where the server has no other): profiles, requests, approval, certificates, revocation.
//
// Nonces are kept in the HTTP session, so what is reviewed is decided about with the same struct ha_http.
#pragma once

#include "enrol/dogtag_json.h"
#include "enrol/http.h"
#include "enrol/pending.h"

struct ha_dogtag {
    struct ha_http *http;  // borrowed
    const char *url;       // the server's, without a slash at the end; borrowed
    const char *api;       // "/ca/v2"
};

// Asks which version the server speaks.
enum ha_code ha_dogtag_open(struct ha_http *http, const char *url, struct ha_dogtag *ret_dogtag, struct ha_err *err);
enum ha_code ha_dogtag_profiles(const struct ha_dogtag *dogtag, struct ha_buf *out, struct ha_err *err);

// Sends the request of an enrolment, with its profile's template. ret_sent, set in any case: whether the server may
// have it, though this failed.
enum ha_code ha_dogtag_submit(const struct ha_dogtag *dogtag, const struct ha_enrolment *enrolment,
                              struct ha_dogtag_info *ret_info, bool *ret_sent, struct ha_err *err);
// Looks among the newest undecided requests for the one with this CSR, which takes an agent of the CA. "": none has.
enum ha_code ha_dogtag_find(const struct ha_dogtag *dogtag, const char *csr, char ret_id[static HA_DOGTAG_ID_SIZE],
                            struct ha_err *err);
enum ha_code ha_dogtag_status(const struct ha_dogtag *dogtag, const char *request_id, struct ha_dogtag_info *ret_info,
                              struct ha_err *err);
// Reviews and approves. A session or nonce that the server lost in between costs one more review. HA_E_CA when what the
// server shows for review isn't this CSR.
enum ha_code ha_dogtag_approve(const struct ha_dogtag *dogtag, const char *request_id, const char *csr,
                               struct ha_err *err);
// The certificate and its chain as PEM.
enum ha_code ha_dogtag_certificate(const struct ha_dogtag *dogtag, const char *id, struct ha_buf *out,
                                   struct ha_err *err);

// reason: as X.509 and Dogtag name it, "keyCompromise" or "Key_Compromise"; the case and '_' and '-' don't matter.
// HA_E_USAGE for another. The name that Dogtag wants.
enum ha_code ha_dogtag_reason(const char *reason, const char **ret_name, struct ha_err *err);
void ha_dogtag_reasons(struct ha_buf *out);  // "keyCompromise, ..."
// Whether the reason, named by ha_dogtag_reason, is to take a certificate that was on hold from the list again.
bool ha_dogtag_is_unrevoke(const char *name);
// certificate: PEM, its first one; HA_E_CA when the server's of that serial number is another. ret_before: it was
// revoked already, whatever for, and the server didn't do it again: HA_OK too. name: from ha_dogtag_reason; comments may
// be NULL.
enum ha_code ha_dogtag_revoke(const struct ha_dogtag *dogtag, const char *certificate, const char *name,
                              const char *comments, bool *ret_before, struct ha_err *err);
