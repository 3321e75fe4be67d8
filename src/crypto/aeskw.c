// SPDX-License-Identifier: Apache-2.0
#include "crypto/aeskw.h"

#include "base/secret.h"
#include "crypto/ossl.h"
#include "crypto/sigenc.h"

#include <openssl/err.h>
#include <stdio.h>

#define KEY_MAX 512  // bytes that are wrapped at most

// at has room for n + 16 bytes.
static bool run(const uint8_t *kek, size_t kek_len, bool wraps, const uint8_t *in, size_t n, uint8_t *at,
                size_t *ret_len)
{
    char name[16];
    int part = 0, rest = 0;
    snprintf(name, sizeof(name), "AES-%zu-WRAP", kek_len * 8);
    ha_auto(EVP_CIPHER_free) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!cipher || !ctx)
        return false;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (!EVP_CipherInit_ex2(ctx, cipher, kek, NULL, wraps, NULL) || !EVP_CipherUpdate(ctx, at, &part, in, (int)n) ||
        !EVP_CipherFinal_ex(ctx, at + part, &rest))
        return false;
    *ret_len = (size_t)part + (size_t)rest;
    return true;
}

enum ha_code ha_aeskw_wrap(const uint8_t *kek, size_t kek_len, const uint8_t *key, size_t n, struct ha_buf *wrapped,
                           struct ha_err *err)
{
    size_t len = 0;
    uint8_t *at = ha_buf_reserve(wrapped, n + 16);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a wrapped key");
    if (n < 16 || n % 8 || n > KEY_MAX || !run(kek, kek_len, true, key, n, at, &len) || len != n + 8)
        return ha_ossl_fail(err, HA_E_INTERNAL, "wrapping a key");
    ha_buf_advance(wrapped, len);
    return HA_OK;
}

enum ha_code ha_aeskw_unwrap(const uint8_t *kek, size_t kek_len, const uint8_t *wrapped, size_t n, struct ha_buf *key,
                             struct ha_err *err)
{
    size_t len = 0;
    if (n < 24 || n % 8 || n > KEY_MAX + 8)
        return ha_decryption_failed(err);
    uint8_t *at = ha_buf_reserve(key, n + 16);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a key");
    bool unwrapped = run(kek, kek_len, false, wrapped, n, at, &len) && len == n - 8;
    ERR_clear_error();  // its text must not reach anybody
    if (!unwrapped) {
        ha_wipe(at, n + 16);
        return ha_decryption_failed(err);
    }
    ha_buf_advance(key, len);
    return HA_OK;
}
