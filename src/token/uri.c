// SPDX-License-Identifier: Apache-2.0
#include "token/uri.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ha_code parse(const char *text, enum ha_code refusal, P11KitUri **ret_uri, struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = p11_kit_uri_new();
    if (!uri)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URI");
    int problem = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    // The text isn't repeated before this check is passed: it could hold a PIN.
    if (p11_kit_uri_get_pin_value(uri) || p11_kit_uri_get_pin_source(uri)) {
        ha_fail(err, refusal, "the PKCS#11 URI holds a PIN or its source");
        return ha_hint(err, "Take pin-value and pin-source out of it; the token's 'pin' option says where the PIN is.");
    }
    if (problem != P11_KIT_URI_OK) {
        ha_fail(err, refusal, "not a PKCS#11 URI: %s", p11_kit_uri_message(problem));
        return ha_hint(err, "Write it as in RFC 7512: pkcs11:token=edge;id=%%01;object=tls");
    }
    if (p11_kit_uri_any_unrecognized(uri)) {
        ha_fail(err, refusal, "the PKCS#11 URI has an attribute that RFC 7512 doesn't know");
        return ha_hint(err, "Use token, serial, manufacturer, model for a token; id, object, type for a key.");
    }
    *ret_uri = ha_take(&uri);
    return HA_OK;
}

enum ha_code ha_uri_parse_token(const char *text, P11KitUri **ret_uri, struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = NULL;
    if (parse(text, HA_E_CONFIG, &uri, err))
        return err->code;
    const CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
    if (!info->label[0] && !info->serialNumber[0] && !info->manufacturerID[0] && !info->model[0]) {
        ha_fail(err, HA_E_CONFIG, "the URI names no token; slot numbers change from start to start");
        return ha_hint(err, "Add token=LABEL or serial=NUMBER to the token's 'uri'.");
    }
    *ret_uri = ha_take(&uri);
    return HA_OK;
}

static bool has_class(P11KitUri *uri, CK_OBJECT_CLASS wanted)
{
    const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
    return class && class->ulValueLen == sizeof(CK_OBJECT_CLASS) && *(CK_OBJECT_CLASS *)class->pValue == wanted;
}

bool ha_uri_is_secret(P11KitUri *uri)
{
    return has_class(uri, CKO_SECRET_KEY);
}

enum ha_code ha_uri_of_token_text(const char *text, P11KitUri **ret_uri, struct ha_err *err)
{
    static const char scheme[] = "pkcs11:";
    if (strncmp(text, scheme, sizeof(scheme) - 1) == 0)
        return ha_uri_parse_token(text, ret_uri, err);
    ha_auto(p11_kit_uri_free) P11KitUri *uri = p11_kit_uri_new();
    if (!uri)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URI");
    CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
    size_t n = strlen(text);
    if (n == 0 || n > sizeof(info->label))
        return ha_fail(err, HA_E_CONFIG, "a token's label has 1 to %zu bytes", sizeof(info->label));
    memset(info->label, ' ', sizeof(info->label));
    memcpy(info->label, text, n);
    *ret_uri = ha_take(&uri);
    return HA_OK;
}

enum ha_code ha_uri_of_token(const CK_TOKEN_INFO *info, char **ret_text, struct ha_err *err)
{
    ha_auto(p11_kit_uri_free) P11KitUri *uri = p11_kit_uri_new();
    char *text = NULL;
    if (!uri)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URI");
    CK_TOKEN_INFO *named = p11_kit_uri_get_token_info(uri);
    memcpy(named->label, info->label, sizeof(named->label));
    if (info->serialNumber[0] != ' ' && info->serialNumber[0] != '\0') {
        memcpy(named->serialNumber, info->serialNumber, sizeof(named->serialNumber));
    } else {
        memcpy(named->model, info->model, sizeof(named->model));
        memcpy(named->manufacturerID, info->manufacturerID, sizeof(named->manufacturerID));
    }
    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_TOKEN, &text) != P11_KIT_URI_OK)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URI");
    *ret_text = text;
    return HA_OK;
}

enum ha_code ha_uri_parse_keys(const char *text, size_t n, P11KitUri **ret_uri, struct ha_err *err)
{
    ha_auto(ha_free) char *copy = strndup(text, n);
    ha_auto(p11_kit_uri_free) P11KitUri *uri = NULL;
    if (!copy)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URI");
    if (strlen(copy) != n)
        return ha_fail(err, HA_E_MALFORMED, "the PKCS#11 URI holds a zero byte");
    if (parse(copy, HA_E_MALFORMED, &uri, err))
        return err->code;
    if (p11_kit_uri_get_attribute(uri, CKA_CLASS) && !has_class(uri, CKO_PRIVATE_KEY) && !ha_uri_is_secret(uri)) {
        ha_fail(err, HA_E_MALFORMED, "the PKCS#11 URI doesn't name private keys");
        return ha_hint(err, "Write type=private (type=secret-key for a key encryption key), or leave 'type' out.");
    }
    *ret_uri = ha_take(&uri);
    return HA_OK;
}

void ha_uri_of_object(const void *id, size_t id_len, const void *label, size_t label_len,
                      char ret_text[static HA_URI_MAX])
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_ID, (void *)(uintptr_t)id, id_len},
        {CKA_LABEL, (void *)(uintptr_t)label, label_len},
    };
    ha_auto(p11_kit_uri_free) P11KitUri *uri = p11_kit_uri_new();
    ha_auto(ha_free) char *text = NULL;
    if (uri && p11_kit_uri_set_attributes(uri, attributes, HA_ARRAY_SIZE(attributes)) == P11_KIT_URI_OK)
        p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT, &text);
    snprintf(ret_text, HA_URI_MAX, "%s", text ? text : "pkcs11:");
}
