// SPDX-License-Identifier: Apache-2.0
// Running an operation, and again where a failure may be cured: at most twice, each time after the next rung of the
// ladder.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;
struct ha_session;

typedef enum ha_code (*ha_operation)(struct ha_p11 *token, struct ha_session *session, void *context,
                                     struct ha_err *err);

#define HA_OPERATE_HELD ((size_t)-1)

// On the session of the worker with that index, or the held one. An operation that fails must not have left anything
// behind in its context. HA_E_TOKEN_DOWN: only a new process can help.
enum ha_code ha_operate(struct ha_p11 *token, size_t index, ha_operation run, void *context, struct ha_err *err);
// Whether an answer with that error is worth another sending of the question.
bool ha_operate_again(const struct ha_err *err);
// What a worker does: SIGN, DECRYPT or DERIVE with worker's number index, appending the result to out (empty).
enum ha_code ha_operate_worker(struct ha_p11 *token, size_t index, const struct ha_packet *question, struct ha_buf *out,
                               struct ha_err *err);
