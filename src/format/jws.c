// SPDX-License-Identifier: Apache-2.0
// What is signed, and the message that is made of it.
#include "format/jws.h"

#include "base/text.h"
#include "format/jose_header.h"

#include <assert.h>
#include <string.h>

static const char *const form_names[] = {
    [HA_JWS_COMPACT] = "compact", [HA_JWS_FLATTENED] = "flattened", [HA_JWS_GENERAL] = "general"};
static_assert(HA_ARRAY_SIZE(form_names) == HA_JWS_FORM_COUNT, "each form has its name");

static char *const any_header[] = {(char *)"*"};
static const struct ha_jws_profile plain = {
    .x5c = true,
    .x5t_s256 = true,
    .headers = {(char **)any_header, 1},
    .forms = (1u << HA_JWS_FORM_COUNT) - 1,
    .detached = true,
    .unencoded = true,
};

const struct ha_jws_profile *ha_jws_plain(void)
{
    return &plain;
}

const char *ha_jws_form_name(enum ha_jws_form form)
{
    return form_names[form];
}

void ha_jws_clear(struct ha_jws *job)
{
    ha_buf_clear(&job->input);
    ha_buf_clear(&job->signature);
    ha_buf_clear(&job->unprotected);
}

static bool permits(const struct ha_jws_profile *profile, enum ha_alg alg)
{
    return ha_alg_info(alg)->use == HA_USE_SIGN && (profile->algs == 0 || profile->algs & 1u << alg);
}

enum ha_code ha_jws_choose_alg(const struct ha_jws_profile *profile, enum ha_key_type type, enum ha_alg wanted,
                               enum ha_alg *ret_alg, struct ha_err *err)
{
    enum ha_alg alg = wanted ? wanted : ha_alg_default(type);
    for (int i = HA_ALG_NONE + 1; !wanted && !permits(profile, alg) && i < HA_ALG_COUNT; i++)
        if (permits(profile, (enum ha_alg)i) && ha_alg_fits((enum ha_alg)i, type))
            alg = (enum ha_alg)i;
    if (alg && permits(profile, alg)) {
        *ret_alg = alg;
        return HA_OK;
    }
    if (!wanted)
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s has no algorithm that the profile permits",
                       ha_key_type_info(type)->name);
    ha_fail(err, HA_E_FORBIDDEN, "%s isn't an algorithm for signatures that the profile permits",
            ha_alg_info(wanted)->name);
    return ha_at(err, "/algorithm");
}

enum ha_code ha_jws_begin(const struct ha_jws_request *request, const void *payload, size_t n, struct ha_jws *ret_job,
                          struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    if (!ha_alg_fits(request->alg, ha_pubkey_type(request->key)))
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s doesn't sign with %s",
                       ha_key_type_info(ha_pubkey_type(request->key))->name, ha_alg_info(request->alg)->name);
    if (request->certificate && ha_x5c_check_key(request->certificate, request->key, err))
        return ha_at(err, "/certificate");
    if (ha_jose_header_build(request, &header, err) || ha_jose_header_unprotected(request, &ret_job->unprotected, err))
        return err->code;
    ret_job->alg = request->alg;
    ret_job->unencoded = request->unencoded;
    ha_b64u_encode(&ret_job->input, header.data, header.len);
    ret_job->header_len = ret_job->input.len;
    ha_buf_putc(&ret_job->input, '.');
    if (request->unencoded)
        ha_buf_append(&ret_job->input, payload, n);
    else
        ha_b64u_encode(&ret_job->input, payload, n);
    return ha_buf_ok(&ret_job->input) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a message");
}

static const char *payload_of(const struct ha_jws *job, size_t *ret_len)
{
    *ret_len = job->input.len - job->header_len - 1;
    return (const char *)job->input.data + job->header_len + 1;
}

// What RFC 7797 section 5 lets stand in a message as it is: printable ASCII without '.', in JSON any text.
static enum ha_code check_unencoded(const struct ha_jws *job, bool compact, struct ha_err *err)
{
    size_t n, plain_n = 0;
    const char *payload = payload_of(job, &n);
    while (plain_n < n && payload[plain_n] >= 0x20 && payload[plain_n] <= 0x7e && payload[plain_n] != '.')
        plain_n++;
    if (plain_n == n || (!compact && !memchr(payload, '\0', n) && ha_utf8_valid(payload, n)))
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED,
            compact ? "an unencoded payload in a compact message is printable ASCII without '.'"
                    : "an unencoded payload in JSON is text in UTF-8");
    ha_hint(err, "send \"detached\": true, and the payload beside the message");
    return ha_at(err, "/payload");
}

static enum ha_code refuse_form(struct ha_err *err, enum ha_code code, const char *pointer, const char *cause)
{
    ha_fail(err, code, "%s", cause);
    return ha_at(err, "%s", pointer);
}

enum ha_code ha_jws_check_form(const struct ha_jws_profile *profile, const struct ha_jws *jobs, size_t n,
                               enum ha_jws_form form, bool detached, struct ha_err *err)
{
    unsigned forms = profile->forms ? profile->forms : 1u << HA_JWS_COMPACT;
    if (!(forms & 1u << form)) {
        ha_fail(err, HA_E_FORBIDDEN, "the profile doesn't permit the %s form", form_names[form]);
        return ha_at(err, "/serialization");
    }
    if (detached && !profile->detached)
        return refuse_form(err, HA_E_FORBIDDEN, "/detached", "the profile doesn't permit a detached payload");
    if (n > 1 && form != HA_JWS_GENERAL)
        return refuse_form(err, HA_E_MALFORMED, "/signers", "only the general form has several signers");
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].unencoded != jobs[0].unencoded)
            return refuse_form(err, HA_E_MALFORMED, "/signers", "b64 is the same for all signers");
        if (form == HA_JWS_COMPACT && jobs[i].unprotected.len)
            return refuse_form(err, HA_E_MALFORMED, "/unprotected", "the compact form has no unprotected header");
    }
    return jobs[0].unencoded && !detached ? check_unencoded(&jobs[0], form == HA_JWS_COMPACT, err) : HA_OK;
}

// The payload as a string. Unencoded it was found to be text without NUL, and the input is NUL-terminated.
static void put_payload(struct ha_buf *out, const struct ha_jws *job)
{
    size_t n;
    ha_jw_string(out, "payload", payload_of(job, &n));
}

static void put_signature(struct ha_buf *out, const struct ha_jws *job)
{
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    ha_buf_append(&header, job->input.data, job->header_len);
    ha_jw_string(out, "protected", ha_buf_text(&header));
    if (job->unprotected.len)
        ha_buf_printf(out, ",\"header\":%s", ha_buf_text(&job->unprotected));
    ha_jw_bytes(out, "signature", job->signature.data, job->signature.len);
    out->failed = out->failed || header.failed;
}

static void put_compact(struct ha_buf *out, const struct ha_jws *job, bool detached)
{
    ha_buf_append(out, job->input.data, detached ? job->header_len + 1 : job->input.len);
    ha_buf_putc(out, '.');
    ha_b64u_encode(out, job->signature.data, job->signature.len);
}

enum ha_code ha_jws_end(const struct ha_jws *jobs, size_t n, enum ha_jws_form form, bool detached, struct ha_buf *out,
                        struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (form == HA_JWS_COMPACT) {
        put_compact(&text, &jobs[0], detached);
    } else {
        ha_jw_object(&text, NULL);
        if (!detached)
            put_payload(&text, &jobs[0]);
        if (form == HA_JWS_FLATTENED)
            put_signature(&text, &jobs[0]);
        if (form == HA_JWS_GENERAL)
            ha_jw_array(&text, "signatures");
        for (size_t i = 0; form == HA_JWS_GENERAL && i < n; i++) {
            ha_jw_object(&text, NULL);
            put_signature(&text, &jobs[i]);
            ha_jw_object_end(&text);
        }
        if (form == HA_JWS_GENERAL)
            ha_jw_array_end(&text);
        ha_jw_object_end(&text);
    }
    ha_buf_append(out, text.data, text.len);
    return ha_buf_ok(&text) && ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a message");
}
