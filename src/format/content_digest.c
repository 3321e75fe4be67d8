// SPDX-License-Identifier: Apache-2.0
#include "format/content_digest.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "format/sfv.h"

#include <string.h>

static const struct {
    const char *name;
    enum ha_hash hash;
} algorithms[] = {{"sha-256", HA_HASH_SHA256}, {"sha-512", HA_HASH_SHA512}};

void ha_content_digest_write(enum ha_hash hash, const uint8_t *digest, struct ha_buf *out)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(algorithms); i++)
        if (algorithms[i].hash == hash)
            ha_buf_printf(out, "%s=", algorithms[i].name);
    ha_sfv_put_bytes(out, digest, ha_hash_info(hash)->len);
}

enum ha_code ha_content_digest_make(enum ha_hash hash, const void *body, size_t n, struct ha_buf *out,
                                    struct ha_err *err)
{
    uint8_t digest[HA_DIGEST_MAX];
    if (ha_digest(hash, body, n, digest, err))
        return err->code;
    ha_content_digest_write(hash, digest, out);
    return HA_OK;
}

// One digest of the field. *ret_known: it is of an algorithm that counts, and could be compared.
static enum ha_code check_one(const char *name, const struct ha_sfv_value *value, const void *body, size_t n,
                              const uint8_t *sha256, bool *ret_known, struct ha_err *err)
{
    uint8_t digest[HA_DIGEST_MAX];
    enum ha_hash hash = HA_HASH_NONE;
    for (size_t i = 0; i < HA_ARRAY_SIZE(algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            hash = algorithms[i].hash;
    if (hash == HA_HASH_NONE || (!body && sha256 && hash != HA_HASH_SHA256))
        return HA_OK;
    if (!body && sha256)
        memcpy(digest, sha256, ha_hash_info(hash)->len);
    else if (ha_digest(hash, body ? body : "", n, digest, err))
        return err->code;
    *ret_known = true;
    size_t len = ha_hash_info(hash)->len;
    if (value->type == HA_SFV_BYTES && value->text.len == len && memcmp(value->text.data, digest, len) == 0)
        return HA_OK;
    return ha_fail(err, HA_E_NOT_VERIFIED, "the body isn't the one whose %s is in Content-Digest", name);
}

enum ha_code ha_content_digest_check(const char *value, const void *body, size_t n, const uint8_t *sha256,
                                     struct ha_err *err)
{
    struct ha_sfv in = {.at = value, .end = value + strlen(value)};
    char name[HA_SFV_KEY_MAX + 1];
    bool more, known = false;
    for (;;) {
        ha_auto(ha_sfv_item_clear) struct ha_sfv_item item = {0};
        if (ha_sfv_member(&in, &more, name, err))
            return ha_wrap(err, "Content-Digest");
        if (!more)
            break;
        if (ha_sfv_item(&in, &item, err))
            return ha_wrap(err, "Content-Digest");
        if (check_one(name, &item.value, body, n, sha256, &known, err))
            return err->code;
    }
    return known ? HA_OK : ha_fail(err, HA_E_NOT_VERIFIED, "Content-Digest has no digest of the body that counts");
}
