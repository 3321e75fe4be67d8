// SPDX-License-Identifier: Apache-2.0
// An HTTP message, from the options of the command line to the members of a request to the agent.
#pragma once

#include "cli/cli.h"

struct ha_cli_field {
    char *name, *value;
};
// The message as the options describe it.
struct ha_cli_http {
    const char *method;  // NULL: a response
    const char *url;     // NULL: unsaid
    struct ha_cli_field *fields;
    size_t n_fields;
    struct ha_buf body;
    bool has_body;
};
void ha_cli_http_clear(struct ha_cli_http *http);
HA_AUTO_DEFINE_CLEAR(struct ha_cli_http, ha_cli_http_clear)

// ret_http: zeroed by the caller, who clears it in any case. HA_E_USAGE, HA_E_TOO_LARGE, HA_E_IO, HA_E_MALFORMED.
enum ha_code ha_cli_http_read(const struct ha_opts *opts, struct ha_cli_http *ret_http, struct ha_err *err);
// Puts profile, method, url, status, headers and body into the object that is open in out.
enum ha_code ha_cli_http_put(const struct ha_opts *opts, const struct ha_cli_http *http, struct ha_buf *out,
                             struct ha_err *err);
