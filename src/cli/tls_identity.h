// SPDX-License-Identifier: Apache-2.0
// What `tls check` and enrolment present: a certificate from a file, and its key from the agent or from a file.
#pragma once

#include "base/err.h"
#include "cli/ossl_types.h"

struct ha_tls_identity {
    X509 *certificate;
    STACK_OF(X509) * chain;  // that go along with it
    EVP_PKEY *key;
    OSSL_PROVIDER *providers[2];  // default and hsmagent, loaded into the context; NULL with a key from a file
};
void ha_tls_identity_clear(struct ha_tls_identity *identity);
HA_AUTO_DEFINE_CLEAR(struct ha_tls_identity, ha_tls_identity_clear)

struct ha_tls_identity_source {
    const char *certificates;      // a PEM file, the certificate first
    const char *certificates_pem;  // or that file's text; else NULL
    const char *key;               // the agent's name of it; NULL: key_file
    const char *key_file;          // PEM, without a passphrase
};
// The socket of the agent is that of HSM_AGENT_SOCKET or the installation's. HA_E_USAGE, HA_E_IO, HA_E_CONFLICT (the
// certificate isn't for that key). ret_identity is to be cleared before libctx is freed; libctx NULL is
// the default one.
enum ha_code ha_tls_identity_load(OSSL_LIB_CTX *libctx, const struct ha_tls_identity_source *source,
                                  struct ha_tls_identity *ret_identity, struct ha_err *err);
