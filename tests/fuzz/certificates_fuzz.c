// SPDX-License-Identifier: Apache-2.0
// What CAs answer, from strangers: PEM, DER, PKCS#7, base64, put in order for the key of each certificate that is in
// it.
#include "format/cert_bag.h"
#include "format/cert_json.h"
#include "format/chain_build.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { AT = 1795275000 };

static void build(const struct ha_cert_bag *bag, const struct ha_pubkey *key)
{
    struct ha_err err = {0};
    struct ha_chain_notes notes = {0};
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const unsigned all = HA_PURPOSE_SIGN | HA_PURPOSE_DECRYPT | HA_PURPOSE_DERIVE | HA_PURPOSES_TLS;
    int64_t from = 0, until = 0;
    if (ha_chain_build(bag, key, all, AT, &chain, &notes, &err))
        return;
    // What was built is for the key, and all of it can be shown.
    if (chain.n == 0 || ha_x5c_check_key(&chain, key, &err) || ha_x5c_dates(&chain, &from, &until, &err) || until < AT)
        abort();
    ha_jw_array(&text, NULL);
    for (size_t i = 0; i < chain.n; i++)
        if (ha_cert_json(&text, NULL, chain.der[i].data, chain.der[i].len, &err))
            abort();
    ha_jw_array_end(&text);
    ha_json *json = NULL;
    if (ha_json_parse(ha_buf_text(&text), text.len, 8, &json, &err))
        abort();
    ha_json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
    if (ha_cert_bag_add(&bag, data, n, &err))
        return 0;
    for (size_t i = 0; i < bag.n && i < 4; i++) {
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
        if (ha_x5c_key_of(bag.items[i], &key, &err) == HA_OK)
            build(&bag, key);
    }
    return 0;
}
