// SPDX-License-Identifier: Apache-2.0
#include "jwe_rig.h"

#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct softkey *jwe_rig_key(const char *pem)
{
    struct ha_err err = {0};
    struct softkey *key = calloc(1, sizeof(*key));
    BIO *bio = BIO_new_mem_buf(pem, -1);
    assert_non_null(key);
    key->evp = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key->evp);
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    int len = i2d_PUBKEY(key->evp, &spki);
    assert_true(len > 0);
    assert_int_equal(ha_pubkey_from_spki(spki, (size_t)len, &key->pub, &err), HA_OK);
    return key;
}

ha_json *jwe_rig_vectors(const char *name)
{
    char path[512];
    struct ha_err err = {0};
    ha_json *json = NULL;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    snprintf(path, sizeof(path), "%s%s", VECTORS, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;)
        ha_buf_putc(&text, (char)c);
    fclose(file);
    assert_int_equal(ha_json_parse(ha_buf_text(&text), text.len, 16, &json, &err), HA_OK);
    return json;
}

static bool decrypt(const struct softkey *key, const struct ha_jwe *job, struct ha_buf *secret)
{
    const EVP_MD *md = job->alg == HA_ALG_RSA_OAEP ? EVP_sha1() : EVP_sha256();
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->evp, NULL);
    size_t n = (size_t)EVP_PKEY_get_size(key->evp);
    uint8_t *at = ha_buf_reserve(secret, n);
    assert_true(EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0);
    if (!job->encrypted_key.len || EVP_PKEY_decrypt(ctx, at, &n, job->encrypted_key.data, job->encrypted_key.len) <= 0)
        return false;
    ha_buf_advance(secret, n);
    return true;
}

static void derive(const struct softkey *key, const struct ha_jwe *job, struct ha_buf *secret)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->evp, NULL);
    size_t n = 66;
    uint8_t *at = ha_buf_reserve(secret, n);
    assert_true(EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, ha_pubkey_evp(job->epk)) > 0);
    assert_true(EVP_PKEY_derive(ctx, at, &n) > 0);
    ha_buf_advance(secret, n);
}

bool jwe_rig_unwrap(const struct softkey *key, const struct ha_jwe *job, struct ha_buf *secret)
{
    if (job->alg != HA_ALG_ECDH)
        return decrypt(key, job, secret);
    derive(key, job, secret);
    return true;
}

enum ha_code jwe_rig_open(const struct softkey *key, const struct ha_jwe_profile *profile, const char *kid,
                          const char *text, size_t n, struct ha_buf *plaintext, struct ha_err *err)
{
    ha_auto(ha_jwe_clear) struct ha_jwe job = {0};
    ha_auto(ha_buf_clear) struct ha_buf secret = {0};
    const struct ha_jwe_key own = {key->pub, kid};
    if (ha_jwe_begin(profile, &own, text, n, &job, err))
        return err->code;
    bool good = jwe_rig_unwrap(key, &job, &secret);
    return ha_jwe_end(&job, good ? secret.data : NULL, secret.len, plaintext, err);
}
