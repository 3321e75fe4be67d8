// SPDX-License-Identifier: Apache-2.0
// Runs command lines in a process and a directory of their own, against a server that answers by script.
#pragma once

#include "fake_agent.h"

#include <stdbool.h>
#include <stddef.h>

struct cli_run {
    struct fake_agent agent;
    char directory[64];
    const char *input;  // what is on stdin; NULL: nothing
    int status;
    char out[4096], err[4096];
    size_t out_len;
};

#define ANSWER(body_)                                                                                                  \
    {                                                                                                                  \
        FAKE_ANSWER, .status = 200, .body = (body_)                                                                    \
    }
#define REFUSAL(status_, body_)                                                                                        \
    {                                                                                                                  \
        FAKE_ANSWER, .status = (status_), .body = (body_)                                                              \
    }

// An empty directory, and no server.
void cli_run_init(struct cli_run *run);
// The same with a server, which HSM_AGENT_SOCKET names.
void cli_run_start(struct cli_run *run, const struct fake_step *steps, size_t n);
// Runs `hsm-agent LINE` (words at single spaces) in the directory; fills status, out and err.
void cli_run(struct cli_run *run, const char *line);
// Ends the server and removes the directory, in which nothing unknown may be left.
void cli_run_finish(struct cli_run *run);

char *cli_run_path(const struct cli_run *run, const char *name, char path[static 128]);
void cli_run_write(const struct cli_run *run, const char *name, const char *text);
// The length; SIZE_MAX when there is no such file.
size_t cli_run_read(const struct cli_run *run, const char *name, char *ret_text, size_t size);
// The body of the request that came as number i; read it after cli_run.
const char *cli_run_body(const struct cli_run *run, size_t i);
bool cli_run_begins(const char *text, const char *start_text);
