// SPDX-License-Identifier: Apache-2.0
// One handshake with a server, and one request over it if that is wanted; and what was seen. The only door to libssl.
//
// The server may be hostile: all that is kept of what it sends is bounded, and so is the time.
#pragma once

#include "base/buf.h"
#include "cli/ossl_types.h"
#include "cli/tls_target.h"

enum {
    HA_TLS_CERTIFICATES_MAX = 16,  // of those that a server sends, kept
    HA_TLS_CA_NAMES_MAX = 64,
};

enum ha_tls_version { HA_TLS_1_0, HA_TLS_1_1, HA_TLS_1_2, HA_TLS_1_3, HA_TLS_VERSION_COUNT, HA_TLS_ANY };

// How a part of a probe ended.
enum ha_tls_end {
    HA_TLS_NOT_TRIED,
    HA_TLS_DONE,
    HA_TLS_UNAVAILABLE,    // OpenSSL here can't try it
    HA_TLS_NO_CONNECTION,  // not even TCP
    HA_TLS_TIMEOUT,
    HA_TLS_ALERT,    // the server ended it with an alert
    HA_TLS_CLOSED,   // the server ended it without a word
    HA_TLS_NOT_TLS,  // what came isn't TLS; for a request: isn't HTTP
    HA_TLS_OURS,     // it failed on this side
};

struct ha_tls_outcome {
    enum ha_tls_end end;
    struct ha_err err;  // the words, unless it is done
    int alert;          // with HA_TLS_ALERT
};

struct ha_tls_probe {
    OSSL_LIB_CTX *libctx;
    struct ha_tls_target *target;
    const char *servername;  // sent as SNI; NULL: none
    int timeout_ms;          // for the connection with its handshake, and for the request
    enum ha_tls_version version;
    X509 *certificate;       // what to present; NULL: nothing
    STACK_OF(X509) * chain;  // goes along with certificate
    EVP_PKEY *key;
    const char *request;  // sent after the handshake; NULL: nothing is
};

struct ha_tls_seen {
    struct ha_tls_outcome handshake;
    const char *version, *cipher;  // of a handshake that is done; constants
    STACK_OF(X509) * sent;         // the server's certificates in their order; NULL: it came to none
    size_t n_sent;                 // how many it were
    bool asked;                    // for a certificate
    STACK_OF(X509_NAME) * ca_names;
    size_t n_ca_names;  // how many it were
    struct ha_tls_outcome request;
    unsigned status;  // HTTP's, of a request that is done
};

// ret_seen is new, and to be cleared.
void ha_tls_probe(const struct ha_tls_probe *probe, struct ha_tls_seen *ret_seen);
void ha_tls_seen_clear(struct ha_tls_seen *seen);
HA_AUTO_DEFINE_CLEAR(struct ha_tls_seen, ha_tls_seen_clear)

const char *ha_tls_version_name(enum ha_tls_version version);  // "TLS 1.3"
// "handshake failure"
const char *ha_tls_alert_name(int alert);
