// SPDX-License-Identifier: Apache-2.0
// A ha_token over the fake child, in a temporary directory.
#pragma once

#include "channel/token.h"

struct fake {
    char directory[64];
    char environment[96];
    char *environment_items[1];
    struct ha_token_config config;
    struct ha_log log;
    struct ha_token_host host;
};

// Prepares everything for ha_token_new(&fake->config, &fake->host, ...). ready: what the host does when the token is
// ready.
void fake_init(struct fake *fake, enum ha_code (*ready)(void *context, struct ha_token *token, struct ha_err *err),
               void *context);
void fake_clear(struct fake *fake);  // removes the directory
void fake_mode(const struct fake *fake, const char *mode);
void fake_objects(const struct fake *fake, const char *lines);
