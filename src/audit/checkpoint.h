// SPDX-License-Identifier: Apache-2.0
// A checkpoint: a line of the log in which a key in the token signs the chain up to a line.
//
//   {"seq":...,"event":"checkpoint","of":41,"hash":"HASH","at":"TIME","key":"audit","version":1,"spki_sha256":"...",
//    "algorithm":"ES256","signature":"BASE64URL"}
//
// HASH is that of the line 41. ECDSA signatures are r||s, as in JOSE. What is signed is
// "hsm-agent audit checkpoint\n41\nHASH\nTIME\n".
#pragma once

#include "audit/line.h"
#include "base/buf.h"
#include "crypto/pubkey.h"

struct ha_audit_checkpoint {
    uint64_t of;
    char hash[HA_AUDIT_HEX_LEN + 1];
    char at[25];
    char key[65];
    unsigned version;
    uint8_t spki_sha256[HA_SPKI_HASH_LEN];
    enum ha_alg alg;
    struct ha_buf signature;
};
void ha_audit_checkpoint_clear(struct ha_audit_checkpoint *checkpoint);
HA_AUTO_DEFINE_CLEAR(struct ha_audit_checkpoint, ha_audit_checkpoint_clear)

// Appends what is signed.
void ha_audit_checkpoint_text(const struct ha_audit_checkpoint *checkpoint, struct ha_buf *out);
// Appends the members of the line, as an object.
void ha_audit_checkpoint_write(const struct ha_audit_checkpoint *checkpoint, struct ha_buf *out);
// Reads a line; the caller clears ret_checkpoint, which is zeroed. HA_E_MALFORMED.
enum ha_code ha_audit_checkpoint_read(const char *text, size_t n, struct ha_audit_checkpoint *ret_checkpoint,
                                      struct ha_err *err);
// Whether its signature is one by that key.
bool ha_audit_checkpoint_verify(const struct ha_audit_checkpoint *checkpoint, const struct ha_pubkey *key);
