// SPDX-License-Identifier: Apache-2.0
#include "vector.h"

#include "base/file.h"
#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void vector_read(const char *path, struct ha_buf *out)
{
    struct ha_err err = {0};
    char whole[512];
    const char *top = getenv("srcdir");
    snprintf(whole, sizeof whole, "%s/tests/vectors/%s", top ? top : ".", path);
    if (ha_file_read(whole, 1024 * 1024, HA_FILE_ANY, out, &err))
        fail_msg("%s", err.detail);
}

ha_json *vector_json(const char *path)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_json *json = NULL;
    vector_read(path, &text);
    if (ha_json_parse(ha_buf_text(&text), text.len, 16, &json, &err))
        fail_msg("%s: %s", path, err.detail);
    return json;
}

struct softkey *vector_key(const char *path)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    vector_read(path, &pem);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    struct softkey *key = calloc(1, sizeof *key);
    assert_non_null(key);
    key->evp = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key->evp);
    unsigned char *spki = NULL;
    int n = i2d_PUBKEY(key->evp, &spki);
    assert_true(n > 0);
    assert_int_equal(ha_pubkey_from_spki(spki, (size_t)n, &key->pub, &err), HA_OK);
    OPENSSL_free(spki);
    return key;
}

void vector_sign(struct softkey *key, enum ha_alg alg, const struct ha_buf *input, struct ha_buf *ret_signature)
{
    struct ha_err err = {0};
    struct ha_signer signer = softkey_signer(key);
    assert_int_equal(signer.sign(signer.context, alg, input->data, input->len, ret_signature, &err), HA_OK);
}
