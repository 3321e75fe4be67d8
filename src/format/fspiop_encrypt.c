// SPDX-License-Identifier: Apache-2.0
// Encrypting fields of a body.
#include "base/text.h"
#include "format/fspiop_body.h"
#include "format/fspiop_encryption.h"
#include "format/jwe_key.h"

#include <openssl/rand.h>
#include <string.h>

// What the fields share: one content key, as the standard recommends, and so one header.
struct sealing {
    enum ha_jwe_alg alg;
    enum ha_aead enc;
    struct ha_jwe_sealed sealed;
    struct ha_buf header;  // base64url
};

static void sealing_clear(struct sealing *sealing)
{
    ha_jwe_sealed_clear(&sealing->sealed);
    ha_buf_clear(&sealing->header);
}
HA_AUTO_DEFINE_CLEAR(struct sealing, sealing_clear)

static enum ha_code begin(const struct ha_fspiop_encryption_profile *profile, const struct ha_pubkey *recipient,
                          struct sealing *sealing, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf json = {0};
    const struct ha_buf nothing = {0};
    sealing->alg = profile->algs.n ? ha_jwe_alg_by_name(profile->algs.items[0]) : HA_JWE_RSA_OAEP_256;
    sealing->enc = profile->encs.n ? ha_aead_by_name(profile->encs.items[0]) : HA_AEAD_A256GCM;
    if (!sealing->alg || ha_jwe_alg_info(sealing->alg)->alg == HA_ALG_ECDH || !sealing->enc)
        return ha_fail(err, HA_E_KEY_CANNOT, "the profile names no algorithm to encrypt fields with");
    if (!ha_jwe_alg_fits(sealing->alg, ha_pubkey_type(recipient))) {
        ha_fail(err, HA_E_KEY_CANNOT, "fields are encrypted with %s, which takes an RSA key",
                ha_jwe_alg_info(sealing->alg)->name);
        return ha_at(err, "/recipient");
    }
    ha_jw_object(&json, NULL);
    ha_jw_string(&json, "alg", ha_jwe_alg_info(sealing->alg)->name);
    ha_jw_string(&json, "enc", ha_aead_info(sealing->enc)->name);
    ha_jw_object_end(&json);
    ha_b64u_encode(&sealing->header, json.data, json.len);
    return ha_jwe_key_seal(sealing->alg, sealing->enc, recipient, &nothing, &nothing, &sealing->sealed, err);
}

// What a value's plaintext is. Empty when it can't be one, or would be read back as another value.
static struct ha_json_text plaintext_of(const ha_json *value, struct ha_json_text text)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err ignored = {0};
    const char *string = ha_json_string(value);
    if (ha_json_type(value) == HA_JSON_OBJECT || ha_json_type(value) == HA_JSON_ARRAY)
        return text;
    if (!string || ((string[0] == '{' || string[0] == '[') &&
                    ha_json_parse(string, strlen(string), HA_JOSE_DEPTH_MAX, &json, &ignored) == HA_OK))
        return (struct ha_json_text){0};
    return (struct ha_json_text){string, strlen(string)};
}

static enum ha_code seal_field(const struct sealing *sealing, const char *name, struct ha_json_text plaintext,
                               struct ha_buf *header, struct ha_fspiop_value *value, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf ciphertext = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const struct ha_aead_info *enc = ha_aead_info(sealing->enc);
    const struct ha_buf *key = &sealing->sealed.encrypted_key;
    uint8_t iv[HA_AEAD_IV_MAX], tag[HA_AEAD_TAG_MAX];
    if (RAND_bytes(iv, (int)enc->iv_len) != 1)
        return ha_fail(err, HA_E_INTERNAL, "no random bytes");
    const struct ha_aead_use use = {
        .aead = sealing->enc,
        .key = sealing->sealed.cek.data,
        .iv = iv,
        .iv_len = enc->iv_len,
        .aad = sealing->header.data,
        .aad_len = sealing->header.len,
    };
    if (ha_aead_seal(&use, plaintext.data, plaintext.n, &ciphertext, tag, err))
        return err->code;
    ha_b64u_encode(&text, ciphertext.data, ciphertext.len);
    ha_jw_quoted(&value->text, ha_buf_text(&text));
    ha_jw_object(header, NULL);
    ha_jw_string(header, "fieldName", name);
    ha_jw_bytes(header, "encryptedKey", key->data, key->len);
    ha_jw_string(header, "protectedHeader", ha_buf_text(&sealing->header));
    ha_jw_bytes(header, "initializationVector", iv, enc->iv_len);
    ha_jw_bytes(header, "authenticationTag", tag, enc->tag_len);
    ha_jw_object_end(header);
    return ha_buf_ok(header) && ha_buf_ok(&value->text) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a field");
}

static enum ha_code encrypt_field(const struct sealing *sealing, const ha_json *json, struct ha_json_text body,
                                  const char *name, struct ha_buf *header, struct ha_fspiop_value *value,
                                  struct ha_err *err)
{
    const ha_json *found;
    if (!ha_fspiop_find(json, body, name, &value->old, &found))
        return ha_fail(err, HA_E_MALFORMED, "the body has no \"%.80s\"", name);
    struct ha_json_text plaintext = plaintext_of(found, value->old);
    if (!plaintext.data)
        return ha_fail(err, HA_E_MALFORMED,
                       "\"%.80s\" is neither an object, nor a list, nor a string without JSON in it", name);
    return seal_field(sealing, name, plaintext, header, value, err);
}

enum ha_code ha_fspiop_encrypt(const struct ha_fspiop_encryption_profile *profile, const struct ha_pubkey *recipient,
                               const char *const *fields, size_t n, struct ha_json_text body, struct ha_buf *ret_header,
                               struct ha_buf *ret_body, struct ha_err *err)
{
    ha_auto(sealing_clear) struct sealing sealing = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_fspiop_values_clear) struct ha_fspiop_values values = {0};
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    if (n == 0 || n > HA_FSPIOP_FIELDS_MAX) {
        ha_fail(err, HA_E_MALFORMED, "1 to %d fields are encrypted", HA_FSPIOP_FIELDS_MAX);
        return ha_at(err, "/fields");
    }
    if (body.n > HA_JOSE_TEXT_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "a body with encrypted fields has %d bytes at most", HA_JOSE_TEXT_MAX);
        return ha_at(err, "/body_text");
    }
    if (ha_json_parse(body.data, body.n, HA_JOSE_DEPTH_MAX, &json, err)) {
        ha_wrap(err, "the body");
        return ha_at(err, "/body_text");
    }
    if (begin(profile, recipient, &sealing, err) || ha_fspiop_values_new(n, &values, err))
        return err->code;
    ha_jw_object(&header, NULL);
    ha_jw_object(&header, "encryptedFields");
    ha_jw_array(&header, "encryptedField");
    for (size_t i = 0; i < n; i++)
        if (encrypt_field(&sealing, json, body, fields[i], &header, &values.items[i], err))
            return ha_at(err, "/fields/%zu", i);
    if (ha_fspiop_overlap(&values)) {
        ha_fail(err, HA_E_MALFORMED, "of two fields one is the other, or within it");
        return ha_at(err, "/fields");
    }
    ha_jw_array_end(&header);
    ha_jw_object_end(&header);
    ha_jw_object_end(&header);
    ha_buf_append(ret_header, header.data, header.len);
    ha_fspiop_replace(body, &values, ret_body);
    return ha_buf_ok(&header) && ha_buf_ok(ret_header) && ha_buf_ok(ret_body)
               ? HA_OK
               : ha_fail(err, HA_E_MEMORY, "no memory for a body");
}
