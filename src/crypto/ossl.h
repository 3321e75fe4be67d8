// SPDX-License-Identifier: Apache-2.0
// OpenSSL's types as owned locals, and its failures as ours. For the files of src/crypto and src/format alone.
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

HA_AUTO_DEFINE(BIGNUM, BN_free)
HA_AUTO_DEFINE(BN_CTX, BN_CTX_free)
HA_AUTO_DEFINE(ECDSA_SIG, ECDSA_SIG_free)
HA_AUTO_DEFINE(EVP_CIPHER, EVP_CIPHER_free)
HA_AUTO_DEFINE(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
HA_AUTO_DEFINE(EVP_KDF, EVP_KDF_free)
HA_AUTO_DEFINE(EVP_KDF_CTX, EVP_KDF_CTX_free)
HA_AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free)
HA_AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free)
HA_AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
HA_AUTO_DEFINE(OSSL_PARAM, OSSL_PARAM_free)
HA_AUTO_DEFINE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
HA_AUTO_DEFINE(ASN1_OBJECT, ASN1_OBJECT_free)
HA_AUTO_DEFINE(ASN1_STRING, ASN1_STRING_free)  // of any string type: OpenSSL has one struct for all
HA_AUTO_DEFINE(X509_ALGOR, X509_ALGOR_free)
HA_AUTO_DEFINE(X509_NAME, X509_NAME_free)
HA_AUTO_DEFINE(X509_NAME_ENTRY, X509_NAME_ENTRY_free)
HA_AUTO_DEFINE(X509_REQ, X509_REQ_free)

static inline void ha_ossl_free(unsigned char *bytes)
{
    OPENSSL_free(bytes);
}
HA_AUTO_DEFINE(unsigned char, ha_ossl_free)  // what an i2d_*() allocated

static inline void ha_ossl_free_text(char *text)
{
    OPENSSL_free(text);
}
HA_AUTO_DEFINE(char, ha_ossl_free_text)

// "what: OpenSSL's reason" when its error queue of this thread has one; empties the queue. Returns code.
enum ha_code ha_ossl_fail(struct ha_err *err, enum ha_code code, const char *what);
