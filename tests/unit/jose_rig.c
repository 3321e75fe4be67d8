// SPDX-License-Identifier: Apache-2.0
#include "jose_rig.h"

#include "base/file.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

ha_json *jose_json(const char *text)
{
    ha_json *json = NULL;
    struct ha_err err = {0};
    if (ha_json_parse(text, strlen(text), 32, &json, &err))
        fail_msg("%s", err.detail);
    return json;
}

ha_json *jose_vectors(const char *file)
{
    char path[512];
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    snprintf(path, sizeof path, "%s%s", VECTORS, file);
    if (ha_file_read(path, 1 << 20, HA_FILE_ANY, &text, &err))
        fail_msg("%s", err.detail);
    return jose_json(ha_buf_text(&text));
}

struct ha_jwks jose_keys(const ha_json *json)
{
    struct ha_jwks keys = {0};
    struct ha_err err = {0};
    if (ha_jwks_add_json(&keys, json, &err))
        fail_msg("%s %s", err.pointer, err.detail);
    return keys;
}

void jose_sign(struct softkey *key, struct ha_jws *job)
{
    struct ha_err err = {0};
    struct ha_signer signer = softkey_signer(key);
    assert_int_equal(signer.sign(signer.context, job->alg, job->input.data, job->input.len, &job->signature, &err),
                     HA_OK);
}

char *jose_make(struct softkey *key, const struct ha_jws_request *request, const char *payload, enum ha_jws_form form,
                bool detached)
{
    struct ha_err err = {0};
    ha_auto(ha_jws_clear) struct ha_jws job = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    if (ha_jws_begin(request, payload, strlen(payload), &job, &err) ||
        ha_jws_check_form(request->profile, &job, 1, form, detached, &err))
        fail_msg("%s %s", err.pointer, err.detail);
    jose_sign(key, &job);
    assert_int_equal(ha_jws_end(&job, 1, form, detached, &out, &err), HA_OK);
    return ha_buf_steal(&out, NULL);
}

char *jose_raw(struct softkey *key, enum ha_alg alg, const char *header, const char *payload)
{
    ha_auto(ha_jws_clear) struct ha_jws job = {.alg = alg};
    ha_b64u_encode(&job.input, header, strlen(header));
    ha_buf_putc(&job.input, '.');
    ha_b64u_encode(&job.input, payload, strlen(payload));
    jose_sign(key, &job);
    ha_buf_putc(&job.input, '.');
    ha_b64u_encode(&job.input, job.signature.data, job.signature.len);
    return ha_buf_steal(&job.input, NULL);
}

enum ha_code jose_verify(const char *text, const struct ha_jws_rules *rules, struct ha_err *err)
{
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    return ha_jws_verify(text, strlen(text), rules, &verified, err);
}
