// SPDX-License-Identifier: Apache-2.0
// Decrypting fields. Each one's JWE is put together in the compact form, so that there is one reader of them all.
#include "base/text.h"
#include "crypto/sigenc.h"
#include "format/fspiop_body.h"
#include "format/fspiop_encryption.h"

#include <stdlib.h>
#include <string.h>

void ha_fspiop_decryption_clear(struct ha_fspiop_decryption *job)
{
    for (size_t i = 0; i < job->n; i++)
        ha_jwe_clear(&job->fields[i].jwe);
    free(job->fields);
    *job = (struct ha_fspiop_decryption){0};
}

static enum ha_code wrong(const char *what, struct ha_err *err)
{
    ha_fail(err, HA_E_MALFORMED, "FSPIOP-Encryption %s", what);
    return ha_at(err, "/fspiop_encryption");
}

static const ha_json *object_member(const ha_json *json, const char *name)
{
    return json && ha_json_type(json) == HA_JSON_OBJECT ? ha_json_get(json, name) : NULL;
}

// {"encryptedFields":{"encryptedField":[...]}}
static enum ha_code read_list(const char *header, size_t n, ha_json **ret_json, const ha_json **ret_list,
                              struct ha_err *err)
{
    if (n > HA_JOSE_TEXT_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "FSPIOP-Encryption has %d bytes at most", HA_JOSE_TEXT_MAX);
        return ha_at(err, "/fspiop_encryption");
    }
    if (ha_json_parse(header, n, HA_JOSE_DEPTH_MAX, ret_json, err)) {
        ha_wrap(err, "FSPIOP-Encryption");
        return ha_at(err, "/fspiop_encryption");
    }
    const ha_json *list = object_member(object_member(*ret_json, "encryptedFields"), "encryptedField");
    if (!list || ha_json_type(list) != HA_JSON_ARRAY || ha_json_size(list) == 0)
        return wrong("has no list encryptedFields.encryptedField", err);
    if (ha_json_size(list) > HA_FSPIOP_FIELDS_MAX)
        return wrong("names too many fields", err);
    *ret_list = list;
    return HA_OK;
}

// The standard's own limits, but for keys of more than 3072 bits.
enum { NAME_MAX_CHARS = 512, KEY_MAX_CHARS = 2800, HEADER_MAX_CHARS = 1024, SHORT_MAX_CHARS = 128 };

static const char *text_of(const ha_json *field, const char *name, size_t max)
{
    const ha_json *member = object_member(field, name);
    const char *text = member ? ha_json_string(member) : NULL;
    return text && text[0] && strlen(text) <= max ? text : NULL;
}

static enum ha_code find_ciphertext(const ha_json *json, struct ha_json_text body, const char *name,
                                    struct ha_fspiop_field *field, const char **ret_text, struct ha_err *err)
{
    const ha_json *value;
    if (!ha_fspiop_find(json, body, name, &field->value, &value))
        ha_fail(err, HA_E_MALFORMED, "the body has no \"%.80s\", which FSPIOP-Encryption names", name);
    else if (!ha_json_string(value))
        ha_fail(err, HA_E_MALFORMED, "the body's \"%.80s\" is no string, as encrypted fields are", name);
    else
        *ret_text = ha_json_string(value);
    return err->code ? ha_at(err, "/body_text") : HA_OK;
}

static enum ha_code read_field(const struct ha_jwe_profile *profile, const struct ha_jwe_key *key, const ha_json *item,
                               const ha_json *json, struct ha_json_text body, struct ha_fspiop_field *field,
                               struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf compact = {0};
    const char *name = text_of(item, "fieldName", NAME_MAX_CHARS), *ciphertext = NULL;
    const char *header = text_of(item, "protectedHeader", HEADER_MAX_CHARS);
    const char *encrypted_key = text_of(item, "encryptedKey", KEY_MAX_CHARS);
    const char *iv = text_of(item, "initializationVector", SHORT_MAX_CHARS);
    const char *tag = text_of(item, "authenticationTag", SHORT_MAX_CHARS);
    if (!name || !header || !encrypted_key || !iv || !tag)
        return wrong("has a field without a fitting fieldName, protectedHeader, encryptedKey, initializationVector or "
                     "authenticationTag",
                     err);
    if (find_ciphertext(json, body, name, field, &ciphertext, err))
        return err->code;
    const char *parts[] = {header, encrypted_key, iv, ciphertext, tag};
    for (size_t i = 0; i < HA_ARRAY_SIZE(parts); i++) {
        if (i > 0)
            ha_buf_putc(&compact, '.');
        ha_buf_puts(&compact, parts[i]);
    }
    if (!ha_buf_ok(&compact))
        return ha_fail(err, HA_E_MEMORY, "no memory for an encrypted field");
    if (ha_jwe_begin(profile, key, ha_buf_text(&compact), compact.len, &field->jwe, err)) {
        ha_wrap(err, "the field \"%.80s\"", name);
        return ha_at(err, "/fspiop_encryption");
    }
    return HA_OK;
}

// A field that is named twice would be decrypted twice.
static bool named_before(const struct ha_fspiop_decryption *job, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (job->fields[k].value.data == job->fields[i].value.data)
            return true;
    return false;
}

static size_t first_with_the_key(const struct ha_fspiop_decryption *job, size_t i)
{
    const struct ha_jwe *jwe = &job->fields[i].jwe;
    for (size_t k = 0; k < i; k++) {
        const struct ha_jwe *other = &job->fields[k].jwe;
        if (other->alg == jwe->alg && jwe->alg != HA_ALG_ECDH && other->encrypted_key.len == jwe->encrypted_key.len &&
            memcmp(other->encrypted_key.data, jwe->encrypted_key.data, jwe->encrypted_key.len) == 0)
            return k;
    }
    return i;
}

// What the standard says where the profile doesn't.
static struct ha_jwe_profile jwe_profile(const struct ha_fspiop_encryption_profile *profile)
{
    static char rsa_oaep_256[] = "RSA-OAEP-256", a256[] = "A256GCM", a192[] = "A192GCM", a128[] = "A128GCM";
    static char *algs[] = {rsa_oaep_256}, *encs[] = {a256, a192, a128};
    struct ha_jwe_profile jwe = {.algs = profile->algs, .encs = profile->encs, .long_iv = profile->long_iv};
    if (!jwe.algs.n)
        jwe.algs = (struct ha_jose_list){algs, HA_ARRAY_SIZE(algs)};
    if (!jwe.encs.n)
        jwe.encs = (struct ha_jose_list){encs, HA_ARRAY_SIZE(encs)};
    return jwe;
}

enum ha_code ha_fspiop_decrypt_begin(const struct ha_fspiop_encryption_profile *profile, const struct ha_pubkey *key,
                                     const char *header, size_t header_len, struct ha_json_text body,
                                     struct ha_fspiop_decryption *ret_job, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *header_json = NULL;
    ha_auto(ha_json_free) ha_json *body_json = NULL;
    const ha_json *list = NULL;
    const struct ha_jwe_profile jwe = jwe_profile(profile);
    const struct ha_jwe_key own = {key, NULL};
    if (read_list(header, header_len, &header_json, &list, err))
        return err->code;
    if (body.n > HA_JOSE_TEXT_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "a body with encrypted fields has %d bytes at most", HA_JOSE_TEXT_MAX);
        return ha_at(err, "/body_text");
    }
    if (ha_json_parse(body.data, body.n, HA_JOSE_DEPTH_MAX, &body_json, err)) {
        ha_wrap(err, "the body");
        return ha_at(err, "/body_text");
    }
    ret_job->fields = calloc(ha_json_size(list), sizeof(*ret_job->fields));
    if (!ret_job->fields)
        return ha_fail(err, HA_E_MEMORY, "no memory for encrypted fields");
    ret_job->body = body;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item)) {
        size_t i = ret_job->n++;
        if (read_field(&jwe, &own, item, body_json, body, &ret_job->fields[i], err))
            return err->code;
        if (named_before(ret_job, i))
            return wrong("names a field twice", err);
        ret_job->fields[i].same = first_with_the_key(ret_job, i);
    }
    return HA_OK;
}

// A value's plaintext is the JSON of an object or a list, or else the text of a string.
static bool write_value(const struct ha_buf *plaintext, struct ha_buf *out)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err ignored = {0};
    const char *text = ha_buf_text(plaintext);
    if ((text[0] == '{' || text[0] == '[') &&
        ha_json_parse(text, plaintext->len, HA_JOSE_DEPTH_MAX, &json, &ignored) == HA_OK) {
        ha_buf_append(out, text, plaintext->len);
        return true;
    }
    if (strlen(text) != plaintext->len || !ha_utf8_valid(text, plaintext->len))
        return false;
    ha_jw_quoted(out, text);
    return true;
}

enum ha_code ha_fspiop_decrypt_end(const struct ha_fspiop_decryption *job, const struct ha_fspiop_secret *secrets,
                                   struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_fspiop_values_clear) struct ha_fspiop_values values = {0};
    bool good = true;
    if (ha_fspiop_values_new(job->n, &values, err))
        return err->code;
    for (size_t i = 0; i < job->n; i++) {  // each of them, so that the time doesn't say which one it was
        ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
        const struct ha_fspiop_secret *secret = &secrets[job->fields[i].same];
        struct ha_err one = {0};
        enum ha_code code = ha_jwe_end(&job->fields[i].jwe, secret->data, secret->n, &plaintext, &one);
        if (code && code != HA_E_DECRYPTION) {
            *err = one;
            return code;
        }
        values.items[i].old = job->fields[i].value;
        good = good && !code && write_value(&plaintext, &values.items[i].text);
    }
    if (!good)
        return ha_decryption_failed(err);
    ha_fspiop_replace(job->body, &values, body);
    return ha_buf_ok(body) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a body");
}
