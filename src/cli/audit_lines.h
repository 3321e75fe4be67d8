// SPDX-License-Identifier: Apache-2.0
// The lines of an audit log that fit the filters of a command line.
#pragma once

#include "audit/line.h"
#include "cli/cli.h"

// The log's file: the command's argument, or what the agent says (ret_doc is its answer to GET /v1/audit/head then, and
// to be cleared). The path is borrowed from either.
enum ha_code ha_cli_audit_file(struct ha_cli *cli, struct ha_doc *ret_doc, const char **ret_path, struct ha_err *err);

// Calls each for every line of all files of the log that fits, in order. Stops when each fails.
typedef enum ha_code ha_cli_audit_line(void *context, const ha_json *line, const char *text, size_t n,
                                       struct ha_err *err);
enum ha_code ha_cli_audit_lines(const struct ha_cli *cli, const char *path, ha_cli_audit_line *each, void *context,
                                struct ha_err *err);
