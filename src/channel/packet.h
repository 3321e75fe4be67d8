// SPDX-License-Identifier: Apache-2.0
// The packets between the daemon and a token's child process: SOCK_SEQPACKET, one packet a question, one an answer
// (HA_OP_LIST and a shared GENERATE: any number of HA_OP_OBJECT, then the answer). Both ends run on one machine and
// come from one build, so numbers are in native order; the daemon still checks every length, because vendor code lives
// in the child.
//
// A datagram holds one packet. On a worker channel it may hold several, one after the other; so does its answer, in the
// same order.
//
// Control channel (descriptor 3 of the child): START, LIST, GENERATE, DESTROY, WRAPPER, UNWRAP, CERTIFICATE, WRAP, one
// after the other. Worker channels (handed over with START): SIGN, DECRYPT, DERIVE; each belongs to one PKCS#11
// session.
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define HA_PACKET_MAX       (200 * 1024)  // bytes of a datagram, headers included; fits a default socket buffer
#define HA_PACKET_ITEMS_MAX 16            // packets in a datagram
#define HA_PACKET_PARTS     6
#define HA_PACKET_FDS_MAX   128  // worker channels
#define HA_CONTROL_FD       3

enum ha_op {
    HA_OP_START = 1,
    HA_OP_SIGN,
    HA_OP_DECRYPT,
    HA_OP_DERIVE,
    HA_OP_LIST,
    HA_OP_OBJECT,
    HA_OP_GENERATE,
    HA_OP_DESTROY,
    HA_OP_WRAPPER,
    HA_OP_UNWRAP,
    HA_OP_CERTIFICATE,
    HA_OP_WRAP,
};

// What the parts hold. Questions:
//   START     -                                    carries the worker descriptors
//   SIGN      key id, SPKI SHA-256, input          alg; HA_PACKET_DIGEST: input is the digest, else the data. HMAC
//             is asked for in the same way
//   DECRYPT   key id, SPKI SHA-256, ciphertext, OAEP label      alg
//   DERIVE    key id, SPKI SHA-256, peer's point 04||x||y       alg
//   LIST      PKCS#11 URI of the wanted objects, empty for all private keys, HMAC keys and KEKs
//   GENERATE  key id, label                        key_type, purposes; of an HMAC key, its bytes in part 2 if they
//             are given
//             with HA_PACKET_BACKUP: so that it can be wrapped, as for UNWRAP
//             with HA_PACKET_SHARED, for other tokens too: their wrapping keys in part 2 (each the length as a
//             uint32_t, then the SPKI); alg is an enum ha_wrap
//   DESTROY   key id, SPKI SHA-256 (empty: whatever private and public keys have that id)   key_type, if it is that
//             of a secret key: then secret keys instead
//   WRAPPER   -                                    HA_PACKET_SHARED: of the token that is to wrap, else to unwrap
//   UNWRAP    key id, label, SPKI, sealed key      key_type, purposes; alg is an enum ha_wrap
//             with HA_PACKET_KEK: what WRAP gave under a KEK, before it 32 bytes that tell what goes with it; then the
//             KEK's id and SPKI SHA-256
//   WRAP      key id, SPKI SHA-256                 and then either 32 bytes that tell what goes with the key, nothing,
//             the KEK's id and SPKI SHA-256; or nothing, the SPKI of an RSA key; alg is an enum ha_wrap
//   CERTIFICATE  key id, label, DER of the one to be stored, DER of the one to be destroyed (both may be empty)
// Answers, when code is HA_OK:
//   START     token label, serial, manufacturer and model, one byte (enum ha_way) for each enum ha_alg
//   SIGN, DECRYPT, DERIVE: flags & HA_PACKET_FAULTY is how many signatures didn't verify since the last answer,
//   whatever
//                          the code; HA_PACKET_AGAIN: the same question may be answered better the next time
//   SIGN      signature (ECDSA: raw r||s)   DECRYPT  plaintext   DERIVE  shared x coordinate (field length)
//   (SPKI is an HMAC key's identity everywhere.)
//   OBJECT    key id, label, SPKI DER (empty when the token doesn't tell it), why it is empty; flags HA_OBJECT_*
//   LIST      -       GENERATE  SPKI DER       DESTROY  -       UNWRAP  -       CERTIFICATE  -
//   WRAP      under a KEK: HA_BACKUP_TAG_LEN bytes by which UNWRAP knows that all belongs together, and the wrapped
//             key;
//             for an RSA key: an AES key sealed with it, and the private key wrapped with that
//   OBJECT of a shared GENERATE: the sealed key for one of the wrapping keys, in their order
//   WRAPPER   one byte (a bit for each enum ha_wrap that the token does), then the SPKI of a new wrapping key, unless
//             the token is to wrap. That key is one session's, and the next UNWRAP is its last.
// and otherwise: detail, hint, PKCS#11 function ("" for none); rv.
enum {
    HA_PACKET_DIGEST = 1,
    HA_PACKET_FAULTY = 0xffff,
    HA_PACKET_AGAIN = 0x10000,
    HA_PACKET_SHARED = 0x20000,
    HA_PACKET_BACKUP = 0x40000,
    HA_PACKET_KEK = 0x80000
};

#define HA_BACKUP_TAG_LEN 40

// How a private key is wrapped with an AES key: the mechanisms of PKCS#11, the best first.
enum ha_wrap {
    HA_WRAP_KWP,  // CKM_AES_KEY_WRAP_KWP (RFC 5649)
    HA_WRAP_PAD,  // CKM_AES_KEY_WRAP_PAD, which is that or nearly, depending on the token
    HA_WRAP_CBC,  // CKM_AES_CBC_PAD
    HA_WRAP_COUNT
};

// How the token does an algorithm.
enum ha_way {
    HA_WAY_NONE,    // it can't
    HA_WAY_DIGEST,  // takes a digest (the daemon hashes)
    HA_WAY_DATA,    // takes the data only
};

enum {
    HA_OBJECT_SENSITIVE = 1,
    HA_OBJECT_EXTRACTABLE = 2,
    HA_OBJECT_ALWAYS_SENSITIVE = 4,
    HA_OBJECT_NEVER_EXTRACTABLE = 8,
    HA_OBJECT_SIGN = 16,
    HA_OBJECT_DECRYPT = 32,
    HA_OBJECT_DERIVE = 64,
    HA_OBJECT_SECRET = 128,  // a secret key: HMAC, AES
    HA_OBJECT_WRAP = 256,
};

struct ha_part {
    const void *data;
    size_t len;
};

struct ha_packet {
    enum ha_op op;
    uint32_t alg;       // enum ha_alg
    uint32_t key_type;  // enum ha_key_type
    uint32_t purposes;  // bits of enum ha_purpose
    uint32_t flags;
    uint32_t cpu;     // questions to a worker: the processor to run on from now on; HA_CPU_ANY: where it does
    uint32_t code;    // enum ha_code; answers
    uint64_t rv;      // CK_RV; answers
    uint64_t serial;  // chosen by the asker, echoed by the answer
    struct ha_part part[HA_PACKET_PARTS];
};

// Where a received datagram's bytes live: HA_PACKET_MAX bytes, owned by one thread, wiped by ha_packet_buffer_free.
struct ha_packet_buffer;
struct ha_packet_buffer *ha_packet_buffer_new(void);  // NULL: out of memory
void ha_packet_buffer_free(struct ha_packet_buffer *buffer);
HA_AUTO_DEFINE(struct ha_packet_buffer, ha_packet_buffer_free)
// Wipes what the last packet left (plaintext).
void ha_packet_buffer_wipe(struct ha_packet_buffer *buffer);

// Sends one packet, with n_fds descriptors (0: none). HA_E_TOO_LARGE when it doesn't fit, HA_E_TOKEN_DOWN when the
// other end is gone. Never raises SIGPIPE.
enum ha_code ha_packet_send(int fd, const struct ha_packet *packet, const int *fds, size_t n_fds, struct ha_err *err);

// Sends n packets (1 to HA_PACKET_ITEMS_MAX) in one datagram.
enum ha_code ha_packet_send_several(int fd, const struct ha_packet *const *packets, size_t n, struct ha_err *err);

// Waits until deadline_ms (a point of ha_now_ms; negative: as long as the descriptor does, see SO_RCVTIMEO) and
// receives one packet into buffer; ret_packet's parts point into it. ret_fds (room for HA_PACKET_FDS_MAX; NULL: none
// are accepted) gets the descriptors, close-on-exec. HA_E_TOKEN_DOWN: the other end is gone. HA_E_DEADLINE.
// HA_E_INTERNAL: not a packet of ours, or several.
enum ha_code ha_packet_recv(int fd, int64_t deadline_ms, struct ha_packet_buffer *buffer, struct ha_packet *ret_packet,
                            int *ret_fds, size_t *ret_n_fds, struct ha_err *err);
// The same for a datagram of one packet or several, without descriptors. packets has room for HA_PACKET_ITEMS_MAX; on
// failure what is in it means nothing.
enum ha_code ha_packet_recv_several(int fd, int64_t deadline_ms, struct ha_packet_buffer *buffer,
                                    struct ha_packet *packets, size_t *ret_n, struct ha_err *err);

// An answer that carries err; its parts point into err.
void ha_packet_fail(struct ha_packet *answer, const struct ha_err *err);
// The error that an answer carries (code isn't HA_OK), as err. Texts are cut to fit, and made printable.
enum ha_code ha_packet_error(const struct ha_packet *answer, struct ha_err *err);
