// SPDX-License-Identifier: Apache-2.0
// The listening sockets with their HTTP servers, through reloads. Used by one thread.
//
// A socket is known by its path. One that stays keeps its descriptor and its connections; its owner, its mode, and
// whether it is for administrators are changed under them. One that goes loses its name first, then takes who knocked
// before; each connection ends with its next reply, or after drain-ms if there is none.
#pragma once

#include "agentd/inherit.h"
#include "agentd/snapshot.h"
#include "base/affinity.h"

struct ha_doors;

// Borrows snapshots, from which each request takes what it works with, inherited, from which a socket is taken before
// one is made, exes, which reads callers' executables (NULL: this process does), affinity (NULL: the scheduler decides),
// and log.
enum ha_code ha_doors_new(struct ha_snapshots *snapshots, struct ha_inherited *inherited,
                          const struct ha_exe_reader *exes, struct ha_affinity *affinity, const struct ha_log *log,
                          struct ha_doors **ret_doors, struct ha_err *err);
// Makes and changes the sockets that config wants; what it doesn't want stays until ha_doors_commit. On failure all is
// as it was before.
enum ha_code ha_doors_prepare(struct ha_doors *doors, struct ha_config *config, struct ha_err *err);
// Begins to answer at those that were made: a snapshot is in force. On failure the caller reverts.
enum ha_code ha_doors_open(struct ha_doors *doors, struct ha_err *err);
// The configuration that was prepared is in force, and what it doesn't want goes; or it isn't, and what was made for it
// goes.
void ha_doors_commit(struct ha_doors *doors);
void ha_doors_revert(struct ha_doors *doors);

// Goes on with what is going. True: something still is.
bool ha_doors_step(struct ha_doors *doors);
// Whether a socket's path is still held by one that goes; ha_doors_prepare would find it taken.
bool ha_doors_leave_paths(const struct ha_doors *doors);

// As ha_http_server_drain, _wait and _pending, of all of them.
void ha_doors_drain(struct ha_doors *doors);
bool ha_doors_wait(struct ha_doors *doors, int64_t deadline_ms);
unsigned ha_doors_pending(struct ha_doors *doors);
void ha_doors_free(struct ha_doors *doors);  // closes every connection and joins every thread
