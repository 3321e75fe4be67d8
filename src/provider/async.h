// SPDX-License-Identifier: Apache-2.0
// Waiting for the agent without holding up the program's event loop.
#pragma once

// A hsm_agent_wait. Inside an OpenSSL asynchronous job (SSL_MODE_ASYNC) the job pauses until the socket is ready or
// the time is over; elsewhere it is poll. Thread-safe; context isn't used.
int ha_async_wait(void *context, int fd, int for_write, int timeout_ms);
