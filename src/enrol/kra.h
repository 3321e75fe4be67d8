// SPDX-License-Identifier: Apache-2.0
// Dogtag's KRA: private keys archived and recovered, under a session key that is sealed to the KRA's transport key.
//
// A session key is AES-256, sealed by RSA-OAEP with SHA-1 (the KRA has keyWrap.useOAEP=true); the private key (PKCS#8)
// is wrapped with it by RFC 5649. Nothing else is spoken here: PKCS#1 v1.5 would be the KRA's default.
#pragma once

#include "enrol/http.h"

enum { HA_KRA_ID_SIZE = 68 };

struct ha_kra {
    struct ha_http *http;  // borrowed
    const char *url;       // the server's, without a slash at the end; borrowed
    const char *api;       // "/kra/v2"
};

// Asks which version the server speaks.
enum ha_code ha_kra_open(struct ha_http *http, const char *url, struct ha_kra *ret_kra, struct ha_err *err);
// The transport certificate, PEM, and its public key, PEM. HA_E_CA when it isn't an RSA key's.
enum ha_code ha_kra_transport(const struct ha_kra *kra, struct ha_buf *certificate, struct ha_buf *public_key,
                              struct ha_err *err);

struct ha_kra_secret {
    const char *client_key_id;  // by which it is found again
    const char *algorithm;      // "RSA" or "EC"
    unsigned bits;
    const struct ha_buf *sealed;  // the session key under the transport key, then the private key under the session key
    size_t session_len;           // bytes of the first part
};
// ret_id: the KRA's, of the key.
enum ha_code ha_kra_archive(const struct ha_kra *kra, const struct ha_kra_secret *secret,
                            char ret_id[static HA_KRA_ID_SIZE], struct ha_err *err);
// The private key, PKCS#8 in DER, appended to out, which the caller wipes. transport: the public key, PEM.
enum ha_code ha_kra_recover(const struct ha_kra *kra, const char *id, const char *transport, struct ha_buf *out,
                            struct ha_err *err);
