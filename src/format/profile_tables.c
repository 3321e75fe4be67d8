// SPDX-License-Identifier: Apache-2.0
// The table of schemes and of each scheme's options. Reading, checking and the manual are all made of these rows.
#include "format/profile.h"

#include <assert.h>

static const struct ha_scheme_info schemes[] = {
    [HA_SCHEME_JWS] = {.name = "jws", .plain = "jose/jws", .help = "A JWS (RFC 7515): any payload, signed."},
    [HA_SCHEME_JWT] = {.name = "jwt", .plain = "jose/jwt", .help = "A JWT (RFC 7519): claims, completed and signed."},
    [HA_SCHEME_JWE] = {.name = "jwe", .plain = "jose/jwe", .help = "A JWE (RFC 7516), encrypted or decrypted."},
    [HA_SCHEME_RFC9421] = {.name = "rfc9421",
                           .plain = "rfc9421/request",
                           .help = "HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530)."},
    [HA_SCHEME_DIP] = {.name = "dip", .help = "The X-DIP-* headers of the MHHS Data Integration Platform."},
    [HA_SCHEME_FSPIOP] = {.name = "fspiop", .help = "The FSPIOP-Signature header of a Mojaloop switch."},
    [HA_SCHEME_FSPIOP_ENCRYPTION] = {.name = "fspiop-encryption",
                                     .help = "The FSPIOP-Encryption header: fields of a body, encrypted or decrypted."},
    [HA_SCHEME_ILP] = {.name = "ilp", .help = "The condition and fulfilment of a Mojaloop transfer, by an HMAC key."},
};
static_assert(HA_ARRAY_SIZE(schemes) == HA_SCHEME_COUNT, "each scheme has its row");

const struct ha_scheme_info *ha_scheme_info(enum ha_scheme scheme)
{
    return &schemes[scheme];
}
