// SPDX-License-Identifier: Apache-2.0
#include "token/p11.h"

void ha_p11_init(struct ha_p11 *token, const struct ha_token_options *options, struct ha_log log)
{
    *token = (struct ha_p11){.options = options, .log = log};
    ha_session_pool_init(&token->sessions);
    ha_cache_init(&token->cache);
    ha_ladder_init(&token->ladder);
    ha_known_keys_init(&token->known_keys);
    mtx_init(&token->object_lock, mtx_plain);
    mtx_init(&token->login_lock, mtx_plain);
}

void ha_p11_choose(struct ha_p11 *token, const struct ha_mechanisms *mechanisms)
{
    ha_sign_choose(mechanisms, &token->sign);
    ha_decrypt_choose(mechanisms, token->options->software_oaep, &token->decrypt);
    token->can_derive = ha_derive_way(mechanisms);
    ha_wrapping_choose(mechanisms, &token->wrapping);
}

enum ha_way ha_p11_way(const struct ha_p11 *token, enum ha_alg alg)
{
    if (alg == HA_ALG_NONE)
        return HA_WAY_NONE;
    switch (ha_alg_info(alg)->use) {
    case HA_USE_SIGN:
    case HA_USE_MAC:
        return ha_sign_way(&token->sign, alg);
    case HA_USE_DECRYPT:
        return ha_decrypt_way(&token->decrypt, alg);
    case HA_USE_DERIVE:
        return token->can_derive;
    }
    return HA_WAY_NONE;
}
