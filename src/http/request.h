// SPDX-License-Identifier: Apache-2.0
// From libmicrohttpd's callbacks to one whole request for the handler.
#pragma once

#include "http/connection.h"

// For MHD_OPTION_URI_LOG_CALLBACK, the access handler, MHD_OPTION_NOTIFY_COMPLETED and MHD_OPTION_UNESCAPE_CALLBACK.
void *ha_http_request_line(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result ha_http_request_take(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                     const char *version, const char *data, size_t *data_len, void **context);
void ha_http_request_completed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_RequestTerminationCode code);
size_t ha_http_request_unescape(void *cls, struct MHD_Connection *mhd, char *text);
