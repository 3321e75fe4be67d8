// SPDX-License-Identifier: Apache-2.0
#include "token/pins.h"

#include "base/text.h"
#include "token/slot.h"

#include <string.h>

static const char *const owners[] = {[HA_PIN_USER] = "the user's PIN", [HA_PIN_SO] = "the security officer's PIN"};

struct tries {
    bool low, final, locked;
};

static struct tries tries_of(const PKCS11_TOKEN *token, enum ha_pin_owner owner)
{
    if (owner == HA_PIN_SO)
        return (struct tries){token->soPinCountLow, token->soPinFinalTry, token->soPinLocked};
    return (struct tries){token->userPinCountLow, token->userPinFinalTry, token->userPinLocked};
}

enum ha_code ha_pins_may_try(const PKCS11_TOKEN *token, enum ha_pin_owner owner, bool final_try, struct ha_err *err)
{
    struct tries tries = tries_of(token, owner);
    if (tries.locked) {
        ha_fail(err, HA_E_PIN, "the token says that %s is locked; it wasn't tried", owners[owner]);
        return ha_hint(err, owner == HA_PIN_USER
                                ? "The security officer can give the user another one: `hsm-agent token "
                                  "pin reset`."
                                : "Only its vendor's own tool can help, and may have to wipe it.");
    }
    if (tries.final && !final_try) {
        ha_fail(err, HA_E_PIN, "the token says that one more wrong try locks %s; it wasn't tried", owners[owner]);
        return ha_hint(err, "Make sure that you have the right one, then add --final-try.");
    }
    return HA_OK;
}

// The token of before, in a new list of the slots; NULL: it isn't there.
static const PKCS11_TOKEN *find_again(struct ha_library *library, const CK_TOKEN_INFO *before, struct ha_err *err)
{
    if (ha_library_list(library, err))
        return NULL;
    for (unsigned i = 0; i < library->n_slots; i++) {
        const PKCS11_TOKEN *token = library->slots[i].token;
        CK_TOKEN_INFO info = token ? ha_library_info(token) : (CK_TOKEN_INFO){0};
        if (memcmp(info.serialNumber, before->serialNumber, sizeof(info.serialNumber)) == 0 &&
            memcmp(info.label, before->label, sizeof(info.label)) == 0)
            return token;
    }
    ha_fail(err, HA_E_TOKEN_DOWN, "the token went away");
    return NULL;
}

// What the token tells after a refusal. The failure of a try is in err.
static enum ha_code tell_tries(struct ha_library *library, const CK_TOKEN_INFO *before, enum ha_pin_owner owner,
                               struct ha_err *err)
{
    struct ha_err ignored = {0};
    const PKCS11_TOKEN *token = find_again(library, before, &ignored);
    struct tries tries = token ? tries_of(token, owner) : (struct tries){0};
    const char *says = "the token doesn't tell how many tries are left";
    if (tries.locked)
        says = "the token says that it is locked now";
    else if (tries.final)
        says = "the token says that one more wrong try locks it";
    else if (tries.low)
        says = "the token says that it counts wrong tries, and that some are left";
    char cause[sizeof err->detail];
    memcpy(cause, err->detail, sizeof cause);
    ha_fail(err, HA_E_PIN, "the token refused %s: %.200s; it was tried once; %s", owners[owner], cause, says);
    return ha_hint(err, "Find out which one is right before you try again.");
}

// The old PIN was accepted: a refusal is about the new one.
static enum ha_code refuse_new(const char *label, const char *function, struct ha_err *err)
{
    if (ha_library_fail(err, function) != HA_E_PIN && err->rv != 0x1b8)  // CKR_PIN_TOO_WEAK
        return ha_wrap(err, "the PIN of token '%s' can't be changed", label);
    char cause[sizeof err->detail];
    memcpy(cause, err->detail, sizeof cause);
    ha_fail(err, HA_E_PIN, "token '%s' doesn't take the new PIN: %.200s", label, cause);
    return ha_hint(err, "The PIN is what it was. `hsm-agent token info` tells which lengths the token takes.");
}

static enum ha_code describe_anew(struct ha_library *library, const CK_TOKEN_INFO *before, CK_TOKEN_INFO *ret_info,
                                  struct ha_err *err)
{
    const PKCS11_TOKEN *token = find_again(library, before, err);
    if (!token)
        return ha_wrap(err, "the PIN is changed, but");
    *ret_info = ha_library_info(token);
    return HA_OK;
}

static const char *text_of(struct ha_secret *pin)
{
    return (const char *)ha_secret_data(pin);  // ha_secret's memory goes on with zeros
}

static enum ha_code refuse_same(struct ha_secret *old, struct ha_secret *new, struct ha_err *err)
{
    if (ha_secret_len(old) != ha_secret_len(new) ||
        !ha_equal_ct(ha_secret_data(old), ha_secret_data(new), ha_secret_len(new)))
        return HA_OK;
    return ha_fail(err, HA_E_CONFIG, "the new PIN is the same as the other one; nothing was tried");
}

static enum ha_code log_in(struct ha_library *library, PKCS11_SLOT *slot, enum ha_pin_owner owner,
                           const CK_TOKEN_INFO *info, struct ha_secret *pin, struct ha_err *err)
{
    if (PKCS11_open_session(slot, 1) != 0)
        return ha_library_fail(err, "C_OpenSession");
    if (PKCS11_login(slot, owner == HA_PIN_SO, text_of(pin)) == 0)
        return HA_OK;
    if (ha_library_fail(err, "C_Login") != HA_E_PIN)
        return ha_wrap(err, "%s can't be tried", owners[owner]);
    return tell_tries(library, info, owner, err);
}

// Logging in first makes it plain which of the two PINs a token refuses.
enum ha_code ha_pins_change(struct ha_library *library, PKCS11_SLOT *slot, enum ha_pin_owner owner,
                            struct ha_secret *old, struct ha_secret *new, CK_TOKEN_INFO *ret_info, struct ha_err *err)
{
    CK_TOKEN_INFO info = ha_library_info(slot->token);
    char label[sizeof(info.label) + 1];
    ha_slot_text(info.label, sizeof(info.label), label);
    if (refuse_same(old, new, err) || log_in(library, slot, owner, &info, old, err))
        return err->code;
    if (PKCS11_change_pin(slot, text_of(old), text_of(new)) != 0)
        return refuse_new(label, "C_SetPIN", err);
    return describe_anew(library, &info, ret_info, err);
}

enum ha_code ha_pins_reset(struct ha_library *library, PKCS11_SLOT *slot, struct ha_secret *so_pin,
                           struct ha_secret *new, CK_TOKEN_INFO *ret_info, struct ha_err *err)
{
    CK_TOKEN_INFO info = ha_library_info(slot->token);
    char label[sizeof(info.label) + 1];
    ha_slot_text(info.label, sizeof(info.label), label);
    if (refuse_same(so_pin, new, err) || log_in(library, slot, HA_PIN_SO, &info, so_pin, err))
        return err->code;
    if (PKCS11_init_pin(slot->token, text_of(new)) != 0)
        return refuse_new(label, "C_InitPIN", err);
    return describe_anew(library, &info, ret_info, err);
}
