// SPDX-License-Identifier: Apache-2.0
// What the probes of a server have seen, judged and put into words.
#pragma once

#include "cli/findings.h"
#include "cli/tls_probe.h"

struct ha_tls_results {
    struct ha_tls_target target;
    const char *servername;            // NULL: none was sent
    const char *path;                  // of the requests
    bool mutual;                       // whether clients have to present certificates here, as the user says
    bool presented;                    // whether `with` was tried
    struct ha_tls_seen without, with;  // a certificate
    struct ha_tls_seen versions[HA_TLS_VERSION_COUNT];
};

// "connection" and "handshake". Whether there are certificates to look at.
bool ha_tls_report_handshake(const struct ha_tls_results *results, struct ha_findings *findings);
// "tls-versions", once for each.
void ha_tls_report_versions(const struct ha_tls_results *results, struct ha_findings *findings);
// "client-certificate", "ca-names", "without-certificate", "with-certificate".
void ha_tls_report_clients(const struct ha_tls_results *results, struct ha_findings *findings);
// The members "target", "handshake", "versions", "client_certificate" and "requests".
void ha_tls_report_put(const struct ha_tls_results *results, struct ha_buf *json);
