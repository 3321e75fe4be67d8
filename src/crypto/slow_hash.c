// SPDX-License-Identifier: Apache-2.0
#include "crypto/slow_hash.h"

#include "crypto/ossl.h"

#include <openssl/rand.h>

#define N 16384
#define R 8
#define P 1

enum ha_code ha_slow_salt(uint8_t ret_salt[static HA_SLOW_SALT_LEN], struct ha_err *err)
{
    if (RAND_bytes(ret_salt, HA_SLOW_SALT_LEN) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "no random bytes");
    return HA_OK;
}

enum ha_code ha_slow_hash(struct ha_secret *secret, const void *salt, size_t salt_len,
                          uint8_t ret_hash[static HA_SLOW_HASH_LEN], struct ha_err *err)
{
    if (EVP_PBE_scrypt((const char *)ha_secret_data(secret), ha_secret_len(secret), salt, salt_len, N, R, P, 0,
                       ret_hash, HA_SLOW_HASH_LEN) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "scrypt");
    return HA_OK;
}
