// SPDX-License-Identifier: Apache-2.0
// The string that a DIP signature is made of, and its parts. For dip.c and dip_verify.c alone. Thread-safe.
#pragma once

#include "format/dip.h"

#define HA_DIP_SIGNATURE    "X-DIP-Signature"
#define HA_DIP_DATE         "X-DIP-Signature-Date"
#define HA_DIP_CERTIFICATE  "X-DIP-Signature-Certificate"
#define HA_DIP_CONTENT_HASH "X-DIP-Content-Hash"

// Appends METHOD;destination;date;content.
enum ha_code ha_dip_string(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                           const char *date, const char *content, struct ha_buf *out, struct ha_err *err);
// Appends the text of the content hash.
enum ha_code ha_dip_content(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                            struct ha_buf *out, struct ha_err *err);
// Appends the bytes whose text that is: SHA-256 of the body, or the body.
enum ha_code ha_dip_content_bytes(const struct ha_dip_profile *profile, const struct ha_http_message *message,
                                  struct ha_buf *out, struct ha_err *err);
void ha_dip_encode(enum ha_dip_text text, const void *bytes, size_t n, struct ha_buf *out);

void ha_dip_date_write(enum ha_dip_date form, int64_t ms, struct ha_buf *out);
// False when the text isn't of that form, or no date.
bool ha_dip_date_read(enum ha_dip_date form, const char *text, int64_t *ret_ms);
// The algorithm of the profile, or the key's; HA_E_KEY_CANNOT.
enum ha_code ha_dip_algorithm(const struct ha_dip_profile *profile, const struct ha_pubkey *key, enum ha_alg *ret_alg,
                              struct ha_err *err);
