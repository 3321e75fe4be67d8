// SPDX-License-Identifier: Apache-2.0
#include "cli/enrol_session.h"

#include "base/file.h"
#include "base/text.h"

void ha_enrol_session_clear(struct ha_enrol_session *session)
{
    ha_http_free(session->http);
    ha_secret_free(session->user);
    ha_tls_identity_clear(&session->identity);
    *session = (struct ha_enrol_session){0};
}

enum ha_code ha_enrol_path(const char *key, const char *tail, uint64_t version, struct ha_buf *out, struct ha_err *err)
{
    if (!ha_name_valid(key))
        return ha_fail(err, HA_E_USAGE, "'%s' can't be a key's name", key);
    ha_buf_printf(out, "/v1/keys/%s%s", key, tail);
    if (version > 0)
        ha_buf_printf(out, "?version=%llu", (unsigned long long)version);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a path");
}

enum ha_code ha_enrol_installed(struct ha_cli *cli, const char *key, uint64_t version, struct ha_buf *out,
                                struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    const char *pem = NULL;
    if (ha_enrol_path(key, "/certificate", version, &path, err) ||
        ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) || ha_cli_string(&doc, "pem", &pem, err))
        return err->code;
    ha_buf_puts(out, pem);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a certificate");
}

static enum ha_code load_identity(struct ha_cli *cli, const struct ha_enrolment *enrolment,
                                  struct ha_enrol_session *session, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    if (!enrolment->client_cert && ha_enrol_installed(cli, enrolment->client_key, 0, &pem, err)) {
        ha_wrap(err, "no certificate to show the CA");
        return ha_hint(err, "Install the certificate of %s with 'hsm-agent cert install', or name a file with --cert.",
                       enrolment->client_key);
    }
    const struct ha_tls_identity_source source = {
        .certificates = enrolment->client_cert,
        .certificates_pem = enrolment->client_cert ? NULL : ha_buf_text(&pem),
        .key = enrolment->client_key,
    };
    // libcurl has no way to use another context of OpenSSL's than the default one.
    if (ha_tls_identity_load(NULL, &source, &session->identity, err))
        return err->code;
    session->shown = (struct ha_http_identity){
        .certificate = session->identity.certificate,
        .chain = session->identity.chain,
        .key = session->identity.key,
    };
    return HA_OK;
}

enum ha_code ha_enrol_session_open(struct ha_cli *cli, const struct ha_enrolment *enrolment,
                                   struct ha_enrol_session *ret_session, struct ha_err *err)
{
    enum { USER_MAX = 1024 };
    const char *socket = ha_opt_value(cli->opts, HA_OPT_SOCKET);
    // OpenSSL's configuration is that of other programs. It is said before libcurl can say otherwise.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    // The provider takes it from there.
    if (socket && setenv("HSM_AGENT_SOCKET", socket, 1) != 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a connection");
    if (enrolment->user_file &&
        ha_file_read_secret(enrolment->user_file, USER_MAX, HA_FILE_PRIVATE, &ret_session->user, err))
        return ha_wrap(err, "the user for the CA");
    if (enrolment->client_key && load_identity(cli, enrolment, ret_session, err))
        return err->code;
    const struct ha_http_options options = {
        .ca_file = enrolment->ca_file,
        .identity = enrolment->client_key ? &ret_session->shown : NULL,
        .user = ret_session->user,
        .timeout_ms = cli->timeout_ms,
    };
    return ha_http_new(&options, &ret_session->http, err);
}
