// SPDX-License-Identifier: Apache-2.0
// The serializations of JWE (RFC 7516 section 7), taken apart. Thread-safe.
#pragma once

#include "base/json.h"
#include "base/json_text.h"

struct ha_jwe_message {
    ha_json *json;  // NULL: compact
    // Base64url as it was written, borrowed from the text or from json; data NULL: none.
    struct ha_json_text protected_text, aad, iv, ciphertext, tag;
    struct ha_json_text encrypted_key;  // of the compact form
    const ha_json *unprotected;         // NULL: none
    const ha_json *recipients;          // the list of the general form; NULL
};
void ha_jwe_message_clear(struct ha_jwe_message *message);
HA_AUTO_DEFINE_CLEAR(struct ha_jwe_message, ha_jwe_message_clear)

// Fills ret_message (zeroed by the caller, who clears it in any case, and keeps the text as long). HA_E_MALFORMED,
// HA_E_TOO_LARGE.
enum ha_code ha_jwe_message_read(const char *text, size_t n, struct ha_jwe_message *ret_message, struct ha_err *err);
size_t ha_jwe_message_recipients(const struct ha_jwe_message *message);
// One recipient's unprotected header (NULL: none) and encrypted key (data NULL: none).
void ha_jwe_message_recipient(const struct ha_jwe_message *message, size_t i, const ha_json **ret_header,
                              struct ha_json_text *ret_encrypted_key);
