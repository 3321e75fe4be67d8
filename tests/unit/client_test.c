// SPDX-License-Identifier: Apache-2.0
// Calls against a server that behaves and one that doesn't.
#include "client/client.h"

#include "base/clock.h"
#include "fake_agent.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 10000 };

static const struct ha_call get = {.method = "GET", .path = "/v1/version"};

#define OK_TEXT "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"

// Makes n calls, all alike; each has to end with code. Returns the last error.
static struct ha_err call_n(struct fake_agent *agent, size_t n, const struct ha_call *call, enum ha_code code)
{
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_client_new(agent->path, TIMEOUT_MS, &client, &err), HA_OK);
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf body = {0};
        unsigned status = 0;
        err = (struct ha_err){0};
        enum ha_code got = ha_client_call(client, call, &status, &body, &err);
        if (got != code)
            fail_msg("call %zu: code %d, %s", i, got, err.detail);
        if (code == HA_OK)
            assert_string_equal(ha_buf_text(&body), "{\"a\":1}");
    }
    return err;
}

static void client_calls_share_a_connection(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ANSWER, .text = OK_TEXT}, {FAKE_ANSWER, .text = OK_TEXT}, {FAKE_ANSWER, .text = OK_TEXT}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 3);
    call_n(&agent, 3, &get, HA_OK);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 1);
    assert_string_equal(agent.requests[0],
                        "GET /v1/version HTTP/1.1\r\nHost: hsm-agent\r\nUser-Agent: hsm-agent/" HA_VERSION "\r\n\r\n");
    fake_agent_clear(&agent);
}

static void client_request_carries_body_and_condition(void **state)
{
    static const struct fake_step steps[] = {{FAKE_ANSWER, .text = OK_TEXT}};
    const struct ha_call put = {
        .method = "PUT", .path = "/v1/keys/k", .if_none_match = "*", .body = "{}", .body_len = 2};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 1);
    call_n(&agent, 1, &put, HA_OK);
    fake_agent_stop(&agent);
    assert_string_equal(agent.requests[0],
                        "PUT /v1/keys/k HTTP/1.1\r\nHost: hsm-agent\r\nUser-Agent: hsm-agent/" HA_VERSION
                        "\r\nIf-None-Match: *\r\nContent-Type: application/json\r\n"
                        "Content-Length: 2\r\n\r\n{}");
    fake_agent_clear(&agent);
}

static void client_answer_in_single_bytes_is_read(void **state)
{
    static const struct fake_step steps[] = {{FAKE_DRIBBLE, .text = OK_TEXT}, {FAKE_DRIBBLE, .text = OK_TEXT}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 2);
    call_n(&agent, 2, &get, HA_OK);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 1);
    fake_agent_clear(&agent);
}

static void client_connection_close_is_obeyed(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    static const struct fake_step steps[] = {{FAKE_CUT, .text = text}, {FAKE_CUT, .text = text}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 2);
    call_n(&agent, 2, &get, HA_OK);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 2);
    fake_agent_clear(&agent);
}

static void client_kept_connection_that_dies_is_replaced_once(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ANSWER, .text = OK_TEXT}, {.act = FAKE_HANG_UP}, {FAKE_ANSWER, .text = OK_TEXT}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 3);
    call_n(&agent, 2, &get, HA_OK);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 2);
    assert_int_equal(agent.n_requests, 3);
    fake_agent_clear(&agent);
}

// The first connection dies as a kept one, the second as a new one: the third step is never reached by the same call.
static void client_second_death_is_an_error(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ANSWER, .text = OK_TEXT}, {.act = FAKE_HANG_UP}, {.act = FAKE_HANG_UP}};
    struct fake_agent agent;
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct ha_err err = {0};
    unsigned status = 0;
    fake_agent_start(&agent, steps, 3);
    assert_int_equal(ha_client_new(agent.path, TIMEOUT_MS, &client, &err), HA_OK);
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_OK);
    status = 0;
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_E_AGENT);
    assert_int_equal(status, 0);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 2);
    assert_int_equal(agent.n_requests, 3);
    fake_agent_clear(&agent);
}

static void client_new_connection_that_dies_is_not_retried(void **state)
{
    static const struct fake_step steps[] = {{.act = FAKE_HANG_UP}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 1);
    call_n(&agent, 1, &get, HA_E_AGENT);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 1);
    fake_agent_clear(&agent);
}

static void client_answer_that_breaks_off_is_not_retried(void **state)
{
    static const struct fake_step steps[] = {{FAKE_ANSWER, .text = OK_TEXT},
                                             {FAKE_CUT, .text = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"}};
    struct fake_agent agent;
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct ha_err err = {0};
    unsigned status = 0;
    fake_agent_start(&agent, steps, 2);
    assert_int_equal(ha_client_new(agent.path, TIMEOUT_MS, &client, &err), HA_OK);
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_OK);
    ha_buf_reset(&body);
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_E_AGENT);
    assert_int_equal(body.len, 0);
    fake_agent_stop(&agent);
    assert_int_equal(agent.n_requests, 2);
    fake_agent_clear(&agent);
}

static void client_wrong_answers_are_refused(void **state)
{
    static const char *const wrong[] = {
        "garbage\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{\"a\":1}",
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\":1}",
        "HTTP/1.1 200 OK\r\n",
        "",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        const struct fake_step step = {FAKE_CUT, .text = wrong[i]};
        struct fake_agent agent;
        fake_agent_start(&agent, &step, 1);
        struct ha_err err = call_n(&agent, 1, &get, HA_E_AGENT);
        assert_true(err.hint[0]);
        fake_agent_stop(&agent);
        fake_agent_clear(&agent);
    }
}

static void client_endless_head_is_refused(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_buf_puts(&text, "HTTP/1.1 200 OK\r\nA: ");
    while (text.len < 40000)
        ha_buf_putc(&text, 'a');
    const struct fake_step step = {FAKE_CUT, .text = ha_buf_text(&text)};
    struct fake_agent agent;
    fake_agent_start(&agent, &step, 1);
    call_n(&agent, 1, &get, HA_E_AGENT);
    fake_agent_stop(&agent);
    fake_agent_clear(&agent);
}

static void client_greeting_of_another_protocol_is_refused_at_once(void **state)
{
    static const struct fake_step steps[] = {{FAKE_GREET, .text = "SSH-2.0-x\r\n"}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 1);
    int64_t before = ha_now_ms();
    call_n(&agent, 1, &get, HA_E_AGENT);
    assert_true(ha_now_ms() - before < TIMEOUT_MS / 2);
    fake_agent_stop(&agent);
    fake_agent_clear(&agent);
}

static void client_silence_ends_at_the_deadline(void **state)
{
    static const struct fake_step steps[] = {{.act = FAKE_SILENT}};
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct fake_agent agent;
    struct ha_err err = {0};
    unsigned status = 0;
    fake_agent_start(&agent, steps, 1);
    assert_int_equal(ha_client_new(agent.path, 150, &client, &err), HA_OK);
    int64_t before = ha_now_ms();
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_E_DEADLINE);
    int64_t took = ha_now_ms() - before;
    assert_true(took >= 150 && took < 5000);
    fake_agent_stop(&agent);  // hangs if the client kept the connection
    fake_agent_clear(&agent);
}

static void client_refusal_before_the_requests_end_is_read(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_REFUSE_EARLY, .status = 413, .body = "{\"code\":\"too-large\",\"detail\":\"much\"}"}};
    enum { LARGE = 4 * 1024 * 1024 };
    struct fake_agent agent;
    char *large = calloc(1, LARGE);
    const struct ha_call post = {.method = "POST", .path = "/", .body = large, .body_len = LARGE};
    assert_non_null(large);
    fake_agent_start(&agent, steps, 1);
    struct ha_err err = call_n(&agent, 1, &post, HA_E_TOO_LARGE);
    assert_string_equal(err.detail, "much");
    fake_agent_stop(&agent);
    fake_agent_clear(&agent);
    free(large);
}

static void client_problem_document_becomes_the_error(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ANSWER,
         .text =
             "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 177\r\nRetry-After: 9\r\n\r\n"
             "{\"code\":\"token-error\",\"title\":\"T\",\"detail\":\"the cause\",\"hint\":\"the remedy\",\"pointer\":"
             "\"/items/3\",\"pkcs11\":{\"function\":\"C_Sign\",\"rv\":\"CKR_DEVICE_ERROR\",\"code\":\"0x30\"},\"x\":"
             "[12345]}"}};
    struct fake_agent agent;
    fake_agent_start(&agent, steps, 1);
    struct ha_err err = call_n(&agent, 1, &get, HA_E_TOKEN_ERROR);
    assert_string_equal(err.detail, "the cause");
    assert_string_equal(err.hint, "the remedy");
    assert_string_equal(err.pointer, "/items/3");
    assert_string_equal(err.function, "C_Sign");
    assert_int_equal(err.rv, 0x30);
    assert_int_equal(err.retry_after_s, 9);
    fake_agent_stop(&agent);
    fake_agent_clear(&agent);
}

static void client_odd_problem_documents_are_errors_still(void **state)
{
    static const struct {
        const char *body;
        enum ha_code code;
    } rows[] = {
        {"{\"code\":\"no-such-key\"}", HA_E_NO_KEY},
        {"{\"code\":\"of-the-future\",\"detail\":\"d\"}", HA_E_INTERNAL},
        {"{\"code\":\"ok\"}", HA_E_INTERNAL},
        {"{\"code\":\"usage\"}", HA_E_INTERNAL},
        {"{\"code\":7}", HA_E_AGENT},
        {"{\"pkcs11\":[]}", HA_E_AGENT},
        {"{\"code\":\"token-error\",\"pkcs11\":\"x\",\"hint\":null}", HA_E_TOKEN_ERROR},
        {"[]", HA_E_AGENT},
        {"<html>", HA_E_AGENT},
        {"", HA_E_AGENT},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        const struct fake_step step = {FAKE_ANSWER, .status = 404, .body = rows[i].body};
        struct fake_agent agent;
        fake_agent_start(&agent, &step, 1);
        struct ha_err err = call_n(&agent, 1, &get, rows[i].code);
        assert_true(err.detail[0] && err.hint[0]);
        fake_agent_stop(&agent);
        fake_agent_clear(&agent);
    }
}

static void client_status_and_body_come_with_a_refusal(void **state)
{
    static const struct fake_step steps[] = {{FAKE_ANSWER, .status = 404, .body = "{\"code\":\"no-such-key\"}"},
                                             {FAKE_ANSWER, .text = OK_TEXT}};
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct fake_agent agent;
    struct ha_err err = {0};
    unsigned status = 0;
    fake_agent_start(&agent, steps, 2);
    assert_int_equal(ha_client_new(agent.path, TIMEOUT_MS, &client, &err), HA_OK);
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_E_NO_KEY);
    assert_int_equal(status, 404);
    assert_string_equal(ha_buf_text(&body), "{\"code\":\"no-such-key\"}");
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_OK);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 1);
    fake_agent_clear(&agent);
}

static void expect_unreachable(const char *path, const char *hint_part)
{
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct ha_err err = {0};
    unsigned status = 0;
    assert_int_equal(ha_client_new(path, TIMEOUT_MS, &client, &err), HA_OK);
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_E_AGENT);
    if (!strstr(err.hint, hint_part))
        fail_msg("%s: %s", path, err.hint);
}

static void client_unreachable_agents_are_told_apart(void **state)
{
    char directory[] = "/tmp/client-test.XXXXXX", path[64], dead[64], longest[200];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/none", directory);
    expect_unreachable(path, "Start hsm-agentd");
    expect_unreachable("/etc/passwd", "isn't a socket");
    snprintf(dead, sizeof dead, "%s/dead", directory);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", dead);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    expect_unreachable(dead, "Nobody listens");
    close(fd);
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    expect_unreachable(longest, "shorter");
    unlink(dead);
    rmdir(directory);
}

static void client_path_with_control_characters_is_refused(void **state)
{
    static const char *const wrong[] = {"/v1/keys/a b", "/v1\r\nX: y", "v1", "", "/v1/\xc3\xa4", "/\x7f"};
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    struct ha_err err = {0};
    assert_int_equal(ha_client_new("/nonexistent/socket", TIMEOUT_MS, &client, &err), HA_OK);
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        ha_auto(ha_buf_clear) struct ha_buf body = {0};
        const struct ha_call call = {.method = "GET", .path = wrong[i]};
        unsigned status;
        assert_int_equal(ha_client_call(client, &call, &status, &body, &err), HA_E_INTERNAL);
    }
}

static void client_after_fork_connects_anew(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ANSWER, .text = OK_TEXT}, {FAKE_CUT, .text = OK_TEXT}, {FAKE_ANSWER, .text = OK_TEXT}};
    ha_auto(ha_client_free) struct ha_client *client = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    struct fake_agent agent;
    struct ha_err err = {0};
    unsigned status = 0;
    int child_status = -1;
    fake_agent_start(&agent, steps, 3);
    assert_int_equal(ha_client_new(agent.path, TIMEOUT_MS, &client, &err), HA_OK);
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_OK);
    pid_t pid = fork();
    if (pid == 0) {
        // The second step answers on the parent's connection, which is the server's only one: the child's own waits in
        // the backlog until the parent has had its answer and the server closed that.
        enum ha_code code = ha_client_call(client, &get, &status, &body, &err);
        _exit(code == HA_OK ? 0 : 1);
    }
    assert_int_equal(ha_client_call(client, &get, &status, &body, &err), HA_OK);
    assert_int_equal(waitpid(pid, &child_status, 0), pid);
    assert_int_equal(child_status, 0);
    fake_agent_stop(&agent);
    assert_int_equal(agent.connections, 2);
    fake_agent_clear(&agent);
}

static void client_socket_comes_from_argument_environment_default(void **state)
{
    ha_auto(ha_client_free) struct ha_client *named = NULL;
    ha_auto(ha_client_free) struct ha_client *environment = NULL;
    ha_auto(ha_client_free) struct ha_client *built_in = NULL;
    struct ha_err err = {0};
    setenv("HSM_AGENT_SOCKET", "/e", 1);
    assert_int_equal(ha_client_new("/a", 1, &named, &err), HA_OK);
    assert_int_equal(ha_client_new(NULL, 1, &environment, &err), HA_OK);
    unsetenv("HSM_AGENT_SOCKET");
    assert_int_equal(ha_client_new(NULL, 1, &built_in, &err), HA_OK);
    assert_string_equal(ha_client_socket(named), "/a");
    assert_string_equal(ha_client_socket(environment), "/e");
    assert_string_equal(ha_client_socket(built_in), HA_RUNSTATEDIR "/hsm-agent/agent.sock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_calls_share_a_connection),
        cmocka_unit_test(client_request_carries_body_and_condition),
        cmocka_unit_test(client_answer_in_single_bytes_is_read),
        cmocka_unit_test(client_connection_close_is_obeyed),
        cmocka_unit_test(client_kept_connection_that_dies_is_replaced_once),
        cmocka_unit_test(client_second_death_is_an_error),
        cmocka_unit_test(client_new_connection_that_dies_is_not_retried),
        cmocka_unit_test(client_answer_that_breaks_off_is_not_retried),
        cmocka_unit_test(client_wrong_answers_are_refused),
        cmocka_unit_test(client_endless_head_is_refused),
        cmocka_unit_test(client_greeting_of_another_protocol_is_refused_at_once),
        cmocka_unit_test(client_silence_ends_at_the_deadline),
        cmocka_unit_test(client_refusal_before_the_requests_end_is_read),
        cmocka_unit_test(client_problem_document_becomes_the_error),
        cmocka_unit_test(client_odd_problem_documents_are_errors_still),
        cmocka_unit_test(client_status_and_body_come_with_a_refusal),
        cmocka_unit_test(client_unreachable_agents_are_told_apart),
        cmocka_unit_test(client_path_with_control_characters_is_refused),
        cmocka_unit_test(client_after_fork_connects_anew),
        cmocka_unit_test(client_socket_comes_from_argument_environment_default),
    };
    // One real SIGPIPE would end this program.
    signal(SIGPIPE, SIG_DFL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
