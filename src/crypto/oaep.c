// SPDX-License-Identifier: Apache-2.0
// EME-OAEP decoding in constant time, by OpenSSL's own decoder. That function is marked deprecated in OpenSSL 3 and
// has no successor, so this file alone may call it.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sigenc.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

enum ha_code ha_decryption_failed(struct ha_err *err)
{
    return ha_fail(err, HA_E_DECRYPTION, "the ciphertext doesn't decrypt with this key");
}

static const EVP_MD *oaep_md(enum ha_hash hash)
{
    switch (hash) {
    case HA_HASH_SHA1:
        return EVP_sha1();
    case HA_HASH_SHA256:
        return EVP_sha256();
    case HA_HASH_SHA384:
        return EVP_sha384();
    case HA_HASH_SHA512:
        return EVP_sha512();
    case HA_HASH_NONE:
    case HA_HASH_COUNT:
        break;
    }
    return NULL;
}

enum ha_code ha_oaep_decode(enum ha_hash hash, const uint8_t *block, size_t n, const uint8_t *label, size_t label_len,
                            struct ha_buf *out, struct ha_err *err)
{
    const EVP_MD *md = oaep_md(hash);
    if (!md)
        return ha_fail(err, HA_E_INTERNAL, "OAEP needs a hash");
    if (n == 0 || n > INT_MAX || label_len > INT_MAX)
        return ha_decryption_failed(err);
    uint8_t *plain = ha_buf_reserve(out, n);
    if (!plain)
        return ha_fail(err, HA_E_MEMORY, "no memory for a plaintext");
    int len = RSA_padding_check_PKCS1_OAEP_mgf1(plain, (int)n, block, (int)n, (int)n, label, (int)label_len, md, md);
    ERR_clear_error();  // its text must not reach anybody
    if (len < 0)
        return ha_decryption_failed(err);
    ha_buf_advance(out, (size_t)len);
    return HA_OK;
}
