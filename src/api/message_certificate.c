// SPDX-License-Identifier: Apache-2.0
#include "api/message_certificate.h"

#include "base/file.h"
#include "keys/certificates.h"

#include <string.h>

#define FILE_MAX (2 * HA_X5C_BYTES_MAX)  // PEM

static enum ha_code read_file(const char *file, struct ha_x5c *ret_chain, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    if (ha_file_read(file, FILE_MAX, HA_FILE_ANY, &pem, err) ||
        ha_x5c_from_pem(ha_buf_text(&pem), pem.len, ret_chain, err)) {
        err->code = HA_E_KEY_CANNOT;
        return ha_wrap(err, "the profile's certificate %.200s", file);
    }
    return HA_OK;
}

static enum ha_code copy(const struct ha_x5c *chain, struct ha_x5c *ret_chain, struct ha_err *err)
{
    ha_x5c_clear(ret_chain);
    for (size_t i = 0; i < chain->n; i++)
        if (ha_x5c_add(ret_chain, chain->der[i].data, chain->der[i].len, err))
            return err->code;
    return HA_OK;
}

enum ha_code ha_message_certificate(struct ha_key *key, const char *pem, const char *file, struct ha_x5c *ret_chain,
                                    struct ha_err *err)
{
    struct ha_err other = {0};
    if (pem)
        return ha_x5c_from_pem(pem, strlen(pem), ret_chain, err) ? ha_at(err, "/certificate") : HA_OK;
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *installed = ha_key_certificate(key);
    if (file && read_file(file, ret_chain, err))
        return err->code;
    if (!installed || (file && ha_x5c_check_key(ret_chain, key->public_key, &other) == HA_OK))
        return HA_OK;
    return copy(&installed->chain, ret_chain, err);
}
