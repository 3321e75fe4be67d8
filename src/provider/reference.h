// SPDX-License-Identifier: Apache-2.0
// Key references: what stands in a key file in place of a private key. Pure functions of the bytes, thread-safe.
//
//   -----BEGIN HSM-AGENT KEY-----     SEQUENCE { UTF8String "hsm-agent key reference", UTF8String URI,
//                                                SubjectPublicKeyInfo }
// The URI is hsm-agent:NAME or hsm-agent:NAME?socket=/PATH.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HA_REFERENCE_LABEL "HSM-AGENT KEY"

enum {
    HA_REFERENCE_NAME_SIZE = 65,     // a name and its NUL
    HA_REFERENCE_SOCKET_SIZE = 108,  // that of sun_path
    HA_REFERENCE_MAX = 16 * 1024,    // bytes of DER; room for an RSA key of 16384 bits
};

struct ha_reference {
    char name[HA_REFERENCE_NAME_SIZE];
    char socket[HA_REFERENCE_SOCKET_SIZE];  // "": none was said
    const uint8_t *spki;                    // borrowed from the DER; NULL: it was a URI only
    size_t spki_len;
};

// Whether the DER begins as a reference does; anything else belongs to others.
bool ha_reference_is(const uint8_t *der, size_t n);
// NULL, or what is wrong with it, a constant; ret_reference is untouched then.
const char *ha_reference_read(const uint8_t *der, size_t n, struct ha_reference *ret_reference);
const char *ha_reference_uri(const char *uri, size_t n, struct ha_reference *ret_reference);
