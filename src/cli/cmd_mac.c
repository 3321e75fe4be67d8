// SPDX-License-Identifier: Apache-2.0
// HMAC keys: key import-secret, mac.
#include "base/text.h"
#include "cli/command.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"
#include "crypto/alg.h"

#include <string.h>

enum {
    INPUT_MAX = 256 * 1024 / 4 * 3,         // what a request's body holds as base64url
    SECRET_FILE_MAX = 2 * HA_HMAC_KEY_MAX,  // as base64, with line ends
};

// The option's value, one of n; the first one when it wasn't given.
static enum ha_code choose(const struct ha_opts *opts, enum ha_opt id, const char *option, const char *const *values,
                           size_t n, size_t *ret_index, struct ha_err *err)
{
    const char *value = ha_opt_value(opts, id);
    for (size_t i = 0; i < n; i++) {
        if (!value || strcmp(value, values[i]) == 0) {
            *ret_index = i;
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_USAGE, "--%s %.40s is not known", option, value);
    return ha_hint(err, "Use %s, %s or %s.", values[0], values[1], values[2]);
}

static void drop_line_end(struct ha_buf *text)
{
    while (text->len && (text->data[text->len - 1] == '\n' || text->data[text->len - 1] == '\r'))
        text->data[--text->len] = '\0';
}

// Text in either alphabet, with or without padding and line ends.
static enum ha_code decode_base64(const struct ha_buf *file, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err cause = {0};
    for (size_t i = 0; i < file->len; i++) {
        char c = (char)file->data[i];
        if (!c || !strchr(" \t\r\n=", c))
            ha_buf_putc(&text, c == '+' ? '-' : c == '/' ? '_' : c);
    }
    if (ha_b64u_decode(out, ha_buf_text(&text), text.len, &cause) == HA_OK)
        return HA_OK;
    // The cause may quote what it is about, which is a secret.
    return ha_fail(err, HA_E_MALFORMED, "the secret isn't base64");
}

static enum ha_code read_secret(const struct ha_opts *opts, struct ha_buf *out, struct ha_err *err)
{
    static const char *const forms[] = {"raw", "base64", "mojaloop"};
    enum { RAW, BASE64, MOJALOOP };
    ha_auto(ha_buf_clear) struct ha_buf file = {0};
    size_t form;
    if (choose(opts, HA_OPT_FORM, "form", forms, HA_ARRAY_SIZE(forms), &form, err) != HA_OK ||
        ha_in_read(ha_opt_value(opts, HA_OPT_SECRET_FILE), SECRET_FILE_MAX, &file, err) != HA_OK)
        return err->code;
    if (form == BASE64)
        return decode_base64(&file, out, err);
    if (form == MOJALOOP) {
        drop_line_end(&file);
        ha_b64_encode(out, file.data, file.len, 0);
        return HA_OK;
    }
    ha_buf_append(out, file.data, file.len);
    if (file.len && file.data[file.len - 1] == '\n')
        ha_out_note("the newline at the file's end is part of the key");
    return HA_OK;
}

enum ha_code ha_cmd_key_import_secret(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, secret = {0}, body = {0}, text = {0};
    if (ha_cli_key_path(cli, "", &path, err) != HA_OK || read_secret(cli->opts, &secret, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "type", ha_key_type_info(HA_KEY_HMAC_256)->name);
    ha_jw_bytes(&body, "secret", secret.data, secret.len);
    if (ha_jose_put_option(cli->opts, HA_OPT_TOKEN, "token", &body, err) != HA_OK)
        return err->code;
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "PUT", ha_buf_text(&path), &body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    ha_buf_printf(&text, "imported %s\n", cli->opts->arguments[0]);
    return ha_out_text(&text, err);
}

static enum ha_code write_code(const struct ha_doc *doc, size_t format, const char *path, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf code = {0}, text = {0};
    enum { RAW, HEX, BASE64URL };
    if (ha_cli_bytes(doc, "mac", &code, err) != HA_OK)
        return err->code;
    if (format == HEX)
        ha_hex_encode(&text, code.data, code.len);
    if (format == BASE64URL)
        ha_b64u_encode(&text, code.data, code.len);
    const struct ha_buf *out = format == RAW ? &code : &text;
    if (!ha_buf_ok(out))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(path, out->data, out->len, HA_OUT_SECRET, err);
}

static enum ha_code write_fulfilment(const struct ha_doc *doc, const char *path, struct ha_err *err)
{
    static const char *const members[] = {"fulfilment", "condition"};
    ha_auto(ha_buf_clear) struct ha_buf json = {0};
    ha_jw_object(&json, NULL);
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++) {
        const char *text = NULL;
        if (ha_cli_string(doc, members[i], &text, err) != HA_OK)
            return err->code;
        ha_jw_string(&json, members[i], text);
    }
    ha_jw_object_end(&json);
    return ha_out_json(path, &json, HA_OUT_SECRET, err);
}

enum ha_code ha_cmd_mac(struct ha_cli *cli, struct ha_err *err)
{
    static const char *const formats[] = {"raw", "hex", "base64url"};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, data = {0}, body = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    bool profile = ha_opt_given(cli->opts, HA_OPT_PROFILE);
    size_t format;
    if (choose(cli->opts, HA_OPT_FORMAT, "format", formats, HA_ARRAY_SIZE(formats), &format, err) != HA_OK ||
        ha_out_check(out_path, format == 0 && !profile && !ha_cli_wants_json(cli), err) != HA_OK ||
        ha_cli_version_path(cli, "/mac", &path, err) != HA_OK ||
        ha_in_read(ha_opt_value(cli->opts, HA_OPT_INPUT), INPUT_MAX, &data, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    if (ha_jose_put_option(cli->opts, HA_OPT_PROFILE, "profile", &body, err) != HA_OK)
        return err->code;
    ha_jw_bytes(&body, "data", data.data, data.len);
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_SECRET, err);
    return profile ? write_fulfilment(&doc, out_path, err) : write_code(&doc, format, out_path, err);
}
