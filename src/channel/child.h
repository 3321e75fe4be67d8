// SPDX-License-Identifier: Apache-2.0
// One run of a token's child process: started by exec, reached through its channels, ended by closing them or by a
// kill.
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "channel/packet.h"
#include "channel/token.h"
#include "config/config.h"
#include "crypto/alg.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

// A PKCS#11 session's worth of connection to the child. Owned by one thread while it is on loan.
// How long ha_packet_recv waits at a channel's daemon's end before it gives up: HA_E_DEADLINE.
#define HA_CHANNEL_PATIENCE_MS 100

struct ha_channel {
    int fd;
    struct ha_packet_buffer *buffer;
    struct ha_child *child;
    struct ha_channel *next;  // in whatever list it is while it isn't on loan to a request
    int64_t hung_ms;          // for the minder: when the child counts as hanging
    unsigned cpu;             // where its worker was told to run; HA_CPU_ANY
    uint64_t serial;          // of the last question
    size_t n_free, n_lent;    // how many of them there were when it was lent: free, and lent with it
};

struct ha_child {
    pid_t pid;
    int pidfd;    // -1: the kernel has none
    int control;  // our end of descriptor 3
    int cancel;   // borrowed; readable when nobody wants to wait any more
    struct ha_packet_buffer *control_buffer;
    struct ha_channel *channels;
    size_t n_channels;
    size_t loans;  // channels out on loan; the pool's lock guards it
    bool retired;  // no more loans; freed with the last one's return
    bool reaped;
    atomic_bool useful;          // something came of a question
    struct ha_err why;           // it gave up, and said this; the pool's lock guards it
    uint8_t ways[HA_ALG_COUNT];  // enum ha_way, as the child found out
    char label[64], serial[64], model[128];
};

// Starts the host's program for the token and hands the worker channels over; returns when the child is logged in and
// ready, or has said why not, or deadline_ms has passed, or cancel (a descriptor, borrowed for the child's life;
// HA_E_STOPPING) is readable, which also ends the waiting for answers on the control channel. Blocks; called from the
// thread that lives as long as the child may. On failure ret_status is how the child ended, as ha_child_end tells it.
// pin_guard: the path of its record of refused PINs; NULL: it keeps none.
enum ha_code ha_child_start(const struct ha_token_host *host, const struct ha_token_config *config,
                            const char *pin_guard, int cancel, int64_t deadline_ms, struct ha_child **ret_child,
                            int *ret_status, struct ha_err *err);
// One question on the control channel; answers that are HA_OP_OBJECT go to object (NULL: none are expected), the last
// one to ret_answer, whose parts live in child->control_buffer. One thread at a time: the caller holds the token's
// control lock.
enum ha_code ha_child_control(struct ha_child *child, const struct ha_packet *question, int64_t deadline_ms,
                              void (*object)(void *context, const struct ha_packet *object), void *context,
                              struct ha_packet *ret_answer, struct ha_err *err);
// What poll(2) is to wait for, to be told of the child's end.
struct pollfd ha_child_watch(const struct ha_child *child);
void ha_child_kill(const struct ha_child *child);  // SIGKILL; harmless when it is gone
// Closes the control channel, waits grace_ms for the child to end by itself, kills it otherwise, and reaps it. Returns
// the exit status (128 + signal for a signal).
int ha_child_end(struct ha_child *child, int grace_ms);
void ha_child_free(struct ha_child *child);  // ended and without loans; NULL is fine
