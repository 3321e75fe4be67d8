// SPDX-License-Identifier: Apache-2.0
#include "token/slot.h"

#include "token/ckr.h"
#include "token/p11.h"
#include "token/uri.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_TRIES 3

void ha_slot_text(const CK_UTF8CHAR *padded, size_t n, char *ret_text)
{
    while (n > 0 && (padded[n - 1] == ' ' || padded[n - 1] == '\0'))
        n--;
    memcpy(ret_text, padded, n);
    ret_text[n] = '\0';
}

// The ids of the slots that hold a token. The list is malloc'ed.
static enum ha_code list_slots(struct ha_p11 *token, CK_SLOT_ID **ret_ids, CK_ULONG *ret_n, struct ha_err *err)
{
    // A token may be plugged in between the two calls.
    for (unsigned i = 0; i < SLOT_TRIES; i++) {
        CK_ULONG n = 0;
        CK_RV rv = token->p11->C_GetSlotList(CK_TRUE, NULL, &n);
        if (rv != CKR_OK)
            return ha_ckr_fail(err, "C_GetSlotList", rv);
        ha_auto(ha_free) CK_SLOT_ID *ids = calloc(n + 1, sizeof(*ids));
        if (!ids)
            return ha_fail(err, HA_E_MEMORY, "out of memory for %lu slots", n);
        rv = token->p11->C_GetSlotList(CK_TRUE, ids, &n);
        if (rv == CKR_OK) {
            *ret_ids = ha_take(&ids);
            *ret_n = n;
            return HA_OK;
        }
        if (rv != CKR_BUFFER_TOO_SMALL)
            return ha_ckr_fail(err, "C_GetSlotList", rv);
    }
    return ha_ckr_fail(err, "C_GetSlotList", CKR_BUFFER_TOO_SMALL);
}

struct token_name {
    char label[33], serial[17];
};

static struct token_name name_of(const CK_TOKEN_INFO *info)
{
    struct token_name name;
    ha_slot_text(info->label, sizeof(info->label), name.label);
    ha_slot_text(info->serialNumber, sizeof(info->serialNumber), name.serial);
    return name;
}

static enum ha_code ambiguous(const CK_TOKEN_INFO *one, const CK_TOKEN_INFO *other, struct ha_err *err)
{
    struct token_name a = name_of(one), b = name_of(other);
    ha_fail(err, HA_E_AMBIGUOUS,
            "the URI fits two tokens: '%s' with serial number '%s' and '%s' with serial number '%s'", a.label, a.serial,
            b.label, b.serial);
    return ha_hint(err, "Add serial=%s (or the other) to the token's 'uri'.", a.serial);
}

static enum ha_code none(const struct ha_buf *seen, struct ha_err *err)
{
    if (seen->len == 0)
        ha_fail(err, HA_E_TOKEN_DOWN, "no token is there");
    else
        ha_fail(err, HA_E_TOKEN_DOWN, "no token fits the URI; there are %s", ha_buf_text(seen));
    return ha_hint(err, "Plug the token in, or correct the token's 'uri'.");
}

static bool fits(struct ha_p11 *token, P11KitUri *uri, CK_SLOT_ID id, CK_TOKEN_INFO *ret_info)
{
    CK_SLOT_INFO slot_info;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    return (wanted == (CK_SLOT_ID)-1 || wanted == id) && p11_kit_uri_match_token_info(uri, ret_info) &&
           token->p11->C_GetSlotInfo(id, &slot_info) == CKR_OK && p11_kit_uri_match_slot_info(uri, &slot_info);
}

static enum ha_code choose(struct ha_p11 *token, P11KitUri *uri, const CK_SLOT_ID *ids, CK_ULONG n, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf seen = {0};
    CK_TOKEN_INFO info, found_info;
    bool found = false;
    CK_SLOT_ID found_id = 0;
    for (CK_ULONG i = 0; i < n; i++) {
        // A token that was just pulled, or that nobody has initialised, is not a candidate and not worth a word.
        if (token->p11->C_GetTokenInfo(ids[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
            continue;
        struct token_name name = name_of(&info);
        ha_buf_printf(&seen, "%s'%s' (serial number '%s')", seen.len ? ", " : "", name.label, name.serial);
        if (!fits(token, uri, ids[i], &info))
            continue;
        if (found)
            return ambiguous(&found_info, &info, err);
        found = true;
        found_id = ids[i];
        found_info = info;
    }
    if (!found)
        return none(&seen, err);
    token->slot = found_id;
    token->info = found_info;
    return HA_OK;
}

enum ha_code ha_slot_find(struct ha_p11 *token, struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = NULL;
    ha_auto(ha_free) CK_SLOT_ID *ids = NULL;
    CK_ULONG n = 0;
    CK_INFO module_info;
    if (ha_uri_parse_token(token->options->uri, &uri, err))
        return err->code;
    CK_RV rv = token->p11->C_GetInfo(&module_info);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_GetInfo", rv);
    if (!p11_kit_uri_match_module_info(uri, &module_info))
        return ha_fail(err, HA_E_CONFIG, "the URI's library attributes don't fit the module");
    if (list_slots(token, &ids, &n, err))
        return err->code;
    return choose(token, uri, ids, n, err);
}
