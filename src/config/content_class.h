// SPDX-License-Identifier: Apache-2.0
// The classes of what is signed, and their names; which bytes are of which is policy/content.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum ha_content {
    HA_CONTENT_OTHER,
    HA_CONTENT_TLS13_SERVER,  // RFC 8446 section 4.4.3
    HA_CONTENT_TLS13_CLIENT,
    HA_CONTENT_TLS12_SERVER,  // ServerKeyExchange: RFC 8422 section 5.4 (ECDHE), RFC 5246 section 7.4.3 (DHE)
    HA_CONTENT_TLS12_CLIENT,  // RFC 5246 section 7.4.8: the handshake's messages so far, of TLS or DTLS
    HA_CONTENT_CSR,           // RFC 2986: CertificationRequestInfo
    HA_CONTENT_X509,          // RFC 5280: TBSCertificate
    HA_CONTENT_COUNT
};

struct ha_content_info {
    const char *name;  // "tls13-server-certificate-verify"
    bool tls;
    bool tls13;
};
const struct ha_content_info *ha_content_info(enum ha_content content);
