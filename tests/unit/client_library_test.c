// SPDX-License-Identifier: Apache-2.0
// libhsmagent through its public header only: what it asks, and what it makes of the answers.
#include "fake_agent.h"

#include <hsm-agent/client.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER(body_)                                                                                                  \
    {                                                                                                                  \
        FAKE_ANSWER, .status = 200, .body = (body_)                                                                    \
    }
#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

struct peer {
    struct fake_agent fake;
    hsm_agent *agent;
    struct hsm_agent_error err;
};

static void peer_start(struct peer *peer, const struct fake_step *steps, size_t n)
{
    memset(peer, 0, sizeof *peer);
    fake_agent_start(&peer->fake, steps, n);
    peer->agent = hsm_agent_new(&(struct hsm_agent_options){.socket_path = peer->fake.path});
    assert_non_null(peer->agent);
}

static void peer_end(struct peer *peer)
{
    hsm_agent_free(peer->agent);
    fake_agent_stop(&peer->fake);
    fake_agent_clear(&peer->fake);
}

static void expect_request(const struct peer *peer, size_t i, const char *line, const char *body)
{
    const char *request = peer->fake.requests[i];
    assert_memory_equal(request, line, strlen(line));
    assert_string_equal(strstr(request, "\r\n\r\n") + 4, body);
}

static void agent_new_without_options_takes_environment_then_default(void **state)
{
    setenv("HSM_AGENT_SOCKET", "/e", 1);
    hsm_agent *environment = hsm_agent_new(NULL);
    unsetenv("HSM_AGENT_SOCKET");
    hsm_agent *built_in = hsm_agent_new(NULL);
    assert_string_equal(hsm_agent_socket(environment), "/e");
    assert_string_equal(hsm_agent_socket(built_in), HA_RUNSTATEDIR "/hsm-agent/agent.sock");
    hsm_agent_free(environment);
    hsm_agent_free(built_in);
    hsm_agent_free(NULL);
}

static void agent_public_key_is_the_der(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"public_key\":{\"der\":\"MAA_\"}}")};
    struct peer peer;
    uint8_t *spki;
    size_t len;
    peer_start(&peer, steps, 1);
    assert_int_equal(hsm_agent_public_key(peer.agent, "k", &spki, &len, &peer.err), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(spki, "\x30\x00\x3f", 3);
    free(spki);
    expect_request(&peer, 0, "GET /v1/keys/k HTTP/1.1\r\n", "");
    peer_end(&peer);
}

static void agent_uses_of_a_key_ask_as_the_api_says(void **state)
{
    static const struct fake_step steps[] = {
        ANSWER("{\"signature\":\"AQ\"}"),   ANSWER("{\"signature\":\"Ag\"}"), ANSWER("{\"signature\":\"Aw\"}"),
        ANSWER("{\"plaintext\":\"BAUG\"}"), ANSWER("{\"plaintext\":\"\"}"),   ANSWER("{\"secret\":\"Bw\"}"),
    };
    static const uint8_t hash[32];
    struct peer peer;
    uint8_t out[8];
    size_t n[6] = {8, 8, 8, 8, 8, 8};
    peer_start(&peer, steps, COUNT(steps));
    hsm_agent *agent = peer.agent;
    assert_int_equal(hsm_agent_sign(agent, "k", "ES256", "hi", 2, 0, out, &n[0], &peer.err), 0);
    assert_int_equal(out[0], 1);
    assert_int_equal(hsm_agent_sign(agent, "k", "ES256", "hi", 2, HSM_AGENT_DIGEST, out, &n[1], &peer.err), 0);
    assert_int_equal(out[0], 2);
    assert_int_equal(hsm_agent_tls_sign(agent, "k", "ed25519", "hi", 2, hash, out, &n[2], &peer.err), 0);
    assert_int_equal(out[0], 3);
    assert_int_equal(hsm_agent_decrypt(agent, "k", "RSA-OAEP", "c", 1, "l", 1, out, &n[3], &peer.err), 0);
    assert_memory_equal(out, "\4\5\6", 3);
    assert_int_equal(hsm_agent_decrypt(agent, "k", "RSA-OAEP", "c", 1, NULL, 0, out, &n[4], &peer.err), 0);
    assert_int_equal(hsm_agent_derive(agent, "k", "spki", 4, out, &n[5], &peer.err), 0);
    assert_int_equal(out[0], 7);
    static const size_t wanted[6] = {1, 1, 1, 3, 0, 1};
    assert_memory_equal(n, wanted, sizeof wanted);
    expect_request(&peer, 0, "POST /v1/keys/k/sign HTTP/1.1\r\n",
                   "{\"algorithm\":\"ES256\",\"format\":\"der\",\"data\":\"aGk\"}");
    expect_request(&peer, 1, "POST /v1/keys/k/sign HTTP/1.1\r\n",
                   "{\"algorithm\":\"ES256\",\"format\":\"der\",\"digest\":\"aGk\"}");
    expect_request(&peer, 2, "POST /v1/keys/k/tls HTTP/1.1\r\n",
                   "{\"scheme\":\"ed25519\",\"content\":\"aGk\",\"spki_sha256\":"
                   "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
    expect_request(&peer, 3, "POST /v1/keys/k/decrypt HTTP/1.1\r\n",
                   "{\"algorithm\":\"RSA-OAEP\",\"ciphertext\":\"Yw\",\"label\":\"bA\"}");
    expect_request(&peer, 4, "POST /v1/keys/k/decrypt HTTP/1.1\r\n",
                   "{\"algorithm\":\"RSA-OAEP\",\"ciphertext\":\"Yw\"}");
    expect_request(&peer, 5, "POST /v1/keys/k/derive HTTP/1.1\r\n",
                   "{\"algorithm\":\"ECDH\",\"peer\":\"-----BEGIN PUBLIC KEY-----\\nc3BraQ==\\n"
                   "-----END PUBLIC KEY-----\\n\"}");
    peer_end(&peer);
    assert_int_equal(peer.fake.connections, 1);
}

static void agent_result_over_the_buffer_is_refused_with_its_size(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"signature\":\"AAAA\"}")};
    struct peer peer;
    uint8_t out[2] = {9, 9};
    size_t n = sizeof out;
    peer_start(&peer, steps, 1);
    assert_int_equal(hsm_agent_sign(peer.agent, "k", "ES256", "hi", 2, 0, out, &n, &peer.err), -1);
    assert_string_equal(peer.err.code, "usage");
    assert_non_null(strstr(peer.err.detail, "3"));
    assert_int_equal(n, 2);
    assert_int_equal(out[0], 9);
    peer_end(&peer);
}

static void agent_refusal_is_told_in_full(void **state)
{
    static const struct fake_step step = {FAKE_ANSWER,
                                          .text = "HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 53\r\n\r\n"
                                                  "{\"code\":\"busy\",\"detail\":\"the cause\",\"hint\":\"remedy\"}\n"};
    const struct fake_step steps[] = {step, step};
    struct peer peer;
    uint8_t out[8];
    size_t n = sizeof out;
    peer_start(&peer, steps, 2);
    assert_int_equal(hsm_agent_sign(peer.agent, "k", "ES256", "hi", 2, 0, out, &n, &peer.err), -1);
    assert_int_equal(peer.err.status, 503);
    assert_int_equal(peer.err.retry_after_s, 7);
    assert_string_equal(peer.err.code, "busy");
    assert_string_equal(peer.err.detail, "the cause");
    assert_string_equal(peer.err.hint, "remedy");
    assert_int_equal(hsm_agent_sign(peer.agent, "k", "ES256", "hi", 2, 0, out, &n, NULL), -1);
    assert_int_equal(n, sizeof out);
    peer_end(&peer);
}

static void agent_answers_that_fit_no_question_are_errors(void **state)
{
    static const char *const wrong[] = {"", "[]", "{", "{}", "{\"signature\":7}", "{\"signature\":\"A+/=\"}"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct fake_step steps[] = {ANSWER(wrong[i]), ANSWER("{\"public_key\":\"MAA\"}")};
        struct peer peer;
        uint8_t out[8], *spki = out;
        size_t n = sizeof out;
        peer_start(&peer, steps, 2);
        assert_int_equal(hsm_agent_sign(peer.agent, "k", "ES256", "hi", 2, 0, out, &n, &peer.err), -1);
        assert_string_equal(peer.err.code, "agent-unreachable");
        assert_true(peer.err.hint[0]);
        assert_int_equal(n, sizeof out);
        assert_int_equal(hsm_agent_public_key(peer.agent, "k", &spki, &n, &peer.err), -1);
        assert_ptr_equal(spki, out);
        peer_end(&peer);
    }
}

static void agent_impossible_name_asks_nobody(void **state)
{
    static const char *const wrong[] = {"", "a/b", "..", "a b", "a?objects=destroy"};
    hsm_agent *agent = hsm_agent_new(&(struct hsm_agent_options){.socket_path = "/nonexistent/socket"});
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct hsm_agent_error err;
        uint8_t out[8];
        size_t n = sizeof out;
        assert_int_equal(hsm_agent_sign(agent, wrong[i], "ES256", "hi", 2, 0, out, &n, &err), -1);
        assert_string_equal(err.code, "usage");
        assert_int_equal(err.status, 0);
    }
    hsm_agent_free(agent);
}

static void agent_call_gives_status_and_text_of_every_answer(void **state)
{
    static const struct fake_step steps[] = {
        ANSWER("{\"keys\":[]}"),
        {FAKE_ANSWER, .status = 404, .body = "{\"code\":\"no-route\"}"},
        ANSWER(""),
        ANSWER("{}"),
    };
    struct peer peer;
    char *body;
    size_t len;
    int status;
    peer_start(&peer, steps, COUNT(steps));
    assert_int_equal(hsm_agent_call(peer.agent, "GET", "/v1/keys", NULL, 0, &body, &len, &status, &peer.err), 0);
    assert_int_equal(status, 200);
    assert_int_equal(len, 11);
    assert_string_equal(body, "{\"keys\":[]}");
    free(body);
    assert_int_equal(hsm_agent_call(peer.agent, "PUT", "/v1/x", "{}", 2, &body, &len, &status, &peer.err), -1);
    assert_int_equal(status, 404);
    assert_string_equal(body, "{\"code\":\"no-route\"}");
    assert_string_equal(peer.err.code, "no-route");
    free(body);
    assert_int_equal(hsm_agent_call(peer.agent, "GET", "/", NULL, 0, &body, &len, &status, &peer.err), 0);
    assert_string_equal(body, "");
    assert_int_equal(len, 0);
    free(body);
    assert_int_equal(hsm_agent_call(peer.agent, "GET", "/", NULL, 0, NULL, NULL, NULL, NULL), 0);
    expect_request(&peer, 1, "PUT /v1/x HTTP/1.1\r\n", "{}");
    peer_end(&peer);
}

static void agent_call_without_an_agent_has_neither_status_nor_text(void **state)
{
    hsm_agent *agent = hsm_agent_new(&(struct hsm_agent_options){.socket_path = "/nonexistent/socket"});
    struct hsm_agent_error err;
    char *body = (char *)&err;
    size_t len = 9;
    int status = 9;
    assert_int_equal(hsm_agent_call(agent, "GET", "/", NULL, 0, &body, &len, &status, &err), -1);
    assert_null(body);
    assert_int_equal(len, 0);
    assert_int_equal(status, 0);
    assert_int_equal(err.status, 0);
    assert_string_equal(err.code, "agent-unreachable");
    hsm_agent_free(agent);
}

struct waiter {
    int calls, early, result;  // early: returns 1 so many times before it really waits
    int seen_write;
};

static int wait_for_test(void *context, int fd, int for_write, int timeout_ms)
{
    struct waiter *waiter = context;
    struct pollfd at = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};
    waiter->seen_write |= for_write;
    if (waiter->calls++ < waiter->early)
        return 1;
    return waiter->result == 1 ? poll(&at, 1, timeout_ms) : waiter->result;
}

// Asks once, waiting with waiter; the code of the error, "" for none.
static const char *ask_with(struct waiter *waiter, const struct fake_step *step, unsigned timeout_ms, const char *text,
                            size_t n)
{
    static struct hsm_agent_error err;
    struct fake_agent fake;
    fake_agent_start(&fake, step, 1);
    hsm_agent *agent = hsm_agent_new(&(struct hsm_agent_options){
        .socket_path = fake.path, .timeout_ms = timeout_ms, .wait = wait_for_test, .wait_context = waiter});
    err.code[0] = '\0';
    int result = hsm_agent_call(agent, "POST", "/", text, n, NULL, NULL, NULL, &err);
    assert_int_equal(result, err.code[0] ? -1 : 0);
    hsm_agent_free(agent);
    fake_agent_stop(&fake);
    fake_agent_clear(&fake);
    return err.code;
}

static void agent_waits_by_the_callers_function(void **state)
{
    static const struct fake_step dribble = {FAKE_DRIBBLE, .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
    static const struct fake_step silent = {.act = FAKE_SILENT};
    struct waiter patient = {.early = 100, .result = 1}, over = {.result = 0}, weary = {.result = -1};
    assert_string_equal(ask_with(&patient, &dribble, 0, "{}", 2), "");
    assert_true(patient.calls > 0);
    assert_int_equal(patient.seen_write, 0);
    assert_string_equal(ask_with(&over, &silent, 0, "{}", 2), "deadline");
    assert_int_equal(over.calls, 1);
    assert_string_equal(ask_with(&weary, &silent, 0, "{}", 2), "agent-unreachable");
}

// Nobody reads, so that the socket is full at some time.
static void agent_waits_to_send_too(void **state)
{
    enum { LARGE = 4 * 1024 * 1024 };
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/client-library-test.XXXXXX", *text = calloc(1, LARGE);
    struct waiter over = {.result = 0};
    struct hsm_agent_error err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_non_null(text);
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    hsm_agent *agent = hsm_agent_new(
        &(struct hsm_agent_options){.socket_path = address.sun_path, .wait = wait_for_test, .wait_context = &over});
    int result = hsm_agent_call(agent, "POST", "/", text, LARGE, NULL, NULL, NULL, &err);
    hsm_agent_free(agent);
    close(fd);
    unlink(address.sun_path);
    rmdir(directory);
    free(text);
    assert_int_equal(result, -1);
    assert_string_equal(err.code, "deadline");
    assert_int_equal(over.calls, 1);
    assert_true(over.seen_write);
}

static void agent_deadline_holds_whatever_the_function_says(void **state)
{
    static const struct fake_step silent = {.act = FAKE_SILENT};
    struct waiter hasty = {.early = INT32_MAX, .result = 1};
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_string_equal(ask_with(&hasty, &silent, 200, "{}", 2), "deadline");
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agent_new_without_options_takes_environment_then_default),
        cmocka_unit_test(agent_public_key_is_the_der),
        cmocka_unit_test(agent_uses_of_a_key_ask_as_the_api_says),
        cmocka_unit_test(agent_result_over_the_buffer_is_refused_with_its_size),
        cmocka_unit_test(agent_refusal_is_told_in_full),
        cmocka_unit_test(agent_answers_that_fit_no_question_are_errors),
        cmocka_unit_test(agent_impossible_name_asks_nobody),
        cmocka_unit_test(agent_call_gives_status_and_text_of_every_answer),
        cmocka_unit_test(agent_call_without_an_agent_has_neither_status_nor_text),
        cmocka_unit_test(agent_waits_by_the_callers_function),
        cmocka_unit_test(agent_waits_to_send_too),
        cmocka_unit_test(agent_deadline_holds_whatever_the_function_says),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("client_library", tests, NULL, NULL);
}
