// SPDX-License-Identifier: Apache-2.0
// A connection to a Unix stream socket whose every step has a deadline. Thread-safe.
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

// Instead of poll(2); the contract is that of hsm_agent_wait in hsm-agent/client.h.
typedef int ha_conn_wait(void *context, int fd, int for_write, int timeout_ms);

struct ha_conn_limit {
    int64_t deadline_ms;  // a point of ha_now_ms
    ha_conn_wait *wait;   // NULL: poll
    void *context;        // of wait
};

// Connects; ret_fd is non-blocking and close-on-exec. HA_E_AGENT with a remedy when nobody can be reached there,
// HA_E_DEADLINE when nobody takes the connection in time: as long as the other end's backlog is full this sleeps, since
// there is nothing that wait could wait for.
enum ha_code ha_conn_open(const char *path, const struct ha_conn_limit *limit, int *ret_fd, struct ha_err *err);

// Sends until all n bytes are gone, or the other end answers or hangs up before; ret_sent tells how far it came. What
// the other end has to say about that is for ha_conn_recv. Never raises SIGPIPE.
enum ha_code ha_conn_send(int fd, const void *bytes, size_t n, const struct ha_conn_limit *limit, size_t *ret_sent,
                          struct ha_err *err);

// Waits for bytes, takes at most size. *ret_n is 0 when the other end has hung up.
enum ha_code ha_conn_recv(int fd, void *bytes, size_t size, const struct ha_conn_limit *limit, size_t *ret_n,
                          struct ha_err *err);

// An idle connection that the other end has left, or said something on unasked: not fit for another request.
bool ha_conn_stale(int fd);
