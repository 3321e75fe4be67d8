// SPDX-License-Identifier: Apache-2.0
// Authenticated encryption of content, as JOSE names it (RFC 7518 section 5): AES-GCM, and AES-CBC with HMAC. Through
// OpenSSL's EVP. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum ha_aead {
    HA_AEAD_NONE,
    HA_AEAD_A128GCM,
    HA_AEAD_A192GCM,
    HA_AEAD_A256GCM,
    HA_AEAD_A128CBC_HS256,
    HA_AEAD_A192CBC_HS384,
    HA_AEAD_A256CBC_HS512,
    HA_AEAD_COUNT
};

#define HA_AEAD_KEY_MAX 64  // bytes
#define HA_AEAD_IV_MAX  16
#define HA_AEAD_TAG_MAX 32

struct ha_aead_info {
    const char *name;  // "A256GCM"
    size_t key_len, iv_len, tag_len;
};
const struct ha_aead_info *ha_aead_info(enum ha_aead aead);
enum ha_aead ha_aead_by_name(const char *name);  // HA_AEAD_NONE when unknown

// One encryption or decryption. key has the algorithm's key_len bytes.
struct ha_aead_use {
    enum ha_aead aead;
    const uint8_t *key;
    const uint8_t *iv;
    size_t iv_len;  // the algorithm's; for GCM 16 is done too, which only Mojaloop's older messages have
    const void *aad;
    size_t aad_len;
};
// Appends the ciphertext; ret_tag gets tag_len bytes.
enum ha_code ha_aead_seal(const struct ha_aead_use *use, const void *plaintext, size_t n, struct ha_buf *ciphertext,
                          uint8_t ret_tag[static HA_AEAD_TAG_MAX], struct ha_err *err);
// Appends the plaintext when the tag (tag_len bytes) fits, and nothing otherwise: ha_decryption_failed, whatever it
// was.
enum ha_code ha_aead_open(const struct ha_aead_use *use, const void *ciphertext, size_t n, const uint8_t *tag,
                          struct ha_buf *plaintext, struct ha_err *err);
