// SPDX-License-Identifier: Apache-2.0
// key archive, key recover: keys that were made for backups, in Dogtag's KRA.
#include "cli/command_enrol.h"
#include "cli/enrol_begin.h"
#include "cli/enrol_session.h"
#include "cli/key_body.h"
#include "cli/out.h"
#include "crypto/pubkey.h"
#include "enrol/kra.h"

#include <string.h>

static enum ha_code open_kra(struct ha_cli *cli, struct ha_enrolment *ca, struct ha_enrol_session *session,
                             struct ha_kra *ret_kra, struct ha_err *err)
{
    if (!ha_opt_given(cli->opts, HA_OPT_DOGTAG)) {
        ha_fail(err, HA_E_USAGE, "no KRA is named");
        return ha_hint(err, "Give --dogtag URL.");
    }
    if (ha_enrol_take_options(cli->opts, ca, err) || ha_enrol_session_open(cli, ca, session, err))
        return err->code;
    return ha_kra_open(session->http, ca->url, ret_kra, err);
}

// The key, sealed for the KRA; and what it is.
static enum ha_code get_sealed(struct ha_cli *cli, const char *transport, struct ha_buf *sealed, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    uint64_t version = 0;
    if (ha_enrol_version_option(cli->opts, &version, err) ||
        ha_enrol_path(cli->opts->arguments[0], "/export", version, &path, err))
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "recipient", transport);
    ha_jw_object_end(&body);
    if (ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err))
        return err->code;
    return ha_cli_bytes(&doc, "sealed", sealed, err);
}

static enum ha_code describe(struct ha_cli *cli, const char **ret_algorithm, uint64_t *ret_bits, uint64_t *ret_version,
                             struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    uint64_t version = 0;
    const char *type = NULL;
    if (ha_enrol_version_option(cli->opts, &version, err) ||
        ha_enrol_path(cli->opts->arguments[0], "", version, &path, err) ||
        ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) || ha_cli_string(&doc, "type", &type, err))
        return err->code;
    if (!ha_json_uint(ha_json_get(doc.json, "bits"), UINT32_MAX, ret_bits) ||
        !ha_json_uint(ha_json_get(doc.json, "version"), UINT32_MAX, ret_version))
        return ha_cli_unexpected(err, "doesn't say how large the key is");
    *ret_algorithm = strncmp(type, "rsa", 3) == 0 ? "RSA" : "EC";
    return HA_OK;
}

// How long what is sealed with that key is.
static enum ha_code sealed_length(const char *transport, size_t *ret_n, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (ha_pubkey_from_pem(transport, strlen(transport), &key, err))
        return err->code;
    *ret_n = (ha_pubkey_bits(key) + 7) / 8;
    return HA_OK;
}

enum ha_code ha_cmd_key_archive(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment ca = {0};
    ha_auto(ha_enrol_session_clear) struct ha_enrol_session session = {0};
    ha_auto(ha_buf_clear) struct ha_buf certificate = {0}, transport = {0}, sealed = {0}, text = {0}, name = {0};
    struct ha_kra kra = {0};
    struct ha_kra_secret secret = {.client_key_id = "", .sealed = &sealed};
    uint64_t bits = 0, version = 0;
    char id[HA_KRA_ID_SIZE] = "";
    const char *key = cli->opts->arguments[0];
    if (open_kra(cli, &ca, &session, &kra, err) || ha_kra_transport(&kra, &certificate, &transport, err) ||
        sealed_length(ha_buf_text(&transport), &secret.session_len, err) ||
        describe(cli, &secret.algorithm, &bits, &version, err) ||
        get_sealed(cli, ha_buf_text(&transport), &sealed, err))
        return err->code;
    ha_buf_printf(&name, "%s@%llu", key, (unsigned long long)version);
    secret.client_key_id = ha_buf_text(&name);
    secret.bits = (unsigned)bits;
    if (ha_kra_archive(&kra, &secret, id, err))
        return err->code;
    if (ha_cli_wants_json(cli)) {
        ha_jw_object(&text, NULL);
        ha_jw_string(&text, "key", key);
        ha_jw_number(&text, "version", (int64_t)version);
        ha_jw_string(&text, "key_id", id);
        ha_jw_object_end(&text);
        return ha_out_json(NULL, &text, HA_OUT_PUBLIC, err);
    }
    ha_buf_printf(&text, "%s is archived as key %s\n", ha_buf_text(&name), id);
    return ha_out_text(&text, err);
}

static enum ha_code import(struct ha_cli *cli, const struct ha_buf *pkcs8, struct ha_doc *ret_doc, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    if (ha_cli_key_path(cli, "/import", &path, err))
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_bytes(&body, "private_key", pkcs8->data, pkcs8->len);
    ha_key_body_place(cli, &body);
    ha_key_body_traits(cli, &body);
    ha_jw_object_end(&body);
    return ha_cli_call(cli, "POST", ha_buf_text(&path), &body, ret_doc, err);
}

enum ha_code ha_cmd_key_recover(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment ca = {0};
    ha_auto(ha_enrol_session_clear) struct ha_enrol_session session = {0};
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf certificate = {0}, transport = {0}, pkcs8 = {0}, text = {0};
    struct ha_kra kra = {0};
    const char *id = ha_opt_value(cli->opts, HA_OPT_KEY_ID), *type = NULL;
    if (open_kra(cli, &ca, &session, &kra, err) || ha_kra_transport(&kra, &certificate, &transport, err) ||
        ha_kra_recover(&kra, id, ha_buf_text(&transport), &pkcs8, err) || import(cli, &pkcs8, &doc, err))
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(NULL, &doc.text, HA_OUT_PUBLIC, err);
    if (ha_cli_string(&doc, "type", &type, err))
        return err->code;
    ha_buf_printf(&text, "recovered %s, %s, from key %s\n", cli->opts->arguments[0], type, id);
    return ha_out_text(&text, err);
}
