// SPDX-License-Identifier: Apache-2.0
// Certificates as JOSE has them (RFC 7515 section 4.1.6): a list of DER, the signer's first. Whether somebody vouches
// for them is another file's business. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/pubkey.h"

#define HA_X5C_MAX       10           // certificates of one list
#define HA_X5C_BYTES_MAX (64 * 1024)  // of all their DER
#define HA_X5C_HASH_LEN  32

struct ha_x5c {
    struct ha_buf der[HA_X5C_MAX];
    size_t n;
};
void ha_x5c_clear(struct ha_x5c *chain);
HA_AUTO_DEFINE_CLEAR(struct ha_x5c, ha_x5c_clear)

// The "CERTIFICATE" blocks of PEM text, at least one; other blocks are refused. ret_chain is zeroed by the caller, who
// clears it in any case. HA_E_MALFORMED, HA_E_TOO_LARGE.
enum ha_code ha_x5c_from_pem(const char *pem, size_t n, struct ha_x5c *ret_chain, struct ha_err *err);
// The same of a header's or a JWK's "x5c".
enum ha_code ha_x5c_from_json(const ha_json *x5c, struct ha_x5c *ret_chain, struct ha_err *err);
// Adds one in DER, at the end.
enum ha_code ha_x5c_add(struct ha_x5c *chain, const void *der, size_t n, struct ha_err *err);
// Appends all of them as PEM.
void ha_x5c_to_pem(const struct ha_x5c *chain, struct ha_buf *out);
// Writes the member "x5c" into the object that is open in out.
void ha_x5c_write(struct ha_buf *out, const struct ha_x5c *chain);

// Of the first certificate: its key (of one that is for PSS alone, the RSA key that it is), base64url(SHA-256(DER))
// without the encoding, its dates.
enum ha_code ha_x5c_pubkey(const struct ha_x5c *chain, struct ha_pubkey **ret_key, struct ha_err *err);
struct x509_st;
enum ha_code ha_x5c_key_of(struct x509_st *certificate, struct ha_pubkey **ret_key, struct ha_err *err);
enum ha_code ha_x5c_sha256(const struct ha_x5c *chain, uint8_t ret_hash[static HA_X5C_HASH_LEN], struct ha_err *err);
// In seconds since 1970; both ends are in it.
enum ha_code ha_x5c_dates(const struct ha_x5c *chain, int64_t *ret_from, int64_t *ret_until, struct ha_err *err);
// HA_E_NOT_VERIFIED when the time (seconds since 1970) isn't within its dates.
enum ha_code ha_x5c_check_dates(const struct ha_x5c *chain, int64_t at_s, struct ha_err *err);
// HA_E_CONFLICT when the first certificate is for another key.
enum ha_code ha_x5c_check_key(const struct ha_x5c *chain, const struct ha_pubkey *key, struct ha_err *err);
