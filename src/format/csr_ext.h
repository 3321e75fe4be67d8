// SPDX-License-Identifier: Apache-2.0
// The extensions that a certificate request asks for. Thread-safe.
#pragma once

#include "crypto/ossl.h"
#include "format/csr.h"

#include <openssl/x509v3.h>

typedef STACK_OF(X509_EXTENSION) ha_csr_extensions;

static inline void ha_csr_ext_free(ha_csr_extensions *extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}
HA_AUTO_DEFINE(ha_csr_extensions, ha_csr_ext_free)

// subject_empty: then the alternative names are critical (RFC 5280 section 4.2.1.6).
// *ret_extensions is NULL when none is asked for; else the caller frees it.
enum ha_code ha_csr_ext_build(const struct ha_csr_request *request, bool subject_empty,
                              ha_csr_extensions **ret_extensions, struct ha_err *err);
// The name of a KeyUsage's bit, 0 to 8, and of an extended key usage in descriptions; NULL: it has none.
const char *ha_csr_ext_key_usage_of(int bit);
const char *ha_csr_ext_extended_key_usage_of(int nid);
