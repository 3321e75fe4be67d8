// SPDX-License-Identifier: Apache-2.0
// A connection to a Unix stream socket whose every step has a deadline (a point of ha_now_ms). Thread-safe.
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

// Connects; ret_fd is non-blocking and close-on-exec. HA_E_AGENT with a remedy when nobody can be reached there,
// HA_E_DEADLINE when nobody takes the connection in time.
enum ha_code ha_conn_open(const char *path, int64_t deadline_ms, int *ret_fd, struct ha_err *err);

// Sends until all n bytes are gone, or the other end answers or hangs up before; ret_sent tells how far it came. What
// the other end has to say about that is for ha_conn_recv. Never raises SIGPIPE.
enum ha_code ha_conn_send(int fd, const void *bytes, size_t n, int64_t deadline_ms, size_t *ret_sent,
                          struct ha_err *err);

// Waits for bytes, takes at most size. *ret_n is 0 when the other end has hung up.
enum ha_code ha_conn_recv(int fd, void *bytes, size_t size, int64_t deadline_ms, size_t *ret_n, struct ha_err *err);

// An idle connection that the other end has left, or said something on unasked: not fit for another request.
bool ha_conn_stale(int fd);
