// SPDX-License-Identifier: Apache-2.0
// The tokens of the configuration in force, and those on their way in and out. Used by one thread, beside the tokens'
// own supervisors.
//
// A token whose section is unchanged stays as it is. A changed one is a new token beside the old: it starts, its keys
// are bound to it, and only then is it the one that requests get; until it is ready the old one goes on. One that goes
// away is ended when no request can hold it any more.
//
// What changes here, changes under a lock that a supervisor holds while keys are bound to its token.
#pragma once

#include "agentd/snapshot.h"

struct ha_tokens;

// Borrows program (of hsm-agent-token), what starts it (NULL: this process), keys, limits, pairs, log and snapshots.
enum ha_code ha_tokens_new(const char *program, const struct ha_spawner *spawner, struct ha_keys *keys,
                           struct ha_limits *limits, struct ha_pairs *pairs, struct ha_snapshots *snapshots,
                           const struct ha_log *log, struct ha_tokens **ret_tokens, struct ha_err *err);

// False: keys are being bound, try again later. What follows needs the lock.
bool ha_tokens_lock(struct ha_tokens *tokens);
void ha_tokens_unlock(struct ha_tokens *tokens);
// Starts what config wants and isn't there. On failure all is as it was before.
enum ha_code ha_tokens_prepare(struct ha_tokens *tokens, struct ha_config *config, struct ha_err *err);
// The configuration that was prepared is in force, a snapshot of it published, and what it doesn't want goes; a token
// that was refused its PIN tries again. Or it isn't, and what was started goes.
enum ha_code ha_tokens_commit(struct ha_tokens *tokens, struct ha_err *err);
void ha_tokens_revert(struct ha_tokens *tokens);
// Goes on with what is going. True: something still is, or a new token isn't ready yet.
bool ha_tokens_step(struct ha_tokens *tokens);
// Whether each new token's start has come to an end, good or bad.
bool ha_tokens_settled(struct ha_tokens *tokens);

// These need no lock.
void ha_tokens_wait_first(struct ha_tokens *tokens);  // for the first start of each
void ha_tokens_stop(struct ha_tokens *tokens);        // begins to end all of them
void ha_tokens_free(struct ha_tokens *tokens);        // no request is under way any more
