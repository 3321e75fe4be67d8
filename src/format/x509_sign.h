// SPDX-License-Identifier: Apache-2.0
// Signatures as X.509 writes them, of certificate requests and certificates. Thread-safe.
#pragma once

#include "crypto/ossl.h"
#include "format/signer.h"

// HA_E_KEY_CANNOT at /algorithm: a key of this type doesn't sign with that.
enum ha_code ha_x509_sign_check(enum ha_alg alg, const struct ha_pubkey *key, struct ha_err *err);
// The AlgorithmIdentifier of a signature algorithm; the caller frees it.
enum ha_code ha_x509_sign_algor(enum ha_alg alg, X509_ALGOR **ret_algor, struct ha_err *err);
// Has n bytes signed, and appends the signature to out: ECDSA in DER.
enum ha_code ha_x509_sign_ask(const struct ha_signer *signer, enum ha_alg alg, const uint8_t *tbs, size_t n,
                              struct ha_buf *out, struct ha_err *err);
