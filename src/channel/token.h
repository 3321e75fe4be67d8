// SPDX-License-Identifier: Apache-2.0
// A configured token as the daemon sees it: a supervised child process and the questions it answers. Thread-safe.
//
// A thread of its own starts the child, watches it, and starts it again when it died: at once after it had been ready,
// with a growing pause when it can't start, and when the token refused the PIN (another try could lock the token) only
// when asked to.
#pragma once

#include "base/buf.h"
#include "base/log.h"
#include "channel/packet.h"
#include "config/config.h"
#include "crypto/alg.h"

struct ha_token;

struct ha_token_host {
    const char *program;       // path of hsm-agent-token; borrowed for the token's life
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
    pid_t pid;          // of the child; 0: none
    struct ha_err err;  // why it isn't ready
    char label[64], serial[64], model[128];
    uint8_t ways[HA_ALG_COUNT];  // enum ha_way; all HA_WAY_NONE until it was ready once
};

// config is borrowed for the token's life. Starts the supervisor.
enum ha_code ha_token_new(const struct ha_token_config *config, const struct ha_token_host *host,
                          struct ha_token **ret_token, struct ha_err *err);
// Asks a token that refused the PIN to read it and try again; does nothing in any other state.
void ha_token_retry(struct ha_token *token);
// Begins to end the child: what is asked of the token, now or later, fails with HA_E_STOPPING.
void ha_token_stop(struct ha_token *token);
// Ends the child and the supervisor. No thread may use the token any more.
void ha_token_free(struct ha_token *token);
const struct ha_token_config *ha_token_config(const struct ha_token *token);

// Waits until the first start has come to an end, good or bad, and `ready` has returned.
void ha_token_wait_first(struct ha_token *token);
void ha_token_status(struct ha_token *token, struct ha_token_status *ret_status);
enum ha_way ha_token_way(struct ha_token *token, enum ha_alg alg);

// One operation of a batch. The caller fills question (SIGN, DECRYPT, DERIVE); the rest is the answer.
struct ha_exchange {
    struct ha_packet question;  // parts are borrowed until the call returns
    struct ha_buf output;       // the answer's first part; the caller clears it
    enum ha_code code;
    struct ha_err err;  // when code isn't HA_OK
    unsigned tries;     // internal
};

// Does n operations, spread over the sessions that are free (at least one: waits for it until deadline-ms from now).
// Each operation has deadline-ms from when it was sent; a child that misses it is killed. Operations under way in a
// child that died are tried again in the next one, twice at most. Returns when each item has its code.
void ha_token_exchange(struct ha_token *token, struct ha_exchange *const *items, size_t n);

// One question on the control channel: LIST, GENERATE, DESTROY. Waits for its turn. Never tried again. deadline_ms is a
// point of ha_now_ms; a child that misses it is killed. answer (may be NULL) gets a copy of the answer's first part.
enum ha_code ha_token_control(struct ha_token *token, const struct ha_packet *question, int64_t deadline_ms,
                              void (*object)(void *context, const struct ha_packet *object), void *context,
                              struct ha_buf *answer, struct ha_err *err);
