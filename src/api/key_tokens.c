// SPDX-License-Identifier: Apache-2.0
#include "api/key_tokens.h"

#include <string.h>

enum ha_code ha_key_token(const struct ha_api *api, const char *name, struct ha_token **ret_token, struct ha_err *err)
{
    for (size_t i = 0; i < api->config->n_tokens; i++) {
        if (name ? strcmp(name, api->config->tokens[i].name) == 0 : api->config->n_tokens == 1) {
            *ret_token = api->tokens[i];
            return HA_OK;
        }
    }
    if (name)
        ha_fail(err, HA_E_MALFORMED, "there is no token '%.64s' in the configuration", name);
    else
        ha_fail(err, HA_E_MALFORMED, "there is more than one token; say which one holds the key");
    ha_hint(err, "`hsm-agent tokens` (GET /v1/tokens) lists them");
    return ha_at(err, "/token");
}

enum ha_code ha_key_tokens(const struct ha_api *api, const ha_json *names, const char *name,
                           struct ha_token *ret_tokens[static HA_REPLICAS_MAX], size_t *ret_n, struct ha_err *err)
{
    struct ha_token *tokens[HA_REPLICAS_MAX];
    size_t n = names ? ha_json_size(names) : 1, i = 0;
    if (!names && ha_key_token(api, name, &tokens[0], err))
        return err->code;
    if (n < 1 || n > HA_REPLICAS_MAX) {
        ha_fail(err, n ? HA_E_TOO_LARGE : HA_E_MALFORMED, "a key is in 1 to %d tokens, not %zu", HA_REPLICAS_MAX, n);
        return ha_at(err, "/tokens");
    }
    for (const ha_json *item = names ? ha_json_first(names) : NULL; item; item = ha_json_next(item), i++) {
        if (!ha_json_string(item))
            ha_fail(err, HA_E_MALFORMED, "that isn't the name of a token");
        else
            ha_key_token(api, ha_json_string(item), &tokens[i], err);
        for (size_t j = 0; j < i && !err->code; j++)
            if (tokens[j] == tokens[i])
                ha_fail(err, HA_E_MALFORMED, "a token is named twice");
        if (err->code)
            return ha_at(err, "/tokens/%zu", i);
    }
    memcpy(ret_tokens, tokens, n * sizeof(tokens[0]));
    *ret_n = n;
    return HA_OK;
}
