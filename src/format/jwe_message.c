// SPDX-License-Identifier: Apache-2.0
#include "format/jwe_message.h"

#include "format/jwe.h"

#include <string.h>

void ha_jwe_message_clear(struct ha_jwe_message *message)
{
    ha_json_free(message->json);
    *message = (struct ha_jwe_message){0};
}

static enum ha_code read_compact(const char *text, size_t n, struct ha_jwe_message *message, struct ha_err *err)
{
    struct ha_json_text *const parts[] = {&message->protected_text, &message->encrypted_key, &message->iv,
                                          &message->ciphertext, &message->tag};
    size_t dots = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        dots += text[i] == '.';
    if (dots != 4) {
        ha_fail(err, HA_E_MALFORMED,
                "a JWE in its compact form has five parts with dots between them, this one has %zu", dots + 1);
        return dots == 2 ? ha_hint(err, "three parts are a JWS: it is signed, not encrypted") : err->code;
    }
    for (size_t i = 0; i < HA_ARRAY_SIZE(parts); i++) {
        const char *end = memchr(text + at, '.', n - at);
        size_t len = end ? (size_t)(end - text) - at : n - at;
        *parts[i] = (struct ha_json_text){text + at, len};
        at += len + 1;
    }
    return HA_OK;
}

static enum ha_code wrong_type(const char *name, const char *wanted, struct ha_err *err)
{
    return ha_fail(err, HA_E_MALFORMED, "the JWE's \"%s\" isn't %s", name, wanted);
}

// A member of text that may be missing.
static enum ha_code read_text(const ha_json *object, const char *name, bool required, struct ha_json_text *into,
                              struct ha_err *err)
{
    const ha_json *member = ha_json_get(object, name);
    const char *text = member ? ha_json_string(member) : NULL;
    if (member && !text)
        return wrong_type(name, "a string", err);
    if (required && !member)
        return ha_fail(err, HA_E_MALFORMED, "the JWE has no \"%s\"", name);
    if (text)
        *into = (struct ha_json_text){text, strlen(text)};
    return HA_OK;
}

static enum ha_code read_object(const ha_json *object, const char *name, const ha_json **into, struct ha_err *err)
{
    const ha_json *member = ha_json_get(object, name);
    if (member && ha_json_type(member) != HA_JSON_OBJECT)
        return wrong_type(name, "an object", err);
    *into = member;
    return HA_OK;
}

// A recipient's own members, which the flattened form has at the top.
static enum ha_code check_recipient(const ha_json *recipient, struct ha_err *err)
{
    const ha_json *header;
    struct ha_json_text encrypted_key;
    if (ha_json_type(recipient) != HA_JSON_OBJECT)
        return wrong_type("recipients", "a list of objects", err);
    return read_object(recipient, "header", &header, err)
               ? err->code
               : read_text(recipient, "encrypted_key", false, &encrypted_key, err);
}

static enum ha_code read_recipients(struct ha_jwe_message *message, struct ha_err *err)
{
    const ha_json *list = ha_json_get(message->json, "recipients");
    if (!list)
        return check_recipient(message->json, err);
    if (ha_json_type(list) != HA_JSON_ARRAY || ha_json_size(list) == 0)
        return wrong_type("recipients", "a list of objects", err);
    if (ha_json_size(list) > HA_JWE_RECIPIENTS_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the JWE has more than %d recipients", HA_JWE_RECIPIENTS_MAX);
    if (ha_json_get(message->json, "header") || ha_json_get(message->json, "encrypted_key"))
        return ha_fail(err, HA_E_MALFORMED, "the JWE is of the general and of the flattened form at once");
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item))
        if (check_recipient(item, err))
            return err->code;
    message->recipients = list;
    return HA_OK;
}

static enum ha_code read_json(const char *text, size_t n, struct ha_jwe_message *message, struct ha_err *err)
{
    if (ha_json_parse(text, n, HA_JOSE_DEPTH_MAX, &message->json, err))
        return ha_wrap(err, "the JWE");
    const ha_json *json = message->json;
    if (read_text(json, "protected", false, &message->protected_text, err) ||
        read_text(json, "aad", false, &message->aad, err) || read_text(json, "iv", false, &message->iv, err) ||
        read_text(json, "ciphertext", true, &message->ciphertext, err) ||
        read_text(json, "tag", false, &message->tag, err) ||
        read_object(json, "unprotected", &message->unprotected, err))
        return err->code;
    return read_recipients(message, err);
}

enum ha_code ha_jwe_message_read(const char *text, size_t n, struct ha_jwe_message *ret_message, struct ha_err *err)
{
    if (n > HA_JOSE_TEXT_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "a JWE has %d bytes at most", HA_JOSE_TEXT_MAX);
    size_t space = 0;
    while (space < n && strchr(" \t\r\n", text[space]) && text[space])
        space++;
    return space < n && text[space] == '{' ? read_json(text, n, ret_message, err)
                                           : read_compact(text, n, ret_message, err);
}

size_t ha_jwe_message_recipients(const struct ha_jwe_message *message)
{
    return message->recipients ? ha_json_size(message->recipients) : 1;
}

void ha_jwe_message_recipient(const struct ha_jwe_message *message, size_t i, const ha_json **ret_header,
                              struct ha_json_text *ret_encrypted_key)
{
    const ha_json *recipient = message->json;
    *ret_header = NULL;
    *ret_encrypted_key = message->encrypted_key;
    if (!recipient)
        return;
    if (message->recipients)
        for (recipient = ha_json_first(message->recipients); i > 0; i--)
            recipient = ha_json_next(recipient);
    const char *key = ha_json_get_string(recipient, "encrypted_key");
    *ret_header = ha_json_get(recipient, "header");
    *ret_encrypted_key = (struct ha_json_text){key, key ? strlen(key) : 0};
}
