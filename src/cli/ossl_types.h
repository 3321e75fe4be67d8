// SPDX-License-Identifier: Apache-2.0
// OpenSSL's types as owned locals, for the files of the commands `tls check` (tls_*.c) and `openssl-check` (conf_*.c):
// of the command line only they see OpenSSL, and only tls_probe.c sees libssl.
#pragma once

#include "base/auto.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static inline void ha_ossl_stack_free(STACK_OF(X509) * certificates)
{
    sk_X509_pop_free(certificates, X509_free);
}

static inline void ha_ossl_names_free(STACK_OF(X509_NAME) * names)
{
    sk_X509_NAME_pop_free(names, X509_NAME_free);
}

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(CONF, NCONF_free)
HA_AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free)
HA_AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free)
HA_AUTO_DEFINE(GENERAL_NAMES, GENERAL_NAMES_free)
HA_AUTO_DEFINE(AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free)
HA_AUTO_DEFINE(OSSL_LIB_CTX, OSSL_LIB_CTX_free)
HA_AUTO_DEFINE(X509, X509_free)
HA_AUTO_DEFINE(X509_STORE, X509_STORE_free)
HA_AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free)
HA_AUTO_DEFINE(STACK_OF(X509), ha_ossl_stack_free)
