// SPDX-License-Identifier: Apache-2.0
// Somebody's JWS or JWT: whatever the bytes, it is refused or its payload is one that the keys' owners have signed.
#include "base/text.h"
#include "format/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/vectors/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ha_jwks keys;

static void load(void)
{
    struct ha_err err = {0};
    const char *const texts[] = {RFC7515_A2_JWK, RFC7515_A3_JWK, RFC8037_JWK};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++) {
        ha_auto(ha_json_free) ha_json *json = NULL;
        if (ha_json_parse(texts[i], strlen(texts[i]), 4, &json, &err) || ha_jwks_add_json(&keys, json, &err))
            abort();
    }
}

// The payloads of the published examples, which are among the seeds.
static bool is_signed(const struct ha_buf *payload)
{
    const char *const inputs[] = {RFC7515_A2_INPUT, RFC8037_A4_INPUT};
    for (size_t i = 0; i < HA_ARRAY_SIZE(inputs); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf known = {0};
        const char *text = strchr(inputs[i], '.') + 1;
        if (ha_b64u_decode(&known, text, strlen(text), &err))
            abort();
        if (known.len == payload->len && memcmp(known.data, payload->data, known.len) == 0)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!keys.n)
        load();
    struct ha_err err = {0};
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    ha_auto(ha_json_free) ha_json *claims = NULL;
    const struct ha_jws_rules rules = {.keys = &keys, .any = n % 2};
    const struct ha_jwt_rules token = {.now_s = 1300819000, .skew = 10};
    // A copy, so that a read beyond the end is seen.
    ha_auto(ha_free) char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    if (ha_jws_verify(copy, n, &rules, &verified, &err)) {
        if (!err.detail[0] || !ha_utf8_valid(err.detail, strlen(err.detail)))
            abort();
        return 0;
    }
    if (!is_signed(&verified.payload))
        abort();
    if (ha_jwt_check(&verified, &token, &claims, &err) == HA_OK && !claims)
        abort();
    return 0;
}
