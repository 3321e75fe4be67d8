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
