// SPDX-License-Identifier: Apache-2.0
// libp11 keeps copies of the PINs in ordinary memory; this process lives for one initialisation only, can't be dumped
// and never becomes the token's process.
#include "token/init.h"

#include "base/secret.h"
#include "base/text.h"
#include "token/harden.h"
#include "token/pin.h"

#include <libp11.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_LEN 32  // bytes, blank-padded, of a token's label

struct library {
    PKCS11_CTX *ctx;
    bool loaded;
    PKCS11_SLOT *slots;
    unsigned n_slots;
};

static void library_release_slots(struct library *library)
{
    if (library->slots)
        PKCS11_release_all_slots(library->ctx, library->slots, library->n_slots);
    library->slots = NULL;
    library->n_slots = 0;
}

static void library_close(struct library *library)
{
    library_release_slots(library);
    if (library->loaded)
        PKCS11_CTX_unload(library->ctx);
    if (library->ctx)
        PKCS11_CTX_free(library->ctx);
}
HA_AUTO_DEFINE_CLEAR(struct library, library_close)

static enum ha_code failed(struct ha_err *err, enum ha_code code, const char *what)
{
    unsigned long last = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(last);
    ha_fail(err, code, "%s: %s", what, reason ? reason : "libp11 doesn't say why");
    ERR_clear_error();
    return code;
}

static enum ha_code check_label(const char *label, struct ha_err *err)
{
    size_t n = strlen(label);
    if (n == 0 || n > LABEL_LEN || !ha_utf8_valid(label, n))
        return ha_fail(err, HA_E_CONFIG, "a token's label is UTF-8 text of 1 to %d bytes", LABEL_LEN);
    return HA_OK;
}

static enum ha_code open_library(const struct ha_token_options *options, struct library *library, struct ha_err *err)
{
    library->ctx = PKCS11_CTX_new();
    if (!library->ctx)
        return ha_fail(err, HA_E_MEMORY, "out of memory for libp11");
    if (options->module_args)
        PKCS11_CTX_init_args(library->ctx, options->module_args);
    library->loaded = PKCS11_CTX_load(library->ctx, options->module) == 0;
    ha_harden_signals();
    if (!library->loaded)
        return failed(err, HA_E_CONFIG, options->module);
    if (PKCS11_enumerate_slots(library->ctx, &library->slots, &library->n_slots) != 0)
        return failed(err, HA_E_TOKEN_ERROR, "can't list the slots");
    return HA_OK;
}

static enum ha_code free_slot(const struct library *library, const char *label, PKCS11_SLOT **ret_slot,
                              struct ha_err *err)
{
    PKCS11_SLOT *found = NULL;
    for (unsigned i = 0; i < library->n_slots; i++) {
        PKCS11_TOKEN *token = library->slots[i].token;
        if (token && token->initialized && strcmp(token->label, label) == 0)
            return ha_fail(err, HA_E_CONFLICT, "there is a token with the label '%s' already, serial number %s", label,
                           token->serialnr);
        if (token && !token->initialized && !found)
            found = &library->slots[i];
    }
    if (!found) {
        ha_fail(err, HA_E_TOKEN_DOWN, "no slot of the module has a token that isn't initialised");
        return ha_hint(err, "An initialised token is never wiped here: clear one with its vendor's own tool first.");
    }
    *ret_slot = found;
    return HA_OK;
}

// libp11 and the PKCS#11 functions beneath take the label padded, and the PINs as C strings; ha_secret's memory goes on
// with zeros.
static enum ha_code initialise(PKCS11_SLOT *slot, const char *label, struct ha_secret *so_pin, struct ha_secret *pin,
                               struct ha_err *err)
{
    char padded[LABEL_LEN + 1];
    const char *so = (const char *)ha_secret_data(so_pin), *user = (const char *)ha_secret_data(pin);
    snprintf(padded, sizeof(padded), "%-*s", LABEL_LEN, label);
    if (PKCS11_init_token(slot->token, so, padded) != 0)
        return failed(err, HA_E_TOKEN_ERROR, "the token can't be initialised");
    if (PKCS11_open_session(slot, 1) != 0)
        return failed(err, HA_E_TOKEN_ERROR, "the new token has no session for us");
    if (PKCS11_login(slot, 1, so) != 0)
        return failed(err, HA_E_PIN, "the new token refuses the security officer's PIN");
    if (PKCS11_init_pin(slot->token, user) != 0)
        return failed(err, HA_E_TOKEN_ERROR, "the user's PIN can't be set");
    return HA_OK;
}

// A PIN with a zero byte can't be a C string.
static enum ha_code read_pin(const char *source, struct ha_secret **ret_pin, struct ha_err *err)
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
    ha_auto(library_close) struct library library = {0};
    PKCS11_SLOT *slot = NULL;
    if (check_label(options->label, err) || read_pin(options->so_pin, &so_pin, err) ||
        read_pin(options->pin, &pin, err) || open_library(options, &library, err) ||
        free_slot(&library, options->label, &slot, err) || initialise(slot, options->label, so_pin, pin, err))
        return err->code;
    // The serial number came with the initialisation; what was read of the slot before is out of date.
    library_release_slots(&library);
    if (PKCS11_enumerate_slots(library.ctx, &library.slots, &library.n_slots) != 0)
        return failed(err, HA_E_TOKEN_ERROR, "can't list the slots again");
    for (unsigned i = 0; i < library.n_slots; i++) {
        const PKCS11_TOKEN *token = library.slots[i].token;
        if (token && token->initialized && strcmp(token->label, options->label) == 0) {
            snprintf(ret_serial, HA_INIT_SERIAL_SIZE, "%s", token->serialnr);
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_TOKEN_ERROR, "the new token is not among the slots");
}
