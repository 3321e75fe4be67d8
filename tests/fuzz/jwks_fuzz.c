// SPDX-License-Identifier: Apache-2.0
// Somebody's keys: a JWK Set, a JWK, a certificate or public key in PEM. What is read has a key, and can be written.
#include "format/jwk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct ha_jwk *jwk)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_jwk_clear) struct ha_jwk back = {0};
    if (!jwk->key || (jwk->kid && strlen(jwk->kid) > HA_KID_MAX))
        abort();
    ha_jwk_write(&text, &(const struct ha_jwk_own){.key = jwk->key, .kid = jwk->kid, .use = jwk->use, .alg = jwk->alg});
    if (ha_json_parse(ha_buf_text(&text), text.len, 4, &json, &err) || ha_jwk_parse(json, &back, &err))
        abort();
    if (memcmp(ha_pubkey_spki_sha256(back.key), ha_pubkey_spki_sha256(jwk->key), HA_SPKI_HASH_LEN) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_jwks_clear) struct ha_jwks keys = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_free) char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    if (n && copy[0] == '{') {
        if (ha_json_parse(copy, n, 16, &json, &err) == HA_OK)
            ha_jwks_add_json(&keys, json, &err);
    } else {
        ha_jwks_add_pem(&keys, copy, n, 1795300000, &err);
    }
    for (size_t i = 0; i < keys.n; i++)
        check(&keys.items[i]);
    return 0;
}
