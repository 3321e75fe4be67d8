// SPDX-License-Identifier: Apache-2.0
// key rotate, activate, disable, enable, delete: what administrators decide of a key's versions.
#include "base/text.h"
#include "cli/command_versions.h"
#include "cli/guard.h"
#include "cli/out.h"
#include "cli/table.h"

#include <string.h>

#define SPAN_MAX (100 * UINT64_C(31557600))  // seconds: 100 years

// 30d, 12h, 10m, 45s or 45.
static enum ha_code read_span(const struct ha_cli *cli, enum ha_opt option, const char *name, uint64_t *ret_s,
                              struct ha_err *err)
{
    static const struct {
        char letter;
        uint64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const char *text = ha_opt_value(cli->opts, option);
    ha_auto(ha_buf_clear) struct ha_buf digits = {0};
    uint64_t number, unit = 1;
    size_t n = strlen(text);
    for (size_t i = 0; i < HA_ARRAY_SIZE(units) && n > 0; i++)
        if (text[n - 1] == units[i].letter)
            unit = units[i].s;
    ha_buf_append(&digits, text, n > 0 && !strchr("0123456789", text[n - 1]) ? n - 1 : n);
    if (n > 0 && strchr("smhd0123456789", text[n - 1]) &&
        ha_parse_uint(ha_buf_text(&digits), 0, SPAN_MAX / unit, &number)) {
        *ret_s = number * unit;
        return HA_OK;
    }
    ha_fail(err, HA_E_USAGE, "--%s %s is no span of time", name, text);
    return ha_hint(err, "Write a number and s, m, h or d, for example 10m or 30d; without a letter it is seconds.");
}

static enum ha_code put_span(const struct ha_cli *cli, enum ha_opt option, const char *name, const char *member,
                             struct ha_buf *body, struct ha_err *err)
{
    uint64_t span_s;
    if (!ha_opt_given(cli->opts, option))
        return HA_OK;
    if (read_span(cli, option, name, &span_s, err))
        return err->code;
    ha_jw_number(body, member, (int64_t)span_s);
    return HA_OK;
}

void ha_cli_put_versions(struct ha_buf *out, const ha_json *key)
{
    static const char *const titles[] = {"VERSION", "STATUS", "ACTIVE FROM", "RETIRES", "STATE"};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = HA_ARRAY_SIZE(titles)};
    const ha_json *versions = ha_json_get(key, "versions");
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    for (const ha_json *version = versions ? ha_json_first(versions) : NULL; version; version = ha_json_next(version)) {
        bool disabled = false;
        const char *status = ha_json_get_string(version, "status");
        ha_json_bool(ha_json_get(version, "disabled"), &disabled);
        ha_table_member(&table, version, "version");
        ha_table_cell(&table, ha_json_get(version, "deletes") ? "to be deleted"
                              : disabled                      ? "disabled"
                              : status                        ? status
                                                              : "?");
        ha_table_member(&table, version, "activates");
        ha_table_member(&table, version, "retires");
        ha_table_member(&table, version, "state");
    }
    ha_table_print(&table, out);
}

// Ends the body, sends it, and shows what has become of the versions.
static enum ha_code post(struct ha_cli *cli, const char *tail, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    ha_jw_object_end(body);
    if (ha_cli_version_path(cli, tail, &path, err) || ha_cli_call(cli, "POST", ha_buf_text(&path), body, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    ha_cli_put_versions(&text, doc.json);
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_key_rotate(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    if (put_span(cli, HA_OPT_ACTIVATE_AFTER, "activate-after", "activate_after", &body, err) ||
        put_span(cli, HA_OPT_OVERLAP, "overlap", "overlap", &body, err))
        return err->code;
    if (ha_opt_given(cli->opts, HA_OPT_PENDING))
        ha_jw_bool(&body, "pending", true);
    return post(cli, "/rotate", &body, err);
}

enum ha_code ha_cmd_key_activate(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    if (put_span(cli, HA_OPT_AFTER, "after", "after", &body, err) ||
        put_span(cli, HA_OPT_OVERLAP, "overlap", "overlap", &body, err))
        return err->code;
    return post(cli, "/activate", &body, err);
}

enum ha_code ha_cmd_key_disable(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    return post(cli, "/disable", &body, err);
}

enum ha_code ha_cmd_key_enable(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    return post(cli, "/enable", &body, err);
}

static enum ha_code cancel(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    return post(cli, "/keep", &body, err);
}

static enum ha_code delete_path(const struct ha_cli *cli, struct ha_buf *path, struct ha_err *err)
{
    uint64_t after_s;
    char sign = ha_opt_given(cli->opts, HA_OPT_KEY_VERSION) ? '&' : '?';
    if (ha_cli_version_path(cli, "", path, err))
        return err->code;
    if (ha_opt_given(cli->opts, HA_OPT_DESTROY_OBJECTS)) {
        ha_buf_printf(path, "%cobjects=destroy", sign);
        sign = '&';
    }
    if (ha_opt_given(cli->opts, HA_OPT_AFTER)) {
        if (read_span(cli, HA_OPT_AFTER, "after", &after_s, err))
            return err->code;
        ha_buf_printf(path, "%cafter=%llu", sign, (unsigned long long)after_s);
    }
    return ha_buf_ok(path) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a path");
}

enum ha_code ha_cmd_key_delete(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    if (ha_opt_given(cli->opts, HA_OPT_CANCEL))
        return cancel(cli, err);
    if (delete_path(cli, &path, err) || ha_guard_name(cli, "deleted", err) ||
        ha_cli_call(cli, "DELETE", ha_buf_text(&path), NULL, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    const char *objects = ha_json_get_string(doc.json, "objects"), *when = ha_json_get_string(doc.json, "deletes");
    const char *version = ha_opt_value(cli->opts, HA_OPT_KEY_VERSION);
    ha_buf_printf(&text, "%s %s%s%s", when ? "to be deleted:" : "deleted", cli->opts->arguments[0],
                  version ? " version " : "", version ? version : "");
    if (objects)
        ha_buf_printf(&text, ", its objects in the token are %s", objects);
    if (when)
        ha_buf_printf(&text, ", at %s; not used until then, and kept with --cancel", when);
    ha_buf_putc(&text, '\n');
    return ha_out_text(&text, err);
}
