// SPDX-License-Identifier: Apache-2.0
#include "api/jwe_common.h"

#include <string.h>

enum ha_code ha_jwe_profile_of(const struct ha_call_context *call, const char *name,
                               const struct ha_profile **ret_profile, const struct ha_jwe_profile **ret_options,
                               struct ha_err *err)
{
    const struct ha_profile *profile = NULL;
    bool installed = ha_profiles_at(call->api->profiles, 0) != NULL;
    if ((name || installed) && ha_call_profile(call, name, HA_SCHEME_BIT(HA_SCHEME_JWE), "/profile", &profile, err))
        return err->code;
    *ret_profile = profile;
    *ret_options = profile ? profile->options : ha_jwe_plain();
    return HA_OK;
}

struct ha_json_text ha_jwe_member_text(const struct ha_call_context *call, const char *name)
{
    const struct ha_json_text body = {(const char *)call->request->body, call->request->body_len};
    return ha_json_text_of(call->body, body, ha_json_get(call->body, name));
}

bool ha_jwe_says(const struct ha_call_context *call, const char *name)
{
    return ha_json_type(call->body) == HA_JSON_OBJECT && ha_json_get(call->body, name);
}

// --- The recipient

// A public key or a certificate as PEM.
static enum ha_code read_pem(const char *pem, enum ha_kid_rule rule, struct ha_jwk *jwk, struct ha_buf *kid,
                             struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    size_t n = strlen(pem);
    if (!strstr(pem, "-----BEGIN CERTIFICATE-----")) {
        if (ha_pubkey_from_pem(pem, n, &jwk->key, err))
            return err->code;
        return rule == HA_KID_THUMBPRINT ? ha_kid_make(rule, NULL, jwk->key, NULL, kid, err) : HA_OK;
    }
    if (ha_x5c_from_pem(pem, n, &chain, err) || ha_x5c_pubkey(&chain, &jwk->key, err))
        return err->code;
    return ha_kid_make(rule, NULL, jwk->key, &chain, kid, err);
}

static enum ha_code read_jwk(const ha_json *recipient, struct ha_jwk *jwk, struct ha_buf *kid, struct ha_err *err)
{
    if (ha_jwk_parse(recipient, jwk, err))
        return err->code;
    if (!jwk->may_encrypt)
        return ha_fail(err, HA_E_KEY_CANNOT, "the recipient's JWK isn't one to encrypt to, by its use or key_ops");
    if (jwk->kid)
        ha_buf_puts(kid, jwk->kid);
    return HA_OK;
}

enum ha_code ha_jwe_recipient(const ha_json *recipient, enum ha_kid_rule rule, struct ha_jwk *ret_jwk,
                              struct ha_buf *kid, struct ha_err *err)
{
    const char *pem = ha_json_string(recipient);
    enum ha_code code = pem ? read_pem(pem, rule, ret_jwk, kid, err) : read_jwk(recipient, ret_jwk, kid, err);
    return code ? ha_at(err, "/recipient") : HA_OK;
}
