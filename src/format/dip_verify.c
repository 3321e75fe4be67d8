// SPDX-License-Identifier: Apache-2.0
// Verifying what the DIP has signed.
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/sigenc.h"
#include "format/base64_any.h"
#include "format/dip_string.h"

#include <stdlib.h>
#include <string.h>

// What the message says of its signature.
struct said {
    struct ha_buf signature_text, date_text, certificate_text, content_text;
    const char *date, *content;
    struct ha_buf signature;
};

static void said_clear(struct said *said)
{
    ha_buf_clear(&said->signature_text);
    ha_buf_clear(&said->date_text);
    ha_buf_clear(&said->certificate_text);
    ha_buf_clear(&said->content_text);
    ha_buf_clear(&said->signature);
}
HA_AUTO_DEFINE_CLEAR(struct said, said_clear)

static enum ha_code need(const struct ha_http_message *message, const char *name, struct ha_buf *out,
                         const char **ret_value, struct ha_err *err)
{
    *ret_value = ha_http_field_only(message, name, out);
    if (*ret_value && **ret_value)
        return HA_OK;
    ha_fail(err, HA_E_NOT_VERIFIED, "the message has %s field %s",
            ha_http_field_count(message, name) > 1 ? "more than one" : "no", name);
    return ha_at(err, "/headers/%s", name);
}

// The certificate, from base64 of PEM or of DER.
static enum ha_code read_certificate(const char *text, struct ha_certificate **ret_certificate, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    enum ha_code code = ha_base64_any_decode(&bytes, text, strlen(text), err);
    if (code == HA_OK)
        code = ha_certificate_read(bytes.data, bytes.len, ret_certificate, err);
    if (code == HA_OK)
        return HA_OK;
    ha_wrap(err, HA_DIP_CERTIFICATE);
    return ha_at(err, "/headers/" HA_DIP_CERTIFICATE);
}

static enum ha_code check_date(const struct ha_dip_profile *profile, const char *date, int64_t now_s,
                               struct ha_err *err)
{
    int64_t ms;
    if (!ha_dip_date_read(HA_DIP_DATE_ISO, date, &ms) && !ha_dip_date_read(HA_DIP_DATE_LITERAL, date, &ms)) {
        ha_fail(err, HA_E_NOT_VERIFIED, "the date '%.40s' is in neither of the two forms", date);
        return ha_at(err, "/headers/" HA_DIP_DATE);
    }
    if (profile->max_age_s && llabs(ms / 1000 - now_s) > (int64_t)profile->max_age_s) {
        ha_fail(err, HA_E_NOT_VERIFIED, "the message was signed at %s, over %u seconds from the time of verification",
                date, profile->max_age_s);
        return ha_at(err, "/headers/" HA_DIP_DATE);
    }
    return HA_OK;
}

// The content hash in whatever text it came: it is part of the signed string as it is.
static enum ha_code check_content(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                                  const char *content, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf wanted = {0};
    ha_auto(ha_buf_clear) struct ha_buf given = {0};
    struct ha_err ignored = {0};
    if (ha_dip_content_bytes(profile, message, &wanted, err))
        return err->code;
    size_t n = strlen(content);
    bool hex = n == 2 * wanted.len && ha_hex_decode(&given, content, n, &ignored) == HA_OK;
    bool read = hex || ha_base64_any_decode(&given, content, n, &ignored) == HA_OK;
    if (read && given.len == wanted.len && memcmp(given.data, wanted.data, wanted.len) == 0)
        return HA_OK;
    ha_fail(err, HA_E_NOT_VERIFIED, "the body isn't the one whose hash is in " HA_DIP_CONTENT_HASH);
    return ha_at(err, "/body");
}

static enum ha_code read_fields(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                                struct said *said, struct ha_certificate **ret_certificate, struct ha_err *err)
{
    const char *signature, *certificate;
    if (need(message, HA_DIP_SIGNATURE, &said->signature_text, &signature, err) ||
        need(message, HA_DIP_DATE, &said->date_text, &said->date, err) ||
        need(message, HA_DIP_CERTIFICATE, &said->certificate_text, &certificate, err))
        return err->code;
    if (ha_base64_any_decode(&said->signature, signature, strlen(signature), err))
        return ha_at(err, "/headers/" HA_DIP_SIGNATURE);
    bool has_hash = ha_http_field_count(message, HA_DIP_CONTENT_HASH) > 0;
    if (has_hash || profile->content_hash) {
        if (need(message, HA_DIP_CONTENT_HASH, &said->content_text, &said->content, err) ||
            check_content(profile, message, said->content, err))
            return err->code;
    } else {
        if (ha_dip_content(profile, message, &said->content_text, err))
            return err->code;
        said->content = ha_buf_text(&said->content_text);
    }
    return read_certificate(certificate, ret_certificate, err);
}

// ECDSA signatures come raw or as DER.
static bool signature_fits(const struct ha_pubkey *key, enum ha_alg alg, const struct ha_buf *input,
                           const struct ha_buf *signature)
{
    ha_auto(ha_buf_clear) struct ha_buf raw = {0};
    struct ha_err ignored = {0};
    if (ha_pubkey_verify(key, alg, input->data, input->len, signature->data, signature->len))
        return true;
    return alg == HA_ALG_ES256 && ha_ecdsa_der_to_raw(signature->data, signature->len, 32, &raw, &ignored) == HA_OK &&
           ha_pubkey_verify(key, alg, input->data, input->len, raw.data, raw.len);
}

static enum ha_code check_signature(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                                    const struct said *said, const struct ha_pubkey *key, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    uint8_t digest[HA_DIGEST_MAX];
    enum ha_alg alg;
    if (ha_dip_algorithm(profile, key, &alg, err)) {
        err->code = HA_E_NOT_VERIFIED;
        return HA_E_NOT_VERIFIED;
    }
    if (ha_dip_string(profile, message, said->date, said->content, &input, err))
        return err->code;
    if (profile->double_hash) {
        if (ha_digest(HA_HASH_SHA256, input.data, input.len, digest, err))
            return err->code;
        ha_buf_reset(&input);
        ha_buf_append(&input, digest, ha_hash_info(HA_HASH_SHA256)->len);
    }
    if (signature_fits(key, alg, &input, &said->signature))
        return HA_OK;
    ha_fail(err, HA_E_NOT_VERIFIED,
            "the signature isn't made with the certificate's key over this method, URL, date and body");
    return ha_at(err, "/headers/" HA_DIP_SIGNATURE);
}

enum ha_code ha_dip_verify(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                           const struct ha_chain_trust *trust, struct ha_certificate **ret_certificate,
                           struct ha_err *err)
{
    ha_auto(said_clear) struct said said = {0};
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (ha_http_message_check(message, err) || read_fields(profile, message, &said, &certificate, err) ||
        check_date(profile, said.date, trust->at, err))
        return err->code;
    // The chain first: a signature by a stranger's key says nothing.
    if (ha_chain_verify(certificate, trust, err))
        return err->code;
    if (ha_certificate_key(certificate, &key, err)) {
        err->code = HA_E_NOT_VERIFIED;
        return HA_E_NOT_VERIFIED;
    }
    if (check_signature(profile, message, &said, key, err))
        return err->code;
    *ret_certificate = ha_take(&certificate);
    return HA_OK;
}
