// SPDX-License-Identifier: Apache-2.0
// Signing HTTP messages by RFC 9421.
#include "format/rfc9421.h"

#include "base/text.h"
#include "format/content_digest.h"
#include "format/rfc9421_base.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <string.h>

static const struct ha_rfc9421_profile plain = {.created = true, .max_age_s = 300};

const struct ha_rfc9421_profile *ha_rfc9421_plain(void)
{
    return &plain;
}

void ha_rfc9421_clear(struct ha_rfc9421_job *job)
{
    ha_buf_clear(&job->input);
    ha_buf_clear(&job->label);
    ha_buf_clear(&job->parameters);
    ha_buf_clear(&job->content_digest);
}

void ha_rfc9421_fields_clear(struct ha_rfc9421_fields *fields)
{
    ha_buf_clear(&fields->signature_input);
    ha_buf_clear(&fields->signature);
}

static enum ha_code choose_alg(const struct ha_rfc9421_profile *profile, const struct ha_pubkey *key,
                               enum ha_alg *ret_alg, struct ha_err *err)
{
    enum ha_key_type type = ha_pubkey_type(key);
    enum ha_alg alg = profile->algorithm ? profile->algorithm : ha_rfc9421_alg_default(type);
    if (alg == HA_ALG_NONE || !ha_rfc9421_alg_name(alg) || !ha_alg_fits(alg, type)) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key of the type %s makes no signature of this profile",
                ha_key_type_info(type)->name);
        return ha_hint(err, "RFC 9421 has algorithms for RSA (PS512, RS256), P-256, P-384 and Ed25519");
    }
    *ret_alg = alg;
    return HA_OK;
}

// The Content-Digest that is sent: the message's own if it has one, which has to be right, or a new one.
static enum ha_code make_digest(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                                struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf own = {0};
    bool has_body = message->body_len || message->body_sha256;
    if (ha_http_field_combined(message, "content-digest", &own)) {
        if (!has_body || ha_content_digest_check(ha_buf_text(&own), message->body, message->body_len,
                                                 message->body_sha256, err) == HA_OK)
            return HA_OK;
        err->code = HA_E_MALFORMED;
        return ha_at(err, "/headers/Content-Digest");
    }
    if (!has_body || profile->digest == HA_RFC9421_DIGEST_NONE)
        return HA_OK;
    enum ha_hash hash = profile->digest == HA_RFC9421_DIGEST_SHA512 ? HA_HASH_SHA512 : HA_HASH_SHA256;
    if (!message->body_sha256)
        return ha_content_digest_make(hash, message->body, message->body_len, out, err);
    if (hash != HA_HASH_SHA256) {
        ha_fail(err, HA_E_MALFORMED, "the profile sends SHA-512 of the body, which can't be made of its SHA-256");
        return ha_at(err, "/content_digest");
    }
    ha_content_digest_write(hash, message->body_sha256, out);
    return HA_OK;
}

static enum ha_code put_component(const struct ha_http_message *message, const char *text, struct ha_rfc9421_job *job,
                                  struct ha_err *err)
{
    ha_auto(ha_sfv_item_clear) struct ha_sfv_item item = {0};
    if (ha_rfc9421_component(text, &item, err) || ha_rfc9421_put_component(message, &item, &job->input, err)) {
        ha_hint(err, "the profile says what is covered; give all header fields among it");
        return ha_at(err, "/headers");
    }
    if (job->parameters.len > 1)
        ha_buf_putc(&job->parameters, ' ');
    ha_sfv_put_item(&job->parameters, &item);
    return HA_OK;
}

static enum ha_code put_components(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                                   struct ha_rfc9421_job *job, struct ha_err *err)
{
    const char *defaults[4];
    size_t n = profile->components.n;
    bool chosen = n > 0;
    if (!chosen)
        n = ha_rfc9421_default_components(message, defaults);
    ha_buf_putc(&job->parameters, '(');
    for (size_t i = 0; i < n; i++) {
        const char *text = chosen ? profile->components.items[i] : defaults[i];
        // A message without a body has nothing to digest, whatever the profile covers else.
        bool nothing = strcmp(text, "content-digest") == 0 && !ha_http_field_count(message, text);
        if (!nothing && put_component(message, text, job, err))
            return err->code;
    }
    ha_buf_putc(&job->parameters, ')');
    return HA_OK;
}

static enum ha_code put_keyid(const struct ha_rfc9421_profile *profile, const struct ha_pubkey *key, struct ha_buf *out,
                              struct ha_err *err)
{
    uint8_t thumbprint[32];
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    switch (profile->keyid) {
    case HA_RFC9421_KEYID_NONE:
        return HA_OK;
    case HA_RFC9421_KEYID_TEXT:
        ha_buf_puts(&text, profile->keyid_text ? profile->keyid_text : "");
        break;
    case HA_RFC9421_KEYID_THUMBPRINT:
        if (ha_pubkey_thumbprint(key, thumbprint, err))
            return err->code;
        ha_b64u_encode(&text, thumbprint, sizeof thumbprint);
        break;
    }
    ha_buf_puts(out, ";keyid=");
    ha_sfv_put_string(out, ha_buf_text(&text));
    return HA_OK;
}

static enum ha_code put_parameters(const struct ha_rfc9421_profile *profile, const struct ha_pubkey *key, int64_t now_s,
                                   struct ha_rfc9421_job *job, struct ha_err *err)
{
    struct ha_buf *out = &job->parameters;
    uint8_t nonce[16];
    if (profile->created)
        ha_buf_printf(out, ";created=%" PRId64, now_s);
    if (profile->lifetime_s)
        ha_buf_printf(out, ";expires=%" PRId64, now_s + (int64_t)profile->lifetime_s);
    if (put_keyid(profile, key, out, err))
        return err->code;
    if (profile->alg_parameter)
        ha_buf_printf(out, ";alg=\"%s\"", ha_rfc9421_alg_name(job->alg));
    if (profile->nonce) {
        if (RAND_bytes(nonce, sizeof nonce) != 1)
            return ha_fail(err, HA_E_INTERNAL, "there are no random bytes");
        ha_buf_puts(out, ";nonce=\"");
        ha_b64u_encode(out, nonce, sizeof nonce);
        ha_buf_putc(out, '"');
    }
    if (profile->tag) {
        ha_buf_puts(out, ";tag=");
        ha_sfv_put_string(out, profile->tag);
    }
    return HA_OK;
}

enum ha_code ha_rfc9421_begin(const struct ha_rfc9421_profile *profile, const struct ha_http_message *message,
                              const struct ha_pubkey *key, int64_t now_s, struct ha_rfc9421_job *ret_job,
                              struct ha_err *err)
{
    struct ha_http_field fields[HA_HTTP_FIELDS_MAX + 1];
    struct ha_http_message whole = *message;
    if (ha_http_message_check(message, err) || choose_alg(profile, key, &ret_job->alg, err) ||
        make_digest(profile, message, &ret_job->content_digest, err))
        return err->code;
    if (message->n_fields)
        memcpy(fields, message->fields, message->n_fields * sizeof *fields);
    if (ret_job->content_digest.len)
        fields[whole.n_fields++] = (struct ha_http_field){"Content-Digest", ha_buf_text(&ret_job->content_digest)};
    whole.fields = fields;
    ha_buf_puts(&ret_job->label, profile->label ? profile->label : "sig1");
    if (put_components(profile, &whole, ret_job, err) || put_parameters(profile, key, now_s, ret_job, err))
        return err->code;
    ha_rfc9421_put_parameters(ha_buf_text(&ret_job->parameters), &ret_job->input);
    bool good = ha_buf_ok(&ret_job->input) && ha_buf_ok(&ret_job->label) && ha_buf_ok(&ret_job->parameters) &&
                ha_buf_ok(&ret_job->content_digest);
    return good ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a signature");
}

enum ha_code ha_rfc9421_end(const struct ha_rfc9421_job *job, const uint8_t *signature, size_t n,
                            struct ha_rfc9421_fields *ret_fields, struct ha_err *err)
{
    ha_buf_printf(&ret_fields->signature_input, "%s=%s", ha_buf_text(&job->label), ha_buf_text(&job->parameters));
    ha_buf_printf(&ret_fields->signature, "%s=", ha_buf_text(&job->label));
    ha_sfv_put_bytes(&ret_fields->signature, signature, n);
    if (!ha_buf_ok(&ret_fields->signature_input) || !ha_buf_ok(&ret_fields->signature))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a signature");
    ret_fields->n = 0;
    if (job->content_digest.len)
        ret_fields->field[ret_fields->n++] =
            (struct ha_http_field){"Content-Digest", ha_buf_text(&job->content_digest)};
    ret_fields->field[ret_fields->n++] =
        (struct ha_http_field){"Signature-Input", ha_buf_text(&ret_fields->signature_input)};
    ret_fields->field[ret_fields->n++] = (struct ha_http_field){"Signature", ha_buf_text(&ret_fields->signature)};
    return HA_OK;
}
