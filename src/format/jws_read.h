// SPDX-License-Identifier: Apache-2.0
// The parts of somebody's JWS, taken apart and checked for all that needs no key. Private to src/format/jws_verify.c.
#pragma once

#include "format/jws.h"

struct ha_jws_part {
    ha_json *header;           // the protected header; NULL: none
    ha_json *unprotected;      // NULL: none
    struct ha_buf protected_;  // its base64url, which is what was signed
    struct ha_buf signature;
    enum ha_alg alg;
    bool unencoded;  // b64 false
};

struct ha_jws_read {
    struct ha_jws_part parts[HA_JWS_SIGNERS_MAX];
    size_t n;
    bool has_payload;
    struct ha_buf payload_text;  // as it stands in the message
};
void ha_jws_read_clear(struct ha_jws_read *read);
HA_AUTO_DEFINE_CLEAR(struct ha_jws_read, ha_jws_read_clear)

// ret_read is zeroed by the caller, who clears it in any case. HA_E_MALFORMED, HA_E_TOO_LARGE.
enum ha_code ha_jws_read(const char *text, size_t n, struct ha_jws_read *ret_read, struct ha_err *err);
// Sets alg and unencoded of the part. HA_E_NOT_VERIFIED when the header asks for what isn't understood or isn't a
// signature.
enum ha_code ha_jws_read_header(struct ha_jws_part *part, struct ha_err *err);
// A member of either header; NULL when absent.
const ha_json *ha_jws_part_member(const struct ha_jws_part *part, const char *name);
