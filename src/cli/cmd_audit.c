// SPDX-License-Identifier: Apache-2.0
// hsm-agent audit verify.
#include "audit/verify.h"
#include "base/file.h"
#include "cli/audit_lines.h"
#include "cli/command_audit.h"
#include "cli/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEYS_MAX = 64, PEM_MAX = 16384, BAR = 30, FINDINGS_MAX = 1000 };

struct given {
    struct ha_doc doc;  // the agent's
    struct ha_pubkey *keys[KEYS_MAX];
    size_t n_keys;
    struct ha_audit_checkpoint head;
    bool has_head;
};

static void given_clear(struct given *given)
{
    ha_cli_doc_clear(&given->doc);
    for (size_t i = 0; i < given->n_keys; i++)
        ha_pubkey_free(given->keys[i]);
    ha_audit_checkpoint_clear(&given->head);
}
HA_AUTO_DEFINE_CLEAR(struct given, given_clear)

static enum ha_code add_key(struct given *given, const char *pem, size_t n, struct ha_err *err)
{
    if (given->n_keys == KEYS_MAX)
        return ha_fail(err, HA_E_USAGE, "there are more than %d public keys", KEYS_MAX);
    return ha_pubkey_from_pem(pem, n, &given->keys[given->n_keys], err) ? err->code : (given->n_keys++, HA_OK);
}

static enum ha_code read_head(struct given *given, const char *text, size_t n, struct ha_err *err)
{
    while (n > 0 && text[n - 1] == '\n')
        n--;
    if (ha_audit_checkpoint_read(text, n, &given->head, err))
        return ha_wrap(err, "the last checkpoint");
    given->has_head = true;
    return HA_OK;
}

static enum ha_code read_files(const struct ha_cli *cli, struct given *given, struct ha_err *err)
{
    const struct ha_opt_values *keys = &cli->opts->values[HA_OPT_KEY];
    const char *head = ha_opt_value(cli->opts, HA_OPT_HEAD);
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    for (size_t i = 0; i < keys->n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf pem = {0};
        if (ha_file_read(keys->items[i], PEM_MAX, HA_FILE_ANY, &pem, err))
            return err->code;
        if (add_key(given, ha_buf_text(&pem), pem.len, err))
            return ha_wrap(err, "%s", keys->items[i]);
    }
    if (!head)
        return HA_OK;
    if (ha_file_read(head, HA_AUDIT_LINE_MAX, HA_FILE_ANY, &line, err))
        return err->code;
    return read_head(given, ha_buf_text(&line), line.len, err);
}

// What the command line left open and the agent said.
static enum ha_code read_answer(const struct ha_cli *cli, struct given *given, struct ha_err *err)
{
    const char *checkpoint = ha_json_get_string(given->doc.json, "checkpoint");
    const ha_json *keys = ha_json_get(given->doc.json, "keys");
    for (const ha_json *one = keys ? ha_json_first(keys) : NULL; one && !ha_opt_given(cli->opts, HA_OPT_KEY);
         one = ha_json_next(one)) {
        const char *pem = ha_json_get_string(one, "public_key");
        if (!pem || add_key(given, pem, strlen(pem), err))
            return ha_cli_unexpected(err, "has a public key that can't be read");
    }
    if (!checkpoint || given->has_head)
        return HA_OK;
    return read_head(given, checkpoint, strlen(checkpoint), err);
}

static enum ha_code prepare(struct ha_cli *cli, struct given *given, const char **ret_path, struct ha_err *err)
{
    bool is_unsigned = ha_opt_given(cli->opts, HA_OPT_UNSIGNED), keys = ha_opt_given(cli->opts, HA_OPT_KEY);
    if (is_unsigned && keys) {
        ha_fail(err, HA_E_USAGE, "--unsigned and --key exclude each other");
        return ha_hint(err, "Leave out --unsigned to have signatures verified.");
    }
    if (ha_cli_audit_file(cli, &given->doc, ret_path, err) || read_files(cli, given, err))
        return err->code;
    if (!given->doc.json && !is_unsigned && !keys && ha_cli_call(cli, "GET", "/v1/audit/head", NULL, &given->doc, err))
        return ha_wrap(err, "the keys that sign checkpoints");
    if (given->doc.json && read_answer(cli, given, err))
        return err->code;
    if (is_unsigned || given->n_keys)
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "there is no public key to verify checkpoints with");
    return ha_hint(err, "Name it with --key, have the agent use one (audit-key in [agent]), or say --unsigned.");
}

// --- What is told

struct telling {
    bool json;
    struct ha_buf findings;  // the first FINDINGS_MAX of them
    uint64_t n;              // of all
    bool bar;
};

static void put_finding(void *context, const struct ha_audit_finding *finding)
{
    struct telling *telling = context;
    struct ha_buf *out = &telling->findings;
    if (telling->n++ >= FINDINGS_MAX)
        return;
    if (!telling->json) {
        ha_buf_printf(out, "%s: %s", finding->name, finding->words);
        if (finding->file[0])
            ha_buf_printf(out, " (%s, byte %" PRIu64 ")", finding->file, finding->offset);
        ha_buf_putc(out, '\n');
        return;
    }
    ha_jw_object(out, NULL);
    ha_jw_string(out, "name", finding->name);
    ha_jw_string(out, "words", finding->words);
    ha_jw_string(out, "file", finding->file);
    ha_jw_number(out, "offset", (int64_t)finding->offset);
    if (finding->seq)
        ha_jw_number(out, "seq", (int64_t)finding->seq);
    ha_jw_object_end(out);
}

static void put_bar(void *context, uint64_t done, uint64_t size)
{
    const struct telling *telling = context;
    char bar[BAR + 1] = {0};
    if (!telling->bar || size == 0)
        return;
    size_t filled = done < size ? (size_t)(done * BAR / size) : BAR;
    memset(bar, '.', BAR);
    memset(bar, '#', filled);
    fprintf(stderr, "\r[%s] %3u %%", bar, done < size ? (unsigned)(done * 100 / size) : 100);
}

static void put_verdict(const struct ha_audit_verdict *verdict, const struct telling *telling, struct ha_buf *out)
{
    const uint64_t more = telling->n > FINDINGS_MAX ? telling->n - FINDINGS_MAX : 0;
    if (!telling->json) {
        ha_buf_append(out, telling->findings.data, telling->findings.len);
        if (more)
            ha_buf_printf(out, "and %" PRIu64 " more\n", more);
        ha_buf_printf(out, "lines %" PRIu64 " to %" PRIu64 ", of which %" PRIu64 " were read now\n", verdict->first,
                      verdict->last, verdict->lines);
        if (verdict->signed_to)
            ha_buf_printf(out, "%" PRIu64 " checkpoints verified, signed up to line %" PRIu64 "\n",
                          verdict->checkpoints, verdict->signed_to);
        else
            ha_buf_puts(out, "no signature was verified\n");
        ha_buf_printf(out, "%s\n", verdict->findings ? "the log is NOT whole" : "the log is whole");
        return;
    }
    ha_jw_object(out, NULL);
    ha_jw_bool(out, "whole", verdict->findings == 0);
    ha_jw_number(out, "first", (int64_t)verdict->first);
    ha_jw_number(out, "last", (int64_t)verdict->last);
    ha_jw_string(out, "hash", verdict->hash);
    ha_jw_number(out, "lines", (int64_t)verdict->lines);
    ha_jw_number(out, "bytes", (int64_t)verdict->bytes);
    ha_jw_number(out, "resumed", (int64_t)verdict->resumed);
    ha_jw_number(out, "checkpoints", (int64_t)verdict->checkpoints);
    ha_jw_number(out, "signed_to", (int64_t)verdict->signed_to);
    ha_jw_number(out, "more_findings", (int64_t)more);
    ha_buf_puts(out, ",\"findings\":[");
    ha_buf_append(out, telling->findings.data, telling->findings.len);
    ha_buf_puts(out, "]");
    ha_jw_object_end(out);
}

static void telling_clear(struct telling *telling)
{
    ha_buf_clear(&telling->findings);
}
HA_AUTO_DEFINE_CLEAR(struct telling, telling_clear)

enum ha_code ha_cmd_audit_verify(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(given_clear) struct given given = {0};
    ha_auto(telling_clear) struct telling telling = {.json = ha_cli_wants_json(cli), .bar = isatty(2)};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    struct ha_audit_verdict verdict;
    const char *path = NULL;
    if (prepare(cli, &given, &path, err))
        return err->code;
    const struct ha_audit_verify_options options = {
        .keys = given.keys,
        .n_keys = given.n_keys,
        .head = given.has_head ? &given.head : NULL,
        .state = ha_opt_value(cli->opts, HA_OPT_STATE),
        .context = &telling,
        .found = put_finding,
        .progress = put_bar,
    };
    if (ha_audit_verify(path, &options, &verdict, err))
        return err->code;
    if (telling.bar)
        fputc('\n', stderr);
    put_verdict(&verdict, &telling, &out);
    if (!ha_buf_ok(&out) || !ha_buf_ok(&telling.findings))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the verdict");
    if (verdict.findings)
        cli->exit_status = 1;
    return telling.json ? ha_out_json(NULL, &out, HA_OUT_PUBLIC, err) : ha_out_text(&out, err);
}
