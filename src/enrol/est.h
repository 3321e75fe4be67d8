// SPDX-License-Identifier: Apache-2.0
// Enrolment over Secure Transport (RFC 7030 with RFC 8951's corrections): cacerts, simpleenroll, simplereenroll.
#pragma once

#include "enrol/http.h"
#include "enrol/pending.h"

// Sends the request. HA_OK: the certificates are in the enrolment (issued), or it has to wait (submitted). On failure
// its state is prepared when the CA has refused, or can't have got the request, neither now nor before (again: it may
// have); else it isn't touched.
enum ha_code ha_est_submit(struct ha_http *http, struct ha_enrolment *enrolment, bool again, struct ha_err *err);
// The CA's certificates, appended as PEM. base: the URL, with or without its /.well-known/est; label may be NULL.
enum ha_code ha_est_cacerts(struct ha_http *http, const char *base, const char *label, struct ha_buf *out,
                            struct ha_err *err);
