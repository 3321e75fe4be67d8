// SPDX-License-Identifier: Apache-2.0
#include "token/inspect.h"

#include "base/json.h"
#include "token/module.h"
#include "token/p11.h"
#include "token/slot.h"
#include "token/uri.h"

#include <stdio.h>
#include <string.h>

static const struct flag_row {
    CK_FLAGS flag;
    const char *name;
} flag_rows[] = {
    {CKF_TOKEN_INITIALIZED, "initialized"},
    {CKF_LOGIN_REQUIRED, "login_required"},
    {CKF_PROTECTED_AUTHENTICATION_PATH, "own_pin_pad"},
    {CKF_WRITE_PROTECTED, "read_only"},
    {CKF_USER_PIN_INITIALIZED, "user_pin_set"},
    {CKF_USER_PIN_COUNT_LOW, "user_pin_count_low"},
    {CKF_USER_PIN_FINAL_TRY, "user_pin_final_try"},
    {CKF_USER_PIN_LOCKED, "user_pin_locked"},
    {CKF_USER_PIN_TO_BE_CHANGED, "user_pin_to_be_changed"},
    {CKF_SO_PIN_COUNT_LOW, "so_pin_count_low"},
    {CKF_SO_PIN_FINAL_TRY, "so_pin_final_try"},
    {CKF_SO_PIN_LOCKED, "so_pin_locked"},
    {CKF_SO_PIN_TO_BE_CHANGED, "so_pin_to_be_changed"},
};

// The worst that is to be said of it, in a word or two.
static const char *state_of(CK_FLAGS flags)
{
    static const struct {
        CK_FLAGS flag;
        const char *word;
    } states[] = {
        {CKF_USER_PIN_LOCKED, "pin-locked"},
        {CKF_USER_PIN_FINAL_TRY, "final-try"},
        {CKF_USER_PIN_COUNT_LOW, "pin-count-low"},
        {CKF_USER_PIN_TO_BE_CHANGED, "pin-to-be-changed"},
    };
    if (!(flags & CKF_TOKEN_INITIALIZED))
        return "uninitialised";
    if (!(flags & CKF_USER_PIN_INITIALIZED))
        return "no-user-pin";
    for (size_t i = 0; i < HA_ARRAY_SIZE(states); i++) {
        if (flags & states[i].flag)
            return states[i].word;
    }
    return "initialised";
}

static void put_text(struct ha_buf *out, const char *name, const CK_UTF8CHAR *field, size_t n)
{
    char text[65];
    ha_slot_text(field, n, text);
    ha_jw_string(out, name, text);
}

enum ha_code ha_inspect_put_token(struct ha_buf *out, const char *name, const CK_TOKEN_INFO *info, struct ha_err *err)
{
    ha_auto(ha_free) char *uri = NULL;
    if (ha_uri_of_token(info, &uri, err))
        return err->code;
    ha_jw_object(out, name);
    put_text(out, "label", info->label, sizeof(info->label));
    put_text(out, "serial", info->serialNumber, sizeof(info->serialNumber));
    put_text(out, "manufacturer", info->manufacturerID, sizeof(info->manufacturerID));
    put_text(out, "model", info->model, sizeof(info->model));
    ha_jw_string(out, "state", state_of(info->flags));
    if (info->flags & CKF_TOKEN_INITIALIZED)
        ha_jw_string(out, "uri", uri);
    for (size_t i = 0; i < HA_ARRAY_SIZE(flag_rows); i++)
        ha_jw_bool(out, flag_rows[i].name, info->flags & flag_rows[i].flag);
    ha_jw_object_end(out);
    return HA_OK;
}

enum ha_code ha_inspect_put_slots(const struct ha_library *library, struct ha_buf *out, struct ha_err *err)
{
    ha_jw_object(out, NULL);
    ha_jw_array(out, "slots");
    for (unsigned i = 0; i < library->n_slots; i++) {
        PKCS11_SLOT *slot = &library->slots[i];
        ha_jw_object(out, NULL);
        ha_jw_number(out, "slot", (int64_t)PKCS11_get_slotid_from_slot(slot));
        ha_jw_string(out, "description", slot->description ? slot->description : "");
        if (slot->token) {
            CK_TOKEN_INFO info = ha_library_info(slot->token);
            if (ha_inspect_put_token(out, "token", &info, err))
                return err->code;
        }
        ha_jw_object_end(out);
    }
    ha_jw_array_end(out);
    ha_jw_object_end(out);
    return HA_OK;
}

// --- One token

// Numbers that a token may keep to itself.
static void put_count(struct ha_buf *out, const char *name, CK_ULONG count)
{
    if (count != CK_UNAVAILABLE_INFORMATION)
        ha_jw_number(out, name, (int64_t)count);
}

static void put_limit(struct ha_buf *out, const char *name, CK_ULONG count)
{
    if (count == CK_EFFECTIVELY_INFINITE)
        ha_jw_string(out, name, "unlimited");
    else
        put_count(out, name, count);
}

static void put_version(struct ha_buf *out, const char *name, CK_VERSION version)
{
    char text[16];
    snprintf(text, sizeof(text), "%u.%u", version.major, version.minor);
    ha_jw_string(out, name, text);
}

static void put_algorithms(const struct ha_p11 *token, struct ha_buf *out)
{
    ha_jw_array(out, "algorithms");
    for (unsigned alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++) {
        if (ha_p11_way(token, (enum ha_alg)alg) != HA_WAY_NONE)
            ha_jw_string(out, NULL, ha_alg_info((enum ha_alg)alg)->name);
    }
    ha_jw_array_end(out);
}

static void put_module(const struct ha_p11 *token, struct ha_buf *out)
{
    CK_INFO info;
    if (token->p11->C_GetInfo(&info) != CKR_OK)
        return;
    ha_jw_object(out, "module");
    ha_jw_string(out, "path", token->options->module);
    put_text(out, "manufacturer", info.manufacturerID, sizeof(info.manufacturerID));
    put_text(out, "description", info.libraryDescription, sizeof(info.libraryDescription));
    put_version(out, "version", info.libraryVersion);
    put_version(out, "pkcs11", info.cryptokiVersion);
    ha_jw_object_end(out);
}

static enum ha_code put_all(struct ha_p11 *token, const struct ha_mechanisms *mechanisms, struct ha_buf *out,
                            struct ha_err *err)
{
    ha_jw_object(out, NULL);
    if (ha_inspect_put_token(out, "token", &token->info, err))
        return err->code;
    ha_jw_number(out, "slot", (int64_t)token->slot);
    put_version(out, "hardware", token->info.hardwareVersion);
    put_version(out, "firmware", token->info.firmwareVersion);
    put_count(out, "pin_min", token->info.ulMinPinLen);
    put_count(out, "pin_max", token->info.ulMaxPinLen);
    put_limit(out, "sessions_max", token->info.ulMaxSessionCount);
    put_count(out, "private_memory_free", token->info.ulFreePrivateMemory);
    put_count(out, "public_memory_free", token->info.ulFreePublicMemory);
    ha_jw_number(out, "mechanisms", (int64_t)mechanisms->n);
    put_algorithms(token, out);
    put_module(token, out);
    ha_jw_object_end(out);
    return HA_OK;
}

// The module is left as it is: its process ends.
enum ha_code ha_inspect_token(const struct ha_token_options *options, const struct ha_log *log, struct ha_buf *out,
                              struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = NULL;
    ha_auto(ha_free) char *text = NULL;
    ha_auto(ha_mechanisms_clear) struct ha_mechanisms mechanisms = {0};
    struct ha_token_options found = *options;
    struct ha_p11 token;
    if (ha_uri_of_token_text(options->token, &uri, err))
        return err->code;
    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URI");
    found.uri = text;
    ha_p11_init(&token, &found, *log);
    if (ha_module_load(&token, err) || ha_module_initialize(&token, err))
        return err->code;
    if (ha_slot_find(&token, err) == HA_E_TOKEN_DOWN)
        return ha_hint(err, "`hsm-agent token list` shows what the module has.");
    if (err->code || ha_mechanisms_probe(&token, &mechanisms, err))
        return err->code;
    ha_p11_choose(&token, &mechanisms);
    enum ha_code code = put_all(&token, &mechanisms, out, err);
    ha_module_finalize(&token);
    return code;
}
