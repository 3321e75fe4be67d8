// SPDX-License-Identifier: Apache-2.0
// The certificates that a server sends, taken together: their order, whether any is missing, and whether they verify.
#pragma once

#include "cli/findings.h"
#include "cli/ossl_types.h"

enum { HA_TLS_DEPTHS_MAX = 16 };

// The chain that verification made of what was sent and what is trusted. Depth 0 is the server's certificate.
struct ha_tls_chain {
    STACK_OF(X509) * built;
    int errors[HA_TLS_DEPTHS_MAX];  // X509_V_..., the first at each depth
    size_t n;                       // depths, HA_TLS_DEPTHS_MAX at most
};
void ha_tls_chain_clear(struct ha_tls_chain *chain);
HA_AUTO_DEFINE_CLEAR(struct ha_tls_chain, ha_tls_chain_clear)

// The CAs that are believed: those of the file (PEM), or the system's when it is NULL. HA_E_IO.
enum ha_code ha_tls_chain_trust(OSSL_LIB_CTX *libctx, const char *ca_file, X509_STORE **ret_trust, struct ha_err *err);
// Builds and verifies; that it doesn't verify is no error. sent isn't empty. HA_E_MEMORY.
enum ha_code ha_tls_chain_build(OSSL_LIB_CTX *libctx, X509_STORE *trust, STACK_OF(X509) * sent,
                                struct ha_tls_chain *ret_chain, struct ha_err *err);

// The checks "chain-order", "chain-root" and "chain-complete"; n_sent: how many there were before they were cut.
void ha_tls_chain_check_sent(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, size_t n_sent,
                             struct ha_findings *findings);
// "verify", once for each depth.
void ha_tls_chain_check_verified(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, struct ha_findings *findings);
// The member "verify": an array by depth.
void ha_tls_chain_put(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, struct ha_buf *json);
