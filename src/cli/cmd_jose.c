// SPDX-License-Identifier: Apache-2.0
// JSON Web Signatures and Tokens: jws, jwt, jwks.
#include "base/json_text.h"
#include "base/text.h"
#include "cli/command_jose.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"

#include <string.h>

enum {
    PAYLOAD_MAX = 256 * 1024 / 4 * 3,  // what a request's body holds as base64url
    SMALL_MAX = 128 * 1024,
    DEPTH_MAX = 32,
};

// The option's value as JSON: itself when it is an object, else what the file holds.
static enum ha_code read_object(const char *value, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    bool given = value[strspn(value, " \t\r\n")] == '{';
    if (given)
        ha_buf_puts(&text, value);
    else if (ha_in_read(value, SMALL_MAX, &text, err) != HA_OK)
        return err->code;
    if (ha_json_parse(ha_buf_text(&text), text.len, DEPTH_MAX, &json, err) != HA_OK)
        return ha_wrap(err, "%.100s", given ? "the option's value" : value);
    if (ha_json_type(json) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "%.100s holds no JSON object", value);
    ha_json_text_compact(out, (struct ha_json_text){ha_buf_text(&text), text.len});
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

// What jws and jwt have in common, into the body that is open.
static enum ha_code put_common(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    const char *value = ha_opt_value(opts, HA_OPT_HEADER);
    if (ha_jose_put_option(opts, HA_OPT_PROFILE, "profile", body, err) != HA_OK ||
        ha_jose_put_option(opts, HA_OPT_ALG, "algorithm", body, err) != HA_OK ||
        ha_jose_put_file(opts, HA_OPT_CERT, "certificate", body, err) != HA_OK ||
        (value && read_object(value, &header, err) != HA_OK))
        return err->code;
    if (value)
        ha_jose_put_json(body, "header", ha_buf_text(&header));
    return HA_OK;
}

static enum ha_code put_payload(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf payload = {0};
    if (ha_in_read(ha_opt_value(opts, HA_OPT_INPUT), PAYLOAD_MAX, &payload, err) != HA_OK)
        return err->code;
    ha_jw_bytes(body, "payload", payload.data, payload.len);
    return HA_OK;
}

// POST to the key's tail; the member is a string, or an object that is written as JSON.
static enum ha_code make(struct ha_cli *cli, const char *tail, const char *member, const struct ha_buf *body,
                         struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_auto(ha_buf_clear) struct ha_buf json = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    if (ha_cli_version_path(cli, tail, &path, err) != HA_OK ||
        ha_cli_call(cli, "POST", ha_buf_text(&path), body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    const char *text = ha_json_get_string(doc.json, member);
    if (!text && ha_jose_member_text(&doc, member, &json))
        text = ha_buf_text(&json);
    if (!text)
        return ha_cli_unexpected(err, "has no '%s'", member);
    return ha_out_bytes(out_path, text, strlen(text), HA_OUT_PUBLIC, err);
}

enum ha_code ha_cmd_jws(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const struct ha_opt_values *signers = &cli->opts->values[HA_OPT_SIGNER];
    ha_jw_object(&body, NULL);
    if (put_common(cli->opts, &body, err) != HA_OK ||
        ha_jose_put_option(cli->opts, HA_OPT_FORM, "serialization", &body, err) != HA_OK ||
        put_payload(cli->opts, &body, err) != HA_OK)
        return err->code;
    if (ha_opt_given(cli->opts, HA_OPT_DETACHED))
        ha_jw_bool(&body, "detached", true);
    if (ha_opt_given(cli->opts, HA_OPT_UNENCODED))
        ha_jw_bool(&body, "b64", false);
    if (signers->n)
        ha_jw_array(&body, "signers");
    for (size_t i = 0; i < signers->n; i++) {
        ha_jw_object(&body, NULL);
        ha_jw_string(&body, "key", signers->items[i]);
        ha_jose_put_option(cli->opts, HA_OPT_PROFILE, "profile", &body, err);
        ha_jw_object_end(&body);
    }
    if (signers->n)
        ha_jw_array_end(&body);
    ha_jw_object_end(&body);
    return make(cli, "/jws", "jws", &body, err);
}

// The claims of --claims with those of --claim behind them.
static enum ha_code put_claims(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf claims = {0};
    const struct ha_opt_values *more = &opts->values[HA_OPT_CLAIM];
    const char *value = ha_opt_value(opts, HA_OPT_CLAIMS);
    if (!value)
        ha_buf_puts(&claims, "{}");
    else if (read_object(value, &claims, err) != HA_OK)
        return err->code;
    claims.data[--claims.len] = '\0';  // open again
    for (size_t i = 0; i < more->n; i++) {
        const char *equals = strchr(more->items[i], '=');
        if (!equals || equals == more->items[i]) {
            ha_fail(err, HA_E_USAGE, "--claim %.60s is no NAME=TEXT", more->items[i]);
            return ha_hint(err, "Claims that are no strings go into --claims.");
        }
        ha_auto(ha_free) char *name = strndup(more->items[i], (size_t)(equals - more->items[i]));
        if (!name)
            return ha_fail(err, HA_E_MEMORY, "out of memory");
        ha_jw_string(&claims, name, equals + 1);
    }
    ha_jw_object_end(&claims);
    if (!ha_buf_ok(&claims))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    ha_jose_put_json(body, "claims", ha_buf_text(&claims));
    return HA_OK;
}

enum ha_code ha_cmd_jwt(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    if (put_common(cli->opts, &body, err) != HA_OK || put_claims(cli->opts, &body, err) != HA_OK ||
        ha_jose_put_seconds(cli->opts, HA_OPT_LIFETIME, "lifetime", &body, err) != HA_OK)
        return err->code;
    ha_jw_object_end(&body);
    return make(cli, "/jwt", "jwt", &body, err);
}

enum ha_code ha_cmd_jwks(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
    const char *profile = ha_opt_value(cli->opts, HA_OPT_PROFILE);
    if (profile && profile[strspn(profile, allowed)])
        return ha_fail(err, HA_E_USAGE, "'%.60s' can't be a profile's name", profile);
    ha_buf_printf(&path, "/v1/jwks%s%s", profile ? "?profile=" : "", profile ? profile : "");
    if (ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) != HA_OK)
        return err->code;
    return ha_out_json(ha_opt_value(cli->opts, HA_OPT_OUTPUT), &doc.text, HA_OUT_PUBLIC, err);
}
