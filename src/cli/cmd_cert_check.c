// SPDX-License-Identifier: Apache-2.0
// cert check.
#include "cli/cert_common.h"
#include "cli/command_cert.h"
#include "cli/findings.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"

#include <string.h>

#define OCSP_MAX (64 * 1024)  // bytes

static enum ha_code put_ocsp(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    const char *path = ha_opt_value(opts, HA_OPT_OCSP);
    if (!path)
        return HA_OK;
    if (ha_in_read(path, OCSP_MAX, &bytes, err) != HA_OK)
        return err->code;
    ha_jw_bytes(body, "ocsp", bytes.data, bytes.len);
    return HA_OK;
}

static enum ha_code write_body(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    const struct ha_opt_values *files = &opts->values[HA_OPT_CERT], *names = &opts->values[HA_OPT_SERVERNAME];
    ha_jw_object(body, NULL);
    ha_jw_array(body, "names");
    for (size_t i = 0; i < names->n; i++)
        ha_jw_string(body, NULL, names->items[i]);
    ha_jw_array_end(body);
    if (files->n && ha_cert_put_files("certificates", files->items, files->n, body, err) != HA_OK)
        return err->code;
    if (ha_jose_put_file(opts, HA_OPT_CA, "anchors", body, err) != HA_OK ||
        ha_jose_put_file(opts, HA_OPT_CRL, "crls", body, err) != HA_OK || put_ocsp(opts, body, err) != HA_OK ||
        ha_jose_put_seconds(opts, HA_OPT_AT, "at", body, err) != HA_OK)
        return err->code;
    if (ha_opt_given(opts, HA_OPT_REVOCATION))
        ha_jw_bool(body, "revocation", true);
    ha_jw_object_end(body);
    return ha_buf_ok(body) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

static enum ha_finding finding_of(const char *result)
{
    if (strcmp(result, "ok") == 0)
        return HA_FINDING_OK;
    return strcmp(result, "warning") == 0 ? HA_FINDING_WARNING : HA_FINDING_PROBLEM;
}

static enum ha_code show(const ha_json *checks, struct ha_err *err)
{
    ha_auto(ha_findings_clear) struct ha_findings findings = {0};
    ha_findings_begin(&findings);
    const ha_json *item = checks ? ha_json_first(checks) : NULL;
    for (; item; item = ha_json_next(item)) {
        const char *check = ha_json_get_string(item, "check"), *result = ha_json_get_string(item, "result");
        const char *text = ha_json_get_string(item, "text");
        if (!check || !result || !text)
            return ha_cli_unexpected(err, "has a check without words");
        ha_findings_add(&findings, finding_of(result), check, ha_json_get_string(item, "remedy"), "%s", text);
    }
    ha_findings_end(&findings);
    return ha_findings_print(&findings, false, err);
}

enum ha_code ha_cmd_cert_check(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    const char *result = NULL;
    if (ha_cli_version_path(cli, "/certificate/check", &path, err) != HA_OK || write_body(cli->opts, &body, err) != HA_OK ||
        ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK ||
        ha_cli_string(&doc, "result", &result, err) != HA_OK)
        return err->code;
    cli->exit_status = finding_of(result) == HA_FINDING_PROBLEM;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    return show(ha_json_get(doc.json, "checks"), err);
}
