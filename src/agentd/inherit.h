// SPDX-License-Identifier: Apache-2.0
// Listening sockets that the service manager made (socket activation, sd_listen_fds(3)).
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <stddef.h>

struct ha_inherited {
    struct {
        int fd;      // -1: taken
        char *path;  // it is bound to
    } * sockets;
    size_t n;
};

// What LISTEN_PID and LISTEN_FDS promise this process, if they do; both go from the environment. HA_E_CONFIG: one isn't
// a listening Unix stream socket with a path. Once, before there are threads.
enum ha_code ha_inherit(struct ha_inherited *ret_inherited, struct ha_err *err);
// The descriptor of the socket at that path, which is the caller's from now on; -1: there is none.
int ha_inherited_take(struct ha_inherited *inherited, const char *path);
// The path of one that nobody took; NULL: there is none.
const char *ha_inherited_left(const struct ha_inherited *inherited);
void ha_inherited_clear(struct ha_inherited *inherited);  // closes those that nobody took
HA_AUTO_DEFINE_CLEAR(struct ha_inherited, ha_inherited_clear)
