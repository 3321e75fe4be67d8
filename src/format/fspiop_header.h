// SPDX-License-Identifier: Apache-2.0
// What signing and verifying an FSPIOP-Signature have in common. For fspiop.c and fspiop_verify.c alone. Thread-safe.
#pragma once

#include "format/fspiop.h"

#define HA_FSPIOP_URI         "FSPIOP-URI"
#define HA_FSPIOP_METHOD      "FSPIOP-HTTP-Method"
#define HA_FSPIOP_SOURCE      "FSPIOP-Source"
#define HA_FSPIOP_DESTINATION "FSPIOP-Destination"
#define HA_FSPIOP_ENCRYPTION  "FSPIOP-Encryption"
#define HA_FSPIOP_SIGNATURE   "FSPIOP-Signature"

enum {
    HA_FSPIOP_HEADER_MAX = 32768,  // characters of the protected header
    HA_FSPIOP_VALUE_MAX = 34 * 1024,
    HA_FSPIOP_BODY_DEPTH = 64,
};

// Appends the FSPIOP-URI of a URL, or of a path.
enum ha_code ha_fspiop_uri_of(enum ha_fspiop_uri uri, const char *url, struct ha_buf *out, struct ha_err *err);
// Appends the body as it is signed.
enum ha_code ha_fspiop_body(enum ha_fspiop_canonical canonical, const struct ha_http_message *message,
                            struct ha_buf *out, struct ha_err *err);
// Appends HEADER.base64url(body).
enum ha_code ha_fspiop_input(const char *header, const void *body, size_t n, struct ha_buf *out, struct ha_err *err);
