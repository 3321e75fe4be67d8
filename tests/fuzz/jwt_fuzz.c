// SPDX-License-Identifier: Apache-2.0
// A caller's header and claims, in two lines: what is signed of them is JSON without members twice, has the key's
// algorithm, and keeps to the profile.
#include "base/text.h"
#include "format/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/vectors/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NOW 1795240000

static struct ha_jwk key;

static ha_json *decode(const char *text, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    ha_json *json = NULL;
    if (ha_b64u_decode(&bytes, text, n, &err) ||
        ha_json_parse(ha_buf_text(&bytes), bytes.len, HA_JOSE_DEPTH_MAX, &json, &err))
        abort();
    return json;
}

static void check(const struct ha_jws *job)
{
    const char *input = ha_buf_text(&job->input);
    ha_auto(ha_json_free) ha_json *header = decode(input, job->header_len);
    ha_auto(ha_json_free) ha_json *claims = decode(input + job->header_len + 1, strlen(input + job->header_len + 1));
    const char *alg = ha_json_get_string(header, "alg"), *iss = ha_json_get_string(claims, "iss");
    const char *typ = ha_json_get_string(header, "typ");
    uint64_t exp = 0, iat = 0;
    if (!alg || ha_alg_by_name(alg) != HA_ALG_ES256 || !iss || strcmp(iss, "me") != 0 || !typ ||
        strcmp(typ, "JWT") != 0)
        abort();
    if (!ha_json_uint(ha_json_get(claims, "exp"), UINT32_MAX, &exp) ||
        !ha_json_uint(ha_json_get(claims, "iat"), UINT32_MAX, &iat) || exp <= NOW || exp > iat + 300 || iat > NOW + 10)
        abort();
    if (ha_json_get(claims, "sub"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (!key.key &&
        (ha_json_parse(RFC7515_A3_JWK, strlen(RFC7515_A3_JWK), 4, &json, &err) || ha_jwk_parse(json, &key, &err)))
        abort();
    char iss[] = "iss=me", sub[] = "sub", typ[] = "JWT", any[] = "*";
    char *pins[] = {iss}, *forbidden[] = {sub}, *headers[] = {any};
    const struct ha_jwt_profile profile = {
        .jws = {.typ = typ, .headers = {headers, 1}, .kid = HA_KID_THUMBPRINT},
        .iat = true,
        .exp = true,
        .jti = true,
        .lifetime = 60,
        .lifetime_max = 300,
        .skew = 10,
        .pins = {pins, 1},
        .forbidden = {forbidden, 1},
    };
    ha_auto(ha_free) char *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    const char *line = n ? memchr(copy, '\n', n) : NULL;
    size_t header_len = line ? (size_t)(line - copy) : 0;
    const struct ha_jwt_request request = {
        .profile = &profile,
        .jws = {.profile = &profile.jws,
                .alg = HA_ALG_ES256,
                .key = key.key,
                .header = {line ? copy : NULL, header_len}},
        .claims = {line ? line + 1 : copy, line ? n - header_len - 1 : n},
        .now_s = NOW,
    };
    ha_auto(ha_jws_clear) struct ha_jws job = {0};
    if (ha_jwt_begin(&request, &job, &err) == HA_OK)
        check(&job);
    else if (!err.detail[0])
        abort();
    return 0;
}
