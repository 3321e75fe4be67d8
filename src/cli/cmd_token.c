// SPDX-License-Identifier: Apache-2.0
// token list, info, init, pin change, pin reset: what is done to a token without an agent.
#include "base/text.h"
#include "cli/command.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/token_tool.h"

#include <string.h>

static void put_line(struct ha_buf *out, const ha_json *object, const char *member, const char *label)
{
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    ha_table_value(&value, ha_json_get(object, member));
    if (value.len > 0)
        ha_buf_printf(out, "%-13s %s\n", label, ha_buf_text(&value));
}

static const ha_json *object_of(const ha_json *json, const char *name)
{
    const ha_json *object = ha_json_get(json, name);
    return object && ha_json_type(object) == HA_JSON_OBJECT ? object : NULL;
}

static bool is_true(const ha_json *object, const char *name)
{
    const ha_json *member = ha_json_get(object, name);
    bool value = false;
    return member && ha_json_bool(member, &value) && value;
}

enum ha_code ha_cmd_token_list(struct ha_cli *cli, struct ha_err *err)
{
    static const char *const titles[] = {"SLOT", "LABEL", "SERIAL", "MODEL", "STATE", "URI"};
    static const char *const members[] = {"label", "serial", "model", "state", "uri"};
    ha_auto(ha_token_tool_args_clear) struct ha_token_tool_args args = {0};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = HA_ARRAY_SIZE(titles)};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_token_tool_run(cli, HA_TOKEN_TOOL_LIST, &args, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_bytes(NULL, doc.text.data, doc.text.len, HA_OUT_PUBLIC, err);
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    const ha_json *slots = ha_json_get(doc.json, "slots");
    for (const ha_json *slot = slots ? ha_json_first(slots) : NULL; slot; slot = ha_json_next(slot)) {
        const ha_json *token = object_of(slot, "token");
        ha_table_member(&table, slot, "slot");
        for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++) {
            if (token)
                ha_table_member(&table, token, members[i]);
            else
                ha_table_cell(&table, strcmp(members[i], "state") == 0 ? "no token" : NULL);
        }
    }
    ha_table_print(&table, &text);
    return ha_out_text(&text, err);
}

static void put_token(struct ha_buf *out, const ha_json *token)
{
    static const struct {
        const char *flag, *words;
    } warnings[] = {
        {"user_pin_count_low", "a wrong PIN of the user was entered since the last right one"},
        {"user_pin_final_try", "one more wrong PIN of the user locks it"},
        {"user_pin_locked", "the user's PIN is locked: `hsm-agent token pin reset`"},
        {"user_pin_to_be_changed", "the user's PIN has to be changed"},
        {"so_pin_count_low", "a wrong PIN of the security officer was entered since the last right one"},
        {"so_pin_final_try", "one more wrong PIN of the security officer locks it"},
        {"so_pin_locked", "the security officer's PIN is locked"},
        {"so_pin_to_be_changed", "the security officer's PIN has to be changed"},
        {"read_only", "the token is write-protected"},
        {"own_pin_pad", "the token asks for its PIN on a pad of its own, which the agent can't use"},
    };
    put_line(out, token, "label", "label");
    put_line(out, token, "serial", "serial");
    put_line(out, token, "manufacturer", "manufacturer");
    put_line(out, token, "model", "model");
    put_line(out, token, "state", "state");
    put_line(out, token, "uri", "uri");
    for (size_t i = 0; i < HA_ARRAY_SIZE(warnings); i++)
        if (is_true(token, warnings[i].flag))
            ha_buf_printf(out, "%-13s %s\n", "note", warnings[i].words);
}

enum ha_code ha_cmd_token_info(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_token_tool_args_clear) struct ha_token_tool_args args = {0};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_token_tool_arg(&args, HA_TOKEN_OPT_TOKEN, cli->opts->arguments[0]);
    if (ha_token_tool_run(cli, HA_TOKEN_TOOL_INFO, &args, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_bytes(NULL, doc.text.data, doc.text.len, HA_OUT_PUBLIC, err);
    const ha_json *token = object_of(doc.json, "token"), *module = object_of(doc.json, "module");
    if (token)
        put_token(&text, token);
    static const struct {
        const char *member, *label;
    } lines[] = {
        {"slot", "slot"},
        {"hardware", "hardware"},
        {"firmware", "firmware"},
        {"pin_min", "shortest PIN"},
        {"pin_max", "longest PIN"},
        {"sessions_max", "sessions"},
        {"private_memory_free", "private room"},
        {"public_memory_free", "public room"},
        {"mechanisms", "mechanisms"},
        {"algorithms", "algorithms"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(lines); i++)
        put_line(&text, doc.json, lines[i].member, lines[i].label);
    if (module) {
        put_line(&text, module, "path", "module");
        put_line(&text, module, "description", "which is");
        put_line(&text, module, "version", "version");
        put_line(&text, module, "pkcs11", "PKCS#11");
    }
    return ha_out_text(&text, err);
}

// The PIN's source as the configuration takes it, with the whole path of a file.
static const char *pin_source(const struct ha_cli *cli, const struct ha_token_tool_args *args)
{
    static const char option[] = "--" HA_TOKEN_OPT_PIN "=", file[] = "file:";
    const char *given = ha_opt_value(cli->opts, HA_OPT_PIN);
    if (given && strncmp(given, file, sizeof file - 1) == 0)
        for (size_t i = 0; i < args->n; i++)
            if (strncmp(args->items[i], option, sizeof option - 1) == 0)
                return args->items[i] + sizeof option - 1;
    return given ? given : "prompt";
}

// The section of the configuration, with the label as name where it can be one.
static void put_section(struct ha_buf *out, const struct ha_cli *cli, const struct ha_token_tool_args *tool,
                        const ha_json *token)
{
    const char *label = ha_json_get_string(token, "label"), *uri = ha_json_get_string(token, "uri");
    const char *args = ha_opt_value(cli->opts, HA_OPT_MODULE_ARGS);
    ha_buf_printf(out, "\nFor hsm-agent.conf:\n\n[token %s]\nuri = %s\nmodule = %s\n",
                  label && ha_name_valid(label) ? label : "NAME", uri ? uri : "",
                  ha_opt_value(cli->opts, HA_OPT_MODULE));
    if (args)
        ha_buf_printf(out, "module-args = %s\n", args);
    ha_buf_printf(out, "pin = %s\n", pin_source(cli, tool));
}

enum ha_code ha_cmd_token_init(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_token_tool_args_clear) struct ha_token_tool_args args = {0};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_token_tool_arg(&args, HA_TOKEN_OPT_LABEL, cli->opts->arguments[0]);
    ha_token_tool_arg(&args, HA_TOKEN_OPT_SLOT, ha_opt_value(cli->opts, HA_OPT_SLOT));
    ha_token_tool_arg(&args, HA_TOKEN_OPT_ERASE, ha_opt_value(cli->opts, HA_OPT_ERASE));
    ha_token_tool_flag(&args, HA_TOKEN_OPT_FINAL_TRY, ha_opt_given(cli->opts, HA_OPT_FINAL_TRY));
    if (ha_token_tool_pin(&args, HA_TOKEN_OPT_SO_PIN, ha_opt_value(cli->opts, HA_OPT_SO_PIN), err) ||
        ha_token_tool_pin(&args, HA_TOKEN_OPT_PIN, ha_opt_value(cli->opts, HA_OPT_PIN), err) ||
        ha_token_tool_run(cli, HA_TOKEN_TOOL_INIT, &args, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_bytes(NULL, doc.text.data, doc.text.len, HA_OUT_PUBLIC, err);
    const ha_json *token = object_of(doc.json, "token");
    if (token) {
        put_token(&text, token);
        put_section(&text, cli, &args, token);
    }
    return ha_out_text(&text, err);
}

static enum ha_code finish(struct ha_cli *cli, const char *tool, struct ha_token_tool_args *args, const char *what,
                           struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_token_tool_arg(args, HA_TOKEN_OPT_TOKEN, cli->opts->arguments[0]);
    ha_token_tool_flag(args, HA_TOKEN_OPT_FINAL_TRY, ha_opt_given(cli->opts, HA_OPT_FINAL_TRY));
    if (ha_token_tool_pin(args, HA_TOKEN_OPT_NEW_PIN, ha_opt_value(cli->opts, HA_OPT_NEW_PIN), err) ||
        ha_token_tool_run(cli, tool, args, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_bytes(NULL, doc.text.data, doc.text.len, HA_OUT_PUBLIC, err);
    const ha_json *token = object_of(doc.json, "token");
    const char *label = token ? ha_json_get_string(token, "label") : NULL;
    const char *serial = token ? ha_json_get_string(token, "serial") : NULL;
    ha_buf_printf(&text, "%s of token %s, serial number %s, is changed\n", what, label ? label : "?",
                  serial ? serial : "?");
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_token_pin_change(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_token_tool_args_clear) struct ha_token_tool_args args = {0};
    bool so = ha_opt_given(cli->opts, HA_OPT_SO);
    const char *wrong = so ? "pin" : "so-pin";
    if (ha_opt_given(cli->opts, so ? HA_OPT_PIN : HA_OPT_SO_PIN)) {
        ha_fail(err, HA_E_USAGE, "--%s isn't for %s", wrong, so ? "--so" : "the user's PIN");
        return ha_hint(err, so ? "Give the security officer's present PIN with --so-pin."
                               : "Give the present PIN with --pin; `hsm-agent token pin reset` takes the security "
                                 "officer's.");
    }
    const char *name = so ? HA_TOKEN_OPT_SO_PIN : HA_TOKEN_OPT_PIN;
    if (ha_token_tool_pin(&args, name, ha_opt_value(cli->opts, so ? HA_OPT_SO_PIN : HA_OPT_PIN), err))
        return err->code;
    return finish(cli, so ? HA_TOKEN_TOOL_SO_CHANGE : HA_TOKEN_TOOL_PIN_CHANGE, &args,
                  so ? "The security officer's PIN" : "The user's PIN", err);
}

enum ha_code ha_cmd_token_pin_reset(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_token_tool_args_clear) struct ha_token_tool_args args = {0};
    if (ha_token_tool_pin(&args, HA_TOKEN_OPT_SO_PIN, ha_opt_value(cli->opts, HA_OPT_SO_PIN), err))
        return err->code;
    return finish(cli, HA_TOKEN_TOOL_PIN_RESET, &args, "The user's PIN", err);
}
