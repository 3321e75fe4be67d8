// SPDX-License-Identifier: Apache-2.0
#include "format/ilp.h"

#include "base/text.h"
#include "crypto/digest.h"

enum ha_code ha_ilp_begin(const struct ha_ilp_profile *profile, const void *data, size_t n, struct ha_buf *ret_message,
                          struct ha_err *err)
{
    switch (profile->version) {
    case HA_ILP_V4:
        ha_b64_encode(ret_message, data, n, 0);
        break;
    case HA_ILP_V1:
        ha_b64u_encode(ret_message, data, n);
        break;
    }
    return ha_buf_ok(ret_message) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for an ILP message");
}

enum ha_code ha_ilp_end(const uint8_t *mac, size_t n, struct ha_buf *ret_fulfilment, struct ha_buf *ret_condition,
                        struct ha_err *err)
{
    uint8_t digest[HA_DIGEST_MAX];
    if (n != HA_ILP_FULFILMENT_LEN)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token's code has %zu bytes; a fulfilment has 32", n);
    if (ha_digest(HA_HASH_SHA256, mac, n, digest, err))
        return err->code;
    ha_b64u_encode(ret_fulfilment, mac, n);
    ha_b64u_encode(ret_condition, digest, ha_hash_info(HA_HASH_SHA256)->len);
    bool ok = ha_buf_ok(ret_fulfilment) && ha_buf_ok(ret_condition);
    return ok ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a fulfilment");
}
