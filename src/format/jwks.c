// SPDX-License-Identifier: Apache-2.0
// Sets of public keys: from a JWK Set, a JWK, a certificate or a public key in PEM.
#include "format/jwk.h"

#include <stdlib.h>
#include <string.h>

void ha_jwks_clear(struct ha_jwks *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        ha_jwk_clear(&keys->items[i]);
    free(keys->items);
    *keys = (struct ha_jwks){0};
}

// Takes the JWK over on success.
static enum ha_code add(struct ha_jwks *keys, struct ha_jwk *jwk, struct ha_err *err)
{
    if (keys->n == HA_JWKS_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "there are more than %d keys", HA_JWKS_MAX);
    struct ha_jwk *items = reallocarray(keys->items, keys->n + 1, sizeof(*items));
    if (!items)
        return ha_fail(err, HA_E_MEMORY, "no memory for a set of keys");
    keys->items = items;
    keys->items[keys->n++] = *jwk;
    *jwk = (struct ha_jwk){0};
    return HA_OK;
}

static enum ha_code add_one(struct ha_jwks *keys, const ha_json *json, struct ha_err *err)
{
    ha_auto(ha_jwk_clear) struct ha_jwk jwk = {0};
    return ha_jwk_parse(json, &jwk, err) ? err->code : add(keys, &jwk, err);
}

enum ha_code ha_jwks_add_json(struct ha_jwks *keys, const ha_json *json, struct ha_err *err)
{
    const ha_json *list = ha_json_get(json, "keys");
    if (!list)
        return add_one(keys, json, err);
    if (ha_json_type(list) != HA_JSON_ARRAY) {
        ha_fail(err, HA_E_MALFORMED, "the set's \"keys\" isn't a list");
        return ha_at(err, "/keys");
    }
    size_t index = 0;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item), index++) {
        struct ha_err one = {0};
        if (index == HA_JWKS_MAX)
            return ha_fail(err, HA_E_TOO_LARGE, "the set has more than %d keys", HA_JWKS_MAX);
        enum ha_code code = add_one(keys, item, &one);
        if (code == HA_E_KEY_CANNOT) {
            keys->skipped++;
        } else if (code) {
            *err = one;
            return ha_at(err, "/keys/%zu%.40s", index, one.pointer);
        }
    }
    return HA_OK;
}

static enum ha_code add_certificate(struct ha_jwks *keys, const char *pem, size_t n, int64_t at_s, struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_jwk_clear) struct ha_jwk jwk = {.may_verify = true, .may_encrypt = true, .has_hash = true};
    if (ha_x5c_from_pem(pem, n, &chain, err) || ha_x5c_check_dates(&chain, at_s, err) ||
        ha_x5c_pubkey(&chain, &jwk.key, err) || ha_x5c_sha256(&chain, jwk.hash, err))
        return err->code;
    return add(keys, &jwk, err);
}

enum ha_code ha_jwks_add_pem(struct ha_jwks *keys, const char *pem, size_t n, int64_t at_s, struct ha_err *err)
{
    static const char public_key[] = "-----BEGIN PUBLIC KEY-----";
    if (!memmem(pem, n, public_key, sizeof public_key - 1))
        return add_certificate(keys, pem, n, at_s, err);
    ha_auto(ha_jwk_clear) struct ha_jwk jwk = {.may_verify = true, .may_encrypt = true};
    return ha_pubkey_from_pem(pem, n, &jwk.key, err) ? err->code : add(keys, &jwk, err);
}
