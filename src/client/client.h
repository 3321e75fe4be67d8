// SPDX-License-Identifier: Apache-2.0
// Calls the agent: HTTP/1.1 requests over kept Unix connections. No threads, no signals, no globals, no locks, never
// exits.
//
// Any number of threads may make calls with one client at one time; each call has a connection for itself. After fork,
// setuid and setgid connections are made anew (client/pool.h).
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "client/conn.h"

struct ha_client;

// socket_path: NULL takes HSM_AGENT_SOCKET from the environment (unless the program is set-user-id), then the built-in
// default (HA_RUNSTATEDIR "/hsm-agent/agent.sock"). timeout_ms bounds each call. Connects at the first call.
enum ha_code ha_client_new(const char *socket_path, int timeout_ms, struct ha_client **ret_client, struct ha_err *err);
// Waits with that function from now on; to be said before the first call. NULL: poll.
void ha_client_set_wait(struct ha_client *client, ha_conn_wait *wait, void *context);
void ha_client_free(struct ha_client *client);
HA_AUTO_DEFINE(struct ha_client, ha_client_free)
const char *ha_client_socket(const struct ha_client *client);

struct ha_call {
    const char *method;         // GET, POST, PUT, DELETE
    const char *path;           // with its query, ready for the request line: visible ASCII only
    const char *if_none_match;  // NULL: not sent
    const void *body;           // NULL: none
    size_t body_len;
};

// ret_status and ret_body (appended) are set whenever an HTTP answer came. A status of 400 and above becomes an err
// made of the problem document (code, detail, hint, pointer, token's function and rv). A connection that was kept and
// proves dead before an answer's first byte is replaced once. HA_E_AGENT with a remedy when the agent can't be reached
// (no socket, refused, permission, not an agent); HA_E_DEADLINE after timeout_ms.
enum ha_code ha_client_call(struct ha_client *client, const struct ha_call *call, unsigned *ret_status,
                            struct ha_buf *ret_body, struct ha_err *err);
