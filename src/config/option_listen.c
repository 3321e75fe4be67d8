// SPDX-License-Identifier: Apache-2.0
// The options of [listen NAME]: its sockets.
#include "config/option_tables.h"

static const struct ha_option options[] = {
    {.name = "socket",
     .type = HA_OPTION_SOCKET,
     .required = true,
     AT(ha_listen_config, socket),
     .value = "PATH",
     .help = "Where the Unix socket is made; 102 bytes at most. PATH.lock is held while the agent runs."},
    {.name = "user",
     .type = HA_OPTION_USER,
     AT(ha_listen_config, user),
     .id_offset = offsetof(struct ha_listen_config, uid),
     .value = "USER",
     .help = "The socket's owner, by name or number. Unset: the user that the agent runs as."},
    {.name = "group",
     .type = HA_OPTION_GROUP,
     AT(ha_listen_config, group),
     .id_offset = offsetof(struct ha_listen_config, gid),
     .value = "GROUP",
     .help = "The socket's group, by name or number: with the mode 0660, who may knock. Unset: the agent's own group."},
    {.name = "mode",
     .type = HA_OPTION_MODE,
     .fallback = "0660",
     AT(ha_listen_config, mode),
     .value = "OCTAL",
     .help = "The socket's permissions. To connect, a program needs to be able to write."},
    {.name = "admin",
     .type = HA_OPTION_BOOL,
     .fallback = "no",
     AT(ha_listen_config, admin),
     .value = "yes|no",
     .help =
         "Whether keys may be created, adopted and deleted, and tokens unlocked, over this socket. Clients need the "
         "operation granted as well."},
};
static_assert(HA_ARRAY_SIZE(options) <= HA_OPTIONS_MAX, "they fit");

const struct ha_options ha_options_listen = {options, HA_ARRAY_SIZE(options)};
