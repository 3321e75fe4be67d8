// SPDX-License-Identifier: Apache-2.0
// What the child takes away from itself before vendor code runs in it.
#pragma once

#include "base/err.h"

// No core dumps, not dumpable (so /proc/PID/mem and ptrace are for root only), no new privileges, umask 077; SIGPIPE,
// SIGINT and SIGTERM are ignored: a Ctrl-C reaches the whole process group of a terminal and must not kill the child
// before the daemon has drained; the child ends when its control channel does.
enum ha_code ha_harden(struct ha_err *err);
// Some modules change the disposition of SIGPIPE in C_Initialize.
void ha_harden_signals(void);
// From here on the child is killed when the daemon dies, also while the module hangs. HA_E_TOKEN_DOWN: it died already
// (control is at its end). Not done earlier, because a kill amid a PIN prompt would leave the terminal without echo.
enum ha_code ha_harden_follow_parent(int control, struct ha_err *err);
