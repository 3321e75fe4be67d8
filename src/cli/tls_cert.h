// SPDX-License-Identifier: Apache-2.0
// What a server's certificates say of themselves: names, dates, keys, signatures.
#pragma once

#include "cli/findings.h"
#include "cli/ossl_types.h"

enum { HA_TLS_NAME_TEXT_MAX = 160 };  // bytes of a name that are shown

// Appends the name as text that is tame.
void ha_tls_cert_name(struct ha_buf *out, const X509_NAME *name);
// Whether it is a root: issued by its own name and key.
bool ha_tls_cert_is_self_signed(X509 *certificate);

// The checks "name" (unless name is NULL), "expiry", "key" and "signature" of the certificates as sent.
void ha_tls_cert_check(STACK_OF(X509) * sent, const char *name, struct ha_findings *findings);
// The member "chain" with all that is known of them.
void ha_tls_cert_put(STACK_OF(X509) * sent, struct ha_buf *json);
