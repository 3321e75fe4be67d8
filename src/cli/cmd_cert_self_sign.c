// SPDX-License-Identifier: Apache-2.0
// cert self-sign.
#include "base/text.h"
#include "cli/cert_common.h"
#include "cli/command_cert.h"
#include "cli/in.h"
#include "cli/out.h"

#include <string.h>

#define CSR_MAX (64 * 1024)  // bytes

static enum ha_code write_body(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf csr = {0};
    const char *days = ha_opt_value(opts, HA_OPT_DAYS), *alg = ha_opt_value(opts, HA_OPT_ALG);
    uint64_t number = 0;
    if (days && !ha_parse_uint(days, 1, 3650, &number)) {
        ha_fail(err, HA_E_USAGE, "--days %s is no number of days", days);
        return ha_hint(err, "Give 1 to 3650.");
    }
    if (ha_in_read(ha_opt_value(opts, HA_OPT_INPUT), CSR_MAX, &csr, err) != HA_OK)
        return err->code;
    ha_jw_object(body, NULL);
    ha_jw_string(body, "csr", ha_buf_text(&csr));
    if (days)
        ha_jw_number(body, "days", (int64_t)number);
    if (alg)
        ha_jw_string(body, "algorithm", alg);
    ha_jw_object_end(body);
    return ha_buf_ok(body) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

static enum ha_code install(struct ha_cli *cli, const char *pem, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "certificates", pem);
    ha_jw_object_end(&body);
    return ha_cert_install(cli, &body, err);
}

enum ha_code ha_cmd_cert_self_sign(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT), *pem = NULL;
    if (ha_cli_version_path(cli, "/self-signed", &path, err) != HA_OK || write_body(cli->opts, &body, err) != HA_OK ||
        ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK ||
        ha_cli_string(&doc, "certificate", &pem, err) != HA_OK)
        return err->code;
    if (ha_opt_given(cli->opts, HA_OPT_INSTALL))
        return install(cli, pem, err);
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    return ha_out_bytes(out_path, pem, strlen(pem), HA_OUT_PUBLIC, err);
}
