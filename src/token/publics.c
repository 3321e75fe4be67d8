// SPDX-License-Identifier: Apache-2.0
#include "token/publics.h"

#include "token/find.h"
#include "token/public.h"
#include "token/session.h"
#include "token/p11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 256

struct ha_public {
    uint8_t id[ID_MAX];
    size_t id_len;
    struct ha_pubkey *key;
};

void ha_publics_clear(struct ha_publics *publics)
{
    for (size_t i = 0; i < publics->n; i++)
        ha_pubkey_free(publics->items[i].key);
    free(publics->items);
    *publics = (struct ha_publics){0};
}

static int compare_id(const struct ha_public *item, const void *id, size_t id_len)
{
    if (item->id_len != id_len)
        return item->id_len < id_len ? -1 : 1;
    return memcmp(item->id, id, id_len);
}

static int compare(const void *a, const void *b)
{
    const struct ha_public *other = b;
    return compare_id(a, other->id, other->id_len);
}

// An object that tells no public key is left out.
static enum ha_code add(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                        struct ha_publics *out, struct ha_err *err)
{
    struct ha_public *item = &out->items[out->n];
    struct ha_err failure = {0};
    *item = (struct ha_public){0};
    CK_ATTRIBUTE attribute = {CKA_ID, item->id, sizeof(item->id)};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    item->id_len = attribute.ulValueLen;
    enum ha_code code = ha_public_of_object(token, session, object, &item->key, &failure);
    if (code && (code != HA_E_KEY_CANNOT || failure.rv != CKR_OK)) {
        *err = failure;
        return code;
    }
    out->n += item->key != NULL;
    return HA_OK;
}

static enum ha_code collect_class(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_CLASS class,
                                  const CK_ATTRIBUTE *id, struct ha_publics *out, struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles found = {0};
    CK_ATTRIBUTE template[2] = {{CKA_CLASS, &class, sizeof(class)}};
    if (id)
        template[1] = *id;
    if (ha_find_objects(token, session, template, id ? 2 : 1, &found, err))
        return err->code;
    struct ha_public *items = reallocarray(out->items, out->n + found.n + 1, sizeof(*items));
    if (!items)
        return ha_fail(err, HA_E_MEMORY, "out of memory for %zu public keys", found.n);
    out->items = items;
    for (size_t i = 0; i < found.n; i++) {
        if (add(token, session, found.items[i], out, err))
            return err->code;
    }
    return HA_OK;
}

enum ha_code ha_publics_collect(struct ha_p11 *token, struct ha_session *session, const CK_ATTRIBUTE *id,
                                struct ha_publics *out, struct ha_err *err)
{
    if (collect_class(token, session, CKO_PUBLIC_KEY, id, out, err) ||
        collect_class(token, session, CKO_CERTIFICATE, id, out, err))
        return err->code;
    qsort(out->items, out->n, sizeof(*out->items), compare);
    return HA_OK;
}

// The first with that id, or where it would be.
static size_t lower_bound(const struct ha_publics *publics, const void *id, size_t id_len)
{
    size_t low = 0, high = publics->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_id(&publics->items[middle], id, id_len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum ha_code ha_publics_find(const struct ha_publics *publics, const void *id, size_t id_len, enum ha_key_type type,
                             struct ha_pubkey **ret_key, char *ret_why, size_t why_size, struct ha_err *err)
{
    const struct ha_pubkey *found = NULL;
    size_t at = lower_bound(publics, id, id_len);
    for (; at < publics->n && compare_id(&publics->items[at], id, id_len) == 0; at++) {
        const struct ha_pubkey *key = publics->items[at].key;
        if (ha_pubkey_type(key) != type)
            continue;
        if (found && memcmp(ha_pubkey_spki_sha256(found), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN) != 0) {
            snprintf(ret_why, why_size, "several public keys on the token have its CKA_ID");
            return HA_OK;
        }
        found = key;
    }
    if (!found) {
        snprintf(ret_why, why_size, "the token has neither a public key nor a certificate with its CKA_ID");
        return HA_OK;
    }
    struct ha_pubkey *copy = ha_pubkey_copy(found);
    if (!copy)
        return ha_fail(err, HA_E_MEMORY, "no memory for a public key");
    *ret_key = copy;
    return HA_OK;
}
