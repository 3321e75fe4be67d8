// SPDX-License-Identifier: Apache-2.0
// When each key was last used, kept over restarts. Thread-safe but for struct ha_last_use, which is one thread's.
//
// A use costs an atomic store at most once a second; the file is written by whoever calls ha_last_use_save, so a crash
// loses what came after the last one.
#pragma once

#include "keys/keys.h"

// Notes that the key did something now.
void ha_last_use_note(struct ha_key *key);
// Seconds since 1970; 0: it isn't known to have been used.
int64_t ha_last_use(const struct ha_key *key);

struct ha_last_use {
    char *path;           // STATE-DIR/last-use.json
    struct ha_buf saved;  // what the file has
};
// Gives the keys what the file says; one that isn't there says nothing. On failure the keys have what could be read,
// and ret_last_use can be used: the next saving writes the file anew. HA_E_MEMORY leaves it zeroed.
enum ha_code ha_last_use_open(const char *state_dir, struct ha_keys *keys, struct ha_last_use *ret_last_use,
                              struct ha_err *err);
// Writes the file when something has changed.
enum ha_code ha_last_use_save(struct ha_last_use *last_use, struct ha_keys *keys, struct ha_err *err);
void ha_last_use_clear(struct ha_last_use *last_use);
HA_AUTO_DEFINE_CLEAR(struct ha_last_use, ha_last_use_clear)
