// SPDX-License-Identifier: Apache-2.0
// Answers to the daemon, and the failures after which the process ends.
#pragma once

#include "base/err.h"
#include "channel/packet.h"

// Sends answer (its parts are set when err->code is HA_OK) with the question's op and serial; carries err otherwise.
// HA_E_TOKEN_DOWN: the daemon is gone.
enum ha_code ha_reply(int fd, const struct ha_packet *question, struct ha_packet *answer, const struct ha_err *err);
// Ends the process, at once, after a failure that only a new process can cure or that nobody may try again; otherwise
// returns. Called after the answer was sent.
void ha_reply_end_after(const struct ha_err *err);
