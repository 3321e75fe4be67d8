// SPDX-License-Identifier: Apache-2.0
// Certificates as CAs send them, and requests as they want them. What a CA sent is untrusted. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { HA_ANSWER_CERTIFICATES_MAX = 16 };

// The certificates of a PKCS#7 (RFC 5652's signed data), DER or base64 with or without PEM's lines, appended to out as
// PEM. HA_E_CA for anything else, for none and for more than HA_ANSWER_CERTIFICATES_MAX.
enum ha_code ha_answer_pkcs7(const void *bytes, size_t n, struct ha_buf *out, struct ha_err *err);
// The certificates among the PEM blocks of text, likewise.
enum ha_code ha_answer_pem(const char *text, size_t n, struct ha_buf *out, struct ha_err *err);
// Appends the certificates of pem once each, the one for the CSR's (PEM) public key first. HA_E_CA when there is none.
enum ha_code ha_answer_sort(const char *csr, const char *pem, struct ha_buf *out, struct ha_err *err);

// The request in DER. HA_E_MALFORMED when csr isn't one in PEM.
enum ha_code ha_answer_csr_der(const char *csr, struct ha_buf *out, struct ha_err *err);
// The request as PEM, and nothing of what was around it, which may be its private key.
enum ha_code ha_answer_csr_pem(const char *csr, struct ha_buf *out, struct ha_err *err);
// The serial number of the first certificate in pem, as "0x1f" in lower case. HA_E_MALFORMED.
enum ha_code ha_answer_serial(const char *pem, struct ha_buf *out, struct ha_err *err);
// Whether both texts are the same bytes, in PEM or in base64 without its lines.
bool ha_answer_same_csr(const char *a, const char *b);
// Whether the first certificate of both PEM texts is the same.
bool ha_answer_same_certificate(const char *a, const char *b);
