// SPDX-License-Identifier: Apache-2.0
// Running an operation on a session, and once more on a new one where the first was lost.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;
struct ha_session;

typedef enum ha_code (*ha_operation)(struct ha_p11 *token, struct ha_session *session, void *context,
                                     struct ha_err *err);

// The session is on loan. An operation that fails in a way that a new session, login or look-up may cure runs a second
// time, on the renewed session; it must not have left anything behind in its context.
enum ha_code ha_operate(struct ha_p11 *token, struct ha_session *session, ha_operation run, void *context,
                        struct ha_err *err);
// What a worker does: SIGN, DECRYPT or DERIVE with worker's number index, appending the result to out (empty).
enum ha_code ha_operate_worker(struct ha_p11 *token, size_t index, const struct ha_packet *question, struct ha_buf *out,
                               struct ha_err *err);
