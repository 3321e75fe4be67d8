// SPDX-License-Identifier: Apache-2.0
// Processes that `hsm-agent dev` and `hsm-agent token` start, watch and end, and the signals meanwhile and at prompts.
// For a program with one thread.
#pragma once

#include "base/err.h"

#include <signal.h>
#include <sys/types.h>

// The signals that ask us to end or are passed on, blocked and readable from a descriptor.
struct ha_dev_signals {
    int fd;
    sigset_t before;  // the mask that was, and that children get
};
enum ha_code ha_dev_signals_take(struct ha_dev_signals *ret_signals, struct ha_err *err);
void ha_dev_signals_restore(struct ha_dev_signals *signals);
HA_AUTO_DEFINE_CLEAR(struct ha_dev_signals, ha_dev_signals_restore)
// The next signal that came; 0: none. ret_from_terminal: the whole foreground process group got it.
int ha_dev_signals_next(const struct ha_dev_signals *signals, bool *ret_from_terminal);

struct ha_dev_start {
    const char *const *argv;         // argv[0]: path, or a name to look for in PATH
    const char *const *environment;  // "NAME=value", NULL-terminated, added
    bool only_environment;           // instead of what there was
    bool daemon;                     // a session of its own, /dev/null as stdin, SIGTERM when dev dies
    int in;                          // becomes stdin, unless daemon; 0: as it is
    int out, err;                    // become stdout and stderr; -1: as they are
};

struct ha_dev_child {
    pid_t pid;
    int pidfd;   // readable when the child has ended; -1: not started, or reaped
    int status;  // once it was reaped: its exit status, 128 and the signal's number, 127 not found, 126 can't be run
};
// A child whose program can't be run says so on its stderr and ends with 127 or 126.
enum ha_code ha_dev_child_start(const struct ha_dev_start *start, const struct ha_dev_signals *signals,
                                struct ha_dev_child *ret_child, struct ha_err *err);
void ha_dev_child_signal(const struct ha_dev_child *child, int signal);
// Waits until it ends, for ever.
void ha_dev_child_reap(struct ha_dev_child *child);
// SIGTERM, and SIGKILL after grace_ms; then reaps it. Nothing when it isn't running.
void ha_dev_child_stop(struct ha_dev_child *child, int grace_ms);
// Stops it at once.
void ha_dev_child_clear(struct ha_dev_child *child);
HA_AUTO_DEFINE_CLEAR(struct ha_dev_child, ha_dev_child_clear)
