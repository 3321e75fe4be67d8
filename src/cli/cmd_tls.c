// SPDX-License-Identifier: Apache-2.0
// `tls check`: the probes one after the other, and the report.
#include "base/clock.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/tls_cert.h"
#include "cli/tls_chain.h"
#include "cli/tls_identity.h"
#include "cli/tls_report.h"

#include <stdio.h>
#include <string.h>

enum { STEP_MS = 10000, PATH_LEN_MAX = 1000 };

// Everything that a check needs; cleared in the opposite order.
struct check {
    OSSL_LIB_CTX *libctx;
    X509_STORE *trust;
    struct ha_tls_identity identity;
    struct ha_tls_results results;
    const char *name;  // that the certificate has to have
    struct ha_buf request;
    int timeout_ms;
};

static void check_clear(struct check *check)
{
    ha_tls_seen_clear(&check->results.without);
    ha_tls_seen_clear(&check->results.with);
    for (size_t i = 0; i < HA_TLS_VERSION_COUNT; i++)
        ha_tls_seen_clear(&check->results.versions[i]);
    ha_tls_identity_clear(&check->identity);
    X509_STORE_free(check->trust);
    OSSL_LIB_CTX_free(check->libctx);
    ha_buf_clear(&check->request);
}
HA_AUTO_DEFINE_CLEAR(struct check, check_clear)

static enum ha_code usage(struct ha_err *err, const char *words, const char *remedy)
{
    ha_fail(err, HA_E_USAGE, "%s", words);
    return ha_hint(err, "%s", remedy);
}

static enum ha_code check_options(const struct ha_opts *opts, struct ha_err *err)
{
    bool key = ha_opt_given(opts, HA_OPT_KEY), key_file = ha_opt_given(opts, HA_OPT_KEY_FILE);
    const char *servername = ha_opt_value(opts, HA_OPT_SERVERNAME), *path = ha_opt_value(opts, HA_OPT_PATH);
    if (key && key_file)
        return usage(err, "--key and --key-file are both given", "Name one key, that of the certificate.");
    if (ha_opt_given(opts, HA_OPT_CERT) != (key || key_file))
        return usage(err, "a certificate and its key belong together",
                     "Give --cert FILE with --key NAME (a key of the agent) or --key-file FILE.");
    if (servername &&
        (servername[0] == '\0' || strlen(servername) > 253 ||
         strspn(servername, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != strlen(servername)))
        return usage(err, "--servername isn't a DNS name", "Write names in other alphabets as xn--...");
    for (const char *c = path; c && *c; c++)
        if (*c <= ' ' || *c > '~')
            return usage(err, "--path has characters that no URL has", "Write them as %XX.");
    if (path && (path[0] != '/' || strlen(path) > PATH_LEN_MAX))
        return usage(err, "--path isn't the path of a URL", "Give at most 1000 characters, the first one a '/'.");
    return HA_OK;
}

static void put_request(struct check *check)
{
    const struct ha_tls_target *target = &check->results.target;
    bool v6 = strchr(check->name, ':') != NULL, usual = strcmp(target->port, "443") == 0;
    ha_buf_printf(&check->request,
                  "GET %s HTTP/1.1\r\nHost: %s%s%s%s%s\r\nUser-Agent: hsm-agent/" HA_VERSION
                  "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                  check->results.path, v6 ? "[" : "", check->name, v6 ? "]" : "", usual ? "" : ":",
                  usual ? "" : target->port);
}

static enum ha_code prepare(struct ha_cli *cli, struct check *check, struct ha_err *err)
{
    const struct ha_opts *opts = cli->opts;
    struct ha_tls_results *results = &check->results;
    const char *socket = ha_opt_value(opts, HA_OPT_SOCKET), *path = ha_opt_value(opts, HA_OPT_PATH);
    const char *servername = ha_opt_value(opts, HA_OPT_SERVERNAME);
    const struct ha_tls_identity_source source = {
        .certificates = ha_opt_value(opts, HA_OPT_CERT),
        .key = ha_opt_value(opts, HA_OPT_KEY),
        .key_file = ha_opt_value(opts, HA_OPT_KEY_FILE),
    };
    if (check_options(opts, err) != HA_OK || ha_tls_target_parse(opts->arguments[0], &results->target, err) != HA_OK)
        return err->code;
    results->path = path ? path : "/";
    results->servername = servername ? servername : results->target.is_address ? NULL : results->target.host;
    check->name = servername ? servername : results->target.host;
    results->mutual = source.certificates || ha_opt_given(opts, HA_OPT_MUTUAL);
    check->timeout_ms = ha_opt_given(opts, HA_OPT_TIMEOUT) ? cli->timeout_ms : STEP_MS;
    put_request(check);
    // OpenSSL's configuration is that of other programs: it may even load a provider that is broken.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    check->libctx = OSSL_LIB_CTX_new();
    // The provider takes it from there.
    if (!check->libctx || !ha_buf_ok(&check->request) || (socket && setenv("HSM_AGENT_SOCKET", socket, 1) != 0))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the check");
    enum ha_code code = ha_tls_chain_trust(check->libctx, ha_opt_value(opts, HA_OPT_CA), &check->trust, err);
    if (code == HA_OK && source.certificates)
        code = ha_tls_identity_load(check->libctx, &source, &check->identity, err);
    return code;
}

// All probes, as far as the one before makes the next one worth while.
static void probe(struct check *check)
{
    struct ha_tls_results *results = &check->results;
    struct ha_tls_probe probe = {
        .libctx = check->libctx,
        .target = &results->target,
        .servername = results->servername,
        .timeout_ms = check->timeout_ms,
        .version = HA_TLS_ANY,
        .request = ha_buf_text(&check->request),
    };
    struct ha_tls_outcome *first = &results->without.handshake;
    if (ha_tls_target_resolve(&results->target, ha_now_ms() + check->timeout_ms, &first->err) != HA_OK) {
        first->end = HA_TLS_NO_CONNECTION;
        return;
    }
    ha_tls_probe(&probe, &results->without);
    if (!results->without.sent)
        return;
    if (check->identity.certificate) {
        probe.certificate = check->identity.certificate;
        probe.chain = check->identity.chain;
        probe.key = check->identity.key;
        ha_tls_probe(&probe, &results->with);
        results->presented = true;
        probe.certificate = NULL;
        probe.key = NULL;
    }
    probe.request = NULL;
    for (unsigned i = 0; i < HA_TLS_VERSION_COUNT; i++) {
        probe.version = (enum ha_tls_version)i;
        ha_tls_probe(&probe, &results->versions[i]);
    }
}

static enum ha_code report(struct check *check, struct ha_findings *findings, struct ha_err *err)
{
    ha_auto(ha_tls_chain_clear) struct ha_tls_chain chain = {0};
    struct ha_tls_results *results = &check->results;
    STACK_OF(X509) *sent = results->without.sent;
    ha_findings_begin(findings);
    bool has_sent = ha_tls_report_handshake(results, findings);
    if (has_sent) {
        enum ha_code code = ha_tls_chain_build(check->libctx, check->trust, sent, &chain, err);
        if (code != HA_OK)
            return code;
        ha_tls_chain_check_sent(&chain, sent, results->without.n_sent, findings);
        ha_tls_chain_check_verified(&chain, sent, findings);
        ha_tls_cert_check(sent, check->name, findings);
        ha_tls_report_versions(results, findings);
        ha_tls_report_clients(results, findings);
    }
    ha_findings_end(findings);
    ha_tls_report_put(results, &findings->json);
    ha_tls_cert_put(sent, &findings->json);
    ha_tls_chain_put(&chain, sent, &findings->json);
    return HA_OK;
}

enum ha_code ha_cmd_tls_check(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(check_clear) struct check check = {0};
    ha_auto(ha_findings_clear) struct ha_findings findings = {0};
    enum ha_code code = prepare(cli, &check, err);
    if (code != HA_OK)
        return code;
    probe(&check);
    code = report(&check, &findings, err);
    if (code != HA_OK)
        return code;
    cli->exit_status = findings.n[HA_FINDING_PROBLEM] > 0;
    return ha_findings_print(&findings, ha_cli_wants_json(cli), err);
}
