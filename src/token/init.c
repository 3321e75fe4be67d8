// SPDX-License-Identifier: Apache-2.0
#include "token/init.h"

#include "base/text.h"
#include "token/pin.h"
#include "token/slot.h"

#include <stdio.h>
#include <string.h>

#define LABEL_LEN 32  // bytes, blank-padded, of a token's label

static enum ha_code check_label(const char *label, struct ha_err *err)
{
    size_t n = strlen(label);
    if (n == 0 || n > LABEL_LEN || !ha_utf8_valid(label, n))
        return ha_fail(err, HA_E_CONFIG, "a token's label is UTF-8 text of 1 to %d bytes", LABEL_LEN);
    return HA_OK;
}

static bool is_wanted(const PKCS11_TOKEN *token, const struct ha_token_options *options)
{
    if (options->erase)
        return token->initialized && strcmp(token->serialnr, options->erase) == 0;
    return !token->initialized;
}

static enum ha_code no_slot(const struct ha_token_options *options, struct ha_err *err)
{
    if (options->erase) {
        ha_fail(err, HA_E_TOKEN_DOWN, "the module has no token with the serial number '%s'%s", options->erase,
                options->slot ? " in that slot" : "");
        return ha_hint(err, "`hsm-agent token list` shows the serial numbers.");
    }
    ha_fail(err, HA_E_TOKEN_DOWN, "%s%s has a token that isn't initialised",
            options->slot ? "no slot with the number " : "no slot of the module", options->slot ? options->slot : "");
    return ha_hint(err, "One that is initialised is wiped only where it is named by its serial number (--erase).");
}

static enum ha_code label_taken(const PKCS11_TOKEN *token, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFLICT, "there is a token with the label '%s' already, serial number %s", token->label,
            token->serialnr);
    return ha_hint(err, "Choose another label, or name the token with --erase, which destroys what is in it.");
}

enum ha_code ha_init_choose(const struct ha_library *library, const struct ha_token_options *options,
                            PKCS11_SLOT **ret_slot, struct ha_err *err)
{
    PKCS11_SLOT *found = NULL;
    uint64_t number = 0;
    if (check_label(options->label, err))
        return err->code;
    if (options->slot && !ha_parse_uint(options->slot, 0, UINT64_MAX, &number))
        return ha_fail(err, HA_E_USAGE, "--%s takes the number of a slot", HA_TOKEN_OPT_SLOT);
    for (unsigned i = 0; i < library->n_slots; i++) {
        PKCS11_SLOT *slot = &library->slots[i];
        bool in_place = !options->slot || PKCS11_get_slotid_from_slot(slot) == number;
        if (!slot->token)
            continue;
        if (is_wanted(slot->token, options) && in_place && !found)
            found = slot;
        else if (slot->token->initialized && strcmp(slot->token->label, options->label) == 0)
            return label_taken(slot->token, err);
    }
    if (!found)
        return no_slot(options, err);
    *ret_slot = found;
    return HA_OK;
}

static enum ha_code check_pins(struct ha_secret *so_pin, struct ha_secret *pin, struct ha_err *err)
{
    if (ha_secret_len(so_pin) != ha_secret_len(pin) ||
        !ha_equal_ct(ha_secret_data(so_pin), ha_secret_data(pin), ha_secret_len(pin)))
        return HA_OK;
    ha_fail(err, HA_E_CONFIG, "the security officer's PIN and the user's are the same");
    return ha_hint(err, "Choose two: whoever knows the security officer's can give the user another one.");
}

// libp11 and the PKCS#11 functions beneath take the label padded, and the PINs as C strings; ha_secret's memory goes on
// with zeros.
static enum ha_code initialise(PKCS11_SLOT *slot, const char *label, struct ha_secret *so_pin, struct ha_secret *pin,
                               struct ha_err *err)
{
    char padded[LABEL_LEN + 1];
    const char *so = (const char *)ha_secret_data(so_pin), *user = (const char *)ha_secret_data(pin);
    snprintf(padded, sizeof(padded), "%-*s", LABEL_LEN, label);
    if (PKCS11_init_token(slot->token, so, padded) != 0) {
        ha_library_fail(err, "C_InitToken");
        return ha_wrap(err, "the token can't be initialised");
    }
    const char *function = NULL;
    if (PKCS11_open_session(slot, 1) != 0)
        function = "C_OpenSession";
    else if (PKCS11_login(slot, 1, so) != 0)
        function = "C_Login";
    else if (PKCS11_init_pin(slot->token, user) != 0)
        function = "C_InitPIN";
    if (!function)
        return HA_OK;
    ha_library_fail(err, function);
    ha_wrap(err, "the token '%s' is initialised, but the user's PIN isn't set", label);
    return ha_hint(err, "Set it with `hsm-agent token pin reset`; a token may want PINs of a certain length.");
}

enum ha_code ha_init_slot(struct ha_library *library, PKCS11_SLOT *slot, const char *label, struct ha_secret *so_pin,
                          struct ha_secret *pin, CK_TOKEN_INFO *ret_info, struct ha_err *err)
{
    // The serial number comes with the initialisation; what was read of the slot before is out of date.
    if (check_pins(so_pin, pin, err) || initialise(slot, label, so_pin, pin, err) || ha_library_list(library, err))
        return err->code;
    for (unsigned i = 0; i < library->n_slots; i++) {
        const PKCS11_TOKEN *token = library->slots[i].token;
        if (token && token->initialized && strcmp(token->label, label) == 0) {
            *ret_info = ha_library_info(token);
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_TOKEN_ERROR, "the new token is not among the slots");
}

enum ha_code ha_init_read_pin(const char *source, struct ha_secret **ret_pin, struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *pin = NULL;
    if (ha_pin_read(source, &pin, err))
        return err->code;
    if (memchr(ha_secret_data(pin), 0, ha_secret_len(pin)))
        return ha_fail(err, HA_E_CONFIG, "%s holds a zero byte", source);
    *ret_pin = ha_take(&pin);
    return HA_OK;
}

enum ha_code ha_init_token(const struct ha_token_options *options, char ret_serial[static HA_INIT_SERIAL_SIZE],
                           struct ha_err *err)
{
    ha_auto(ha_secret_free) struct ha_secret *so_pin = NULL;
    ha_auto(ha_secret_free) struct ha_secret *pin = NULL;
    ha_auto(ha_library_close) struct ha_library library = {0};
    PKCS11_SLOT *slot = NULL;
    CK_TOKEN_INFO info;
    if (ha_init_read_pin(options->so_pin, &so_pin, err) || ha_init_read_pin(options->pin, &pin, err) ||
        ha_library_open(options, &library, err) || ha_init_choose(&library, options, &slot, err) ||
        ha_init_slot(&library, slot, options->label, so_pin, pin, &info, err))
        return err->code;
    ha_slot_text(info.serialNumber, sizeof(info.serialNumber), ret_serial);
    return HA_OK;
}
