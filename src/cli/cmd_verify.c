// SPDX-License-Identifier: Apache-2.0
// Verifying what others have signed: verify jws.
#include "base/text.h"
#include "cli/command_jose.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"

#include <string.h>

enum { MESSAGE_MAX = 250 * 1024, DEPTH_MAX = 32 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The message: an object as it is, anything else as a string.
static enum ha_code put_message(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_in_read(ha_opt_value(opts, HA_OPT_INPUT), MESSAGE_MAX, &text, err) != HA_OK)
        return err->code;
    while (text.len && is_space((char)text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    const char *start = ha_buf_text(&text);
    if (strlen(start) != text.len || !ha_utf8_valid(start, text.len))
        return ha_fail(err, HA_E_MALFORMED, "the message isn't text");
    while (is_space(*start))
        start++;
    if (*start != '{') {
        ha_jw_string(body, "jws", start);
        return HA_OK;
    }
    if (ha_json_parse(start, strlen(start), DEPTH_MAX, &json, err) != HA_OK)
        return ha_wrap(err, "the message");
    ha_jose_put_json(body, "jws", start);
    return HA_OK;
}

static enum ha_code put_jwks(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    const char *path = ha_opt_value(opts, HA_OPT_JWKS);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, MESSAGE_MAX, &text, err) != HA_OK)
        return err->code;
    if (ha_json_parse(ha_buf_text(&text), text.len, DEPTH_MAX, &json, err) != HA_OK)
        return ha_wrap(err, "%.200s", path);
    ha_jose_put_json(body, "jwks", ha_buf_text(&text));
    return HA_OK;
}

static enum ha_code put_bytes(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                              struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    const char *path = ha_opt_value(opts, id);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, MESSAGE_MAX, &bytes, err) != HA_OK)
        return err->code;
    ha_jw_bytes(body, name, bytes.data, bytes.len);
    return HA_OK;
}

static enum ha_code put_trust(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    static const enum ha_opt needing[] = {HA_OPT_CRL, HA_OPT_OCSP, HA_OPT_REVOCATION};
    if (!ha_opt_given(opts, HA_OPT_CA)) {
        for (size_t i = 0; i < HA_ARRAY_SIZE(needing); i++)
            if (ha_opt_given(opts, needing[i]))
                return ha_fail(err, HA_E_USAGE, "revocation is looked at with --ca only");
        return HA_OK;
    }
    ha_jw_object(body, "trust");
    if (ha_jose_put_file(opts, HA_OPT_CA, "anchors", body, err) != HA_OK ||
        ha_jose_put_file(opts, HA_OPT_CRL, "crls", body, err) != HA_OK ||
        put_bytes(opts, HA_OPT_OCSP, "ocsp", body, err) != HA_OK)
        return err->code;
    if (ha_opt_given(opts, HA_OPT_REVOCATION))
        ha_jw_bool(body, "revocation", true);
    ha_jw_object_end(body);
    return HA_OK;
}

static enum ha_code put_token(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    static const enum ha_opt implying[] = {HA_OPT_JWT, HA_OPT_TYP,  HA_OPT_ISS,      HA_OPT_SUB,
                                           HA_OPT_AUD, HA_OPT_SKEW, HA_OPT_LIFETIME, HA_OPT_NEED_EXP};
    bool token = false;
    for (size_t i = 0; i < HA_ARRAY_SIZE(implying); i++)
        token = token || ha_opt_given(opts, implying[i]);
    if (!token)
        return HA_OK;
    ha_jw_object(body, "jwt");
    if (ha_jose_put_option(opts, HA_OPT_TYP, "typ", body, err) != HA_OK ||
        ha_jose_put_option(opts, HA_OPT_ISS, "iss", body, err) != HA_OK ||
        ha_jose_put_option(opts, HA_OPT_SUB, "sub", body, err) != HA_OK ||
        ha_jose_put_option(opts, HA_OPT_AUD, "aud", body, err) != HA_OK ||
        ha_jose_put_seconds(opts, HA_OPT_SKEW, "skew", body, err) != HA_OK ||
        ha_jose_put_seconds(opts, HA_OPT_LIFETIME, "lifetime", body, err) != HA_OK)
        return err->code;
    if (ha_opt_given(opts, HA_OPT_NEED_EXP))
        ha_jw_bool(body, "exp", true);
    ha_jw_object_end(body);
    return HA_OK;
}

static enum ha_code write_body(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    const struct ha_opt_values *algs = &opts->values[HA_OPT_ALG];
    ha_jw_object(body, NULL);
    if (put_message(opts, body, err) != HA_OK || put_jwks(opts, body, err) != HA_OK ||
        ha_jose_put_file(opts, HA_OPT_CERT, "certificate", body, err) != HA_OK || put_trust(opts, body, err) != HA_OK ||
        put_bytes(opts, HA_OPT_PAYLOAD, "payload", body, err) != HA_OK ||
        ha_jose_put_seconds(opts, HA_OPT_AT, "at", body, err) != HA_OK || put_token(opts, body, err) != HA_OK)
        return err->code;
    if (ha_opt_given(opts, HA_OPT_ANY))
        ha_jw_bool(body, "any", true);
    if (algs->n)
        ha_jw_array(body, "algorithms");
    for (size_t i = 0; i < algs->n; i++)
        ha_jw_string(body, NULL, algs->items[i]);
    if (algs->n)
        ha_jw_array_end(body);
    ha_jw_object_end(body);
    return ha_buf_ok(body) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

enum ha_code ha_cmd_verify_jws(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_buf_clear) struct ha_buf payload = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    bool valid = false;
    if (write_body(cli->opts, &body, err) != HA_OK ||
        ha_cli_call(cli, "POST", "/v1/verify/jws", &body, &doc, err) != HA_OK)
        return err->code;
    if (!ha_json_bool(ha_json_get(doc.json, "valid"), &valid) || !valid)
        return ha_cli_unexpected(err, "doesn't say that the message is valid");
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    if (ha_cli_bytes(&doc, "payload", &payload, err) != HA_OK)
        return err->code;
    return ha_out_bytes(out_path, payload.data, payload.len, HA_OUT_PUBLIC, err);
}
