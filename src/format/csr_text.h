// SPDX-License-Identifier: Apache-2.0
// The small texts that a certificate request is described with: JSON pointers to its members, OIDs. Thread-safe.
#pragma once

#include "base/buf.h"
#include "crypto/ossl.h"

// Appends "/" and the token with the escapes of RFC 6901.
void ha_csr_text_pointer(struct ha_buf *out, const char *token);
// The object that a dotted OID names; NULL when the text is anything else. The caller frees it.
ASN1_OBJECT *ha_csr_text_oid(const char *text);
bool ha_csr_text_has_control(const char *text);  // C0 controls and DEL
bool ha_csr_text_is_ascii(const char *text);
