// SPDX-License-Identifier: Apache-2.0
// Ceremonies: asking for one, list, show, approve, run, cancel.
#include "base/text.h"
#include "cli/command_ceremony.h"
#include "cli/in.h"
#include "cli/jose_body.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/transcript.h"

#include <string.h>

enum { CSR_MAX = 128 * 1024, DEPTH_MAX = 16 };

// --- Showing

static void put_line(struct ha_buf *out, const char *label, const ha_json *value)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_table_value(&text, value);
    if (text.len > 0)
        ha_buf_printf(out, "%-10s %s\n", label, ha_buf_text(&text));
}

static void put_person(struct ha_buf *out, const char *label, const ha_json *person)
{
    ha_auto(ha_buf_clear) struct ha_buf uid = {0};
    if (!person || ha_json_type(person) != HA_JSON_OBJECT)
        return;
    const char *user = ha_json_get_string(person, "user"), *time = ha_json_get_string(person, "time");
    ha_table_value(&uid, ha_json_get(person, "uid"));
    ha_buf_printf(out, "%-10s uid %s (%s), %s\n", label, ha_buf_text(&uid), user ? user : "a user without a name",
                  time ? time : "?");
}

// What was asked for, member by member.
static void put_request(struct ha_buf *out, const ha_json *request)
{
    if (!request || ha_json_type(request) != HA_JSON_OBJECT)
        return;
    for (const ha_json *member = ha_json_first(request); member; member = ha_json_next(member)) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        ha_table_value(&value, member);
        ha_buf_printf(out, "%-10s %s %s\n", "request", ha_json_name(member), ha_buf_text(&value));
    }
}

static void put_ceremony(struct ha_buf *out, const ha_json *ceremony)
{
    put_line(out, "ceremony", ha_json_get(ceremony, "id"));
    put_line(out, "phase", ha_json_get(ceremony, "phase"));
    put_line(out, "key", ha_json_get(ceremony, "key"));
    put_request(out, ha_json_get(ceremony, "request"));
    if (ha_json_get(ceremony, "csr"))
        ha_buf_printf(out, "%-10s a certificate request is wanted; --json shows its content\n", "request");
    put_line(out, "sha-256", ha_json_get(ceremony, "request_sha256"));
    put_person(out, "requester", ha_json_get(ceremony, "requester"));
    const ha_json *approvals = ha_json_get(ceremony, "approvals");
    for (const ha_json *at = approvals ? ha_json_first(approvals) : NULL; at; at = ha_json_next(at))
        put_person(out, "approval", at);
    put_line(out, "missing", ha_json_get(ceremony, "approvals_missing"));
}

// The parts of the transcript; false: it isn't there yet.
static bool get_transcript(const struct ha_doc *doc, const char *ret_parts[static 3])
{
    ret_parts[0] = ha_json_get_string(doc->json, "protected");
    ret_parts[1] = ha_json_get_string(doc->json, "payload");
    ret_parts[2] = ha_json_get_string(doc->json, "signature");
    return ret_parts[0] && ret_parts[1] && ret_parts[2];
}

static enum ha_code put_transcript(const char *const parts[static 3], struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf payload = {0};
    if (ha_b64u_decode(&payload, parts[1], strlen(parts[1]), err))
        return err->code;
    ha_buf_puts(out, "\n");
    if (ha_json_pretty(out, ha_buf_text(&payload), payload.len, err))
        return ha_cli_unexpected(err, "has a transcript that isn't JSON");
    ha_buf_putc(out, '\n');
    return HA_OK;
}

static enum ha_code write_transcript(const char *path, const char *const parts[static 3], struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf jws = {0};
    ha_buf_printf(&jws, "%s.%s.%s", parts[0], parts[1], parts[2]);
    if (!ha_buf_ok(&jws))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a transcript");
    return ha_out_bytes(path, jws.data, jws.len, HA_OUT_PUBLIC, err);
}

// --- Asking the agent

static enum ha_code call(struct ha_cli *cli, const char *method, const char *tail, const struct ha_buf *body,
                         struct ha_doc *ret_doc, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    const char *id = cli->opts->arguments[0];
    if (!ha_name_valid(id)) {
        ha_fail(err, HA_E_USAGE, "'%s' can't be the id of a ceremony", id);
        return ha_hint(err, "See 'hsm-agent ceremony list'.");
    }
    ha_buf_printf(&path, "/v1/ceremonies/%s%s", id, tail);
    return ha_cli_call(cli, method, ha_buf_text(&path), body, ret_doc, err);
}

static enum ha_code show(struct ha_cli *cli, const struct ha_doc *doc, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc->text, HA_OUT_PUBLIC, err);
    put_ceremony(&text, doc->json);
    return ha_out_text(&text, err);
}

enum ha_code ha_ceremony_request(struct ha_cli *cli, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_auto(ha_buf_clear) struct ha_buf csr = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    const char *file = ha_opt_value(cli->opts, HA_OPT_CSR_REQUEST);
    if (file &&
        (ha_in_read(file, CSR_MAX, &csr, err) || ha_json_parse(ha_buf_text(&csr), csr.len, DEPTH_MAX, &json, err)))
        return ha_wrap(err, "%.200s", file);
    if (file)
        ha_jose_put_json(body, "csr", ha_buf_text(&csr));
    ha_jw_object_end(body);
    if (ha_cli_key_path(cli, "/ceremony", &path, err) || ha_cli_call(cli, "POST", ha_buf_text(&path), body, &doc, err))
        return err->code;
    return show(cli, &doc, err);
}

enum ha_code ha_cmd_ceremony_list(struct ha_cli *cli, struct ha_err *err)
{
    static const char *const titles[] = {"ID", "KEY", "PHASE", "MISSING", "REQUESTED", "BY"};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = HA_ARRAY_SIZE(titles)};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_cli_call(cli, "GET", "/v1/ceremonies", NULL, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    const ha_json *list = ha_json_get(doc.json, "ceremonies");
    for (const ha_json *at = list ? ha_json_first(list) : NULL; at; at = ha_json_next(at)) {
        const ha_json *requester = ha_json_get(at, "requester");
        if (!requester || ha_json_type(requester) != HA_JSON_OBJECT)
            return ha_cli_unexpected(err, "has a ceremony that nobody asked for");
        ha_table_member(&table, at, "id");
        ha_table_member(&table, at, "key");
        ha_table_member(&table, at, "phase");
        ha_table_member(&table, at, "approvals_missing");
        ha_table_member(&table, requester, "time");
        ha_table_member(&table, requester, ha_json_get(requester, "user") ? "user" : "uid");
    }
    ha_table_print(&table, &text);
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_ceremony_show(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *parts[3], *out = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    const char *key = ha_opt_value(cli->opts, HA_OPT_VERIFY);
    if (call(cli, "GET", "", NULL, &doc, err))
        return err->code;
    bool done = get_transcript(&doc, parts);
    if ((out || key) && !done) {
        ha_fail(err, HA_E_KEY_CANNOT, "the ceremony %s has no transcript yet", cli->opts->arguments[0]);
        return ha_hint(err, "It is made with the key, by the second approval.");
    }
    if (key && ha_transcript_verify(key, parts[0], parts[1], parts[2], err))
        return err->code;
    if (out)
        return write_transcript(out, parts, err);
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    put_ceremony(&text, doc.json);
    if (key)
        ha_buf_printf(&text, "%-10s the transcript is signed by the key in %s\n", "verified", key);
    if (done && put_transcript(parts, &text, err))
        return err->code;
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_ceremony_approve(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc asked = {0};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *hash = NULL;
    if (call(cli, "GET", "", NULL, &asked, err) || ha_cli_string(&asked, "request_sha256", &hash, err))
        return err->code;
    if (!ha_opt_given(cli->opts, HA_OPT_YES)) {
        if (show(cli, &asked, err))
            return err->code;
        ha_fail(err, HA_E_USAGE, "nothing was approved");
        return ha_hint(err, "If that is what you want to approve, give --yes.");
    }
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "request_sha256", hash);
    ha_jw_object_end(&body);
    if (call(cli, "POST", "/approve", &body, &doc, err))
        return err->code;
    return show(cli, &doc, err);
}

enum ha_code ha_cmd_ceremony_run(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    return call(cli, "POST", "/run", NULL, &doc, err) ? err->code : show(cli, &doc, err);
}

enum ha_code ha_cmd_ceremony_cancel(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (call(cli, "DELETE", "", NULL, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    ha_buf_printf(&text, "cancelled %s\n", cli->opts->arguments[0]);
    return ha_out_text(&text, err);
}
