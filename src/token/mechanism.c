// SPDX-License-Identifier: Apache-2.0
#include "token/mechanism.h"

#include "token/ckr.h"
#include "token/p11.h"

#include <stdlib.h>

void ha_mechanisms_clear(struct ha_mechanisms *mechanisms)
{
    free(mechanisms->items);
    *mechanisms = (struct ha_mechanisms){0};
}

enum ha_code ha_mechanisms_probe(struct ha_p11 *token, struct ha_mechanisms *out, struct ha_err *err)
{
    CK_ULONG n = 0;
    CK_RV rv = token->p11->C_GetMechanismList(token->slot, NULL, &n);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_GetMechanismList", rv);
    ha_auto(ha_free) CK_MECHANISM_TYPE *types = calloc(n + 1, sizeof(*types));
    out->items = calloc(n + 1, sizeof(*out->items));
    if (!types || !out->items)
        return ha_fail(err, HA_E_MEMORY, "out of memory for %lu mechanisms", n);
    rv = token->p11->C_GetMechanismList(token->slot, types, &n);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_GetMechanismList", rv);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_MECHANISM_INFO info;
        if (token->p11->C_GetMechanismInfo(token->slot, types[i], &info) == CKR_OK)
            out->items[out->n++] = (struct ha_mechanism){.type = types[i], .flags = info.flags};
    }
    return HA_OK;
}

bool ha_mechanisms_have(const struct ha_mechanisms *mechanisms, CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
    for (size_t i = 0; i < mechanisms->n; i++) {
        if (mechanisms->items[i].type == type && (mechanisms->items[i].flags & flags) == flags)
            return true;
    }
    return false;
}
