// SPDX-License-Identifier: Apache-2.0
// What the client library makes of an agent's answers: any bytes, from a server that hangs up after them or keeps the
// connection. The first byte of the input chooses the call and that.
//
// Client and server take turns in one thread: the library waits for its answer by our function, which gives it.
#include "hsm-agent/client.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char path[] = "answer_fuzz.sock";  // in the directory where the fuzzer runs

enum { CALLS = 4, HANGS_UP = 0x80 };

struct server {
    int listener;
    int fd;  // -1: no connection
    hsm_agent *client;
    const uint8_t *answer;
    size_t left;
    int hangs_up;
};
static struct server server;  // for the fuzzer's life

static void hang_up(struct server *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static int give_answer(void *context, int fd, int for_write, int timeout_ms)
{
    struct server *s = context;
    char request[4096];
    if (for_write)
        return 1;
    int next = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (next >= 0) {
        hang_up(s);
        s->fd = next;
    }
    while (recv(s->fd, request, sizeof request, MSG_DONTWAIT) > 0)
        ;
    ssize_t n = s->left ? send(s->fd, s->answer, s->left, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    if (n > 0) {
        s->answer += n;
        s->left -= (size_t)n;
        return 1;
    }
    // All is said: the library has to find out that nothing more comes.
    int done = s->hangs_up;
    hang_up(s);
    return done ? 1 : -1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct hsm_agent_options options = {
        .socket_path = path, .timeout_ms = 60000, .wait = give_answer, .wait_context = &server};
    for (size_t i = 0; i < sizeof path; i++)
        address.sun_path[i] = path[i];
    unlink(path);
    server.fd = -1;
    server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server.client = hsm_agent_new(&options);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, sizeof address) ||
        listen(server.listener, 16) || !server.client)
        abort();
    return 0;
}

static void call(hsm_agent *agent, unsigned which)
{
    static const uint8_t spki_sha256[32];
    struct hsm_agent_error error;
    uint8_t out[600];
    size_t out_len = sizeof out;
    uint8_t *spki = NULL;
    char *body = NULL;
    switch (which) {
    case 0:
        hsm_agent_sign(agent, "k", "ES256", "x", 1, 0, out, &out_len, &error);
        break;
    case 1:
        hsm_agent_tls_sign(agent, "k", "ed25519", (const uint8_t *)"x", 1, spki_sha256, out, &out_len, &error);
        break;
    case 2:
        hsm_agent_public_key(agent, "k", &spki, &out_len, &error);
        break;
    default:
        hsm_agent_call(agent, "GET", "/v1/keys", NULL, 0, &body, &out_len, NULL, &error);
        break;
    }
    free(spki);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    server.answer = data + 1;
    server.left = n - 1;
    server.hangs_up = data[0] & HANGS_UP;
    call(server.client, data[0] % CALLS);
    return 0;
}
