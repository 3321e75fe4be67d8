// SPDX-License-Identifier: Apache-2.0
// What libmicrohttpd refuses by itself, answered with a problem document all the same.
//
// It has no callback for that: it sends a page of HTML (version 0.9.75, for a malformed Content-Length, one with its
// header twice). But it logs each refusal, in the connection's thread, before it sends anything. So the refusal is
// written there, and the way for libmicrohttpd's own is shut. Where it doesn't log as expected, its page is what the
// client gets; so it is when the first request line of a connection is malformed, since the log doesn't say which
// connection it is about.
#pragma once

#include "http/connection.h"

#include <stdarg.h>

// For MHD_OPTION_EXTERNAL_LOGGER; cls is the server. Nothing is logged.
void ha_http_complaint(void *cls, const char *format, va_list args);
// From now on complaints in this thread are about this connection.
void ha_http_complaint_about(struct ha_http_connection *connection);
