// SPDX-License-Identifier: Apache-2.0
// key backup, key restore.
#include "base/text.h"
#include "cli/command.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/key_body.h"
#include "cli/out.h"

#include <string.h>

enum { BACKUP_MAX = 64 * 1024 };

enum ha_code ha_cmd_key_backup(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0}, text = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    if (ha_cli_version_path(cli, "/backup", &path, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "kek", ha_opt_value(cli->opts, HA_OPT_KEK));
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_SECRET, err);
    if (ha_json_pretty(&text, ha_buf_text(&doc.text), doc.text.len, err) != HA_OK)
        return err->code;
    return ha_out_json(out_path, &text, HA_OUT_SECRET, err);
}

// The backup's own name of the key, unless there is another.
static enum ha_code put_path(const struct ha_cli *cli, const ha_json *backup, struct ha_buf *path,
                             const char **ret_name, struct ha_err *err)
{
    const char *given = ha_opt_value(cli->opts, HA_OPT_NAME);
    const char *name = given ? given : ha_json_get_string(backup, "name");
    if (!name || !ha_name_valid(name))
        return ha_fail(err, given ? HA_E_USAGE : HA_E_MALFORMED, "'%.64s' is no name for a key", name ? name : "");
    ha_buf_printf(path, "/v1/keys/%s/restore", name);
    *ret_name = name;
    return HA_OK;
}

static enum ha_code no_backup(const char *path, struct ha_err *err)
{
    ha_wrap(err, "%s is no backup", path);
    return ha_hint(err, "Give a file that 'hsm-agent key backup' wrote, whole.");
}

enum ha_code ha_cmd_key_restore(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_json_free) ha_json *backup = NULL;
    ha_auto(ha_buf_clear) struct ha_buf file = {0}, path = {0}, body = {0}, text = {0};
    const char *name = NULL, *in_path = cli->opts->arguments[0];
    if (ha_in_read(in_path, BACKUP_MAX, &file, err) != HA_OK)
        return err->code;
    if (ha_json_parse(ha_buf_text(&file), file.len, 4, &backup, err) != HA_OK)
        return no_backup(in_path, err);
    if (put_path(cli, backup, &path, &name, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jose_put_json(&body, "backup", ha_buf_text(&file));
    ha_key_body_tokens(cli, &body);
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    const char *type = NULL;
    if (ha_cli_string(&doc, "type", &type, err) != HA_OK)
        return err->code;
    ha_buf_printf(&text, "restored %s, %s\n", name, type);
    return ha_out_text(&text, err);
}
