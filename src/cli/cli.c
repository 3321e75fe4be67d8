// SPDX-License-Identifier: Apache-2.0
// Parse, run, report.
#include "cli/cli.h"

#include "base/text.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    TIMEOUT_S = 60,
    TIMEOUT_MAX_S = 3600,
    DEPTH_MAX = 16,
};

void ha_cli_doc_clear(struct ha_doc *doc)
{
    ha_json_free(doc->json);
    ha_buf_clear(&doc->text);
    *doc = (struct ha_doc){0};
}

bool ha_cli_wants_json(const struct ha_cli *cli)
{
    return ha_opt_given(cli->opts, HA_OPT_JSON);
}

enum ha_code ha_cli_unexpected(struct ha_err *err, const char *format, ...)
{
    char what[sizeof err->detail];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    ha_fail(err, HA_E_AGENT, "the agent's answer %s", what);
    return ha_hint(err, "Check with 'hsm-agent version' that agent and command line are of one version.");
}

enum ha_code ha_cli_call(struct ha_cli *cli, const char *method, const char *path, const struct ha_buf *body,
                         struct ha_doc *ret_doc, struct ha_err *err)
{
    struct ha_call call = {
        .method = method,
        .path = path,
        .if_none_match = strcmp(method, "PUT") == 0 ? "*" : NULL,
        .body = body ? ha_buf_text(body) : NULL,
        .body_len = body ? body->len : 0,
    };
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    if (body && !ha_buf_ok(body))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    enum ha_code code = ha_client_call(cli->client, &call, &doc.status, &doc.text, err);
    bool may_be_state = code == HA_E_AGENT && doc.status == 503;
    if (code != HA_OK && !may_be_state) {
        ha_buf_reset(&cli->problem);
        ha_buf_append(&cli->problem, doc.text.data, doc.text.len);
        return code;
    }
    struct ha_err reason = {0};
    if (ha_json_parse(ha_buf_text(&doc.text), doc.text.len, DEPTH_MAX, &doc.json, &reason) != HA_OK ||
        ha_json_type(doc.json) != HA_JSON_OBJECT)
        return code == HA_OK ? ha_cli_unexpected(err, "isn't a JSON object") : code;
    *ret_doc = doc;
    doc = (struct ha_doc){0};
    return code;
}

enum ha_code ha_cli_key_path(const struct ha_cli *cli, const char *tail, struct ha_buf *out, struct ha_err *err)
{
    const char *name = cli->opts->arguments[0];
    if (!ha_name_valid(name)) {
        ha_fail(err, HA_E_USAGE, "'%s' can't be a key's name", name);
        return ha_hint(
            err, "A name begins with a letter or digit and goes on with letters, digits, '.', '_' and '-'; it has "
                 "64 characters at most.");
    }
    ha_buf_printf(out, "/v1/keys/%s%s", name, tail);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a path");
}

enum ha_code ha_cli_version_path(const struct ha_cli *cli, const char *tail, struct ha_buf *out, struct ha_err *err)
{
    const char *version = ha_opt_value(cli->opts, HA_OPT_KEY_VERSION);
    uint64_t number;
    if (ha_cli_key_path(cli, tail, out, err))
        return err->code;
    if (version && !ha_parse_uint(version, 1, UINT32_MAX, &number)) {
        ha_fail(err, HA_E_USAGE, "--key-version %s is no version", version);
        return ha_hint(err, "Versions are counted from 1; 'hsm-agent key show' has them.");
    }
    if (version)
        ha_buf_printf(out, "?version=%s", version);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a path");
}

enum ha_code ha_cli_string(const struct ha_doc *doc, const char *name, const char **ret_text, struct ha_err *err)
{
    const char *text = ha_json_get_string(doc->json, name);
    if (!text)
        return ha_cli_unexpected(err, "has no string '%s'", name);
    *ret_text = text;
    return HA_OK;
}

enum ha_code ha_cli_bytes(const struct ha_doc *doc, const char *name, struct ha_buf *out, struct ha_err *err)
{
    const char *text = NULL;
    enum ha_code code = ha_cli_string(doc, name, &text, err);
    if (code != HA_OK)
        return code;
    struct ha_err reason = {0};
    if (ha_b64u_decode(out, text, strlen(text), &reason) != HA_OK)
        return ha_cli_unexpected(err, "has a binary value that isn't base64url");
    return HA_OK;
}

static enum ha_code read_timeout(const struct ha_opts *opts, int *ret_timeout_ms, struct ha_err *err)
{
    const char *text = ha_opt_value(opts, HA_OPT_TIMEOUT);
    uint64_t seconds = TIMEOUT_S;
    if (text && !ha_parse_uint(text, 1, TIMEOUT_MAX_S, &seconds)) {
        ha_fail(err, HA_E_USAGE, "--timeout %s is no number of seconds", text);
        return ha_hint(err, "Give a whole number from 1 to %d.", TIMEOUT_MAX_S);
    }
    *ret_timeout_ms = (int)seconds * 1000;
    return HA_OK;
}

static enum ha_code run(struct ha_cli *cli, struct ha_err *err)
{
    enum ha_code code = read_timeout(cli->opts, &cli->timeout_ms, err);
    if (code == HA_OK && !cli->opts->command->local)
        code = ha_client_new(ha_opt_value(cli->opts, HA_OPT_SOCKET), cli->timeout_ms, &cli->client, err);
    return code == HA_OK ? cli->opts->command->run(cli, err) : code;
}

// --help, --version, --manual.
static enum ha_code inform(const struct ha_opts *opts, struct ha_err *err)
{
    const struct ha_opt_table *table = ha_command_table();
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_opt_given(opts, HA_OPT_VERSION))
        ha_buf_puts(&text, "hsm-agent " HA_VERSION "\n");
    else if (ha_opt_given(opts, HA_OPT_MANUAL))
        ha_help_manual(table, &text);
    else if (opts->command)
        ha_help_command(table, opts->command, &text);
    else
        ha_help_overview(table, *opts->group ? opts->group : NULL, &text);
    return ha_out_text(&text, err);
}

static int report(const struct ha_cli *cli, enum ha_code code, const struct ha_err *err)
{
    if (code == HA_OK)
        return cli->exit_status;
    if (ha_cli_wants_json(cli) && cli->problem.len > 0) {
        ha_out_stderr(ha_buf_text(&cli->problem), cli->problem.len);
        ha_out_stderr("\n", 1);
    } else {
        ha_out_error(err);
    }
    return code == HA_E_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int ha_cli_main(int argc, char **argv)
{
    ha_auto(ha_opt_clear) struct ha_opts opts = {0};
    struct ha_cli cli = {.opts = &opts, .exit_status = EXIT_DONE};
    struct ha_err err = {0};
    enum ha_code code = ha_opt_parse(ha_command_table(), argc, argv, &opts, &err);
    if (code == HA_OK &&
        (ha_opt_given(&opts, HA_OPT_HELP) || ha_opt_given(&opts, HA_OPT_VERSION) || ha_opt_given(&opts, HA_OPT_MANUAL)))
        code = inform(&opts, &err);
    else if (code == HA_OK)
        code = run(&cli, &err);
    int status = report(&cli, code, &err);
    ha_client_free(cli.client);
    ha_buf_clear(&cli.problem);
    return status;
}
