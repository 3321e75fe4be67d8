// SPDX-License-Identifier: Apache-2.0
// The key encryption keys of the token: AES keys that wrap others by RFC 5649 and do nothing else. Making them, telling
// one from another (they have no public key; ha_pubkey_from_check says what takes its place), and the tags with which
// they vouch for what was wrapped. In an operation, with object_lock.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"
#include "crypto/pubkey.h"
#include "token/cache.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct ha_p11;
struct ha_session;
struct ha_wrapping_job;

#define HA_KEK_VALUE_LEN 32

// Which of the token's mechanisms is RFC 5649. HA_E_KEY_CANNOT: none.
enum ha_code ha_kek_way(const struct ha_p11 *token, enum ha_wrap *ret_how, struct ha_err *err);
// Makes what a GENERATE asks that was checked. With HA_PACKET_SHARED the key is the session's, and can be wrapped.
// runs: which run of the operation this is, from 1.
enum ha_code ha_kek_make(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                         unsigned runs, CK_OBJECT_HANDLE *ret_object, struct ha_err *err);
// Takes one that was wrapped, and checks that it is the one.
enum ha_code ha_kek_unwrap(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                           struct ha_err *err);
// What the KEK makes of 32 bytes: HA_BACKUP_TAG_LEN bytes that nobody else can make, and always the same. Appended.
enum ha_code ha_kek_tag(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE kek,
                        const uint8_t value[static HA_KEK_VALUE_LEN], struct ha_buf *tag, struct ha_err *err);
enum ha_code ha_kek_identity(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                             struct ha_pubkey **ret_key, struct ha_err *err);
