// SPDX-License-Identifier: Apache-2.0
// key import: a key pair from a file into the token.
#include "cli/command.h"
#include "cli/in.h"
#include "cli/key_body.h"
#include "cli/out.h"
#include "cli/password.h"
#include "cli/wipe.h"
#include "crypto/key_file.h"

#include <string.h>

static enum ha_code in_file(const char *path, struct ha_err *err)
{
    ha_wrap(err, "%s", strcmp(path, "-") == 0 ? "the input" : path);
    if (strcmp(err->hint, ha_code_info(err->code)->hint) != 0)
        return err->code;
    return ha_hint(err,
                   "RSA keys of 2048, 3072 and 4096 bits, P-256, P-384, P-521 and Ed25519 are taken, from PKCS#12, "
                   "PKCS#8, PKCS#1 and SEC 1. If this one isn't, 'hsm-agent key create' makes a new one.");
}

static enum ha_code read_key(const struct ha_opts *opts, const char *path, struct ha_key_file *ret_file,
                             struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0}, password = {0}, prompt = {0};
    if (ha_in_read(path, HA_KEY_FILE_MAX, &bytes, err) != HA_OK)
        return err->code;
    bool encrypted = ha_key_file_is_encrypted(bytes.data, bytes.len);
    ha_buf_printf(&prompt, "Password of %s", path);
    if (encrypted && ha_password_read(ha_opt_value(opts, HA_OPT_PASSWORD), ha_buf_text(&prompt), &password, err))
        return err->code;
    if (ha_key_file_read(bytes.data, bytes.len, encrypted ? ha_buf_text(&password) : NULL, ret_file, err))
        return in_file(path, err);
    return HA_OK;
}

static enum ha_code make_body(const struct ha_cli *cli, const struct ha_key_file *file, struct ha_buf *body,
                              struct ha_err *err)
{
    ha_jw_object(body, NULL);
    ha_jw_bytes(body, "private_key", file->pkcs8.data, file->pkcs8.len);
    ha_key_body_place(cli, body);
    ha_key_body_traits(cli, body);
    ha_jw_object_end(body);
    return ha_buf_ok(body) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a private key");
}

static enum ha_code send(struct ha_cli *cli, const struct ha_key_file *file, struct ha_doc *doc, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    if (ha_cli_key_path(cli, "/import", &path, err) != HA_OK || make_body(cli, file, &body, err) != HA_OK)
        return err->code;
    return ha_cli_call(cli, "POST", ha_buf_text(&path), &body, doc, err);
}

// The chain that is beside the key in the file. What is no certificate of the key is of no use to it.
static enum ha_code install(struct ha_cli *cli, const struct ha_key_file *file, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    if (ha_cli_key_path(cli, "/certificate", &path, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "certificates", ha_buf_text(&file->certificates));
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "PUT", ha_buf_text(&path), &body, &doc, err) == HA_OK)
        return HA_OK;
    ha_wrap(err, "the key is imported, but the certificate beside it isn't installed");
    return ha_hint(err, "Install a certificate with 'hsm-agent cert install'; FILE is as it was.");
}

enum ha_code ha_cmd_key_import(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_key_file_clear) struct ha_key_file file = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *name = cli->opts->arguments[0], *path = cli->opts->arguments[1];
    bool wipe = ha_opt_given(cli->opts, HA_OPT_WIPE);
    if (wipe && ha_wipe_check(path, err) != HA_OK)
        return err->code;
    if (read_key(cli->opts, path, &file, err) != HA_OK || send(cli, &file, &doc, err) != HA_OK)
        return err->code;
    bool certificate = file.has_own && !ha_opt_given(cli->opts, HA_OPT_NO_CERTIFICATES);
    if (certificate && install(cli, &file, err) != HA_OK)
        return err->code;
    if (wipe && ha_wipe_file(path, err) != HA_OK)
        return ha_wrap(err, "the key is imported, but its file is still there");
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    const char *type = NULL;
    if (ha_cli_string(&doc, "type", &type, err) != HA_OK)
        return err->code;
    ha_buf_printf(&text, "imported %s, %s%s\n", name, type, certificate ? ", with its certificate" : "");
    if (wipe)
        ha_buf_printf(&text, "wiped %s\n", path);
    return ha_out_text(&text, err);
}
