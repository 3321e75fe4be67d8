// SPDX-License-Identifier: Apache-2.0
// Non-blocking socket calls, each paired with a poll until the deadline.
#include "client/conn.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static enum ha_code too_late(struct ha_err *err)
{
    ha_fail(err, HA_E_DEADLINE, "the agent didn't answer in time");
    return ha_hint(err, "Look at the agent's state with 'hsm-agent status'; allow slow tokens more with --timeout.");
}

// Waits for events, or POLLERR and POLLHUP, which the next call on fd explains. The caller's wait only passes the time;
// what happened is seen here.
static enum ha_code wait_for(int fd, short events, const struct ha_conn_limit *limit, short *ret_events,
                             struct ha_err *err)
{
    struct pollfd at = {.fd = fd, .events = events};
    for (;;) {
        int left_ms = ha_left_ms(limit->deadline_ms);
        int over = left_ms == 0;
        if (limit->wait && !over) {
            int ready = limit->wait(limit->context, fd, (events & POLLOUT) != 0, left_ms);
            if (ready < 0)
                return ha_fail(err, HA_E_AGENT, "the program gave up waiting for the agent");
            over = ready == 0;
        }
        int n = poll(&at, 1, limit->wait ? 0 : left_ms);
        if (n > 0) {
            *ret_events = at.revents;
            return HA_OK;
        }
        if (n == 0 && (over || !limit->wait))
            return too_late(err);
        if (n < 0 && errno != EINTR)
            return ha_fail_errno(err, errno, "can't wait for the agent");
    }
}

// Says why connect failed, and what to do about it.
static enum ha_code explain(const char *path, int cause, struct ha_err *err)
{
    struct stat st;
    ha_fail(err, HA_E_AGENT, "can't connect to %s: %s", path, strerror(cause));
    if (cause == ENOENT)
        return ha_hint(err, "Start hsm-agentd, or name its socket with --socket or HSM_AGENT_SOCKET.");
    if (cause == EACCES)
        return ha_hint(err, "Join the group that owns the socket (ls -l %s), or ask the agent's administrator.", path);
    if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return ha_hint(err, "That isn't a socket; name the agent's with --socket or HSM_AGENT_SOCKET.");
    if (cause == ECONNREFUSED)
        return ha_hint(err, "Nobody listens there: start hsm-agentd, and look into its log if it ended.");
    return err->code;
}

// A full backlog of a Unix socket is EAGAIN at once, and poll can't wait for its end: so ask again until the deadline.
static enum ha_code connect_until(int fd, const struct sockaddr_un *address, const struct ha_conn_limit *limit,
                                  struct ha_err *err)
{
    enum { PAUSE_MS = 5 };
    while (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return explain(address->sun_path, errno, err);
        if (ha_left_ms(limit->deadline_ms) == 0)
            return too_late(err);
        poll(NULL, 0, PAUSE_MS);
    }
    return HA_OK;
}

enum ha_code ha_conn_open(const char *path, const struct ha_conn_limit *limit, int *ret_fd, struct ha_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        ha_fail(err, HA_E_AGENT, "the socket's path is over %zu bytes: %s", sizeof address.sun_path - 1, path);
        return ha_hint(err, "Name a shorter path; the system allows no longer one.");
    }
    memcpy(address.sun_path, path, strlen(path));
    ha_auto(ha_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't make a socket");
    enum ha_code code = connect_until(fd, &address, limit, err);
    if (code != HA_OK)
        return code;
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

enum ha_code ha_conn_send(int fd, const void *bytes, size_t n, const struct ha_conn_limit *limit, size_t *ret_sent,
                          struct ha_err *err)
{
    const char *from = bytes;
    size_t sent = 0;
    while (sent < n) {
        ssize_t now = send(fd, from + sent, n - sent, MSG_NOSIGNAL);
        if (now >= 0) {
            sent += (size_t)now;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EPIPE || errno == ECONNRESET)
            break;
        if (errno != EAGAIN)
            return ha_fail_errno(err, errno, "can't send to the agent");
        short events;
        enum ha_code code = wait_for(fd, POLLIN | POLLOUT, limit, &events, err);
        if (code != HA_OK)
            return code;
        // An answer before the request's end: it was refused, and nobody reads the rest.
        if ((events & POLLIN) && !(events & POLLOUT))
            break;
    }
    *ret_sent = sent;
    return HA_OK;
}

enum ha_code ha_conn_recv(int fd, void *bytes, size_t size, const struct ha_conn_limit *limit, size_t *ret_n,
                          struct ha_err *err)
{
    for (;;) {
        ssize_t n = recv(fd, bytes, size, 0);
        if (n >= 0 || errno == ECONNRESET) {
            *ret_n = n >= 0 ? (size_t)n : 0;
            return HA_OK;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return ha_fail_errno(err, errno, "can't read from the agent");
        short events;
        enum ha_code code = wait_for(fd, POLLIN, limit, &events, err);
        if (code != HA_OK)
            return code;
    }
}

bool ha_conn_stale(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}
