// SPDX-License-Identifier: Apache-2.0
// PKCS#11 URIs (RFC 7512), read and written with p11-kit. Thread-safe.
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <stdbool.h>
#include <stddef.h>

HA_AUTO_DEFINE(P11KitUri, p11_kit_uri_free)

#define HA_URI_MAX 220  // bytes of a URI made by ha_uri_of_object, with its NUL

// The configuration's: must name a token by token=, serial=, manufacturer= or model=, and hold no PIN. HA_E_CONFIG.
enum ha_code ha_uri_parse_token(const char *text, P11KitUri **ret_uri, struct ha_err *err);
// The token that a person named: a text that begins with pkcs11: as above, any other as its label. HA_E_CONFIG.
enum ha_code ha_uri_of_token_text(const char *text, P11KitUri **ret_uri, struct ha_err *err);
// pkcs11:token=...;serial=... of a token, for its configuration; without a serial number also model and manufacturer.
// malloc'ed.
enum ha_code ha_uri_of_token(const CK_TOKEN_INFO *info, char **ret_text, struct ha_err *err);
// One that names private keys (n bytes): type= is private, secret-key or absent. HA_E_MALFORMED.
enum ha_code ha_uri_parse_keys(const char *text, size_t n, P11KitUri **ret_uri, struct ha_err *err);
// Whether its type= is secret-key.
bool ha_uri_is_secret(P11KitUri *uri);
// pkcs11:id=...;object=...;type=private, for messages; cut when it doesn't fit.
void ha_uri_of_object(const void *id, size_t id_len, const void *label, size_t label_len,
                      char ret_text[static HA_URI_MAX]);
