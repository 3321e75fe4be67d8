// SPDX-License-Identifier: Apache-2.0
// An X.509 certificate: read, shown, compared with a key. Immutable after creation and thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pubkey.h"

#define HA_CERTIFICATE_MAX (32 * 1024)  // bytes of one, in PEM or DER

struct ha_certificate;
struct x509_st;

// One certificate: PEM (text around it is ignored; of several the first) or DER, n bytes. HA_E_MALFORMED.
enum ha_code ha_certificate_read(const void *bytes, size_t n, struct ha_certificate **ret_certificate,
                                 struct ha_err *err);
// The same from a file, which has to be a regular one.
enum ha_code ha_certificate_read_file(const char *path, struct ha_certificate **ret_certificate, struct ha_err *err);
void ha_certificate_free(struct ha_certificate *certificate);
HA_AUTO_DEFINE(struct ha_certificate, ha_certificate_free)

const uint8_t *ha_certificate_der(const struct ha_certificate *certificate, size_t *ret_len);  // borrowed
void ha_certificate_to_pem(const struct ha_certificate *certificate, struct ha_buf *out);  // lines of 64, ended by LF
// "CN=..., O=..." in the order of RFC 4514, appended.
void ha_certificate_subject(const struct ha_certificate *certificate, struct ha_buf *out);
// Whether one of its alternative names is that host (wildcards count), address or mail address.
bool ha_certificate_is_for(const struct ha_certificate *certificate, const char *name);
struct x509_st *ha_certificate_x509(const struct ha_certificate *certificate);  // borrowed
// Its public key; HA_E_KEY_CANNOT for one that the agent doesn't know (RSA below 2048 bits, another curve).
enum ha_code ha_certificate_key(const struct ha_certificate *certificate, struct ha_pubkey **ret_key,
                                struct ha_err *err);
// HA_OK when it is that key's; HA_E_CONFLICT, which says whose it is.
enum ha_code ha_certificate_check_key(const struct ha_certificate *certificate, const struct ha_pubkey *key,
                                      struct ha_err *err);
