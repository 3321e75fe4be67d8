// SPDX-License-Identifier: Apache-2.0
// The whole API over the fake token, without sockets. The user 4711 may do everything with the keys mine*, sign data
// with ES256 and the key data, see the key seen, and knows nothing of the key hidden.
#pragma once

#include "fake.h"

#include "api/api.h"
#include "base/json.h"

struct api_rig {
    struct fake fake;
    char state_dir[96];
    struct ha_config config;
    struct ha_listen_config listen;
    struct ha_client_config client;
    struct ha_allow allows[3];
    uid_t uid;
    struct ha_token *token;
    struct ha_api api;
    struct ha_principal principal;
    const char *request_timeout;  // the header of the requests that follow; NULL: none
};

int api_rig_setup(void **state);  // a struct api_rig
int api_rig_teardown(void **state);

// Asks, and returns the status; the reply's JSON is parsed into ret_json.
unsigned api_rig_ask(struct api_rig *rig, bool admin, const char *method, const char *path, const char *body,
                     ha_json **ret_json);
// Asks as a client and expects that status, and that code unless it is NULL.
void api_rig_expect(struct api_rig *rig, const char *method, const char *path, const char *body, unsigned status,
                    const char *code);
