// SPDX-License-Identifier: Apache-2.0
// Encrypted messages: jwe-decrypt and jwe-encrypt, made for pipes.
#include "base/json_text.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"

#include <string.h>

enum {
    BODY_MAX = 256 * 1024,  // bytes that the API takes in one request
    KEYS_MAX = 128 * 1024,
};

static enum ha_code too_large(struct ha_err *err)
{
    ha_fail(err, HA_E_TOO_LARGE, "the input is larger than one request to the agent may be");
    return ha_hint(err, "A request has %d bytes at most.", BODY_MAX);
}

static enum ha_code read_input(const struct ha_cli *cli, struct ha_buf *out, struct ha_err *err)
{
    enum ha_code code = ha_in_read(ha_opt_value(cli->opts, HA_OPT_INPUT), BODY_MAX, out, err);
    return code == HA_E_TOO_LARGE ? too_large(err) : code;
}

static enum ha_code post(struct ha_cli *cli, const char *path, const struct ha_buf *body, struct ha_doc *ret_doc,
                         struct ha_err *err)
{
    if (!ha_buf_ok(body))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return body->len > BODY_MAX ? too_large(err) : ha_cli_call(cli, "POST", path, body, ret_doc, err);
}

// Puts a file into the body: JSON as the object that it is, anything else as the text of a PEM file.
static enum ha_code put_file(const char *path, const char *json_name, const char *text_name, struct ha_buf *body,
                             struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf file = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_in_read(path, KEYS_MAX, &file, err))
        return err->code;
    const char *text = ha_buf_text(&file);
    if (strlen(text) != file.len || !ha_utf8_valid(text, file.len)) {
        ha_fail(err, HA_E_MALFORMED, "%s isn't text", path);
        return ha_hint(err, "Give the keys as PEM or as JSON (JWK or JWK Set).");
    }
    if (text[strspn(text, " \t\r\n")] != '{') {
        ha_jw_string(body, text_name, text);
        return HA_OK;
    }
    if (ha_json_parse(text, file.len, HA_JSON_DEPTH_LIMIT, &json, err))
        return ha_wrap(err, "%s", path);
    size_t n = file.len;
    while (strchr(" \t\r\n", text[n - 1]))
        n--;
    ha_buf_printf(body, "%s\"%s\":%.*s", body->data[body->len - 1] == '{' ? "" : ",", json_name, (int)n, text);
    return HA_OK;
}

static void put_option(const struct ha_cli *cli, enum ha_opt id, const char *name, struct ha_buf *body)
{
    const char *value = ha_opt_value(cli->opts, id);
    if (value)
        ha_jw_string(body, name, value);
}

static enum ha_code put_certificate(const struct ha_cli *cli, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    const char *path = ha_opt_value(cli->opts, HA_OPT_CERT);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, KEYS_MAX, &pem, err))
        return err->code;
    ha_jw_string(body, "certificate", ha_buf_text(&pem));
    return HA_OK;
}

// The signature's keys, when there is to be one inside.
static enum ha_code put_verify(const struct ha_cli *cli, struct ha_buf *body, struct ha_err *err)
{
    const char *path = ha_opt_value(cli->opts, HA_OPT_VERIFY);
    if (!path)
        return HA_OK;
    ha_jw_object(body, "verify");
    if (put_file(path, "jwks", "key", body, err))
        return err->code;
    ha_jw_object_end(body);
    return HA_OK;
}

// The message as text: what surrounds it in a file or a pipe goes.
static enum ha_code put_message(const struct ha_buf *message, struct ha_buf *body, struct ha_err *err)
{
    static const char space[] = " \t\r\n";
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    size_t n = message->len, at = 0;
    while (n > 0 && message->data[n - 1] && strchr(space, message->data[n - 1]))
        n--;
    while (at < n && message->data[at] && strchr(space, message->data[at]))
        at++;
    ha_buf_append(&text, message->data + at, n - at);
    if (n == at || strlen(ha_buf_text(&text)) != text.len || !ha_utf8_valid(ha_buf_text(&text), text.len)) {
        ha_fail(err, HA_E_MALFORMED, "the input is no JWE");
        return ha_hint(err, "A JWE is text: five parts with dots between them, or JSON.");
    }
    ha_jw_string(body, "jwe", ha_buf_text(&text));
    return HA_OK;
}

enum ha_code ha_cmd_jwe_decrypt(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_auto(ha_buf_clear) struct ha_buf message = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    const char *output = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    if (ha_cli_version_path(cli, "/jwe-decrypt", &path, err) || ha_out_check(output, false, err) ||
        read_input(cli, &message, err))
        return err->code;
    ha_jw_object(&body, NULL);
    if (put_message(&message, &body, err) || put_certificate(cli, &body, err) || put_verify(cli, &body, err))
        return err->code;
    put_option(cli, HA_OPT_PROFILE, "profile", &body);
    put_option(cli, HA_OPT_KID, "kid", &body);
    ha_jw_object_end(&body);
    if (post(cli, ha_buf_text(&path), &body, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(output, &doc.text, HA_OUT_SECRET, err);
    const char *member = ha_opt_given(cli->opts, HA_OPT_VERIFY) ? "payload" : "plaintext";
    if (ha_cli_bytes(&doc, member, &plaintext, err))
        return err->code;
    return ha_out_bytes(output, plaintext.data, plaintext.len, HA_OUT_SECRET, err);
}

// What is encrypted: the input, or a JWT of it and the key that signs that.
static enum ha_code put_plaintext(const struct ha_cli *cli, const struct ha_buf *input, struct ha_buf *body,
                                  struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_buf_clear) struct ha_buf claims = {0};
    if (!ha_opt_given(cli->opts, HA_OPT_SIGN)) {
        if (ha_opt_given(cli->opts, HA_OPT_SIGN_PROFILE))
            return ha_fail(err, HA_E_USAGE, "--sign-profile is about the key of --sign, which isn't given");
        ha_jw_bytes(body, "plaintext", input->data, input->len);
        return HA_OK;
    }
    const char *text = ha_buf_text(input);
    if (ha_json_parse(text, input->len, HA_JSON_DEPTH_LIMIT, &json, err))
        return ha_wrap(err, "the claims");
    if (ha_json_type(json) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the claims are no JSON object");
    ha_json_text_compact(&claims, (struct ha_json_text){text, input->len});
    if (!ha_buf_ok(&claims))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    ha_jose_put_json(body, "claims", ha_buf_text(&claims));
    ha_jw_object(body, "sign");
    put_option(cli, HA_OPT_SIGN, "key", body);
    put_option(cli, HA_OPT_SIGN_PROFILE, "profile", body);
    ha_jw_object_end(body);
    return HA_OK;
}

enum ha_code ha_cmd_jwe_encrypt(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *output = ha_opt_value(cli->opts, HA_OPT_OUTPUT), *jwe;
    if (ha_out_check(output, false, err) || read_input(cli, &plaintext, err))
        return err->code;
    ha_jw_object(&body, NULL);
    if (put_file(ha_opt_value(cli->opts, HA_OPT_RECIPIENT), "recipient", "recipient", &body, err))
        return err->code;
    put_option(cli, HA_OPT_PROFILE, "profile", &body);
    put_option(cli, HA_OPT_ALG, "algorithm", &body);
    put_option(cli, HA_OPT_ENC, "encryption", &body);
    if (ha_opt_given(cli->opts, HA_OPT_KID) || ha_opt_given(cli->opts, HA_OPT_CTY)) {
        ha_jw_object(&body, "header");
        put_option(cli, HA_OPT_KID, "kid", &body);
        put_option(cli, HA_OPT_CTY, "cty", &body);
        ha_jw_object_end(&body);
    }
    if (put_plaintext(cli, &plaintext, &body, err))
        return err->code;
    ha_jw_object_end(&body);
    if (post(cli, "/v1/jwe-encrypt", &body, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(output, &doc.text, HA_OUT_PUBLIC, err);
    if (ha_cli_string(&doc, "jwe", &jwe, err))
        return err->code;
    return ha_out_bytes(output, jwe, strlen(jwe), HA_OUT_PUBLIC, err);
}
