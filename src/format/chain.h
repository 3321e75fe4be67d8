// SPDX-License-Identifier: Apache-2.0
// Whether a certificate may be trusted at a time: its chain to an anchor (RFC 5280 section 6), revocation by lists and
// by an OCSP response that the caller has fetched (RFC 6960). Nothing is asked of the network. Thread-safe.
#pragma once

#include "format/certificate.h"

// All parts are borrowed; NULL is absent. PEM parts may hold several, with text around them.
struct ha_chain_trust {
    const char *anchors;        // PEM certificates that are trusted, roots or not
    const char *intermediates;  // PEM certificates that are not trusted by themselves
    const char *crls;           // PEM lists of revoked certificates
    const uint8_t *ocsp;        // a DER OCSPResponse about the certificate
    size_t ocsp_len;
    int64_t at;        // seconds since 1970 at which it has to be valid
    bool any_usage;    // it needn't be one that may make signatures
    bool revocation;   // a list or the response has to say that the certificate isn't revoked
    unsigned cache_s;  // how old the response may be, whatever it says itself; 0: as old as it says
};

// Certificates of issuers count as not revoked when no list of theirs is there. A certificate that is itself an anchor
// is trusted whatever else. No purpose is asked for, but that the certificate may make signatures (key usage, if it has
// one), and that it is no certificate authority's. HA_E_NOT_VERIFIED, whose words say what is wrong: expired, not valid
// yet, revoked (when, and why), of an unknown issuer, not signed by it, ...; HA_E_MALFORMED with the pointer of the
// part that can't be read.
enum ha_code ha_chain_verify(const struct ha_certificate *certificate, const struct ha_chain_trust *trust,
                             struct ha_err *err);
