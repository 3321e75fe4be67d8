// SPDX-License-Identifier: Apache-2.0
// OpenSSL calls the Concat KDF "SSKDF" and leaves what it is fed with to its callers.
#include "crypto/kdf.h"

#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <string.h>

static void put_number(struct ha_buf *out, size_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        ha_buf_putc(out, (char)(uint8_t)(number >> shift));
}

static void put_bytes(struct ha_buf *out, const void *bytes, size_t n)
{
    put_number(out, n);
    ha_buf_append(out, bytes, n);
}

enum ha_code ha_kdf_concat(const uint8_t *secret, size_t n, const struct ha_kdf_info *info, size_t key_len,
                           struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf other = {0};
    put_bytes(&other, info->algorithm, strlen(info->algorithm));
    put_bytes(&other, info->apu, info->apu_len);
    put_bytes(&other, info->apv, info->apv_len);
    put_number(&other, key_len * 8);
    uint8_t *at = ha_buf_reserve(out, key_len);
    if (!at || !ha_buf_ok(&other))
        return ha_fail(err, HA_E_MEMORY, "no memory for a key");
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, other.data, other.len),
        OSSL_PARAM_construct_end(),
    };
    ha_auto(EVP_KDF_free) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    ha_auto(EVP_KDF_CTX_free) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    if (!ctx || EVP_KDF_derive(ctx, at, key_len, params) <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "deriving a key");
    ha_buf_advance(out, key_len);
    return HA_OK;
}
