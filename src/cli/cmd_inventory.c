// SPDX-License-Identifier: Apache-2.0
// hsm-agent inventory.
#include "cli/command.h"
#include "cli/inventory.h"
#include "cli/out.h"

static enum ha_code check_forms(const struct ha_cli *cli, struct ha_err *err)
{
    int forms = ha_cli_wants_json(cli) + ha_opt_given(cli->opts, HA_OPT_CSV) + ha_opt_given(cli->opts, HA_OPT_HTML);
    if (forms <= 1)
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "the inventory is written in one form at a time");
    return ha_hint(err, "Give one of --json, --csv and --html.");
}

enum ha_code ha_cmd_inventory(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_inventory_clear) struct ha_inventory inventory = {0};
    const char *path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    if (check_forms(cli, err) != HA_OK || ha_cli_call(cli, "GET", "/v1/inventory", NULL, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(path, &doc.text, HA_OUT_PUBLIC, err);
    if (ha_inventory_read(doc.json, &inventory, err) != HA_OK)
        return err->code;
    bool plain = false;
    if (ha_opt_given(cli->opts, HA_OPT_CSV)) {
        ha_inventory_csv(&inventory, &text);
    } else if (ha_opt_given(cli->opts, HA_OPT_HTML)) {
        ha_inventory_html(&inventory, ha_client_socket(cli->client), &text);
    } else {
        ha_inventory_table(&inventory, &text);
        plain = !path;
    }
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the inventory");
    return plain ? ha_out_text(&text, err) : ha_out_bytes(path, text.data, text.len, HA_OUT_PUBLIC, err);
}
