// SPDX-License-Identifier: Apache-2.0
// The watcher: cuts off connections that are idle for too long, or that take too long to send a request or to take a
// reply.
//
// libmicrohttpd's own timeout starts anew with every byte, so a client that sends one now and then would stay for ever;
// and it would drop the reply of a handler that takes longer than the timeout. It is not used.
#pragma once

#include "http/connection.h"

// A thread's function; argument is the server. Returns NULL when the server is stopping.
void *ha_http_watch(void *argument);
