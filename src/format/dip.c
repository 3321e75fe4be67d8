// SPDX-License-Identifier: Apache-2.0
// Signing for the DIP.
#include "format/dip.h"

#include "crypto/digest.h"
#include "crypto/sigenc.h"
#include "format/dip_string.h"

#include <stdlib.h>

static const struct ha_dip_profile plain = {
    .content_hash = true,
    .revocation = true,
    .cache_s = 24 * 60 * 60,
    .max_age_s = 300,
};

const struct ha_dip_profile *ha_dip_plain(void)
{
    return &plain;
}

void ha_dip_clear(struct ha_dip_job *job)
{
    ha_buf_clear(&job->input);
    ha_buf_clear(&job->date);
    ha_buf_clear(&job->content_hash);
    ha_buf_clear(&job->certificate);
}

void ha_dip_fields_clear(struct ha_dip_fields *fields)
{
    ha_buf_clear(&fields->signature);
}

static enum ha_code choose_date(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                                int64_t now_ms, struct ha_buf *out, struct ha_err *err)
{
    int64_t given_ms;
    if (ha_http_field_count(message, HA_DIP_DATE) == 0) {
        ha_dip_date_write(profile->date, now_ms, out);
        return HA_OK;
    }
    const char *given = ha_http_field_only(message, HA_DIP_DATE, out);
    if (!given || !ha_dip_date_read(profile->date, given, &given_ms)) {
        ha_auto(ha_buf_clear) struct ha_buf now = {0};
        ha_dip_date_write(profile->date, now_ms, &now);
        ha_fail(err, HA_E_MALFORMED, "the field " HA_DIP_DATE " isn't one date of the profile's form");
        ha_hint(err, "leave it out, and the agent takes the present time; the form is %s", ha_buf_text(&now));
        return ha_at(err, "/headers/" HA_DIP_DATE);
    }
    if (!profile->any_date && profile->max_age_s && llabs(given_ms - now_ms) > (int64_t)profile->max_age_s * 1000) {
        ha_fail(err, HA_E_FORBIDDEN, "the date %s is over %u seconds from now", given, profile->max_age_s);
        ha_hint(err, "leave the field out, and the agent takes the present time");
        return ha_at(err, "/headers/" HA_DIP_DATE);
    }
    return HA_OK;
}

static void encode_certificate(enum ha_dip_certificate form, const struct ha_certificate *certificate,
                               struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    size_t n;
    switch (form) {
    case HA_DIP_CERTIFICATE_PEM:
        ha_certificate_to_pem(certificate, &pem);
        out->failed |= pem.failed;
        ha_dip_encode(HA_DIP_BASE64, pem.data, pem.len, out);
        return;
    case HA_DIP_CERTIFICATE_DER: {
        const uint8_t *der = ha_certificate_der(certificate, &n);
        ha_dip_encode(HA_DIP_BASE64, der, n, out);
        return;
    }
    }
}

enum ha_code ha_dip_begin(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                          const struct ha_pubkey *key, const struct ha_certificate *certificate, int64_t now_ms,
                          struct ha_dip_job *ret_job, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf string = {0};
    uint8_t digest[HA_DIGEST_MAX];
    ret_job->profile = profile;
    if (ha_http_message_check(message, err) || ha_dip_algorithm(profile, key, &ret_job->alg, err))
        return err->code;
    if (ha_certificate_check_key(certificate, key, err))
        return ha_at(err, "/certificate");
    if (choose_date(profile, message, now_ms, &ret_job->date, err) ||
        ha_dip_content(profile, message, &ret_job->content_hash, err) ||
        ha_dip_string(profile, message, ha_buf_text(&ret_job->date), ha_buf_text(&ret_job->content_hash), &string, err))
        return err->code;
    if (profile->double_hash && ha_digest(HA_HASH_SHA256, string.data, string.len, digest, err))
        return err->code;
    if (profile->double_hash)
        ha_buf_append(&ret_job->input, digest, ha_hash_info(HA_HASH_SHA256)->len);
    else
        ha_buf_append(&ret_job->input, string.data, string.len);
    encode_certificate(profile->certificate, certificate, &ret_job->certificate);
    bool whole = ha_buf_ok(&ret_job->input) && ha_buf_ok(&ret_job->date) && ha_buf_ok(&ret_job->content_hash) &&
                 ha_buf_ok(&ret_job->certificate);
    return whole ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a DIP signature");
}

static void put_field(struct ha_dip_fields *fields, const char *name, const struct ha_buf *value)
{
    fields->field[fields->n++] = (struct ha_http_field){.name = name, .value = ha_buf_text(value)};
}

enum ha_code ha_dip_end(const struct ha_dip_job *job, const uint8_t *signature, size_t n,
                        struct ha_dip_fields *ret_fields, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    bool to_der = job->alg == HA_ALG_ES256 && job->profile->ecdsa == HA_DIP_ECDSA_DER;
    if (to_der && ha_ecdsa_raw_to_der(signature, n, &der, err))
        return err->code;
    ha_dip_encode(job->profile->signature_text, to_der ? der.data : signature, to_der ? der.len : n,
                  &ret_fields->signature);
    if (!ha_buf_ok(&ret_fields->signature))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a DIP signature");
    ret_fields->n = 0;
    put_field(ret_fields, HA_DIP_SIGNATURE, &ret_fields->signature);
    put_field(ret_fields, HA_DIP_DATE, &job->date);
    put_field(ret_fields, HA_DIP_CERTIFICATE, &job->certificate);
    if (job->profile->content_hash)
        put_field(ret_fields, HA_DIP_CONTENT_HASH, &job->content_hash);
    return HA_OK;
}
