// SPDX-License-Identifier: Apache-2.0
// Certificates as objects in the tokens that hold their key.
#include "base/clock.h"
#include "keys/certificates.h"

#include <string.h>

#define STORE_MS 60000

static struct ha_part part_of(const struct ha_x5c *chain)
{
    return chain ? (struct ha_part){chain->der[0].data, chain->der[0].len} : (struct ha_part){0};
}

enum ha_code ha_keys_certificate_to_token(struct ha_key *key, const struct ha_x5c *chain,
                                          const struct ha_key_certificate *before, struct ha_err *err)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        const struct ha_replica *replica = &key->replicas[i];
        struct ha_token *token = atomic_load(&replica->token);
        const struct ha_packet question = {
            .op = HA_OP_CERTIFICATE,
            .part = {{replica->id, replica->id_len},
                     {key->name, strlen(key->name)},
                     part_of(chain),
                     part_of(before ? &before->chain : NULL)},
        };
        if (!token)
            return ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' isn't in the configuration", replica->token_name);
        if (ha_token_control(token, &question, ha_now_ms() + STORE_MS, NULL, NULL, NULL, err))
            return ha_wrap(err, "the certificate in the token '%s'", replica->token_name);
    }
    return HA_OK;
}
