// SPDX-License-Identifier: Apache-2.0
// The server and the raw clients of the HTTP tests.
#include "http_peer.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };  // valgrind is slow

static void put_request(const struct ha_request *request, struct ha_reply *reply)
{
    ha_buf_printf(&reply->body, "%s %s %s %zu %s %s %s %d %u %s", request->method, request->path, request->query,
                  request->body_len, request->origin ? request->origin : "-",
                  request->if_none_match ? request->if_none_match : "-", request->listen, request->admin,
                  request->principal->uid, request->id);
}

static void handle(void *context, const struct ha_request *request, struct ha_reply *reply)
{
    struct bench *bench = context;
    reply->status = 200;
    reply->content_type = "text/plain";
    if (strcmp(request->path, "/echo") == 0) {
        ha_buf_append(&reply->body, request->body, request->body_len);
    } else if (strcmp(request->path, "/big") == 0) {
        uint8_t *room = ha_buf_reserve(&reply->body, BIG_REPLY);
        memset(room, 'b', BIG_REPLY);
        ha_buf_advance(&reply->body, BIG_REPLY);
    } else if (strcmp(request->path, "/busy") == 0) {
        reply->status = 503;
        reply->retry_after_s = 7;
        reply->allow = "GET, PUT";
        reply->close = true;
    } else {
        if (strcmp(request->path, "/block") == 0) {
            sem_post(&bench->entered);
            sem_wait(&bench->release);
        }
        put_request(request, reply);
    }
}

static void problem(void *context, const struct ha_err *err, const char *request_id, struct ha_reply *reply)
{
    reply->status = ha_code_info(err->code)->status;
    reply->content_type = "application/problem+json";
    reply->retry_after_s = err->code == HA_E_BUSY || err->code == HA_E_STOPPING || err->code == HA_E_TOO_MANY ? 1 : 0;
    ha_buf_printf(&reply->body, "{\"code\":\"%s\",\"detail\":\"%s\",\"id\":\"%s\"}", ha_code_info(err->code)->name,
                  err->detail, request_id);
}

static void default_to(unsigned *value, unsigned fallback)
{
    if (*value == 0)
        *value = fallback;
}

void bench_start(struct bench *bench, struct ha_http_options options)
{
    struct ha_err err = {0};
    *bench = (struct bench){.address.sun_family = AF_UNIX};
    char dir[] = "/tmp/hsm-agent-http-XXXXXX";
    assert_non_null(mkdtemp(dir));
    snprintf(bench->address.sun_path, sizeof bench->address.sun_path, "%s/s", dir);
    bench->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(bench->listen_fd, (struct sockaddr *)&bench->address, sizeof bench->address), 0);
    assert_int_equal(listen(bench->listen_fd, 512), 0);
    sem_init(&bench->entered, 0, 0);
    sem_init(&bench->release, 0, 0);
    default_to(&options.connections, 64);
    default_to(&options.idle_ms, 10000);
    default_to(&options.receive_ms, 10000);
    options.context = bench;
    options.handle = handle;
    options.problem = problem;
    if (ha_http_server_new(bench->listen_fd, true, "bench", &options, &bench->server, &err) != HA_OK)
        fail_msg("%s", err.detail);
}

void bench_stop(struct bench *bench)
{
    ha_http_server_free(bench->server);
    assert_int_equal(close(bench->listen_fd), 0);  // it stayed ours
    unlink(bench->address.sun_path);
    *strrchr(bench->address.sun_path, '/') = '\0';
    rmdir(bench->address.sun_path);
    sem_destroy(&bench->entered);
    sem_destroy(&bench->release);
}

void answer_clear(struct answer *answer)
{
    ha_buf_clear(&answer->head);
    ha_buf_clear(&answer->body);
    answer->status = 0;
}

const char *answer_field(const struct answer *answer, const char *name, char text[static 256])
{
    const char *line = ha_buf_text(&answer->head);
    text[0] = '\0';
    for (; (line = strstr(line, "\r\n")); line += 2) {
        size_t n = strlen(name);
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':') {
            const char *value = line + 2 + n + 1;
            value += strspn(value, " ");
            snprintf(text, 256, "%.*s", (int)strcspn(value, "\r"), value);
            break;
        }
    }
    return text;
}

void peer_open(struct peer *peer, const struct bench *bench)
{
    *peer = (struct peer){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(peer->fd >= 0);
    assert_int_equal(connect(peer->fd, (const struct sockaddr *)&bench->address, sizeof bench->address), 0);
}

void peer_close(struct peer *peer)
{
    if (peer->fd > 0)
        close(peer->fd);
    peer->fd = -1;
    ha_buf_clear(&peer->in);
}

bool peer_send(struct peer *peer, const void *bytes, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        ssize_t now = send(peer->fd, (const char *)bytes + sent, n - sent, MSG_NOSIGNAL);
        if (now <= 0)
            return false;
        sent += (size_t)now;
    }
    return true;
}

bool peer_say(struct peer *peer, const char *text)
{
    return peer_send(peer, text, strlen(text));
}

// False: nothing more comes.
static bool read_more(struct peer *peer)
{
    enum { STEP = 65536 };
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    if (poll(&wait, 1, PATIENCE_MS) != 1)
        fail_msg("no reply in %d ms", PATIENCE_MS);
    uint8_t *room = ha_buf_reserve(&peer->in, STEP);
    assert_non_null(room);
    ssize_t n = recv(peer->fd, room, STEP, 0);
    if (n <= 0)
        return false;
    ha_buf_advance(&peer->in, (size_t)n);
    return true;
}

static void drop(struct peer *peer, size_t n)
{
    struct ha_buf rest = {0};
    ha_buf_append(&rest, peer->in.data + n, peer->in.len - n);
    ha_buf_clear(&peer->in);
    peer->in = rest;
}

void peer_take(struct peer *peer, bool has_body, struct answer *ret_answer)
{
    char text[256];
    const char *end;
    answer_clear(ret_answer);
    while (!(end = strstr(ha_buf_text(&peer->in), "\r\n\r\n"))) {
        if (!read_more(peer))
            return;
    }
    size_t head = (size_t)(end - ha_buf_text(&peer->in)) + 4;
    ha_buf_append(&ret_answer->head, peer->in.data, head);
    drop(peer, head);
    assert_int_equal(sscanf(ha_buf_text(&ret_answer->head), "HTTP/1.%*1[01] %u ", &ret_answer->status), 1);
    size_t n = has_body ? strtoul(answer_field(ret_answer, "Content-Length", text), NULL, 10) : 0;
    while (peer->in.len < n) {
        if (!read_more(peer)) {
            ret_answer->status = 0;
            return;
        }
    }
    ha_buf_append(&ret_answer->body, peer->in.data, n);
    drop(peer, n);
}

unsigned peer_ask(struct peer *peer, const char *text, struct answer *ret_answer)
{
    peer_say(peer, text);
    peer_take(peer, true, ret_answer);
    return ret_answer->status;
}

unsigned peer_status(const struct bench *bench, const char *text)
{
    ha_auto(peer_close) struct peer peer;
    ha_auto(answer_clear) struct answer answer = {0};
    peer_open(&peer, bench);
    return peer_ask(&peer, text, &answer);
}

bool peer_is_closed(struct peer *peer, int ms)
{
    char byte;
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    if (peer->in.len > 0 || poll(&wait, 1, ms) != 1)
        return false;
    ssize_t n = recv(peer->fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

void answer_assert_problem(const struct answer *answer, const char *code)
{
    char text[256], member[80];
    snprintf(member, sizeof member, "{\"code\":\"%s\"", code);
    assert_string_equal(answer_field(answer, "Content-Type", text), "application/problem+json");
    assert_string_equal(answer_field(answer, "Cache-Control", text), "no-store");
    if (strncmp(ha_buf_text(&answer->body), member, strlen(member)) != 0)
        fail_msg("not %s: %s", code, ha_buf_text(&answer->body));
}

void bench_assert_quiet(const struct bench *bench)
{
    assert_true(ha_http_server_wait(bench->server, ha_now_ms() + 5000));
    assert_int_equal(ha_http_server_pending(bench->server), 0);
}
