// SPDX-License-Identifier: Apache-2.0
// A private SoftHSM token and a real child process on it, asked over its channels. What goes wrong in the rig itself
// aborts the test program with a message.
#pragma once

#include "base/err.h"
#include "channel/packet.h"
#include "crypto/alg.h"
#include "crypto/pubkey.h"
#include "token/options.h"
#include "token_fault.h"

#include <sys/types.h>

#define RIG_WORKERS_MAX 16
#define RIG_PIN         "marker-7319-pin"
#define RIG_SO_PIN      "marker-5520-so"
#define RIG_LABEL       "rig"

struct rig {
    char dir[64];                 // removed by rig_clear
    struct fault_shared *faults;  // all zero after rig_init
    struct ha_packet_buffer *buffer;
    pid_t pid;  // 0: no child
    int control;
    int worker[RIG_WORKERS_MAX];
    size_t n_workers;
    char serial[64];             // the token's
    uint8_t ways[HA_ALG_COUNT];  // of the last START
};

struct rig_options {
    const char *uri;  // NULL: the rig's token
    const char *pin;  // NULL: file:DIR/pin
    bool no_pin;
    bool guard;         // the record of refused PINs is DIR/guard
    bool plain_module;  // SoftHSM itself instead of the fault module
    bool software_oaep;
    const char *module_args;  // NULL: none
    unsigned sessions;        // 0: 2
};

void rig_init(struct rig *rig);   // makes the token with `hsm-agent-token --init`
void rig_clear(struct rig *rig);  // stops the child too
const char *rig_program(void);
const char *rig_softhsm(void);  // the module's path
// DIR/name, in a buffer of the rig's until the next call.
void rig_path(const struct rig *rig, const char *name, char ret_path[static 128]);
void rig_write(const struct rig *rig, const char *name, const char *text, mode_t mode);
// Runs a program to its end; *ret_output (NULL: not wanted) is malloc'ed standard output. Returns the exit status.
int rig_run(const struct rig *rig, const char *const *argv, char **ret_output);

// Starts the child without a word to it.
void rig_spawn(struct rig *rig, const struct rig_options *options);
// Sends START with the worker channels, as many as options say.
enum ha_code rig_start(struct rig *rig, struct ha_err *err);
// rig_spawn and rig_start, which must succeed.
void rig_up(struct rig *rig, const struct rig_options *options);
int rig_stop(struct rig *rig);  // closes the channels; the exit status, -signal for a signal
int rig_wait(struct rig *rig);  // for a child that ends by itself

// One question, one answer; the answer's parts live in rig->buffer until the next one.
enum ha_code rig_ask(struct rig *rig, int fd, struct ha_packet *question, struct ha_packet *ret_answer,
                     struct ha_err *err);
// A new key, which must succeed. id is a C string.
struct ha_pubkey *rig_key(struct rig *rig, const char *id, enum ha_key_type type, unsigned purposes);
enum ha_code rig_use(struct rig *rig, size_t worker, enum ha_op op, enum ha_alg alg, const char *id,
                     const struct ha_pubkey *key, struct ha_part input, struct ha_packet *ret_answer,
                     struct ha_err *err);
