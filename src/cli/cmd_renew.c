// SPDX-License-Identifier: Apache-2.0
// renew and revoke: what comes after an enrolment.
#include "cli/command_enrol.h"
#include "cli/enrol_begin.h"
#include "cli/enrol_session.h"
#include "cli/in.h"
#include "cli/out.h"
#include "enrol/answer.h"
#include "enrol/dogtag.h"
#include "enrol/names.h"

#include <string.h>

// Takes the CA over from the enrolment of that version, or of an earlier one: none is no mistake.
static enum ha_code take_earlier(const char *dir, const char *key, uint64_t version, struct ha_enrolment *ret_enrolment,
                                 struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment before = {0};
    bool found = false;
    for (uint64_t at = version; at > 0 && !found; at--)
        if (ha_enrol_load(dir, key, at, &before, &found, err))
            return err->code;
    char **const begun_anew[] = {&before.csr,     &before.request_id, &before.certificate_id, &before.certificates,
                                 &before.failure, &before.began,      &before.changed,        &before.key};
    for (size_t i = 0; i < HA_ARRAY_SIZE(begun_anew); i++)
        if (ha_enrolment_set(begun_anew[i], NULL, err))
            return err->code;
    before.state = HA_ENROL_PREPARED;
    before.retry_at = 0;
    before.version = version;
    *ret_enrolment = before;
    before = (struct ha_enrolment){0};
    return ha_enrolment_set(&ret_enrolment->key, key, err);
}

// What belonged to the CA of before doesn't to another one.
static void forget_ca(struct ha_enrolment *enrolment)
{
    char **const members[] = {&enrolment->url,     &enrolment->label,       &enrolment->profile,
                              &enrolment->inputs,  &enrolment->client_cert, &enrolment->client_key,
                              &enrolment->ca_file, &enrolment->user_file};
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++) {
        free(*members[i]);
        *members[i] = NULL;
    }
    enrolment->approve = false;
}

static enum ha_code take_ca(struct ha_cli *cli, const char *dir, const char *key, uint64_t version,
                            struct ha_enrolment *ret_enrolment, struct ha_err *err)
{
    if (take_earlier(dir, key, version, ret_enrolment, err))
        return err->code;
    if (ha_enrol_has_ca(cli->opts))
        forget_ca(ret_enrolment);
    if (!ret_enrolment->url && !ha_enrol_has_ca(cli->opts)) {
        ha_fail(err, HA_E_USAGE, "no CA is known for %s: it wasn't enrolled from here", key);
        return ha_hint(err, "Give --est URL or --dogtag URL.");
    }
    return ha_enrol_take_options(cli->opts, ret_enrolment, err);
}

enum { VERSION_MAX = 1000000 };

// The version that waits to be activated; 0: none does.
static enum ha_code find_pending(struct ha_cli *cli, const char *key, uint64_t *ret_version, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (ha_enrol_path(key, "", 0, &path, err) || ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err))
        return err->code;
    const ha_json *versions = ha_json_get(doc.json, "versions");
    *ret_version = 0;
    for (const ha_json *one = versions ? ha_json_first(versions) : NULL; one; one = ha_json_next(one)) {
        const char *status = ha_json_get_string(one, "status");
        if (status && strcmp(status, "pending") == 0 &&
            !ha_json_uint(ha_json_get(one, "version"), VERSION_MAX, ret_version))
            return ha_cli_unexpected(err, "has a version without a number");
    }
    return HA_OK;
}

// Whether the key may prove to a CA who asks.
static bool is_tls_client(struct ha_cli *cli, const char *key)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    struct ha_err ignored = {0};
    if (ha_enrol_path(key, "", 0, &path, &ignored) || ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, &ignored))
        return true;
    const ha_json *purposes = ha_json_get(doc.json, "purposes");
    for (const ha_json *one = purposes ? ha_json_first(purposes) : NULL; one; one = ha_json_next(one))
        if (ha_json_string(one) && strcmp(ha_json_string(one), "tls-client") == 0)
            return true;
    return false;
}

// The key's pending version, made if there is none. It stays pending: it hasn't got its certificate yet.
static enum ha_code rotate(struct ha_cli *cli, const char *key, uint64_t *ret_version, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0};
    uint64_t version = 0;
    ha_buf_puts(&body, "{\"pending\":true}");
    if (find_pending(cli, key, &version, err))
        return err->code;
    if (version == 0) {
        if (ha_enrol_path(key, "/rotate", 0, &path, err) ||
            ha_cli_call(cli, "POST", ha_buf_text(&path), &body, &doc, err))
            return err->code;
        if (!ha_json_uint(ha_json_get(doc.json, "version"), VERSION_MAX, &version) || version == 0)
            return ha_cli_unexpected(err, "has no version of the key");
    }
    *ret_version = version;
    return HA_OK;
}

// Installing activates a version for TLS. One that signs messages has to be known to others before.
static void note_pending(struct ha_cli *cli, const char *key)
{
    struct ha_err ignored = {0};
    uint64_t version = 0;
    if (find_pending(cli, key, &version, &ignored) == HA_OK && version)
        ha_out_note("version %llu is pending: when others have its certificate, 'hsm-agent key activate %s'",
                    (unsigned long long)version, key);
}

static enum ha_code make_request(struct ha_cli *cli, const char *installed, uint64_t version,
                                 struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    if (ha_enrol_put_names(installed, &body, err))
        return err->code;
    ha_jw_object_end(&body);
    return ha_enrol_make_csr(cli, enrolment, version, &body, err);
}

enum ha_code ha_cmd_renew(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    ha_auto(ha_buf_clear) struct ha_buf installed = {0};
    ha_auto(ha_free) char *dir = NULL;
    ha_auto(ha_close) int lock = -1;
    const char *key = cli->opts->arguments[0];
    uint64_t chosen = 0, from, version;
    if (ha_enrol_dir(ha_opt_value(cli->opts, HA_OPT_STATE_DIR), &dir, err) ||
        ha_enrol_version_option(cli->opts, &chosen, err) || ha_enrol_active_version(cli, key, &from, err))
        return err->code;
    from = chosen ? chosen : from;
    if (ha_enrol_installed(cli, key, from, &installed, err) == HA_E_NO_CERTIFICATE)
        return ha_hint(err, "The first one comes by 'hsm-agent enrol %s', or by 'hsm-agent cert install'.", key);
    if (err->code || take_ca(cli, dir, key, from, &enrolment, err))
        return err->code;
    version = from;
    if (ha_opt_given(cli->opts, HA_OPT_ROTATE) && rotate(cli, key, &version, err))
        return err->code;
    enrolment.version = version;
    // A key that is no TLS client, and for which a user was known to the CA, is asked for by that one again.
    bool by_user = enrolment.user_file && !is_tls_client(cli, key);
    if (enrolment.protocol == HA_ENROL_EST && !enrolment.client_key && !by_user &&
        ha_enrolment_set(&enrolment.client_key, key, err))
        return err->code;
    // Another key's certificate has another subject, with which simplereenroll is refused.
    enrolment.reenrol =
        enrolment.protocol == HA_ENROL_EST && enrolment.client_key && strcmp(enrolment.client_key, key) == 0;
    if (ha_enrol_claim(dir, key, version, false, &lock, err) ||
        make_request(cli, ha_buf_text(&installed), version == from ? chosen : version, &enrolment, err) ||
        ha_enrol_start(cli, dir, &enrolment, err))
        return err->code;
    if (enrolment.state == HA_ENROL_INSTALLED && ha_opt_given(cli->opts, HA_OPT_ROTATE))
        note_pending(cli, key);
    return HA_OK;
}

// --- revoke

static enum ha_code find_certificate(struct ha_cli *cli, const char *key, uint64_t version, struct ha_buf *pem,
                                     struct ha_buf *serial, struct ha_err *err)
{
    enum { CERTIFICATE_MAX = 64 * 1024 };
    const char *path = ha_opt_value(cli->opts, HA_OPT_REVOKED_CERT);
    if (path ? ha_in_read(path, CERTIFICATE_MAX, pem, err) : ha_enrol_installed(cli, key, version, pem, err))
        return err->code == HA_E_NO_CERTIFICATE ? ha_hint(err, "Name its file with --certificate.") : err->code;
    return ha_answer_serial(ha_buf_text(pem), serial, err);
}

// reason: NULL when it was revoked before, for one that only the CA knows.
static enum ha_code say_revoked(struct ha_cli *cli, const char *key, uint64_t version, const char *serial,
                                const char *reason, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    bool valid = reason && ha_dogtag_is_unrevoke(reason);
    if (ha_cli_wants_json(cli)) {
        ha_jw_object(&text, NULL);
        ha_jw_string(&text, "key", key);
        ha_jw_number(&text, "version", (int64_t)version);
        ha_jw_string(&text, "certificate_id", serial);
        if (reason)
            ha_jw_string(&text, "reason", reason);
        ha_jw_bool(&text, "revoked", !valid);
        ha_jw_object_end(&text);
        return ha_out_json(NULL, &text, HA_OUT_PUBLIC, err);
    }
    ha_buf_printf(&text, "%s@%llu certificate %s ", key, (unsigned long long)version, serial);
    if (valid)
        ha_buf_puts(&text, "isn't on hold any more\n");
    else if (reason)
        ha_buf_printf(&text, "is revoked (%s)\n", reason);
    else
        ha_buf_puts(&text, "was revoked before; the CA keeps the reason of then\n");
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_revoke(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    ha_auto(ha_enrol_session_clear) struct ha_enrol_session session = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0}, serial = {0};
    ha_auto(ha_free) char *dir = NULL;
    struct ha_dogtag dogtag = {0};
    bool before = false;
    const char *key = cli->opts->arguments[0], *reason = NULL;
    uint64_t version = 0;
    if (ha_dogtag_reason(ha_opt_value(cli->opts, HA_OPT_REASON), &reason, err) ||
        ha_enrol_dir(ha_opt_value(cli->opts, HA_OPT_STATE_DIR), &dir, err) ||
        ha_enrol_version_option(cli->opts, &version, err) ||
        (!version && ha_enrol_active_version(cli, key, &version, err)) ||
        take_ca(cli, dir, key, version, &enrolment, err))
        return err->code;
    if (enrolment.protocol == HA_ENROL_EST) {
        ha_fail(err, HA_E_USAGE, "EST can't revoke a certificate");
        return ha_hint(err, "Ask the CA's operators, or give --dogtag URL when it is Dogtag.");
    }
    if (find_certificate(cli, key, version, &pem, &serial, err) ||
        ha_enrol_session_open(cli, &enrolment, &session, err) ||
        ha_dogtag_open(session.http, enrolment.url, &dogtag, err) ||
        ha_dogtag_revoke(&dogtag, ha_buf_text(&pem), reason, ha_opt_value(cli->opts, HA_OPT_COMMENT), &before, err))
        return err->code;
    return say_revoked(cli, key, version, ha_buf_text(&serial), before ? NULL : reason, err);
}
