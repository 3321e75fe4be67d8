// SPDX-License-Identifier: Apache-2.0
// Answers to the daemon, and the failures after which the process ends.
#pragma once

#include "base/err.h"
#include "channel/packet.h"

// Makes answer (its parts are set when err->code is HA_OK) one to that question; it carries err otherwise, and points
// into it.
void ha_reply_make(const struct ha_packet *question, struct ha_packet *answer, const struct ha_err *err);
// Sends n of them (1 to HA_PACKET_ITEMS_MAX) in one datagram. Those that are too large for it become HA_E_TOO_LARGE.
// HA_E_TOKEN_DOWN: the daemon is gone.
enum ha_code ha_reply_several(int fd, struct ha_packet *answers, size_t n);
// Both, for one.
enum ha_code ha_reply(int fd, const struct ha_packet *question, struct ha_packet *answer, const struct ha_err *err);
// Whether that is a failure that only a new process can cure or that nobody may try again.
bool ha_reply_is_last(const struct ha_err *err);
// Ends the process, at once, after such a failure; otherwise returns. Called after the answer was sent.
void ha_reply_end_after(const struct ha_err *err);
