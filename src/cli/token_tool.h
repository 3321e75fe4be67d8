// SPDX-License-Identifier: Apache-2.0
// One act of hsm-agent-token on a token, in a process of its own: the vendor's module and the PINs are there, not here.
#pragma once

#include "cli/cli.h"

#include "token/options.h"

enum { HA_TOKEN_TOOL_ARGS_MAX = 12 };

// The options for hsm-agent-token, each "--name=value" and owned.
struct ha_token_tool_args {
    char *items[HA_TOKEN_TOOL_ARGS_MAX];
    size_t n;
    bool failed;
};
void ha_token_tool_args_clear(struct ha_token_tool_args *args);
HA_AUTO_DEFINE_CLEAR(struct ha_token_tool_args, ha_token_tool_args_clear)

// value NULL: nothing is added. Out of memory is told by ha_token_tool_run.
void ha_token_tool_arg(struct ha_token_tool_args *args, const char *name, const char *value);
void ha_token_tool_flag(struct ha_token_tool_args *args, const char *name, bool given);
// A source of a PIN, "prompt" where source is NULL; credential:NAME and relative paths become absolute paths.
// HA_E_USAGE: it isn't a source; its words never hold the value.
enum ha_code ha_token_tool_pin(struct ha_token_tool_args *args, const char *name, const char *source,
                               struct ha_err *err);
// Starts the program with --tool=tool, the module that the command line names, and args; waits until it ends. The
// failure that it tells becomes err, and the document of it cli->problem. HA_E_STOPPING: a signal came.
enum ha_code ha_token_tool_run(struct ha_cli *cli, const char *tool, struct ha_token_tool_args *args,
                               struct ha_doc *ret_doc, struct ha_err *err);
