// SPDX-License-Identifier: Apache-2.0
#include "crypto/hasher.h"

#include "crypto/ossl.h"

#include <stdlib.h>

struct ha_hasher {
    EVP_MD *md;
    EVP_MD_CTX *context;
};

void ha_hasher_free(struct ha_hasher *hasher)
{
    if (!hasher)
        return;
    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->md);
    free(hasher);
}

enum ha_code ha_hasher_new(enum ha_hash hash, struct ha_hasher **ret_hasher, struct ha_err *err)
{
    ha_auto(ha_hasher_free) struct ha_hasher *hasher = calloc(1, sizeof *hasher);
    if (!hasher)
        return ha_fail(err, HA_E_MEMORY, "out of memory for hashing");
    hasher->md = EVP_MD_fetch(NULL, ha_hash_info(hash)->name, NULL);
    hasher->context = EVP_MD_CTX_new();
    if (!hasher->md || !hasher->context || !EVP_DigestInit_ex2(hasher->context, hasher->md, NULL))
        return ha_ossl_fail(err, HA_E_INTERNAL, ha_hash_info(hash)->name);
    *ret_hasher = ha_take(&hasher);
    return HA_OK;
}

bool ha_hasher_digest(struct ha_hasher *hasher, const void *data, size_t n, uint8_t *ret_digest)
{
    // Without an algorithm named, the context begins anew with its own.
    return EVP_DigestInit_ex2(hasher->context, NULL, NULL) && EVP_DigestUpdate(hasher->context, data, n) &&
           EVP_DigestFinal_ex(hasher->context, ret_digest, NULL);
}

bool ha_hasher_digest_shared(const struct ha_hasher *hasher, const void *data, size_t n, uint8_t *ret_digest)
{
    return EVP_Digest(data, n, ret_digest, NULL, hasher->md, NULL);
}
