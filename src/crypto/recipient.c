// SPDX-License-Identifier: Apache-2.0
#include "crypto/recipient.h"

#include "base/secret.h"
#include "crypto/ossl.h"
#include "crypto/private_key.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define BITS    3072  // as strong as AES-128 and P-256 are
#define KEY_LEN 32

struct ha_recipient {
    EVP_PKEY *key;
    struct ha_pubkey *public_key;
};

enum ha_code ha_recipient_new(struct ha_recipient **ret_recipient, struct ha_err *err)
{
    ha_auto(ha_recipient_free) struct ha_recipient *recipient = calloc(1, sizeof(*recipient));
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    int n;
    if (!recipient)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (!(recipient->key = EVP_RSA_gen(BITS)) || (n = i2d_PUBKEY(recipient->key, &spki)) <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "making a key");
    if (ha_pubkey_from_spki(spki, (size_t)n, &recipient->public_key, err))
        return err->code;
    *ret_recipient = ha_take(&recipient);
    return HA_OK;
}

void ha_recipient_free(struct ha_recipient *recipient)
{
    if (!recipient)
        return;
    EVP_PKEY_free(recipient->key);
    ha_pubkey_free(recipient->public_key);
    free(recipient);
}

void ha_recipient_public(const struct ha_recipient *recipient, struct ha_buf *pem)
{
    ha_pubkey_to_pem(recipient->public_key, pem);
}

static bool open_aes_key(const struct ha_recipient *recipient, const uint8_t *sealed, uint8_t ret_key[static BITS / 8])
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, recipient->key, NULL);
    size_t n = BITS / 8;
    return ctx && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha1()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha1()) == 1 &&
           EVP_PKEY_decrypt(ctx, ret_key, &n, sealed, BITS / 8) == 1 && n == KEY_LEN;
}

static bool unwrap(const uint8_t key[static KEY_LEN], const uint8_t *in, size_t n, struct ha_buf *out)
{
    ha_auto(EVP_CIPHER_free) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *at = ha_buf_reserve(out, n + 16);
    int part = 0, rest = 0;
    if (!cipher || !ctx || !at)
        return false;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (!EVP_DecryptInit_ex2(ctx, cipher, key, NULL, NULL) || !EVP_DecryptUpdate(ctx, at, &part, in, (int)n) ||
        !EVP_DecryptFinal_ex(ctx, at + part, &rest))
        return false;
    ha_buf_advance(out, (size_t)part + (size_t)rest);
    return true;
}

// SoftHSM fills the key up to whole blocks of 8 bytes with zeros before it wraps it.
static void drop_filling(struct ha_buf *plain)
{
    const unsigned char *at = plain->data;
    long n = 0;
    int tag, class;
    if (ASN1_get_object(&at, &n, &tag, &class, (long)plain->len) & 0x80)
        return;
    size_t len = (size_t)(at - plain->data) + (size_t)n, i = len;
    while (i < plain->len && plain->data[i] == 0)
        i++;
    if (i == plain->len && plain->len - len < 8)
        plain->len = len;
}

enum ha_code ha_recipient_open(const struct ha_recipient *recipient, const uint8_t *sealed, size_t n,
                               const struct ha_pubkey *public_key, struct ha_buf *pkcs8, struct ha_err *err)
{
    uint8_t key[BITS / 8];
    ha_auto(ha_buf_clear) struct ha_buf plain = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *own = NULL;
    bool opened = n > BITS / 8 && n <= BITS / 8 + HA_PRIVATE_KEY_MAX && open_aes_key(recipient, sealed, key) &&
                  unwrap(key, sealed + BITS / 8, n - BITS / 8, &plain);
    ha_wipe(key, sizeof(key));
    ERR_clear_error();
    if (!opened)
        return ha_fail(err, HA_E_AGENT, "what the agent gave isn't a key sealed for us");
    drop_filling(&plain);
    if (ha_private_key_check(plain.data, plain.len, pkcs8, &own, err))
        return err->code;
    if (memcmp(ha_pubkey_spki_sha256(own), ha_pubkey_spki_sha256(public_key), HA_SPKI_HASH_LEN) != 0)
        return ha_fail(err, HA_E_AGENT, "the agent gave another key than it shows");
    return HA_OK;
}
