// SPDX-License-Identifier: Apache-2.0
// Signed HTTP messages: http-sign, verify http-signature.
#include "base/text.h"
#include "cli/command_http.h"
#include "cli/http_body.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"

#include <string.h>

enum { FILE_MAX = 192 * 1024, DEPTH_MAX = 16 };

// One argument, quoted for the shell.
static void put_quoted(struct ha_buf *out, const char *text)
{
    ha_buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            ha_buf_puts(out, "'\\'");
        ha_buf_putc(out, *text);
    }
    ha_buf_putc(out, '\'');
}

static void put_field(struct ha_buf *out, bool curl, const char *name, const char *value)
{
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    // curl leaves a field without a value out, unless a semicolon ends it.
    ha_buf_printf(&line, *value || !curl ? "%s: %s" : "%s;", name, value);
    if (!curl) {
        ha_buf_printf(out, "%s\n", ha_buf_text(&line));
        return;
    }
    ha_buf_puts(out, " -H ");
    put_quoted(out, ha_buf_text(&line));
}

// The body that has to be sent: the agent's, or else the one that was given.
static enum ha_code final_body(const struct ha_doc *doc, const struct ha_cli_http *http, struct ha_buf *out,
                               struct ha_err *err)
{
    if (ha_json_get(doc->json, "body"))
        return ha_cli_bytes(doc, "body", out, err);
    ha_buf_append(out, http->body.data, http->body.len);
    return HA_OK;
}

static enum ha_code put_curl(const struct ha_cli_http *http, const struct ha_buf *body, struct ha_buf *out,
                             struct ha_err *err)
{
    if (!http->method)
        return ha_fail(err, HA_E_USAGE, "--curl is for requests");
    if (body->len && strlen(ha_buf_text(body)) != body->len) {
        ha_fail(err, HA_E_USAGE, "the body has a zero byte, which no argument can have");
        return ha_hint(err,
                       "Leave --curl out, write the fields with -o FILE, and give curl -H @FILE and --data-binary.");
    }
    ha_buf_puts(out, "-X ");
    put_quoted(out, http->method);
    ha_buf_puts(out, " --url ");
    put_quoted(out, http->url);
    for (size_t i = 0; i < http->n_fields; i++)
        put_field(out, true, http->fields[i].name, http->fields[i].value);
    return HA_OK;
}

static enum ha_code write_result(const struct ha_cli *cli, const struct ha_doc *doc, const struct ha_cli_http *http,
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *path = ha_opt_value(cli->opts, HA_OPT_OUTPUT), *body_path = ha_opt_value(cli->opts, HA_OPT_BODY_OUT);
    bool curl = ha_opt_given(cli->opts, HA_OPT_CURL);
    const ha_json *headers = ha_json_get(doc->json, "headers");
    if (final_body(doc, http, &body, err) != HA_OK)
        return err->code;
    if (body_path && ha_out_bytes(body_path, body.data, body.len, HA_OUT_PUBLIC, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(path, &doc->text, HA_OUT_PUBLIC, err);
    if (curl && put_curl(http, &body, &out, err) != HA_OK)
        return err->code;
    for (const ha_json *field = ha_json_first(headers); field; field = ha_json_next(field)) {
        if (!ha_json_string(field))
            return ha_cli_unexpected(err, "has a header field without a value");
        put_field(&out, curl, ha_json_name(field), ha_json_string(field));
    }
    if (curl && http->has_body) {
        ha_buf_puts(&out, " --data-raw ");
        put_quoted(&out, ha_buf_text(&body));
    }
    if (curl)
        ha_buf_putc(&out, '\n');
    return ha_out_bytes(path, out.data, out.len, HA_OUT_PUBLIC, err);
}

enum ha_code ha_cmd_http_sign(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_cli_http_clear) struct ha_cli_http http = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    if (ha_cli_version_path(cli, "/http-signature", &path, err) != HA_OK ||
        ha_cli_http_read(cli->opts, &http, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    if (ha_cli_http_put(cli->opts, &http, &body, err) != HA_OK ||
        ha_jose_put_file(cli->opts, HA_OPT_CERT, "certificate", &body, err) != HA_OK)
        return err->code;
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK)
        return err->code;
    return write_result(cli, &doc, &http, err);
}

static enum ha_code put_keys(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    const char *path = ha_opt_value(opts, HA_OPT_KEYS);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, FILE_MAX, &text, err) != HA_OK)
        return err->code;
    if (ha_json_parse(ha_buf_text(&text), text.len, DEPTH_MAX, &json, err) != HA_OK)
        return ha_wrap(err, "%.200s", path);
    ha_jose_put_json(body, "keys", ha_buf_text(&text));
    return HA_OK;
}

static enum ha_code put_ocsp(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    const char *path = ha_opt_value(opts, HA_OPT_OCSP);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, FILE_MAX, &bytes, err) != HA_OK)
        return err->code;
    ha_jw_bytes(body, "ocsp", bytes.data, bytes.len);
    return HA_OK;
}

enum ha_code ha_cmd_verify_http(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_cli_http_clear) struct ha_cli_http http = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    bool valid = false;
    if (ha_cli_http_read(cli->opts, &http, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    if (ha_cli_http_put(cli->opts, &http, &body, err) != HA_OK || put_keys(cli->opts, &body, err) != HA_OK ||
        ha_jose_put_file(cli->opts, HA_OPT_CA, "anchors", &body, err) != HA_OK ||
        ha_jose_put_file(cli->opts, HA_OPT_CRL, "crls", &body, err) != HA_OK ||
        put_ocsp(cli->opts, &body, err) != HA_OK ||
        ha_jose_put_seconds(cli->opts, HA_OPT_AT, "at", &body, err) != HA_OK)
        return err->code;
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "POST", "/v1/verify/http-signature", &body, &doc, err) != HA_OK)
        return err->code;
    if (!ha_json_bool(ha_json_get(doc.json, "valid"), &valid) || !valid)
        return ha_cli_unexpected(err, "doesn't say that the message is valid");
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    const char *key = ha_json_get_string(doc.json, "key"), *subject = ha_json_get_string(doc.json, "subject");
    ha_buf_printf(&line, "signed by %s\n", key ? key : subject ? subject : "one of the keys");
    return out_path ? ha_out_bytes(out_path, line.data, line.len, HA_OUT_PUBLIC, err) : ha_out_text(&line, err);
}
