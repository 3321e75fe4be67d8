// SPDX-License-Identifier: Apache-2.0
// Whole command lines on the agent and its keys: requests, outputs, exit statuses.
#include "cli_run.h"

#include "base/auto.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void cli_version_prints_text_or_the_document(void **state)
{
    static const char document[] = "{\"name\":\"hsm-agent\", \"version\":\"9\",\"api\":1}";
    static const struct fake_step steps[] = {ANSWER(document), ANSWER(document)};
    static const char *const lines[] = {"version", "version --json"};
    static const char *const expected[] = {"hsm-agent 9, API 1\n",
                                           "{\"name\":\"hsm-agent\", \"version\":\"9\",\"api\":1}\n"};
    for (size_t i = 0; i < 2; i++) {
        struct cli_run run;
        cli_run_start(&run, &steps[i], 1);
        cli_run(&run, lines[i]);
        assert_int_equal(run.status, 0);
        assert_string_equal(run.out, expected[i]);
        assert_string_equal(run.err, "");
        cli_run_finish(&run);
    }
}

static void cli_status_of_a_sick_agent_is_1(void **state)
{
    static const struct fake_step steps[] = {
        REFUSAL(503, "{\"status\":\"not-ready\",\"tokens\":[],\"keys\":{\"ready\":2,\"trouble\":1}}"),
        ANSWER("{\"tokens\":[{\"name\":\"main\",\"state\":\"pin-refused\",\"label\":\"e\\u001b[2Jvil\",\"restarts\":0,"
               "\"error\":{\"code\":\"pin-refused\",\"detail\":\"the token refused the PIN\",\"hint\":\"Correct "
               "it.\"}}]}"),
        ANSWER("{\"keys\":[{\"name\":\"one\",\"replicas\":[{\"token\":\"main\",\"state\":\"ready\"}]},"
               "{\"name\":\"pair\",\"replicas\":[{\"token\":\"main\",\"state\":\"token-down\"},"
               "{\"token\":\"b\",\"state\":\"ready\"}]}]}"),
        ANSWER("{\"at\":\"2026-11-21T17:00:00Z\",\"expiry_days\":[30],\"keys\":["
               "{\"name\":\"one\",\"version\":1,\"status\":\"active\",\"certificate\":"
               "{\"not_before\":\"2026-01-01T00:00:00Z\",\"not_after\":\"2026-12-20T17:00:00Z\"}},"
               "{\"name\":\"old\",\"version\":1,\"status\":\"retired\",\"certificate\":"
               "{\"not_before\":\"2026-01-01T00:00:00Z\",\"not_after\":\"2026-11-01T17:00:00Z\"}},"
               "{\"name\":\"two\",\"version\":3,\"status\":\"active\",\"certificate\":"
               "{\"not_before\":\"2026-01-01T00:00:00Z\",\"not_after\":\"2026-11-20T16:00:00Z\"}},"
               "{\"name\":\"bare\",\"version\":1,\"status\":\"active\"}]}"),
    };
    struct cli_run run;
    cli_run_start(&run, steps, 4);
    cli_run(&run, "status");
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.out, "NOT READY"));
    assert_non_null(strstr(run.out, "2 ready, 1 in trouble"));
    assert_non_null(strstr(run.out, "main: the token refused the PIN\n  remedy: Correct it.\n"));
    assert_non_null(strstr(run.out, "KEY   TOKEN  STATE\npair  main   token-down\npair  b      ready\n"));
    assert_non_null(strstr(run.out, "EXPIRES NEXT  VERSION  ON          LEFT\n"
                                    "two           3        2026-11-20  1 day ago\n"
                                    "one           1        2026-12-20  in 29 days\n"));
    assert_null(strstr(run.out, "old"));
    assert_null(strchr(run.out, '\x1b'));
    assert_string_equal(run.err, "");
    cli_run_finish(&run);
}

static void cli_errors_have_cause_and_remedy(void **state)
{
    static const struct fake_step steps[] = {REFUSAL(
        403,
        "{\"code\":\"forbidden\",\"detail\":\"no rule\\u0007\",\"hint\":\"ask\",\"pointer\":\"/a\",\"status\":403}")};
    struct cli_run run;
    cli_run_start(&run, steps, 1);
    cli_run(&run, "key list");
    assert_int_equal(run.status, 1);
    assert_string_equal(run.out, "");
    assert_string_equal(run.err, "hsm-agent: no rule? (at /a)\n  remedy: ask\n");
    cli_run_finish(&run);
}

static void cli_json_errors_are_the_document_on_stderr(void **state)
{
    static const char problem[] = "{\"code\":\"forbidden\",\"detail\":\"no rule\",\"status\":403}";
    static const struct fake_step steps[] = {REFUSAL(403, problem)};
    struct cli_run run;
    cli_run_start(&run, steps, 1);
    cli_run(&run, "--json key list");
    assert_int_equal(run.status, 1);
    assert_string_equal(run.out, "");
    assert_true(cli_run_begins(run.err, problem) && strlen(run.err) == sizeof problem);
    cli_run_finish(&run);
}

static void cli_key_create_adopt_delete_send_what_was_said(void **state)
{
    static const struct {
        const char *line, *request, *body;
    } rows[] = {
        {"key create k --type ec:p256 --purpose sign,derive --token t", "PUT /v1/keys/k HTTP/1.1\r\n",
         "{\"type\":\"ec:p256\",\"purposes\":[\"sign\",\"derive\"],\"token\":\"t\"}"},
        {"key adopt k pkcs11:object=x;id=%01", "PUT /v1/keys/k HTTP/1.1\r\n", "{\"uri\":\"pkcs11:object=x;id=%01\"}"},
        {"key adopt k pkcs11:a pkcs11:b --purpose sign", "PUT /v1/keys/k HTTP/1.1\r\n",
         "{\"purposes\":[\"sign\"],\"replicas\":[{\"uri\":\"pkcs11:a\"},{\"uri\":\"pkcs11:b\"}]}"},
        {"key adopt k pkcs11:a pkcs11:b --token x,y", "PUT /v1/keys/k HTTP/1.1\r\n",
         "{\"replicas\":[{\"uri\":\"pkcs11:a\",\"token\":\"x\"},{\"uri\":\"pkcs11:b\",\"token\":\"y\"}]}"},
        {"key adopt k pkcs11:a --token x,y", "PUT /v1/keys/k HTTP/1.1\r\n",
         "{\"replicas\":[{\"uri\":\"pkcs11:a\",\"token\":\"x\"},{\"uri\":\"pkcs11:a\",\"token\":\"y\"}]}"},
        {"key delete k --confirm k", "DELETE /v1/keys/k HTTP/1.1\r\n", ""},
        {"key delete k --confirm k --destroy-objects", "DELETE /v1/keys/k?objects=destroy HTTP/1.1\r\n", ""},
    };
    static const struct fake_step steps[] = {ANSWER("{\"name\":\"k\",\"deleted\":\"k\",\"objects\":\"destroyed\"}")};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct cli_run run;
        cli_run_start(&run, steps, 1);
        cli_run(&run, rows[i].line);
        assert_int_equal(run.status, 0);
        assert_true(cli_run_begins(run.agent.requests[0], rows[i].request));
        assert_string_equal(cli_run_body(&run, 0), rows[i].body);
        assert_int_equal(strstr(run.agent.requests[0], "If-None-Match: *\r\n") != NULL,
                         cli_run_begins(rows[i].request, "PUT"));
        cli_run_finish(&run);
    }
}

static void cli_key_show_gives_each_public_form(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"name\":\"k\",\"type\":\"ec:p256\",\"public_key\":{\"pem\":"
                                                    "\"PEM\\n\",\"der\":\"AAEC_w\",\"jwk\":{\"kty\":\"EC\","
                                                    "\"x\":\"eA\"},\"thumbprint\":\"t\",\"spki_sha256\":\"s\"}}")};
    static const struct {
        const char *line, *out;
        size_t n;
    } rows[] = {
        {"key show k --public pem", "PEM\n", 4},
        {"key show k --public der", "\x00\x01\x02\xff", 4},
        {"key show k --public jwk", "{\"kty\":\"EC\",\"x\":\"eA\"}\n", 22},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct cli_run run;
        cli_run_start(&run, steps, 1);
        cli_run(&run, rows[i].line);
        assert_int_equal(run.status, 0);
        assert_int_equal(run.out_len, rows[i].n);
        assert_memory_equal(run.out, rows[i].out, rows[i].n);
        cli_run_finish(&run);
    }
}

static void cli_usage_errors_are_2_and_ask_nobody(void **state)
{
    static const char *const lines[] = {
        "key delete k",
        "sign ../etc",
        "sign k/x",
        "sign k --format pem",
        "key show k --public x509",
        "--timeout 0 version",
        "--timeout 1s version",
        "csr k --subject x",
        "sign .k",
        "nonsense",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(lines); i++) {
        struct cli_run run = {0};
        cli_run_init(&run);
        setenv("HSM_AGENT_SOCKET", "/nonexistent/socket", 1);
        cli_run(&run, lines[i]);
        if (run.status != 2 || !strstr(run.err, "\n  remedy: ") || run.out_len != 0)
            fail_msg("%s: %d %s", lines[i], run.status, run.err);
        cli_run_finish(&run);
    }
}

static void cli_answers_of_another_shape_are_1(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{}")};
    static const struct fake_step no_object[] = {ANSWER("[]")};
    static const char *const lines[] = {"sign k --alg ES256",      "decrypt k", "csr k --subject CN=x",
                                        "key show k --public pem", "status",    "tokens"};
    for (size_t i = 0; i < 2 * HA_ARRAY_SIZE(lines); i++) {
        struct cli_run run;
        cli_run_start(&run, i % 2 ? steps : no_object, 1);
        cli_run(&run, lines[i / 2]);
        if (run.status != 1 || !strstr(run.err, "  remedy: "))
            fail_msg("%s: %d %s", lines[i / 2], run.status, run.err);
        cli_run_finish(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_version_prints_text_or_the_document),
        cmocka_unit_test(cli_status_of_a_sick_agent_is_1),
        cmocka_unit_test(cli_errors_have_cause_and_remedy),
        cmocka_unit_test(cli_json_errors_are_the_document_on_stderr),
        cmocka_unit_test(cli_key_create_adopt_delete_send_what_was_said),
        cmocka_unit_test(cli_key_show_gives_each_public_form),
        cmocka_unit_test(cli_usage_errors_are_2_and_ask_nobody),
        cmocka_unit_test(cli_answers_of_another_shape_are_1),
    };
    signal(SIGPIPE, SIG_IGN);  // as main does
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cli_command", tests, NULL, NULL);
}
