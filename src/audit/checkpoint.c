// SPDX-License-Identifier: Apache-2.0
#include "audit/checkpoint.h"

#include "base/json.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void ha_audit_checkpoint_clear(struct ha_audit_checkpoint *checkpoint)
{
    ha_buf_clear(&checkpoint->signature);
}

void ha_audit_checkpoint_text(const struct ha_audit_checkpoint *checkpoint, struct ha_buf *out)
{
    ha_buf_printf(out, "hsm-agent audit checkpoint\n%" PRIu64 "\n%s\n%s\n", checkpoint->of, checkpoint->hash,
                  checkpoint->at);
}

void ha_audit_checkpoint_write(const struct ha_audit_checkpoint *checkpoint, struct ha_buf *out)
{
    ha_jw_object(out, NULL);
    ha_jw_number(out, "of", (int64_t)checkpoint->of);
    ha_jw_string(out, "hash", checkpoint->hash);
    ha_jw_string(out, "at", checkpoint->at);
    ha_jw_string(out, "key", checkpoint->key);
    ha_jw_number(out, "version", checkpoint->version);
    ha_jw_hex(out, "spki_sha256", checkpoint->spki_sha256, sizeof checkpoint->spki_sha256);
    ha_jw_string(out, "algorithm", ha_alg_info(checkpoint->alg)->name);
    ha_jw_bytes(out, "signature", checkpoint->signature.data, checkpoint->signature.len);
    ha_jw_object_end(out);
}

static bool copy_text(const ha_json *json, const char *name, char *ret_text, size_t size)
{
    const char *text = ha_json_get_string(json, name);
    if (!text || strlen(text) >= size)
        return false;
    strcpy(ret_text, text);
    return true;
}

static bool read_members(const ha_json *json, struct ha_audit_checkpoint *checkpoint)
{
    ha_auto(ha_buf_clear) struct ha_buf spki = {0};
    struct ha_err ignored = {0};
    uint64_t version;
    const char *hex = ha_json_get_string(json, "spki_sha256"), *alg = ha_json_get_string(json, "algorithm");
    const char *signature = ha_json_get_string(json, "signature");
    if (!ha_json_uint(ha_json_get(json, "of"), 1ull << 53, &checkpoint->of) ||
        !ha_json_uint(ha_json_get(json, "version"), UINT32_MAX, &version) ||
        !copy_text(json, "hash", checkpoint->hash, sizeof checkpoint->hash) ||
        !copy_text(json, "at", checkpoint->at, sizeof checkpoint->at) ||
        !copy_text(json, "key", checkpoint->key, sizeof checkpoint->key) || !hex || !alg || !signature ||
        ha_hex_decode(&spki, hex, strlen(hex), &ignored) || spki.len != sizeof checkpoint->spki_sha256 ||
        ha_b64u_decode(&checkpoint->signature, signature, strlen(signature), &ignored))
        return false;
    checkpoint->version = (unsigned)version;
    memcpy(checkpoint->spki_sha256, spki.data, spki.len);
    checkpoint->alg = ha_alg_by_name(alg);
    return checkpoint->alg != HA_ALG_NONE && strlen(checkpoint->hash) == HA_AUDIT_HEX_LEN;
}

enum ha_code ha_audit_checkpoint_read(const char *text, size_t n, struct ha_audit_checkpoint *ret_checkpoint,
                                      struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_audit_checkpoint_clear) struct ha_audit_checkpoint checkpoint = {0};
    if (ha_json_parse(text, n, 1, &json, err))
        return err->code;
    if (ha_json_type(json) != HA_JSON_OBJECT || !read_members(json, &checkpoint))
        return ha_fail(err, HA_E_MALFORMED, "that is no checkpoint's line");
    *ret_checkpoint = checkpoint;
    checkpoint = (struct ha_audit_checkpoint){0};
    return HA_OK;
}

bool ha_audit_checkpoint_verify(const struct ha_audit_checkpoint *checkpoint, const struct ha_pubkey *key)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_audit_checkpoint_text(checkpoint, &text);
    return ha_buf_ok(&text) && memcmp(checkpoint->spki_sha256, ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN) == 0 &&
           ha_pubkey_verify(key, checkpoint->alg, text.data, text.len, checkpoint->signature.data,
                            checkpoint->signature.len);
}
