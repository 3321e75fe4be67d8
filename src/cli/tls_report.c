// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_report.h"

#include "base/json.h"
#include "cli/tls_cert.h"

#include <arpa/inet.h>
#include <assert.h>

enum { CA_NAMES_SHOWN = 8 };

enum verdict { ACCEPTED, REFUSED, NOT_TRIED, UNKNOWN, VERDICT_COUNT };

static const char *const verdict_names[] = {
    [ACCEPTED] = "accepted",
    [REFUSED] = "refused",
    [NOT_TRIED] = "not tried",
    [UNKNOWN] = "unknown",
};
static_assert(HA_ARRAY_SIZE(verdict_names) == VERDICT_COUNT, "a name for each verdict");

bool ha_tls_report_handshake(const struct ha_tls_results *results, struct ha_findings *findings)
{
    const struct ha_tls_seen *seen = &results->without;
    char address[INET6_ADDRSTRLEN];
    if (seen->handshake.end == HA_TLS_NO_CONNECTION) {
        ha_findings_add_err(findings, "connection", &seen->handshake.err);
        return false;
    }
    ha_tls_target_address(&results->target, address);
    ha_findings_add(findings, HA_FINDING_OK, "connection", NULL, "%s port %s (%s) answers", results->target.host,
                    results->target.port, address);
    if (seen->handshake.end == HA_TLS_DONE)
        ha_findings_add(findings, HA_FINDING_OK, "handshake", NULL, "%s, %s", seen->version, seen->cipher);
    else if (!seen->asked)
        ha_findings_add_err(findings, "handshake", &seen->handshake.err);
    // Else it may have ended for want of a certificate, which is no fault: see "without-certificate".
    return seen->sent && sk_X509_num(seen->sent) > 0;
}

static enum verdict judge_version(const struct ha_tls_seen *seen)
{
    // A server that sent its certificate agreed to the version, whatever came after.
    if (seen->handshake.end == HA_TLS_DONE || seen->sent)
        return ACCEPTED;
    switch (seen->handshake.end) {
    case HA_TLS_UNAVAILABLE:
    case HA_TLS_NOT_TRIED:
        return NOT_TRIED;
    case HA_TLS_NO_CONNECTION:
    case HA_TLS_TIMEOUT:
        return UNKNOWN;
    case HA_TLS_DONE:
    case HA_TLS_ALERT:
    case HA_TLS_CLOSED:
    case HA_TLS_NOT_TLS:
    case HA_TLS_OURS:
        break;
    }
    return REFUSED;
}

static void report_version(enum ha_tls_version version, enum verdict verdict, bool is_enough,
                           struct ha_findings *findings)
{
    const char *name = ha_tls_version_name(version), *remedy = NULL;
    enum ha_finding finding = HA_FINDING_OK;
    bool is_old = version < HA_TLS_1_2;
    if (is_old && verdict == ACCEPTED) {
        finding = HA_FINDING_PROBLEM;
        remedy = "Switch it off; TLS 1.2 and 1.3 are what peers want.";
    } else if (!is_old && !is_enough) {
        finding = HA_FINDING_PROBLEM;
        remedy = "Switch TLS 1.2 or TLS 1.3 on.";
    } else if (verdict == UNKNOWN) {
        finding = HA_FINDING_WARNING;
        remedy = "Run the check again when the server isn't overloaded; it didn't answer in time.";
    } else if (version == HA_TLS_1_3 && verdict == REFUSED) {
        finding = HA_FINDING_WARNING;
        remedy = "Switch TLS 1.3 on, if peers don't forbid it.";
    }
    ha_findings_add(findings, finding, "tls-versions", remedy, "%s is %s%s", name, verdict_names[verdict],
                    verdict == NOT_TRIED ? ": OpenSSL here can't" : "");
}

void ha_tls_report_versions(const struct ha_tls_results *results, struct ha_findings *findings)
{
    bool is_enough = false;
    for (unsigned i = HA_TLS_1_2; i < HA_TLS_VERSION_COUNT; i++)
        is_enough = is_enough || judge_version(&results->versions[i]) != REFUSED;
    for (unsigned i = 0; i < HA_TLS_VERSION_COUNT; i++)
        report_version((enum ha_tls_version)i, judge_version(&results->versions[i]), is_enough, findings);
}

// 495 and 496 are nginx's own for a bad and a missing certificate.
static bool is_refusal(unsigned status)
{
    return status == 400 || status == 401 || status == 403 || status == 495 || status == 496;
}

// Where it ended: in the handshake or at the request.
static const struct ha_tls_outcome *outcome_of(const struct ha_tls_seen *seen)
{
    return seen->handshake.end == HA_TLS_DONE ? &seen->request : &seen->handshake;
}

static bool is_cut(const struct ha_tls_outcome *outcome)
{
    return outcome->end == HA_TLS_ALERT || outcome->end == HA_TLS_CLOSED;
}

enum need { NEED_NO, NEED_YES, NEED_UNKNOWN, NEED_COUNT };
static const char *const need_names[] = {[NEED_NO] = "no", [NEED_YES] = "yes", [NEED_UNKNOWN] = "unknown"};
static_assert(HA_ARRAY_SIZE(need_names) == NEED_COUNT, "a name for each need");

// Whether the server can't be used without a certificate, as far as it can be seen.
static enum need judge_need(const struct ha_tls_seen *without)
{
    const struct ha_tls_outcome *outcome = outcome_of(without);
    if (!without->asked)
        return NEED_NO;
    if (is_cut(outcome) || (outcome->end == HA_TLS_DONE && is_refusal(without->status)))
        return NEED_YES;
    return outcome->end == HA_TLS_DONE ? NEED_NO : NEED_UNKNOWN;
}

static void report_asked(const struct ha_tls_results *results, struct ha_findings *findings)
{
    static const char *const words[] = {
        [NEED_NO] = "is asked for, but optional as far as can be seen",
        [NEED_YES] = "is asked for and required",
        [NEED_UNKNOWN] = "is asked for; whether it is required can't be seen",
    };
    const char *remedy = "Have the server ask for client certificates (nginx: ssl_verify_client on, with "
                         "ssl_client_certificate; haproxy: verify required, with ca-file).";
    if (results->without.asked)
        ha_findings_add(findings, HA_FINDING_OK, "client-certificate", NULL, "a certificate of the client %s",
                        words[judge_need(&results->without)]);
    else if (results->mutual)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "client-certificate", remedy,
                        "no certificate of the client is asked for");
    else
        ha_findings_add(findings, HA_FINDING_OK, "client-certificate", NULL,
                        "no certificate of the client is asked for");
}

static void report_ca_names(const struct ha_tls_seen *seen, struct ha_findings *findings)
{
    ha_auto(ha_buf_clear) struct ha_buf names = {0};
    int n = seen->ca_names ? sk_X509_NAME_num(seen->ca_names) : 0;
    if (!seen->asked)
        return;
    for (int i = 0; i < n && i < CA_NAMES_SHOWN; i++) {
        ha_buf_puts(&names, i > 0 ? "; " : "");
        ha_tls_cert_name(&names, sk_X509_NAME_value(seen->ca_names, i));
    }
    if (n > 0)
        ha_findings_add(findings, HA_FINDING_OK, "ca-names", NULL,
                        "%zu name%s of CAs for client certificates %s sent: %s%s", seen->n_ca_names,
                        seen->n_ca_names == 1 ? "" : "s", seen->n_ca_names == 1 ? "is" : "are", ha_buf_text(&names),
                        seen->n_ca_names > CA_NAMES_SHOWN ? "; ..." : "");
    else
        ha_findings_add(findings, HA_FINDING_WARNING, "ca-names",
                        "Name the CAs (nginx: ssl_client_certificate, not ssl_trusted_certificate; haproxy: ca-file): "
                        "clients with several certificates choose by these names.",
                        "no names of CAs for client certificates are sent");
}

static void report_without(const struct ha_tls_results *results, struct ha_findings *findings)
{
    const struct ha_tls_seen *seen = &results->without;
    const struct ha_tls_outcome *outcome = outcome_of(seen);
    const char *check = "without-certificate";
    if (outcome->end == HA_TLS_DONE && (!seen->asked || is_refusal(seen->status)))
        ha_findings_add(findings, HA_FINDING_OK, check, NULL, "a request without a certificate gets status %u%s",
                        seen->status, seen->asked ? ": refused, as it has to be" : "");
    else if (outcome->end == HA_TLS_DONE)
        ha_findings_add(findings, results->mutual ? HA_FINDING_PROBLEM : HA_FINDING_WARNING, check,
                        "Have the server require the certificate (nginx: ssl_verify_client on), or check the path.",
                        "a request without a certificate isn't refused: it gets status %u", seen->status);
    else if (seen->asked && is_cut(outcome))
        ha_findings_add(findings, HA_FINDING_OK, check, NULL, "without a certificate the connection is refused: %s",
                        outcome->err.detail);
    else if (seen->handshake.end == HA_TLS_DONE)
        ha_findings_add(findings, HA_FINDING_WARNING, check, outcome->err.hint, "a request gets no answer: %s",
                        outcome->err.detail);
    else if (seen->asked)
        ha_findings_add(findings, HA_FINDING_PROBLEM, check, outcome->err.hint, "%s", outcome->err.detail);
}

static void report_with(const struct ha_tls_results *results, struct ha_findings *findings)
{
    const struct ha_tls_seen *seen = &results->with;
    const struct ha_tls_outcome *outcome = outcome_of(seen);
    const char *check = "with-certificate";
    const char *remedy =
        "Compare the certificate with what the server wants: its CA (ca-names above), its subject, its "
        "dates, its extended key usage clientAuth. The server's log has the reason.";
    if (!results->presented)
        return;
    if (outcome->end != HA_TLS_DONE)
        ha_findings_add(findings, HA_FINDING_PROBLEM, check, is_cut(outcome) ? remedy : outcome->err.hint,
                        "with the certificate there is no answer: %s", outcome->err.detail);
    else if (!seen->asked)
        ha_findings_add(findings, HA_FINDING_PROBLEM, check, NULL,
                        "the certificate wasn't asked for; the request gets status %u", seen->status);
    else if (is_refusal(seen->status))
        ha_findings_add(findings, HA_FINDING_PROBLEM, check, remedy,
                        "a request with the certificate is refused with status %u", seen->status);
    else if (seen->status >= 500)
        ha_findings_add(findings, HA_FINDING_WARNING, check, "Look into the server's log.",
                        "the certificate is let in, but the request gets status %u", seen->status);
    else
        ha_findings_add(findings, HA_FINDING_OK, check, NULL, "a request with the certificate gets status %u%s",
                        seen->status, seen->status >= 400 ? ": let in, but nothing is to be had at that path" : "");
}

void ha_tls_report_clients(const struct ha_tls_results *results, struct ha_findings *findings)
{
    report_asked(results, findings);
    report_ca_names(&results->without, findings);
    report_without(results, findings);
    report_with(results, findings);
}

static void put_string_or_null(struct ha_buf *json, const char *name, const char *text)
{
    if (text)
        ha_jw_string(json, name, text);
    else
        ha_jw_null(json, name);
}

static void put_request(const struct ha_tls_seen *seen, const char *name, struct ha_buf *json)
{
    const struct ha_tls_outcome *outcome = outcome_of(seen);
    ha_jw_object(json, name);
    if (outcome->end == HA_TLS_DONE)
        ha_jw_number(json, "status", seen->status);
    else
        ha_jw_null(json, "status");
    put_string_or_null(json, "alert", outcome->end == HA_TLS_ALERT ? ha_tls_alert_name(outcome->alert) : NULL);
    put_string_or_null(json, "error", outcome->err.detail[0] ? outcome->err.detail : NULL);
    ha_jw_object_end(json);
}

static void put_clients(const struct ha_tls_results *results, struct ha_buf *json)
{
    const struct ha_tls_seen *seen = &results->without;
    ha_jw_object(json, "client_certificate");
    ha_jw_bool(json, "asked", seen->asked);
    ha_jw_string(json, "required", need_names[judge_need(seen)]);
    ha_jw_number(json, "n_ca_names", (int64_t)seen->n_ca_names);
    ha_jw_array(json, "ca_names");
    for (int i = 0; seen->ca_names && i < sk_X509_NAME_num(seen->ca_names); i++) {
        ha_auto(ha_buf_clear) struct ha_buf name = {0};
        ha_tls_cert_name(&name, sk_X509_NAME_value(seen->ca_names, i));
        ha_jw_string(json, NULL, ha_buf_text(&name));
    }
    ha_jw_array_end(json);
    ha_jw_object_end(json);
    ha_jw_object(json, "requests");
    ha_jw_string(json, "path", results->path);
    put_request(seen, "without", json);
    if (results->presented)
        put_request(&results->with, "with", json);
    else
        ha_jw_null(json, "with");
    ha_jw_object_end(json);
}

void ha_tls_report_put(const struct ha_tls_results *results, struct ha_buf *json)
{
    char address[INET6_ADDRSTRLEN];
    ha_tls_target_address(&results->target, address);
    ha_jw_object(json, "target");
    ha_jw_string(json, "host", results->target.host);
    ha_jw_string(json, "port", results->target.port);
    put_string_or_null(json, "address", results->target.n_addresses > 0 ? address : NULL);
    put_string_or_null(json, "servername", results->servername);
    ha_jw_object_end(json);
    ha_jw_object(json, "handshake");
    put_string_or_null(json, "version", results->without.version);
    put_string_or_null(json, "cipher", results->without.cipher);
    ha_jw_object_end(json);
    ha_jw_object(json, "versions");
    for (unsigned i = 0; i < HA_TLS_VERSION_COUNT; i++)
        ha_jw_string(json, ha_tls_version_name((enum ha_tls_version)i),
                     verdict_names[judge_version(&results->versions[i])]);
    ha_jw_object_end(json);
    put_clients(results, json);
}
