// SPDX-License-Identifier: Apache-2.0
// A configured token as the daemon sees it: a supervised child process and the questions it answers. Thread-safe.
//
// A thread of its own starts the child, watches it, and starts it again when it died: at once after it had been ready,
// with a growing pause when it can't start, and not again when the token refused the PIN (another try could lock the
// token) until ha_token_retry.
#pragma once

#include "base/buf.h"
#include "base/log.h"
#include "channel/packet.h"
#include "channel/spawn.h"
#include "config/config.h"
#include "crypto/alg.h"

struct ha_token;

struct ha_token_host {
    const char *program;               // path of hsm-agent-token; borrowed for the token's life
    const struct ha_spawner *spawner;  // starts it; borrowed; NULL: this process does it itself
    const char
        *state_dir;  // where records of refused PINs are kept; borrowed until ha_token_new returns; NULL: nowhere
    const struct ha_log *log;  // borrowed
    void *context;
    // Called from the supervisor's thread each time the token became ready, after requests are served again. A failure
    // counts as a failed start.
    enum ha_code (*ready)(void *context, struct ha_token *token, struct ha_err *err);
};

enum ha_token_state { HA_TOKEN_STARTING, HA_TOKEN_READY, HA_TOKEN_DOWN, HA_TOKEN_PIN_REFUSED, HA_TOKEN_STOPPED };
const char *ha_token_state_name(enum ha_token_state state);

struct ha_token_status {
    enum ha_token_state state;
    unsigned restarts;  // children started after the first
    unsigned faulty;    // signatures that didn't verify and weren't sent
    pid_t pid;          // of the child; 0: none
    struct ha_err err;  // why it isn't ready
    char label[64], serial[64], model[128];
    uint8_t ways[HA_ALG_COUNT];  // enum ha_way; all HA_WAY_NONE until it was ready once
};

// config is borrowed for the token's life. Starts the supervisor.
enum ha_code ha_token_new(const struct ha_token_config *config, const struct ha_token_host *host,
                          struct ha_token **ret_token, struct ha_err *err);
// Begins to end the child: what is asked of the token, now or later, fails with HA_E_STOPPING.
void ha_token_stop(struct ha_token *token);
// Lets a token that is down or whose PIN was refused be started at once. A PIN that is on record as refused isn't tried
// again by that; a corrected one is.
void ha_token_retry(struct ha_token *token);
// The same after forgetting the record of refused PINs: an operator says that the PIN is right. Waits until the start
// has come to an end, or until deadline_ms. HA_E_IO: the record can't be removed.
enum ha_code ha_token_unlock(struct ha_token *token, int64_t deadline_ms, struct ha_err *err);
// Ends the child and the supervisor. No thread may use the token any more.
void ha_token_free(struct ha_token *token);
const struct ha_token_config *ha_token_config(const struct ha_token *token);

// Waits until the first start has come to an end, good or bad, and `ready` has returned.
void ha_token_wait_first(struct ha_token *token);
void ha_token_status(struct ha_token *token, struct ha_token_status *ret_status);
enum ha_way ha_token_way(struct ha_token *token, enum ha_alg alg);

size_t ha_token_waiting(struct ha_token *token);  // requests that wait for a session now

// For whom something is asked. One request's, whatever it asks.
struct ha_caller {
    uid_t uid;          // sessions are shared out between users first, then between requests
    int64_t start_ms;   // a point of ha_now_ms: the token's deadline-ms count from here
    unsigned limit_ms;  // not 0: shortens them
    unsigned cpu;       // where the thread that asks is bound to; HA_CPU_ANY
    pid_t run;          // not 0: the one process of the token that may do it (ha_token_outstanding)
};

// One operation of a batch. The caller fills question (SIGN, DECRYPT, DERIVE) and perhaps caller; the rest is the
// answer.
struct ha_exchange {
    struct ha_packet question;       // parts are borrowed until the call returns
    const struct ha_caller *caller;  // borrowed likewise, the same for the whole batch; NULL: nobody's, as of now
    struct ha_buf output;            // the answer's first part; the caller clears it
    enum ha_code code;
    struct ha_err err;  // when code isn't HA_OK
    unsigned tries;     // internal, as is next: in the same datagram, or to be sent once more
    struct ha_exchange *next;
};

// Does n operations, spread over the sessions that are free (at least one: waits for its turn). One session may get
// several at once (bundle.h), which are under way together. All of them end at the request's deadline, whether they
// waited or were under way: HA_E_DEADLINE. HA_E_BUSY: so many wait already that there is no room. A child that works on
// what it got at once for longer than deadline-ms is killed. Operations under way in a child that died are tried again
// in the next one, twice at most; those of a caller with a run fail with HA_E_TOKEN_DOWN as soon as that process is
// gone. Returns when each item has its code.
void ha_token_exchange(struct ha_token *token, struct ha_exchange *const *items, size_t n);

// What one chooses by among several tokens: how many operations this one works on and how many wait for their turn.
// run: the process that does them. False: there is none at present.
bool ha_token_outstanding(struct ha_token *token, unsigned *ret_outstanding, pid_t *ret_run);

// One question on the control channel: LIST, GENERATE, DESTROY. Waits for its turn. Never tried again. deadline_ms is a
// point of ha_now_ms; a child that misses it is killed. answer (may be NULL) gets a copy of the answer's first part.
enum ha_code ha_token_control(struct ha_token *token, const struct ha_packet *question, int64_t deadline_ms,
                              void (*object)(void *context, const struct ha_packet *object), void *context,
                              struct ha_buf *answer, struct ha_err *err);
