// SPDX-License-Identifier: Apache-2.0
// How a token's process is started: what it is told, and by whom.
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "config/config.h"

#include <stdbool.h>
#include <sys/types.h>

// A command line and an environment, both ended by NULL. Cleared by ha_command_clear.
struct ha_command {
    char **argv;  // argv[0] is the program's path
    size_t n;
    char **environment;  // the array is owned, the strings are the configuration's
    size_t n_environment;
};
void ha_command_clear(struct ha_command *command);
HA_AUTO_DEFINE_CLEAR(struct ha_command, ha_command_clear)

// Starts programs for a process that mustn't. Thread-safe; the program becomes the calling process's child.
struct ha_spawner {
    // control becomes descriptor 3 of the program; the others are /dev/null, and standard error twice.
    enum ha_code (*spawn)(void *context, const struct ha_command *command, int control, pid_t *ret_pid,
                          struct ha_err *err);
    void *context;
};

// What the process of the token that config describes is told; config outlives the command. pin_guard: the path of its
// record of refused PINs; NULL: none.
enum ha_code ha_command_of_token(const char *program, const struct ha_token_config *config, const char *pin_guard,
                                 bool log_json, struct ha_command *ret_command, struct ha_err *err);
// That path, to be freed; its directory need not be there.
enum ha_code ha_command_pin_guard(const char *state_dir, const char *token, char **ret_path, struct ha_err *err);
// Starts the program as the spawner would, without one.
enum ha_code ha_command_spawn(const struct ha_command *command, int control, pid_t *ret_pid, struct ha_err *err);
