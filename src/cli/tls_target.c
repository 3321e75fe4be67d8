// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_target.h"

#include "base/clock.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

// What the child that looks a name up tells.
struct answer {
    int status;  // getaddrinfo's
    int system;  // errno when status is EAI_SYSTEM
    size_t n;
    union ha_tls_address addresses[HA_TLS_ADDRESSES_MAX];
};

static enum ha_code bad(struct ha_err *err, const char *text, const char *why)
{
    ha_fail(err, HA_E_USAGE, "'%s' %s", text, why);
    return ha_hint(err,
                   "Give HOST:PORT, for example edge.example:443 or [2001:db8::1]:443, without https:// and path.");
}

static bool is_address(const char *host)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, host, &ignored) == 1 || strchr(host, ':');
}

enum ha_code ha_tls_target_parse(const char *text, struct ha_tls_target *ret_target, struct ha_err *err)
{
    struct ha_tls_target target = {0};
    uint64_t port;
    const char *colon = strrchr(text, ':');
    if (!colon || strchr(colon, ']') || !ha_parse_uint(colon + 1, 1, 65535, &port))
        return bad(err, text, "doesn't end with a port's number");
    const char *host = text;
    size_t n = (size_t)(colon - text);
    bool has_brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
    if (has_brackets) {
        host++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof target.host)
        return bad(err, text, "has no name of a host");
    memcpy(target.host, host, n);
    snprintf(target.port, sizeof target.port, "%u", (unsigned)port);
    if (has_brackets != (strchr(target.host, ':') != NULL))
        return bad(err, text, "isn't HOST:PORT; an IPv6 address goes in brackets, and nothing else does");
    for (size_t i = 0; i < n; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%", target.host[i], 67))
            return bad(err, text, "has characters that no host's name has (other alphabets are written as xn--...)");
    target.is_address = is_address(target.host);
    *ret_target = target;
    return HA_OK;
}

static void look_up(const struct ha_tls_target *target, int flags, struct answer *answer)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *list = NULL;
    *answer = (struct answer){0};
    answer->status = getaddrinfo(target->host, target->port, &hints, &list);
    answer->system = errno;
    if (answer->status != 0)
        return;
    for (struct addrinfo *a = list; a && answer->n < HA_TLS_ADDRESSES_MAX; a = a->ai_next)
        if (a->ai_addrlen <= sizeof answer->addresses[0])
            memcpy(&answer->addresses[answer->n++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
}

// Less than PIPE_BUF, so it comes whole or not at all.
static bool read_answer(int fd, int64_t deadline_ms, struct answer *answer)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, ha_left_ms(deadline_ms)) < 0)
        if (errno != EINTR)
            return false;
    return wait.revents && read(fd, answer, sizeof *answer) == (ssize_t)sizeof *answer;
}

static enum ha_code look_up_in_child(const struct ha_tls_target *target, int64_t deadline_ms, struct answer *answer,
                                     struct ha_err *err)
{
    int ends[2];
    static_assert(sizeof *answer <= 512, "the answer goes through a pipe at once");
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ha_fail_errno(err, errno, "can't make a pipe");
    pid_t child = fork();
    if (child == 0) {
        look_up(target, 0, answer);
        _exit(write(ends[1], answer, sizeof *answer) == (ssize_t)sizeof *answer ? 0 : 1);
    }
    int problem = errno;
    close(ends[1]);
    bool came = child > 0 && read_answer(ends[0], deadline_ms, answer);
    close(ends[0]);
    if (child < 0)
        return ha_fail_errno(err, problem, "can't start a process");
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (came)
        return HA_OK;
    ha_fail(err, HA_E_DEADLINE, "the address of %s can't be found out in time", target->host);
    return ha_hint(err, "Check the name servers in /etc/resolv.conf, or give the address and --servername %s.",
                   target->host);
}

enum ha_code ha_tls_target_resolve(struct ha_tls_target *target, int64_t deadline_ms, struct ha_err *err)
{
    struct answer answer;
    look_up(target, AI_NUMERICHOST, &answer);
    if (answer.status != 0 && look_up_in_child(target, deadline_ms, &answer, err) != HA_OK)
        return err->code;
    if (answer.status != 0 || answer.n == 0) {
        ha_fail(err, HA_E_IO, "the name %s has no address: %s", target->host,
                answer.status == EAI_SYSTEM ? strerror(answer.system) : gai_strerror(answer.status));
        return ha_hint(err, "Check the spelling and the name's entry in the DNS, or give the address and "
                            "--servername NAME.");
    }
    memcpy(target->addresses, answer.addresses, sizeof answer.addresses);
    target->n_addresses = answer.n;
    return HA_OK;
}

static void put_address(const union ha_tls_address *address, char *out)
{
    const void *from =
        address->any.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr;
    if (!inet_ntop(address->any.sa_family, from, out, INET6_ADDRSTRLEN))
        strcpy(out, "?");
}

void ha_tls_target_address(const struct ha_tls_target *target, char ret_text[static INET6_ADDRSTRLEN])
{
    put_address(&target->addresses[0], ret_text);
}

static const char *remedy(int problem)
{
    switch (problem) {
    case ECONNREFUSED:
        return "Start the server, or check the port: nothing listens there.";
    case ETIMEDOUT:
        return "Check address and port, and whether a firewall drops connections from here.";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "Check the address and the routes of this machine; there is no way to there.";
    default:
        return "Check address and port, and the firewalls between.";
    }
}

// 0, or the errno that stands for what happened.
static int connect_one(const union ha_tls_address *address, int64_t deadline_ms, int *ret_fd)
{
    ha_auto(ha_close) int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t n = address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
    if (fd < 0)
        return errno;
    int problem = connect(fd, &address->any, n) == 0 ? 0 : errno;
    while (problem == EINPROGRESS || problem == EINTR) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        int ready = poll(&wait, 1, ha_left_ms(deadline_ms));
        socklen_t size = sizeof problem;
        if (ready == 0)
            return ETIMEDOUT;
        if (ready > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
            return errno;
    }
    if (problem == 0) {
        *ret_fd = fd;
        fd = -1;
    }
    return problem;
}

enum ha_code ha_tls_target_connect(struct ha_tls_target *target, int64_t deadline_ms, int *ret_fd, struct ha_err *err)
{
    char where[INET6_ADDRSTRLEN] = "?";
    int problem = ETIMEDOUT;
    for (size_t i = 0; i < target->n_addresses; i++) {
        // Each address gets its part of the time, so that one that swallows packets doesn't hide the others.
        int64_t share = ha_now_ms() + ha_left_ms(deadline_ms) / (int64_t)(target->n_addresses - i);
        put_address(&target->addresses[i], where);
        problem = connect_one(&target->addresses[i], share, ret_fd);
        if (problem != 0)
            continue;
        target->addresses[0] = target->addresses[i];
        target->n_addresses = 1;
        return HA_OK;
    }
    if (problem == ETIMEDOUT)
        ha_fail(err, HA_E_DEADLINE, "no connection to %s port %s: no answer in time", where, target->port);
    else
        ha_fail_errno(err, problem, "no connection to %s port %s", where, target->port);
    return ha_hint(err, "%s", remedy(problem));
}
