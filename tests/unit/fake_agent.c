// SPDX-License-Identifier: Apache-2.0
#include "fake_agent.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

static void send_text(int fd, const char *text, size_t step)
{
    size_t n = strlen(text);
    for (size_t at = 0; at < n; at += step) {
        size_t now = n - at < step ? n - at : step;
        if (send(fd, text + at, now, MSG_NOSIGNAL) < 0)
            return;
        // Each piece is to arrive alone.
        if (step == 1)
            usleep(200);
    }
}

static void send_answer(int fd, const struct fake_step *step)
{
    char head[128];
    if (step->text) {
        send_text(fd, step->text, step->act == FAKE_DRIBBLE ? 1 : strlen(step->text) + 1);
        return;
    }
    snprintf(head, sizeof head, "HTTP/1.1 %u X\r\nContent-Length: %zu\r\n\r\n", step->status, strlen(step->body));
    send_text(fd, head, sizeof head);
    send_text(fd, step->body, strlen(step->body) + 1);
}

// Reads head and body. false: the other end hung up.
static bool read_request(struct fake_agent *agent, int fd)
{
    char *request = calloc(1, FAKE_REQUEST_SIZE + 1);
    size_t have = 0, wanted = SIZE_MAX;
    if (!request || agent->n_requests == FAKE_REQUESTS_MAX)
        die("fake agent: too many requests");
    agent->requests[agent->n_requests] = request;
    while (have < wanted) {
        ssize_t n = recv(fd, request + have, FAKE_REQUEST_SIZE - have, 0);
        if (n <= 0) {
            free(request);
            agent->requests[agent->n_requests] = NULL;
            return false;
        }
        have += (size_t)n;
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strstr(request, "Content-Length: ");
        if (end)
            wanted = (size_t)(end + 4 - request) + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
    }
    agent->n_requests++;
    return true;
}

static void wait_hang_up(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
}

// false: the connection is to be closed.
static bool do_step(struct fake_agent *agent, int fd, const struct fake_step *step)
{
    char byte;
    switch (step->act) {
    case FAKE_ANSWER:
    case FAKE_DRIBBLE:
        if (!read_request(agent, fd))
            return false;
        send_answer(fd, step);
        return true;
    case FAKE_HANG_UP:
        read_request(agent, fd);
        return false;
    case FAKE_CUT:
        if (read_request(agent, fd))
            send_answer(fd, step);
        return false;
    case FAKE_GREET:
        send_answer(fd, step);
        wait_hang_up(fd);
        return false;
    case FAKE_SILENT:
        if (read_request(agent, fd))
            wait_hang_up(fd);
        return false;
    case FAKE_REFUSE_EARLY:
        recv(fd, &byte, 1, 0);
        send_answer(fd, step);
        return false;
    }
    return false;
}

static void *serve(void *context)
{
    struct fake_agent *agent = context;
    int fd = -1;
    for (size_t i = 0; i < agent->n_steps; i++) {
        if (fd < 0) {
            fd = accept(agent->fd, NULL, NULL);
            if (fd < 0)
                die("fake agent: accept");
            agent->connections++;
        }
        if (!do_step(agent, fd, &agent->steps[i])) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

void fake_agent_start(struct fake_agent *agent, const struct fake_step *steps, size_t n_steps)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *agent = (struct fake_agent){.steps = steps, .n_steps = n_steps, .directory = "/tmp/fake-agent.XXXXXX"};
    if (!mkdtemp(agent->directory))
        die("fake agent: mkdtemp");
    snprintf(agent->path, sizeof agent->path, "%s/agent.sock", agent->directory);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", agent->path);
    agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (agent->fd < 0 || bind(agent->fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(agent->fd, 8) != 0 || pthread_create(&agent->thread, NULL, serve, agent) != 0)
        die("fake agent: start");
}

void fake_agent_stop(struct fake_agent *agent)
{
    pthread_join(agent->thread, NULL);
    close(agent->fd);
    unlink(agent->path);
    rmdir(agent->directory);
}

void fake_agent_clear(struct fake_agent *agent)
{
    for (size_t i = 0; i < agent->n_requests; i++)
        free(agent->requests[i]);
}
