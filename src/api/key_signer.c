// SPDX-License-Identifier: Apache-2.0
#include "api/key_signer.h"

#include "keys/use.h"

static enum ha_code sign_with_key(void *context, enum ha_alg alg, const void *data, size_t n, struct ha_buf *out,
                                  struct ha_err *err)
{
    struct ha_key_signing *signing = context;
    ha_auto(ha_use_clear) struct ha_use use = {0};
    if (ha_use_sign(signing->key, alg, HA_PURPOSES_CSR, data, n, &use, err))
        return err->code;
    struct ha_use *one = &use;
    ha_call_exchange(signing->call, signing->key, &one, 1);
    if (use.exchange.code) {
        *err = use.exchange.err;
        return err->code;
    }
    signing->token = use.token;
    ha_buf_append(out, use.exchange.output.data, use.exchange.output.len);
    return HA_OK;
}

struct ha_signer ha_key_signer(struct ha_key_signing *signing)
{
    return (struct ha_signer){.public_key = signing->key->public_key, .context = signing, .sign = sign_with_key};
}
