// SPDX-License-Identifier: Apache-2.0
// Certificate signing requests.
#include "base/text.h"
#include "cli/command.h"
#include "cli/out.h"
#include "cli/subject.h"

#include <string.h>

static enum ha_code check_text(const char *value, struct ha_err *err)
{
    if (ha_utf8_valid(value, strlen(value)))
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "an option's value isn't UTF-8 text");
    return ha_hint(err, "Use a terminal and files in UTF-8.");
}

// The option's values as an array; nothing when it wasn't given.
static enum ha_code put_list(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                             struct ha_err *err)
{
    const struct ha_opt_values *values = &opts->values[id];
    if (values->n == 0)
        return HA_OK;
    ha_jw_array(body, name);
    for (size_t i = 0; i < values->n; i++) {
        if (check_text(values->items[i], err) != HA_OK)
            return err->code;
        ha_jw_string(body, NULL, values->items[i]);
    }
    ha_jw_array_end(body);
    return HA_OK;
}

static enum ha_code put_subject(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    const struct ha_opt_values *values = &opts->values[HA_OPT_SUBJECT];
    if (values->n == 0)
        return HA_OK;
    ha_jw_array(body, "subject");
    for (size_t i = 0; i < values->n; i++)
        if (ha_subject_put(values->items[i], body, err) != HA_OK)
            return err->code;
    ha_jw_array_end(body);
    return HA_OK;
}

static bool was_set(const struct ha_opt_values *values, size_t n, const char *type, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(values->items[i], type, len) == 0 && values->items[i][len] == '=')
            return true;
    return false;
}

static enum ha_code put_values(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    const struct ha_opt_values *values = &opts->values[HA_OPT_SET];
    if (values->n == 0)
        return HA_OK;
    ha_jw_object(body, "values");
    for (size_t i = 0; i < values->n; i++) {
        const char *text = values->items[i];
        size_t n = strcspn(text, "=");
        if (n == 0 || !text[n] || was_set(values, i, text, n)) {
            ha_fail(err, HA_E_USAGE, "--set '%.100s' %s", text, n && text[n] ? "is there twice" : "isn't TYPE=VALUE");
            return ha_hint(err, "Write --set CN=edge.example, once for each type.");
        }
        ha_auto(ha_free) char *type = strndup(text, n);
        if (!type)
            return ha_fail(err, HA_E_MEMORY, "out of memory");
        if (check_text(text, err) != HA_OK)
            return err->code;
        ha_jw_string(body, type, text + n + 1);
    }
    ha_jw_object_end(body);
    return HA_OK;
}

static enum ha_code put_san(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    static const struct {
        enum ha_opt id;
        const char *name;
    } kinds[] = {{HA_OPT_DNS, "dns"}, {HA_OPT_IP, "ip"}, {HA_OPT_URI, "uri"}, {HA_OPT_EMAIL, "email"}};
    bool any = false;
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++)
        any = any || ha_opt_given(opts, kinds[i].id);
    if (!any)
        return HA_OK;
    ha_jw_object(body, "san");
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++)
        if (put_list(opts, kinds[i].id, kinds[i].name, body, err) != HA_OK)
            return err->code;
    ha_jw_object_end(body);
    return HA_OK;
}

static enum ha_code write_body(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err)
{
    const char *alg = ha_opt_value(opts, HA_OPT_ALG), *profile = ha_opt_value(opts, HA_OPT_PROFILE);
    ha_jw_object(body, NULL);
    if (profile && check_text(profile, err) != HA_OK)
        return err->code;
    if (profile)
        ha_jw_string(body, "profile", profile);
    if (put_subject(opts, body, err) != HA_OK || put_values(opts, body, err) != HA_OK ||
        put_san(opts, body, err) != HA_OK || put_list(opts, HA_OPT_KEY_USAGE, "key_usage", body, err) != HA_OK ||
        put_list(opts, HA_OPT_EXT_KEY_USAGE, "extended_key_usage", body, err) != HA_OK)
        return err->code;
    if (alg)
        ha_jw_string(body, "algorithm", alg);
    if (ha_opt_given(opts, HA_OPT_PSS))
        ha_jw_bool(body, "pss_key", true);
    ha_jw_object_end(body);
    return HA_OK;
}

enum ha_code ha_cmd_csr(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    const char *pem = NULL;
    if (ha_cli_version_path(cli, "/csr", &path, err) != HA_OK || write_body(cli->opts, &body, err) != HA_OK ||
        ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    if (ha_cli_string(&doc, "csr", &pem, err) != HA_OK)
        return err->code;
    return ha_out_bytes(out_path, pem, strlen(pem), HA_OUT_PUBLIC, err);
}
