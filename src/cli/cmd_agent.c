// SPDX-License-Identifier: Apache-2.0
// What the agent says of itself: version, whoami, status, tokens, profiles.
#include "base/text.h"
#include "cli/command.h"
#include "cli/inventory.h"
#include "cli/out.h"
#include "cli/table.h"

#include <string.h>

// "label: value" lines for members that are there.
static void put_line(struct ha_buf *out, const ha_json *object, const char *name, const char *label)
{
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    ha_table_value(&value, ha_json_get(object, name));
    if (value.len > 0)
        ha_buf_printf(out, "%-9s %s\n", label, ha_buf_text(&value));
}

enum ha_code ha_cmd_version(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    enum ha_code code = ha_cli_call(cli, "GET", "/v1/version", NULL, &doc, err);
    if (code != HA_OK)
        return code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    ha_table_value(&text, ha_json_get(doc.json, "name"));
    ha_buf_putc(&text, ' ');
    ha_table_value(&text, ha_json_get(doc.json, "version"));
    ha_buf_puts(&text, ", API ");
    ha_table_value(&text, ha_json_get(doc.json, "api"));
    ha_buf_putc(&text, '\n');
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_whoami(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    enum ha_code code = ha_cli_call(cli, "GET", "/v1/whoami", NULL, &doc, err);
    if (code != HA_OK)
        return code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    static const char *const members[] = {"user", "uid", "gid",    "groups", "pid",
                                          "unit", "exe", "listen", "admin",  "clients"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++)
        put_line(&text, doc.json, members[i], members[i]);
    if (ha_json_size(ha_json_get(doc.json, "clients")) == 0)
        ha_buf_printf(&text, "%-9s %s\n", "clients", "none: no [client] section applies, so nothing is allowed");
    return ha_out_text(&text, err);
}

// A mark that stays until the agent is restarted.
static void put_faulty(struct ha_buf *out, const ha_json *token, const char *name)
{
    ha_auto(ha_buf_clear) struct ha_buf n = {0};
    ha_table_value(&n, ha_json_get(token, "faulty_signatures"));
    if (n.len > 0 && strcmp(ha_buf_text(&n), "0") != 0)
        ha_buf_printf(out,
                      "\n%s: %s of its signatures didn't verify and were held back\n"
                      "  remedy: If it happens more than once, stop using the token, and ask its vendor.\n",
                      name, ha_buf_text(&n));
}

static void put_token_errors(struct ha_buf *out, const ha_json *tokens)
{
    for (const ha_json *token = ha_json_first(tokens); token; token = ha_json_next(token)) {
        const ha_json *error = ha_json_get(token, "error");
        const char *name = ha_json_get_string(token, "name");
        if (name)
            put_faulty(out, token, name);
        if (!error || ha_json_type(error) != HA_JSON_OBJECT || !name)
            continue;
        const char *detail = ha_json_get_string(error, "detail");
        const char *hint = ha_json_get_string(error, "hint");
        ha_buf_printf(out, "\n%s: %s\n", name, detail ? detail : "no cause is told");
        if (hint)
            ha_buf_printf(out, "  remedy: %s\n", hint);
    }
}

static enum ha_code get_tokens(struct ha_cli *cli, struct ha_doc *ret_doc, const ha_json **ret_tokens,
                               struct ha_err *err)
{
    enum ha_code code = ha_cli_call(cli, "GET", "/v1/tokens", NULL, ret_doc, err);
    if (code != HA_OK)
        return code;
    const ha_json *tokens = ha_json_get(ret_doc->json, "tokens");
    if (!tokens || ha_json_type(tokens) != HA_JSON_ARRAY)
        return ha_cli_unexpected(err, "has no list of tokens");
    *ret_tokens = tokens;
    return HA_OK;
}

static void put_tokens(struct ha_buf *out, const ha_json *tokens, const char *const *members, size_t n)
{
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = n};
    for (size_t i = 0; i < n; i++) {
        char title[16] = {0};
        for (size_t at = 0; members[i][at] && at + 1 < sizeof title; at++)
            title[at] = (char)(members[i][at] - 'a' + 'A');
        ha_table_cell(&table, i == 0 ? "TOKEN" : title);
    }
    for (const ha_json *token = ha_json_first(tokens); token; token = ha_json_next(token))
        for (size_t i = 0; i < n; i++)
            ha_table_member(&table, token, members[i]);
    ha_table_print(&table, out);
}

enum ha_code ha_cmd_tokens(struct ha_cli *cli, struct ha_err *err)
{
    static const char *const members[] = {"name",  "state",    "label",    "serial",
                                          "model", "sessions", "restarts", "algorithms"};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const ha_json *tokens = NULL;
    enum ha_code code = get_tokens(cli, &doc, &tokens, err);
    if (code != HA_OK)
        return code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    put_tokens(&text, tokens, members, HA_ARRAY_SIZE(members));
    put_token_errors(&text, tokens);
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_profiles(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = 4};
    if (ha_cli_call(cli, "GET", "/v1/profiles", NULL, &doc, err))
        return err->code;
    const ha_json *profiles = ha_json_get(doc.json, "profiles");
    if (!profiles || ha_json_type(profiles) != HA_JSON_ARRAY)
        return ha_cli_unexpected(err, "has no list of profiles");
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    static const char *const titles[] = {"MESSAGE", "SCHEME", "MISSING", "WHAT IT IS"};
    static const char *const members[] = {"name", "scheme", "missing", "help"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    for (const ha_json *profile = ha_json_first(profiles); profile; profile = ha_json_next(profile))
        for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++)
            ha_table_member(&table, profile, members[i]);
    ha_table_print(&table, &text);
    return ha_out_text(&text, err);
}

static void put_token_error(struct ha_buf *out, const ha_json *token)
{
    const ha_json *error = ha_json_get(token, "error");
    const char *detail = error && ha_json_type(error) == HA_JSON_OBJECT ? ha_json_get_string(error, "detail") : NULL;
    const char *hint = detail ? ha_json_get_string(error, "hint") : NULL;
    if (detail)
        ha_buf_printf(out, "  because: %s\n", detail);
    if (hint)
        ha_buf_printf(out, "  remedy: %s\n", hint);
}

enum ha_code ha_cmd_token_unlock(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *name = cli->opts->arguments[0], *state = NULL;
    if (!ha_name_valid(name))
        return ha_fail(err, HA_E_USAGE, "'%s' can't be a token's name", name);
    ha_buf_printf(&text, "/v1/tokens/%s/unlock", name);
    enum ha_code code = ha_cli_call(cli, "POST", ha_buf_text(&text), NULL, &doc, err);
    if (code == HA_OK)
        code = ha_cli_string(&doc, "state", &state, err);
    if (code != HA_OK)
        return code;
    cli->exit_status = strcmp(state, "ready") == 0 ? 0 : 1;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    ha_buf_reset(&text);
    ha_buf_printf(&text, "%s is %s\n", name, state);
    put_token_error(&text, doc.json);
    return ha_out_text(&text, err);
}

// The readiness, which is an answer of status 200 or 503.
static enum ha_code get_ready(struct ha_cli *cli, struct ha_doc *ret_doc, bool *ret_ready, struct ha_err *err)
{
    enum ha_code code = ha_cli_call(cli, "GET", "/v1/health/ready", NULL, ret_doc, err);
    const char *status = ret_doc->json ? ha_json_get_string(ret_doc->json, "status") : NULL;
    if (!status)
        return code == HA_OK ? ha_cli_string(ret_doc, "status", &status, err) : code;
    *ret_ready = code == HA_OK && strcmp(status, "ready") == 0;
    return HA_OK;
}

// Where the keys are that are in several tokens; nothing when there are none.
static enum ha_code put_replicas(struct ha_cli *cli, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = 3};
    enum ha_code code = ha_cli_call(cli, "GET", "/v1/keys", NULL, &doc, err);
    if (code != HA_OK)
        return code;
    static const char *const titles[] = {"KEY", "TOKEN", "STATE"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    size_t n = 0;
    const ha_json *keys = ha_json_get(doc.json, "keys");
    for (const ha_json *key = keys ? ha_json_first(keys) : NULL; key; key = ha_json_next(key)) {
        const ha_json *replicas = ha_json_get(key, "replicas");
        if (!replicas || ha_json_size(replicas) < 2)
            continue;
        for (const ha_json *replica = ha_json_first(replicas); replica; replica = ha_json_next(replica), n++) {
            ha_table_member(&table, key, "name");
            ha_table_member(&table, replica, "token");
            ha_table_member(&table, replica, "state");
        }
    }
    if (n > 0) {
        ha_buf_putc(out, '\n');
        ha_table_print(&table, out);
    }
    return HA_OK;
}

// The certificates that expire next; nothing when none is installed.
static enum ha_code put_expiries(struct ha_cli *cli, struct ha_buf *out, struct ha_err *err)
{
    enum { MOST = 5 };
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_inventory_clear) struct ha_inventory inventory = {0};
    ha_auto(ha_buf_clear) struct ha_buf table = {0};
    if (ha_cli_call(cli, "GET", "/v1/inventory", NULL, &doc, err) != HA_OK ||
        ha_inventory_read(doc.json, &inventory, err) != HA_OK)
        return err->code;
    ha_inventory_next(&inventory, MOST, &table);
    if (table.len > 0)
        ha_buf_printf(out, "\n%s", ha_buf_text(&table));
    return HA_OK;
}

enum ha_code ha_cmd_status(struct ha_cli *cli, struct ha_err *err)
{
    static const char *const members[] = {"name", "state", "label", "model", "sessions", "restarts"};
    ha_auto(ha_cli_doc_clear) struct ha_doc ready_doc = {0};
    ha_auto(ha_cli_doc_clear) struct ha_doc tokens_doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const ha_json *tokens = NULL;
    bool ready = false;
    enum ha_code code = get_ready(cli, &ready_doc, &ready, err);
    if (code != HA_OK)
        return code;
    cli->exit_status = ready ? 0 : 1;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &ready_doc.text, HA_OUT_PUBLIC, err);
    code = get_tokens(cli, &tokens_doc, &tokens, err);
    if (code != HA_OK)
        return code;
    ha_buf_printf(&text, "agent   %s, %s\nkeys    ", ready ? "ready" : "NOT READY", ha_client_socket(cli->client));
    const ha_json *keys = ha_json_get(ready_doc.json, "keys");
    if (keys && ha_json_type(keys) == HA_JSON_OBJECT) {
        ha_table_value(&text, ha_json_get(keys, "ready"));
        ha_buf_puts(&text, " ready, ");
        ha_table_value(&text, ha_json_get(keys, "trouble"));
        ha_buf_puts(&text, " in trouble");
    } else {
        ha_buf_putc(&text, '-');
    }
    ha_buf_puts(&text, "\n\n");
    put_tokens(&text, tokens, members, HA_ARRAY_SIZE(members));
    put_token_errors(&text, tokens);
    if (put_replicas(cli, &text, err) != HA_OK || put_expiries(cli, &text, err) != HA_OK)
        return err->code;
    return ha_out_text(&text, err);
}
