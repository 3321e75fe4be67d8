// SPDX-License-Identifier: Apache-2.0
#include "token/library.h"

#include "base/buf.h"
#include "token/ckr.h"
#include "token/harden.h"
#include "token/uri.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static void release_slots(struct ha_library *library)
{
    if (library->slots)
        PKCS11_release_all_slots(library->ctx, library->slots, library->n_slots);
    library->slots = NULL;
    library->n_slots = 0;
}

void ha_library_close(struct ha_library *library)
{
    release_slots(library);
    if (library->loaded)
        PKCS11_CTX_unload(library->ctx);
    if (library->ctx)
        PKCS11_CTX_free(library->ctx);
}

// libp11 puts the module's own codes into OpenSSL's queue under a name of their own.
enum ha_code ha_library_fail(struct ha_err *err, const char *function)
{
    unsigned long last = ERR_peek_last_error();
    const char *from = ERR_lib_error_string(last), *reason = ERR_reason_error_string(last);
    unsigned long rv = (unsigned long)ERR_GET_REASON(last);
    enum ha_code code;
    if (from && strcmp(from, "PKCS#11 module") == 0 && rv != CKR_OK)
        code = ha_ckr_fail(err, function, rv);
    else
        code = ha_fail(err, HA_E_TOKEN_ERROR, "%s: %s", function, reason ? reason : "libp11 doesn't say why");
    ERR_clear_error();
    return code;
}

enum ha_code ha_library_list(struct ha_library *library, struct ha_err *err)
{
    release_slots(library);
    if (PKCS11_enumerate_slots(library->ctx, &library->slots, &library->n_slots) == 0)
        return HA_OK;
    ha_library_fail(err, "C_GetSlotList");
    return ha_wrap(err, "the slots can't be listed");
}

enum ha_code ha_library_open(const struct ha_token_options *options, struct ha_library *library, struct ha_err *err)
{
    library->ctx = PKCS11_CTX_new();
    if (!library->ctx)
        return ha_fail(err, HA_E_MEMORY, "out of memory for libp11");
    if (options->module_args)
        PKCS11_CTX_init_args(library->ctx, options->module_args);
    library->loaded = PKCS11_CTX_load(library->ctx, options->module) == 0;
    ha_harden_signals();
    if (!library->loaded) {
        ha_library_fail(err, "C_Initialize");
        ha_fail(err, HA_E_CONFIG, "%s can't be used: %s", options->module, err->detail);
        return ha_hint(err,
                       "Check that it is the vendor's PKCS#11 module, complete, and that it has the arguments, the "
                       "environment and the files that it needs.");
    }
    return ha_library_list(library, err);
}

static void pad(CK_UTF8CHAR *field, size_t n, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    memset(field, ' ', n);
    memcpy(field, text ? text : "", len < n ? len : n);
}

CK_TOKEN_INFO ha_library_info(const PKCS11_TOKEN *token)
{
    const struct {
        unsigned char is_set;
        CK_FLAGS flag;
    } flags[] = {
        {token->initialized, CKF_TOKEN_INITIALIZED},
        {token->loginRequired, CKF_LOGIN_REQUIRED},
        {token->secureLogin, CKF_PROTECTED_AUTHENTICATION_PATH},
        {token->userPinSet, CKF_USER_PIN_INITIALIZED},
        {token->readOnly, CKF_WRITE_PROTECTED},
        {token->userPinCountLow, CKF_USER_PIN_COUNT_LOW},
        {token->userPinFinalTry, CKF_USER_PIN_FINAL_TRY},
        {token->userPinLocked, CKF_USER_PIN_LOCKED},
        {token->userPinToBeChanged, CKF_USER_PIN_TO_BE_CHANGED},
        {token->soPinCountLow, CKF_SO_PIN_COUNT_LOW},
        {token->soPinFinalTry, CKF_SO_PIN_FINAL_TRY},
        {token->soPinLocked, CKF_SO_PIN_LOCKED},
        {token->soPinToBeChanged, CKF_SO_PIN_TO_BE_CHANGED},
    };
    CK_TOKEN_INFO info = {0};
    pad(info.label, sizeof(info.label), token->label);
    pad(info.manufacturerID, sizeof(info.manufacturerID), token->manufacturer);
    pad(info.model, sizeof(info.model), token->model);
    pad(info.serialNumber, sizeof(info.serialNumber), token->serialnr);
    for (size_t i = 0; i < HA_ARRAY_SIZE(flags); i++)
        info.flags |= flags[i].is_set ? flags[i].flag : 0;
    return info;
}

static enum ha_code ambiguous(const PKCS11_TOKEN *one, const PKCS11_TOKEN *other, const char *text, struct ha_err *err)
{
    ha_fail(err, HA_E_AMBIGUOUS, "'%s' fits two tokens: '%s' with serial number '%s' and '%s' with serial number '%s'",
            text, one->label, one->serialnr, other->label, other->serialnr);
    return ha_hint(err, "Name it by a URI: pkcs11:serial=%s (or the other).", one->serialnr);
}

enum ha_code ha_library_find(const struct ha_library *library, const char *text, PKCS11_SLOT **ret_slot,
                             struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = NULL;
    ha_auto(ha_buf_clear) struct ha_buf seen = {0};
    PKCS11_SLOT *found = NULL;
    if (ha_uri_of_token_text(text, &uri, err))
        return err->code;
    for (unsigned i = 0; i < library->n_slots; i++) {
        const PKCS11_TOKEN *token = library->slots[i].token;
        if (!token || !token->initialized)
            continue;
        CK_TOKEN_INFO info = ha_library_info(token);
        ha_buf_printf(&seen, "%s'%s' (serial number '%s')", seen.len ? ", " : "", token->label, token->serialnr);
        if (!p11_kit_uri_match_token_info(uri, &info))
            continue;
        if (found)
            return ambiguous(found->token, token, text, err);
        found = &library->slots[i];
    }
    if (found) {
        *ret_slot = found;
        return HA_OK;
    }
    ha_fail(err, HA_E_TOKEN_DOWN, "there is no token '%s'; %s%s", text,
            seen.len ? "there are " : "there is none at all", ha_buf_text(&seen));
    return ha_hint(err, "`hsm-agent token list` shows what the module has.");
}
