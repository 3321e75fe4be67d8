// SPDX-License-Identifier: Apache-2.0
// Message digests through OpenSSL's EVP.
#include "crypto/digest.h"

#include "crypto/ossl.h"

#include <string.h>

enum ha_code ha_digest(enum ha_hash hash, const void *data, size_t n, uint8_t ret_digest[static HA_DIGEST_MAX],
                       struct ha_err *err)
{
    const struct ha_hash_info *info = ha_hash_info(hash);
    if (!info->len)
        return ha_fail(err, HA_E_INTERNAL, "there is no hash to compute");
    uint8_t digest[HA_DIGEST_MAX];
    size_t len = 0;
    if (!EVP_Q_digest(NULL, info->name, NULL, data, n, digest, &len) || len != info->len)
        return ha_ossl_fail(err, HA_E_INTERNAL, info->name);
    memcpy(ret_digest, digest, len);
    return HA_OK;
}
