// SPDX-License-Identifier: Apache-2.0
// Members of requests and answers about messages, from options and files and to them.
#pragma once

#include "cli/cli.h"

// Each puts the option's value into the object that is open in body, as a member of that name; nothing when it wasn't
// given. HA_E_USAGE, HA_E_TOO_LARGE, HA_E_IO.
enum ha_code ha_jose_put_option(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                                struct ha_err *err);  // text
enum ha_code ha_jose_put_seconds(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                                 struct ha_err *err);
enum ha_code ha_jose_put_file(const struct ha_opts *opts, enum ha_opt id, const char *name, struct ha_buf *body,
                              struct ha_err *err);  // the text of the file that it names
// Puts JSON text as a member.
void ha_jose_put_json(struct ha_buf *body, const char *name, const char *json);
// Appends the text of the answer's member. False: there is none.
bool ha_jose_member_text(const struct ha_doc *doc, const char *name, struct ha_buf *out);
