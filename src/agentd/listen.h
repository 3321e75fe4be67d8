// SPDX-License-Identifier: Apache-2.0
// A listening Unix socket with the owner and mode configured. A stale socket is replaced only under a lock held by us,
// a live one never.
#pragma once

#include "base/err.h"
#include "config/config.h"

struct ha_listen;

// Takes PATH.lock, makes the socket as PATH.new, sets owner and mode, listens, renames it over PATH. The umask counts
// for nothing and isn't touched. HA_E_CONFLICT: another process holds the lock, a live socket or something else stands
// there; HA_E_IO: the directory is missing or closed to us, or the owner can't be set.
enum ha_code ha_listen_new(const struct ha_listen_config *config, int backlog, struct ha_listen **ret_listen,
                           struct ha_err *err);
// A socket that the service manager made, with owner and mode as it says: the descriptor is the listener's from now on,
// its name is not.
enum ha_code ha_listen_adopt(int fd, struct ha_listen **ret_listen, struct ha_err *err);
int ha_listen_fd(const struct ha_listen *listen);
// Gives the socket the owner and mode of config, whose path doesn't matter; not one that was adopted. Unset: what it
// had when it was made. HA_E_IO; HA_E_CONFLICT: what stands at the path isn't our socket any more.
enum ha_code ha_listen_set_access(struct ha_listen *listen, const struct ha_listen_config *config, struct ha_err *err);
// Removes the socket's name (if it is still ours), so that nobody can connect any more.
void ha_listen_unlink(struct ha_listen *listen);
// Removes the socket (if it is still ours) and the lock file, closes both.
void ha_listen_free(struct ha_listen *listen);
HA_AUTO_DEFINE(struct ha_listen, ha_listen_free)
