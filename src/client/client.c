// SPDX-License-Identifier: Apache-2.0
// One request and its answer over a connection that is kept for the next one as long as both ends like it.
#include "client/client.h"

#include "base/clock.h"
#include "client/http1.h"
#include "client/pool.h"
#include "client/refusal.h"

#include <string.h>

struct ha_client {
    char *path;
    int timeout_ms;
    ha_conn_wait *wait;  // NULL: poll
    void *wait_context;
    struct ha_pool pool;
};

// What became of one attempt.
struct answer {
    struct ha_http1_head head;
    struct ha_buf bytes;  // head and body
    bool dead;            // the other end hung up before the first byte
};

static void answer_clear(struct answer *answer)
{
    ha_buf_clear(&answer->bytes);
}
HA_AUTO_DEFINE_CLEAR(struct answer, answer_clear)

enum ha_code ha_client_new(const char *socket_path, int timeout_ms, struct ha_client **ret_client, struct ha_err *err)
{
    const char *path = socket_path ? socket_path : secure_getenv("HSM_AGENT_SOCKET");
    if (!path || !*path)
        path = HA_RUNSTATEDIR "/hsm-agent/agent.sock";
    ha_auto(ha_client_free) struct ha_client *client = calloc(1, sizeof *client);
    if (!client)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a client");
    client->timeout_ms = timeout_ms;
    client->path = strdup(path);
    if (!client->path)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a client");
    *ret_client = ha_take(&client);
    return HA_OK;
}

void ha_client_set_wait(struct ha_client *client, ha_conn_wait *wait, void *context)
{
    client->wait = wait;
    client->wait_context = context;
}

void ha_client_free(struct ha_client *client)
{
    if (!client)
        return;
    ha_pool_clear(&client->pool);
    free(client->path);
    free(client);
}

const char *ha_client_socket(const struct ha_client *client)
{
    return client->path;
}

static bool is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= 0x20 || *text >= 0x7f)
            return false;
    return true;
}

static enum ha_code write_request(const struct ha_call *call, struct ha_buf *out, struct ha_err *err)
{
    if (call->path[0] != '/' || !is_visible(call->path) || (call->if_none_match && !is_visible(call->if_none_match)))
        return ha_fail(err, HA_E_INTERNAL, "the path or the condition of a request has a wrong character");
    ha_buf_printf(out, "%s %s HTTP/1.1\r\nHost: hsm-agent\r\nUser-Agent: hsm-agent/%s\r\n", call->method, call->path,
                  HA_VERSION);
    if (call->if_none_match)
        ha_buf_printf(out, "If-None-Match: %s\r\n", call->if_none_match);
    if (call->body)
        ha_buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", call->body_len);
    ha_buf_puts(out, "\r\n");
    if (call->body)
        ha_buf_append(out, call->body, call->body_len);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a request");
}

static enum ha_code early_end(struct ha_err *err)
{
    ha_fail(err, HA_E_AGENT, "the agent hung up before its answer was complete");
    return ha_hint(err, "Try again; if it persists, look into the log of hsm-agentd.");
}

// Appends what comes, at most size bytes; *ret_n is 0 when the other end hung up.
static enum ha_code receive(int fd, size_t size, const struct ha_conn_limit *limit, struct ha_buf *bytes, size_t *ret_n,
                            struct ha_err *err)
{
    enum { STEP = 16 * 1024 };
    size_t wanted = size < STEP ? size : STEP;
    uint8_t *room = ha_buf_reserve(bytes, wanted);
    if (!room)
        return ha_fail(err, HA_E_MEMORY, "out of memory for an answer");
    enum ha_code code = ha_conn_recv(fd, room, wanted, limit, ret_n, err);
    if (code == HA_OK)
        ha_buf_advance(bytes, *ret_n);
    return code;
}

static enum ha_code read_head(int fd, const struct ha_conn_limit *limit, struct answer *answer, struct ha_err *err)
{
    for (bool complete = false; !complete;) {
        size_t n;
        if (receive(fd, HA_HTTP1_HEAD_MAX - answer->bytes.len, limit, &answer->bytes, &n, err) != HA_OK)
            return err->code;
        answer->dead = answer->bytes.len == 0;
        if (n == 0)
            return early_end(err);
        if (ha_http1_head_read(ha_buf_text(&answer->bytes), answer->bytes.len, &complete, &answer->head, err) != HA_OK)
            return err->code;
    }
    return HA_OK;
}

static enum ha_code read_answer(int fd, const struct ha_conn_limit *limit, struct answer *answer, struct ha_err *err)
{
    enum ha_code code = read_head(fd, limit, answer, err);
    if (code != HA_OK)
        return code;
    size_t total = answer->head.len + answer->head.body_len;
    while (answer->bytes.len < total) {
        size_t n;
        code = receive(fd, total - answer->bytes.len, limit, &answer->bytes, &n, err);
        if (code != HA_OK)
            return code;
        if (n == 0)
            return early_end(err);
    }
    if (answer->bytes.len > total) {
        ha_fail(err, HA_E_AGENT, "the answer is longer than it says");
        return ha_hint(err, "Check that the socket is hsm-agentd's own, not a proxy's or another server's.");
    }
    return HA_OK;
}

// Sends the request and reads the answer; keeps the connection only if both went to their end.
static enum ha_code attempt(struct ha_client *client, struct ha_link *to, const struct ha_buf *request,
                            const struct ha_conn_limit *limit, struct answer *answer, struct ha_err *err)
{
    ha_auto(ha_link_close) struct ha_link *link = to;
    size_t sent;
    enum ha_code code = ha_conn_send(link->fd, request->data, request->len, limit, &sent, err);
    if (code == HA_OK)
        code = read_answer(link->fd, limit, answer, err);
    if (code == HA_OK && sent == request->len && !answer->head.close)
        ha_pool_give(&client->pool, ha_take(&link));
    return code;
}

static enum ha_code attempt_anew(struct ha_client *client, const struct ha_buf *request,
                                 const struct ha_conn_limit *limit, struct answer *answer, struct ha_err *err)
{
    struct ha_link *link;
    enum ha_code code = ha_link_open(client->path, limit, &link, err);
    return code == HA_OK ? attempt(client, link, request, limit, answer, err) : code;
}

// The agent closes connections that idle; the request that crosses such a close is sent once more, anew.
static enum ha_code ask(struct ha_client *client, const struct ha_buf *request, struct answer *answer,
                        struct ha_err *err)
{
    const struct ha_conn_limit limit = {ha_now_ms() + client->timeout_ms, client->wait, client->wait_context};
    struct ha_link *kept = ha_pool_take(&client->pool);
    if (!kept)
        return attempt_anew(client, request, &limit, answer, err);
    enum ha_code code = attempt(client, kept, request, &limit, answer, err);
    return code == HA_E_AGENT && answer->dead ? attempt_anew(client, request, &limit, answer, err) : code;
}

enum ha_code ha_client_call(struct ha_client *client, const struct ha_call *call, unsigned *ret_status,
                            struct ha_buf *ret_body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf request = {0};
    ha_auto(answer_clear) struct answer answer = {0};
    enum ha_code code = write_request(call, &request, err);
    if (code == HA_OK)
        code = ask(client, &request, &answer, err);
    if (code != HA_OK)
        return code;
    const char *body = ha_buf_text(&answer.bytes) + answer.head.len;
    ha_buf_append(ret_body, body, answer.head.body_len);
    if (!ha_buf_ok(ret_body))
        return ha_fail(err, HA_E_MEMORY, "out of memory for an answer");
    *ret_status = answer.head.status;
    if (answer.head.status >= 400)
        return ha_refusal_read(answer.head.status, body, answer.head.body_len, answer.head.retry_after_s, err);
    return HA_OK;
}
