// SPDX-License-Identifier: Apache-2.0
// cert install, show, remove.
#include "cli/cert_common.h"
#include "cli/command_cert.h"
#include "cli/in.h"
#include "cli/out.h"
#include "cli/table.h"

#include <string.h>

#define FILE_MAX (256 * 1024)  // bytes

// Text goes as it is, anything else in base64url: the agent finds out what it is.
static enum ha_code put_file(const char *path, struct ha_buf *body, struct ha_err *err)
{
    static const char begin[] = "-----BEGIN ", private_key[] = "PRIVATE KEY-----";
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    if (ha_in_read(path, FILE_MAX, &bytes, err) != HA_OK)
        return err->code;
    if (memmem(bytes.data, bytes.len, private_key, sizeof private_key - 1)) {
        ha_fail(err, HA_E_USAGE, "%s holds a private key, which stays where it is", path);
        return ha_hint(err, "Give a file with certificates alone.");
    }
    bool text = memmem(bytes.data, bytes.len, begin, sizeof begin - 1) || (bytes.len > 0 && bytes.data[0] != 0x30);
    if (text)
        ha_jw_string(body, NULL, ha_buf_text(&bytes));
    else
        ha_jw_bytes(body, NULL, bytes.data, bytes.len);
    return HA_OK;
}

enum ha_code ha_cert_put_files(const char *member, const char *const *paths, size_t n, struct ha_buf *body,
                               struct ha_err *err)
{
    ha_jw_array(body, member);
    for (size_t i = 0; i < n; i++)
        if (put_file(paths[i], body, err) != HA_OK)
            return err->code;
    ha_jw_array_end(body);
    return HA_OK;
}

static void put_line(struct ha_buf *out, const char *name, const char *value)
{
    if (value)
        ha_buf_printf(out, "%-12s %s\n", name, value);
}

static void put_names(struct ha_buf *out, const ha_json *request)
{
    static const char *const kinds[] = {"dns", "ip", "uri", "email"};
    const ha_json *san = request ? ha_json_get(request, "san") : NULL;
    for (size_t i = 0; san && i < HA_ARRAY_SIZE(kinds); i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        ha_table_value(&value, ha_json_get(san, kinds[i]));
        put_line(out, kinds[i], value.len ? ha_buf_text(&value) : NULL);
    }
}

static void put_certificate(struct ha_buf *out, const ha_json *certificate)
{
    static const struct {
        const char *title, *member;
    } lines[] = {{"subject", "subject"}, {"issuer", "issuer"},       {"serial", "serial"}, {"from", "not_before"},
                 {"until", "not_after"}, {"signature", "signature"}, {"sha256", "sha256"}, {"x5t#S256", "x5t_s256"}};
    static const char *const usages[] = {"key_usage", "extended_key_usage"};
    const ha_json *request = ha_json_get(certificate, "request");
    for (size_t i = 0; i < HA_ARRAY_SIZE(lines); i++)
        put_line(out, lines[i].title, ha_json_get_string(certificate, lines[i].member));
    put_names(out, request);
    for (size_t i = 0; request && i < HA_ARRAY_SIZE(usages); i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        ha_table_value(&value, ha_json_get(request, usages[i]));
        put_line(out, i == 0 ? "usage" : "for", value.len ? ha_buf_text(&value) : NULL);
    }
}

// The key's own in full, of the others the names.
static void put_chain(struct ha_buf *out, const ha_json *chain)
{
    const ha_json *item = chain ? ha_json_first(chain) : NULL;
    if (!item)
        return;
    put_certificate(out, item);
    for (item = ha_json_next(item); item; item = ha_json_next(item)) {
        const char *subject = ha_json_get_string(item, "subject"), *until = ha_json_get_string(item, "not_after");
        ha_buf_printf(out, "%-12s %s, until %s\n", "  above it", subject ? subject : "?", until ? until : "?");
    }
}

static void put_key(struct ha_buf *out, const ha_json *answer)
{
    ha_auto(ha_buf_clear) struct ha_buf version = {0};
    put_line(out, "key", ha_json_get_string(answer, "key"));
    ha_table_value(&version, ha_json_get(answer, "version"));
    put_line(out, "version", ha_buf_text(&version));
}

static void put_warnings(struct ha_buf *out, const ha_json *warnings)
{
    const ha_json *item = warnings ? ha_json_first(warnings) : NULL;
    for (; item; item = ha_json_next(item)) {
        const char *name = ha_json_get_string(item, "name"), *detail = ha_json_get_string(item, "detail");
        ha_buf_printf(out, "warning: %s: %s\n", name ? name : "?", detail ? detail : "?");
    }
}

enum ha_code ha_cert_install(struct ha_cli *cli, const struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    if (ha_cli_version_path(cli, "/certificate", &path, err) != HA_OK ||
        ha_cli_call(cli, "PUT", ha_buf_text(&path), body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    put_key(&text, doc.json);
    put_chain(&text, ha_json_get(doc.json, "chain"));
    put_warnings(&text, ha_json_get(doc.json, "warnings"));
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_cert_install(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *const *files = cli->opts->arguments + 1;
    size_t n = 0;
    while (files[n])
        n++;
    ha_jw_object(&body, NULL);
    if (ha_cert_put_files("certificates", files, n, &body, err) != HA_OK)
        return err->code;
    if (ha_opt_given(cli->opts, HA_OPT_STORE_IN_TOKEN))
        ha_jw_bool(&body, "store_in_token", true);
    ha_jw_object_end(&body);
    return ha_cert_install(cli, &body, err);
}

enum ha_code ha_cmd_cert_show(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT), *pem = NULL;
    if (ha_cli_version_path(cli, "/certificate", &path, err) != HA_OK ||
        ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    if (ha_opt_given(cli->opts, HA_OPT_PEM)) {
        if (ha_cli_string(&doc, "pem", &pem, err) != HA_OK)
            return err->code;
        return ha_out_bytes(out_path, pem, strlen(pem), HA_OUT_PUBLIC, err);
    }
    put_key(&text, doc.json);
    put_chain(&text, ha_json_get(doc.json, "chain"));
    if (!out_path)
        return ha_out_text(&text, err);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(out_path, text.data, text.len, HA_OUT_PUBLIC, err);
}

enum ha_code ha_cmd_cert_remove(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    if (ha_cli_version_path(cli, "/certificate", &path, err) != HA_OK)
        return err->code;
    if (ha_opt_given(cli->opts, HA_OPT_DESTROY_OBJECTS))
        ha_buf_printf(&path, "%cobjects=destroy", strchr(ha_buf_text(&path), '?') ? '&' : '?');
    if (ha_cli_call(cli, "DELETE", ha_buf_text(&path), NULL, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    const char *removed = ha_json_get_string(doc.json, "removed");
    ha_buf_printf(&text, "removed the certificate of %s, sha256 %s\n", cli->opts->arguments[0],
                  removed ? removed : "?");
    return ha_out_text(&text, err);
}
