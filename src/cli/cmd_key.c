// SPDX-License-Identifier: Apache-2.0
// key list, show, create, adopt.
#include "base/text.h"
#include "cli/command_ceremony.h"
#include "cli/command_versions.h"
#include "cli/key_body.h"
#include "cli/out.h"
#include "cli/table.h"

#include <string.h>

// Why nobody can use the key, though its tokens have it; NULL otherwise.
static const char *barred(const ha_json *key)
{
    bool disabled = false;
    ha_json_bool(ha_json_get(key, "disabled"), &disabled);
    return ha_json_get(key, "deletes") ? "to be deleted" : disabled ? "disabled" : NULL;
}

// A member of a key; as its token, all that hold it.
static void put_cell(struct ha_table *table, const ha_json *key, const char *member)
{
    const ha_json *replicas = ha_json_get(key, "replicas");
    if (strcmp(member, "state") == 0 && barred(key)) {
        ha_table_cell(table, barred(key));
        return;
    }
    if (strcmp(member, "token") != 0 || !replicas || ha_json_size(replicas) < 2) {
        ha_table_member(table, key, member);
        return;
    }
    ha_auto(ha_buf_clear) struct ha_buf names = {0};
    for (const ha_json *replica = ha_json_first(replicas); replica; replica = ha_json_next(replica)) {
        const char *token = ha_json_get_string(replica, "token");
        ha_buf_printf(&names, "%s%s", names.len ? "," : "", token ? token : "?");
    }
    ha_table_cell(table, ha_buf_text(&names));
}

enum ha_code ha_cmd_key_list(struct ha_cli *cli, struct ha_err *err)
{
    static const char *const members[] = {"name", "type", "purposes", "state", "token", "algorithms"};
    static const char *const titles[] = {"NAME", "TYPE", "PURPOSES", "STATE", "TOKEN", "ALGORITHMS"};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = HA_ARRAY_SIZE(members)};
    enum ha_code code = ha_cli_call(cli, "GET", "/v1/keys", NULL, &doc, err);
    if (code != HA_OK)
        return code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    const ha_json *keys = ha_json_get(doc.json, "keys");
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    for (const ha_json *key = keys ? ha_json_first(keys) : NULL; key; key = ha_json_next(key))
        for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++)
            put_cell(&table, key, members[i]);
    ha_table_print(&table, &text);
    return ha_out_text(&text, err);
}

// The object "public_key" of a key.
static enum ha_code get_public(const struct ha_doc *doc, const ha_json **ret_public, struct ha_err *err)
{
    const ha_json *public_key = ha_json_get(doc->json, "public_key");
    if (!public_key || ha_json_type(public_key) != HA_JSON_OBJECT) {
        const char *why = ha_json_get_string(doc->json, "state_detail");
        ha_fail(err, HA_E_KEY_CANNOT, "the agent has no public key of it%s%s", why ? ": " : "", why ? why : "");
        return ha_hint(err, "Look at the key's state with 'hsm-agent key list'.");
    }
    *ret_public = public_key;
    return HA_OK;
}

// A line for each of several replicas.
static void put_replicas(struct ha_buf *out, const ha_json *replicas)
{
    if (!replicas || ha_json_size(replicas) < 2)
        return;
    for (const ha_json *replica = ha_json_first(replicas); replica; replica = ha_json_next(replica)) {
        const char *token = ha_json_get_string(replica, "token"), *state = ha_json_get_string(replica, "state");
        const char *detail = ha_json_get_string(replica, "state_detail");
        ha_buf_printf(out, "%-12s %s %s\n", "replica", token ? token : "?", state ? state : "?");
        if (detail)
            ha_buf_printf(out, "%-12s %s\n", "  because", detail);
    }
}

// That the only version is active, that nobody has disabled it, and that it stays in its token.
static bool goes_without_saying(const char *member, const char *value, const ha_json *versions)
{
    bool several = versions && ha_json_size(versions) > 1;
    return ((strcmp(member, "disabled") == 0 || strcmp(member, "backup") == 0) && strcmp(value, "no") == 0) ||
           (strcmp(member, "status") == 0 && strcmp(value, "active") == 0 && !several);
}

static void put_key(struct ha_buf *out, const struct ha_doc *doc)
{
    static const char *const members[] = {"name",    "type",   "bits",        "purposes",  "state",   "state_detail",
                                          "version", "status", "activates",   "retires",   "deletes", "disabled",
                                          "created", "origin", "environment", "holder",    "profile", "backup",
                                          "token",   "id",     "algorithms",  "operations"};
    const ha_json *versions = ha_json_get(doc->json, "versions");
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        ha_table_value(&value, ha_json_get(doc->json, members[i]));
        if (value.len > 0 && !goes_without_saying(members[i], ha_buf_text(&value), versions))
            ha_buf_printf(out, "%-12s %s\n", strcmp(members[i], "state_detail") == 0 ? "  because" : members[i],
                          ha_buf_text(&value));
    }
    put_replicas(out, ha_json_get(doc->json, "replicas"));
    if (versions && ha_json_size(versions) > 1)
        ha_cli_put_versions(out, doc->json);
    const ha_json *public_key = ha_json_get(doc->json, "public_key");
    if (!public_key || ha_json_type(public_key) != HA_JSON_OBJECT)
        return;
    const char *thumbprint = ha_json_get_string(public_key, "thumbprint");
    const char *spki = ha_json_get_string(public_key, "spki_sha256");
    const char *pem = ha_json_get_string(public_key, "pem");
    ha_buf_printf(out, "%-12s %s\n%-12s %s\n%s", "thumbprint", thumbprint ? thumbprint : "-", "spki-sha256",
                  spki ? spki : "-", pem ? pem : "");
}

// One form of the public key. forms: how each is named, and whether it is binary.
struct form {
    const char *name;
    bool binary;
};
static const struct form forms[] = {{"pem", false}, {"der", true}, {"jwk", false}};

static enum ha_code find_form(const char *name, const struct form **ret_form, struct ha_err *err)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(forms); i++) {
        if (strcmp(forms[i].name, name) == 0) {
            *ret_form = &forms[i];
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_USAGE, "--public %s is not known", name);
    return ha_hint(err, "Use pem, der or jwk.");
}

static enum ha_code put_form(const struct form *form, const ha_json *public_key, struct ha_buf *out, struct ha_err *err)
{
    const ha_json *jwk = ha_json_get(public_key, "jwk");
    const char *text = ha_json_get_string(public_key, form->name);
    if (text && form->binary)
        return ha_b64u_decode(out, text, strlen(text), err);
    if (text) {
        ha_buf_puts(out, text);
        return HA_OK;
    }
    if (strcmp(form->name, "jwk") != 0 || !jwk || ha_json_type(jwk) != HA_JSON_OBJECT)
        return ha_cli_unexpected(err, "has no public key as %s", form->name);
    ha_jw_object(out, NULL);
    for (const ha_json *member = ha_json_first(jwk); member; member = ha_json_next(member))
        if (ha_json_string(member))
            ha_jw_string(out, ha_json_name(member), ha_json_string(member));
    ha_jw_object_end(out);
    ha_buf_putc(out, '\n');
    return HA_OK;
}

static enum ha_code show_form(const struct form *form, const struct ha_doc *doc, const char *path, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    const ha_json *public_key = NULL;
    enum ha_code code = get_public(doc, &public_key, err);
    if (code == HA_OK)
        code = put_form(form, public_key, &out, err);
    if (code != HA_OK)
        return code;
    if (!ha_buf_ok(&out))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(path, out.data, out.len, HA_OUT_PUBLIC, err);
}

// A key as text to stdout or a file.
static enum ha_code show_key(const struct ha_doc *doc, const char *path, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    put_key(&text, doc);
    if (!path)
        return ha_out_text(&text, err);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(path, text.data, text.len, HA_OUT_PUBLIC, err);
}

enum ha_code ha_cmd_key_show(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    const char *form_name = ha_opt_value(cli->opts, HA_OPT_PUBLIC);
    const struct form *form = NULL;
    if (form_name && find_form(form_name, &form, err) != HA_OK)
        return err->code;
    if (form && ha_out_check(out_path, form->binary && !ha_cli_wants_json(cli), err) != HA_OK)
        return err->code;
    if (ha_cli_version_path(cli, "", &path, err) != HA_OK ||
        ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    return form ? show_form(form, &doc, out_path, err) : show_key(&doc, out_path, err);
}

// Ends the body of a new key, sends it, and shows what came of it.
static enum ha_code put_new_key(struct ha_cli *cli, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_key_body_traits(cli, body);
    ha_jw_object_end(body);
    if (ha_cli_key_path(cli, "", &path, err) != HA_OK ||
        ha_cli_call(cli, "PUT", ha_buf_text(&path), body, &doc, err) != HA_OK)
        return err->code;
    return ha_cli_wants_json(cli) ? ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err) : show_key(&doc, NULL, err);
}

// The member "type" or "uri", and what goes with it.
static void put_one(const struct ha_cli *cli, const char *member, const char *value, struct ha_buf *body)
{
    ha_jw_object(body, NULL);
    ha_jw_string(body, member, value);
    ha_key_body_place(cli, body);
}

enum ha_code ha_cmd_key_create(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    put_one(cli, "type", ha_opt_value(cli->opts, HA_OPT_TYPE), &body);
    if (ha_opt_given(cli->opts, HA_OPT_CEREMONY)) {
        ha_key_body_traits(cli, &body);
        return ha_ceremony_request(cli, &body, err);
    }
    if (ha_opt_given(cli->opts, HA_OPT_CSR_REQUEST)) {
        ha_fail(err, HA_E_USAGE, "--csr-request is for --ceremony");
        return ha_hint(err, "Make the key, and then 'hsm-agent csr NAME'.");
    }
    return put_new_key(cli, &body, err);
}

static size_t count_names(const char *list)
{
    size_t n = list ? 1 : 0;
    for (; list && *list; list++)
        n += *list == ',';
    return n;
}

// Each URI with the token in the same place, or one URI with each token.
static void put_sources(struct ha_buf *body, const char *const *uris, size_t n, const char *tokens)
{
    ha_jw_array(body, "replicas");
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf token = {0};
        ha_jw_object(body, NULL);
        ha_jw_string(body, "uri", uris[0]);
        if (tokens) {
            size_t len = strcspn(tokens, ",");
            ha_buf_append(&token, tokens, len);
            ha_jw_string(body, "token", ha_buf_text(&token));
            tokens += len + (tokens[len] == ',');
        }
        ha_jw_object_end(body);
        if (uris[1])
            uris++;
    }
    ha_jw_array_end(body);
}

enum ha_code ha_cmd_key_adopt(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *tokens = ha_opt_value(cli->opts, HA_OPT_TOKEN);
    const char *const *uris = cli->opts->arguments + 1;
    size_t n_uris = 0, n_tokens = count_names(tokens);
    while (uris[n_uris])
        n_uris++;
    if (n_uris == 1 && n_tokens <= 1) {
        put_one(cli, "uri", uris[0], &body);
        return put_new_key(cli, &body, err);
    }
    if (n_uris > 1 && n_tokens > 0 && n_uris != n_tokens) {
        ha_fail(err, HA_E_USAGE, "%zu URIs, but %zu token%s", n_uris, n_tokens, n_tokens == 1 ? "" : "s");
        return ha_hint(err, "Name a token for each URI, in the same order: --token A,B.");
    }
    ha_jw_object(&body, NULL);
    ha_key_body_names(&body, "purposes", ha_opt_value(cli->opts, HA_OPT_PURPOSE));
    put_sources(&body, uris, n_uris > n_tokens ? n_uris : n_tokens, tokens);
    return put_new_key(cli, &body, err);
}
