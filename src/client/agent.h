// SPDX-License-Identifier: Apache-2.0
// What the functions of hsm-agent/client.h have in common. Thread-safe.
#pragma once

// The library hides what isn't declared there.
#pragma GCC visibility push(default)
#include "hsm-agent/client.h"
#pragma GCC visibility pop

#include "base/json.h"
#include "client/client.h"

struct hsm_agent {
    struct ha_client *client;
};

// An answer that isn't a refusal.
struct ha_agent_answer {
    unsigned status;  // 0: none came
    struct ha_buf text;
    ha_json *json;
};
void ha_agent_answer_clear(struct ha_agent_answer *answer);
HA_AUTO_DEFINE_CLEAR(struct ha_agent_answer, ha_agent_answer_clear)

// Writes err, with status, for the library's caller, who may have given NULL. Returns 0 for HA_OK, else -1.
int ha_agent_report(const struct ha_err *err, unsigned status, struct hsm_agent_error *ret_error);

// Asks at /v1/keys/KEY and tail; body NULL: GET, else POST. Fails when the answer isn't a JSON object. ret_answer,
// empty before, has the status of a refusal too.
enum ha_code ha_agent_ask_key(hsm_agent *agent, const char *key, const char *tail, const struct ha_buf *body,
                              struct ha_agent_answer *ret_answer, struct ha_err *err);
// Appends the base64url member of object (NULL: absent) to out.
enum ha_code ha_agent_bytes(const ha_json *object, const char *name, struct ha_buf *out, struct ha_err *err);
