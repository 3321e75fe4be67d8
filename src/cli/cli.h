// SPDX-License-Identifier: Apache-2.0
// What every command of hsm-agent has at hand, and the way from a command line to an exit status.
#pragma once

#include "base/json.h"
#include "cli/opt.h"
#include "client/client.h"

struct ha_cli {
    const struct ha_opts *opts;
    struct ha_client *client;  // NULL for a local command
    int timeout_ms;
    struct ha_buf problem;  // the body of the last answer that was a refusal
    int exit_status;        // when the command returns HA_OK
};

// The exit status of `hsm-agent ARGV...`: 0 done, 1 refused or failed, 2 usage; `dev` gives that of its command.
int ha_cli_main(int argc, char **argv);

// An answer of the agent.
struct ha_doc {
    unsigned status;
    struct ha_buf text;  // as it came
    ha_json *json;       // an object
};
void ha_cli_doc_clear(struct ha_doc *doc);
HA_AUTO_DEFINE_CLEAR(struct ha_doc, ha_cli_doc_clear)

// method and path as in struct ha_call; body NULL: none. ret_doc is set when HA_OK is returned, or when an answer of
// status 503 is JSON but no problem document (health/ready); the caller clears it. Keeps the problem document of a
// refusal in cli.
enum ha_code ha_cli_call(struct ha_cli *cli, const char *method, const char *path, const struct ha_buf *body,
                         struct ha_doc *ret_doc, struct ha_err *err);
bool ha_cli_wants_json(const struct ha_cli *cli);
// HA_E_AGENT: an answer that this command line doesn't understand. "the agent's answer " goes before the words.
enum ha_code ha_cli_unexpected(struct ha_err *err, const char *format, ...) HA_PRINTF(2, 3);
// Appends "/v1/keys/NAME" and tail to out; NAME is the command's first argument. HA_E_USAGE when that isn't a key's
// name.
enum ha_code ha_cli_key_path(const struct ha_cli *cli, const char *tail, struct ha_buf *out, struct ha_err *err);
// The same with ?version=N behind it, if the command was given --key-version.
enum ha_code ha_cli_version_path(const struct ha_cli *cli, const char *tail, struct ha_buf *out, struct ha_err *err);
// The string member of that name. HA_E_AGENT when there is none: the agent doesn't speak as expected.
enum ha_code ha_cli_string(const struct ha_doc *doc, const char *name, const char **ret_text, struct ha_err *err);
// The same, base64url, decoded and appended to out.
enum ha_code ha_cli_bytes(const struct ha_doc *doc, const char *name, struct ha_buf *out, struct ha_err *err);
