// SPDX-License-Identifier: Apache-2.0
// A key's file: STATE-DIR/keys/NAME.json, or NAME@N.json of version N from 2 on, small, readable, written atomically.
// Nothing in it is secret.
#pragma once

#include "base/err.h"
#include "keys/key.h"

struct ha_store {
    char *directory;  // STATE-DIR/keys
    int lock_fd;      // STATE-DIR/lock: one daemon a state directory
};

// Makes the directories (0700) and takes the lock; HA_E_CONFLICT when another daemon has it.
enum ha_code ha_store_open(const char *state_dir, struct ha_store *ret_store, struct ha_err *err);
void ha_store_close(struct ha_store *store);

enum ha_code ha_store_write(const struct ha_store *store, const struct ha_key *key, struct ha_err *err);
enum ha_code ha_store_remove(const struct ha_store *store, const struct ha_key *key, struct ha_err *err);
// Reads every key's file, and removes what a killed process had not finished writing. take gets the ownership of each
// key; trouble hears of each file that can't be read, and reading goes on: one damaged file must not take the other
// keys down.
enum ha_code ha_store_load(const struct ha_store *store, void *context, void (*take)(void *context, struct ha_key *key),
                           void (*trouble)(void *context, const char *path, const struct ha_err *err),
                           struct ha_err *err);
