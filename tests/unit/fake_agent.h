// SPDX-License-Identifier: Apache-2.0
// A server in a thread that answers by script, for tests of the client and the command line.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum fake_act {
    FAKE_ANSWER,        // read a whole request, send text
    FAKE_DRIBBLE,       // the same, byte by byte
    FAKE_HANG_UP,       // read a whole request, close the connection without a byte
    FAKE_CUT,           // read a whole request, send text, close the connection
    FAKE_GREET,         // send text without waiting for a request
    FAKE_SILENT,        // read a whole request, then nothing until the other end hangs up
    FAKE_REFUSE_EARLY,  // send text as soon as the first byte is there, read no more, close
};

struct fake_step {
    enum fake_act act;
    const char *text;  // what is sent; NULL: the answer of status and body
    unsigned status;
    const char *body;
};

enum { FAKE_REQUESTS_MAX = 16, FAKE_REQUEST_SIZE = 512 * 1024 };

struct fake_agent {
    char directory[64];
    char path[96];
    int fd;
    pthread_t thread;
    const struct fake_step *steps;
    size_t n_steps;
    size_t connections;  // accepted so far; read it after fake_agent_stop
    size_t n_requests;
    char *requests[FAKE_REQUESTS_MAX];  // as they came, NUL-terminated
};

// Takes a connection when it has none, does one step after the other; a step that closes makes the next one accept
// anew.
void fake_agent_start(struct fake_agent *agent, const struct fake_step *steps, size_t n_steps);
// Waits until all steps are done, and removes the socket.
void fake_agent_stop(struct fake_agent *agent);
void fake_agent_clear(struct fake_agent *agent);  // frees the requests
