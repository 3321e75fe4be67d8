// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/ossl.h"
#include "crypto/sigenc.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <string.h>

#define BLOCK_LEN 16

static const struct aead_row {
    struct ha_aead_info info;
    const char *cipher;  // OpenSSL's name
    const char *hash;    // of the HMAC, whose key is the first half of the key; NULL: GCM
} rows[] = {
    [HA_AEAD_NONE] = {{.name = "none"}, NULL, NULL},
    [HA_AEAD_A128GCM] = {{"A128GCM", 16, 12, 16}, "AES-128-GCM", NULL},
    [HA_AEAD_A192GCM] = {{"A192GCM", 24, 12, 16}, "AES-192-GCM", NULL},
    [HA_AEAD_A256GCM] = {{"A256GCM", 32, 12, 16}, "AES-256-GCM", NULL},
    [HA_AEAD_A128CBC_HS256] = {{"A128CBC-HS256", 32, 16, 16}, "AES-128-CBC", "SHA256"},
    [HA_AEAD_A192CBC_HS384] = {{"A192CBC-HS384", 48, 16, 24}, "AES-192-CBC", "SHA384"},
    [HA_AEAD_A256CBC_HS512] = {{"A256CBC-HS512", 64, 16, 32}, "AES-256-CBC", "SHA512"},
};
static_assert(HA_ARRAY_SIZE(rows) == HA_AEAD_COUNT, "one row for each");

const struct ha_aead_info *ha_aead_info(enum ha_aead aead)
{
    return &rows[(unsigned)aead < HA_AEAD_COUNT ? aead : HA_AEAD_NONE].info;
}

enum ha_aead ha_aead_by_name(const char *name)
{
    for (unsigned i = HA_AEAD_NONE + 1; i < HA_AEAD_COUNT; i++)
        if (strcmp(rows[i].info.name, name) == 0)
            return (enum ha_aead)i;
    return HA_AEAD_NONE;
}

// The cipher with its key, ready for data; NULL when OpenSSL failed.
static EVP_CIPHER_CTX *begin(const struct ha_aead_use *use, bool seals)
{
    const struct aead_row *row = &rows[use->aead];
    ha_auto(EVP_CIPHER_free) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, row->cipher, NULL);
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t *key = use->key + (row->hash ? row->info.key_len / 2 : 0);
    if (!cipher || !ctx || !EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, seals, NULL))
        return NULL;
    if (!row->hash && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)use->iv_len, NULL) <= 0)
        return NULL;
    return EVP_CipherInit_ex2(ctx, NULL, key, use->iv, seals, NULL) ? ha_take(&ctx) : NULL;
}

// EVP's lengths are ints, and CBC adds a block.
static bool lengths_fit(const struct ha_aead_use *use, size_t n)
{
    const struct aead_row *row = &rows[use->aead];
    bool iv = use->iv_len == row->info.iv_len || (!row->hash && use->iv_len == HA_AEAD_IV_MAX);
    return row->cipher && iv && n <= INT_MAX - BLOCK_LEN && use->aad_len <= INT_MAX;
}

// RFC 7518 section 5.2.2.1: over the additional data, the IV, the ciphertext, and the first one's length in bits.
static bool hmac_tag(const struct ha_aead_use *use, const void *ciphertext, size_t n, uint8_t *ret_tag)
{
    const struct aead_row *row = &rows[use->aead];
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t mac_len = 0;
    uint64_t bits = (uint64_t)use->aad_len * 8;
    ha_buf_append(&input, use->aad, use->aad_len);
    ha_buf_append(&input, use->iv, use->iv_len);
    ha_buf_append(&input, ciphertext, n);
    for (int shift = 56; shift >= 0; shift -= 8)
        ha_buf_putc(&input, (char)(uint8_t)(bits >> shift));
    if (!ha_buf_ok(&input) || !EVP_Q_mac(NULL, "HMAC", NULL, row->hash, NULL, use->key, row->info.key_len / 2,
                                         input.data, input.len, mac, sizeof(mac), &mac_len))
        return false;
    memcpy(ret_tag, mac, row->info.tag_len);
    return true;
}

enum ha_code ha_aead_seal(const struct ha_aead_use *use, const void *plaintext, size_t n, struct ha_buf *ciphertext,
                          uint8_t ret_tag[static HA_AEAD_TAG_MAX], struct ha_err *err)
{
    const struct aead_row *row = &rows[use->aead];
    int part = 0, rest = 0;
    if (!lengths_fit(use, n))
        return ha_fail(err, HA_E_INTERNAL, "content that no cipher takes");
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = begin(use, true);
    uint8_t *at = ha_buf_reserve(ciphertext, n + BLOCK_LEN);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a ciphertext");
    if (!ctx || (!row->hash && use->aad_len && !EVP_CipherUpdate(ctx, NULL, &part, use->aad, (int)use->aad_len)) ||
        !EVP_CipherUpdate(ctx, at, &part, n ? plaintext : "", (int)n) || !EVP_CipherFinal_ex(ctx, at + part, &rest))
        return ha_ossl_fail(err, HA_E_INTERNAL, "encrypting");
    size_t len = (size_t)part + (size_t)rest;
    bool tagged = row->hash ? hmac_tag(use, at, len, ret_tag)
                            : EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)row->info.tag_len, ret_tag) > 0;
    if (!tagged)
        return ha_ossl_fail(err, HA_E_INTERNAL, "authenticating a ciphertext");
    ha_buf_advance(ciphertext, len);
    return HA_OK;
}

// Writes the plaintext to at, which has room for n bytes and a block. False: it doesn't decrypt.
static bool open_at(const struct ha_aead_use *use, const void *ciphertext, size_t n, const uint8_t *tag, uint8_t *at,
                    size_t *ret_len)
{
    const struct aead_row *row = &rows[use->aead];
    uint8_t expected[HA_AEAD_TAG_MAX], given[HA_AEAD_TAG_MAX];
    int part = 0, rest = 0;
    memcpy(given, tag, row->info.tag_len);
    if (row->hash && (!hmac_tag(use, ciphertext, n, expected) || !ha_equal_ct(expected, given, row->info.tag_len)))
        return false;
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = begin(use, false);
    if (!ctx || (!row->hash && use->aad_len && !EVP_CipherUpdate(ctx, NULL, &part, use->aad, (int)use->aad_len)) ||
        !EVP_CipherUpdate(ctx, at, &part, n ? ciphertext : "", (int)n) ||
        (!row->hash && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)row->info.tag_len, given) <= 0) ||
        EVP_CipherFinal_ex(ctx, at + part, &rest) <= 0)
        return false;
    *ret_len = (size_t)part + (size_t)rest;
    return true;
}

enum ha_code ha_aead_open(const struct ha_aead_use *use, const void *ciphertext, size_t n, const uint8_t *tag,
                          struct ha_buf *plaintext, struct ha_err *err)
{
    size_t len = 0;
    if (!lengths_fit(use, n))
        return ha_decryption_failed(err);
    uint8_t *at = ha_buf_reserve(plaintext, n + BLOCK_LEN);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a plaintext");
    bool opened = open_at(use, ciphertext, n, tag, at, &len);
    ERR_clear_error();  // its text must not reach anybody
    if (!opened) {
        ha_wipe(at, n + BLOCK_LEN);  // what GCM gives before the tag is looked at
        return ha_decryption_failed(err);
    }
    ha_buf_advance(plaintext, len);
    return HA_OK;
}
