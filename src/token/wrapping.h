// SPDX-License-Identifier: Apache-2.0
// Private keys on their way from one token into another: wrapped with a one-time AES key, which is sealed with an RSA
// key of the token that is to have it. Nothing leaves a token in clear. HACKING.md, "Wrapped replicas", has the
// reasons.
//
// The functions that take a session are called in an operation, with the token's object_lock.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"
#include "crypto/pubkey.h"
#include "token/mechanism.h"

#include <p11-kit/pkcs11.h>
#include <stdint.h>

struct ha_p11;
struct ha_session;

// What the token can do, as bits of 1 << enum ha_wrap, and what it lacks (NULL: nothing).
struct ha_wrapping_ways {
    uint8_t out, in;
    const char *out_lacks, *in_lacks;
};
void ha_wrapping_choose(const struct ha_mechanisms *mechanisms, struct ha_wrapping_ways *ret_ways);

// The RSA key pair with which the next key for this token is sealed.
struct ha_wrapper {
    CK_OBJECT_HANDLE private_key;
    CK_SESSION_HANDLE session;  // that it lives in
    unsigned generation;
    size_t sealed_len;  // bytes of what is sealed with it; 0: there is none
};

// An AES key of the session, which can be sealed.
enum ha_code ha_wrapping_new_key(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE *ret_key,
                                 struct ha_err *err);
// Seals the AES key for whoever has the private key that belongs to peer (RSA-OAEP with SHA-1, which all have; its use
// there needs no collision resistance), and appends that.
enum ha_code ha_wrapping_seal(struct ha_p11 *token, struct ha_session *session, const struct ha_pubkey *peer,
                              CK_OBJECT_HANDLE key, struct ha_buf *out, struct ha_err *err);
enum ha_code ha_wrapping_unseal(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE rsa,
                                const struct ha_part *sealed, CK_OBJECT_HANDLE *ret_key, struct ha_err *err);
// Wraps a private key with the AES key, and appends that.
enum ha_code ha_wrapping_wrap(struct ha_p11 *token, struct ha_session *session, enum ha_wrap how, CK_OBJECT_HANDLE key,
                              CK_OBJECT_HANDLE private_key, struct ha_buf *out, struct ha_err *err);

// How a private key is wrapped with an AES key. iv is room that the mechanism may point to; it is zeros, since such a
// key wraps one thing only (a KEK wraps without it).
#define HA_WRAPPING_IV_LEN 16
CK_MECHANISM ha_wrapping_mechanism(enum ha_wrap how, uint8_t iv[static HA_WRAPPING_IV_LEN]);

// What becomes of a wrapped key: a pair (or a KEK) as the GENERATE or UNWRAP question wants it, not extractable any
// more unless with HA_PACKET_BACKUP.
struct ha_wrapping_job {
    const struct ha_packet *question;
    unsigned runs;
    const struct ha_pubkey *public_key;
    CK_OBJECT_HANDLE key;  // AES
    struct ha_part wrapped;
};
// Makes the pair's objects on the token and checks them; after a failure they are gone again.
enum ha_code ha_wrapping_unwrap(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                                struct ha_err *err);
// Destroys a session's object (0: none); one that won't go takes its session with it.
void ha_wrapping_drop(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object);
