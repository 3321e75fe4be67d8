// SPDX-License-Identifier: Apache-2.0
// Whether a certificate is one to be used at all, and what is to be said of it. What is refused and noted stands in
// format/chain_build.h. Thread-safe.
#pragma once

#include "format/chain_build.h"

#include <openssl/x509.h>

// The key's own. HA_E_CERTIFICATE.
enum ha_code ha_chain_judge_own(X509 *certificate, unsigned purposes, time_t now, struct ha_chain_notes *notes,
                                struct ha_err *err);
// One of its issuers, not the root.
enum ha_code ha_chain_judge_issuer(X509 *issuer, const X509 *own, struct ha_chain_notes *notes, struct ha_err *err);
