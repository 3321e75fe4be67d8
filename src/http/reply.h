// SPDX-License-Identifier: Apache-2.0
// Replies on the wire: through libmicrohttpd, or written directly where it would be in the way.
#pragma once

#include "http/connection.h"

// Queues reply, whose body it takes over (and wipes once it was sent). MHD_NO: out of memory, the connection must end.
enum MHD_Result ha_http_reply_queue(struct MHD_Connection *mhd, const char *request_id, struct ha_reply *reply);
// Writes the problem document of err straight to the connection's descriptor, without waiting. For requests that
// libmicrohttpd will not complete: the connection must end after it.
void ha_http_reply_raw(struct ha_http_connection *connection, const struct ha_err *err);
