// SPDX-License-Identifier: Apache-2.0
// Whole command lines that use a key: requests, outputs, files.
#include "cli_run.h"

#include "base/auto.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void cli_sign_without_alg_asks_the_key(void **state)
{
    static const struct fake_step steps[] = {
        ANSWER("{\"name\":\"k\",\"algorithms\":[\"ECDH\",\"unheard-of\",\"ES384\",\"ES256\"]}"),
        ANSWER("{\"signature\":\"AAEC_w\"}"),
    };
    struct cli_run run;
    cli_run_start(&run, steps, 2);
    run.input = "hi";
    cli_run(&run, "sign k");
    assert_int_equal(run.status, 0);
    assert_int_equal(run.out_len, 4);
    assert_memory_equal(run.out, "\x00\x01\x02\xff", 4);
    assert_non_null(strstr(run.err, "ES384"));
    assert_true(cli_run_begins(run.agent.requests[0], "GET /v1/keys/k HTTP/1.1\r\n"));
    assert_true(cli_run_begins(run.agent.requests[1], "POST /v1/keys/k/sign HTTP/1.1\r\n"));
    assert_string_equal(cli_run_body(&run, 1), "{\"algorithm\":\"ES384\",\"format\":\"der\",\"data\":\"aGk\"}");
    cli_run_finish(&run);
}

static void cli_sign_with_a_key_that_does_not_sign_is_refused(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"name\":\"k\",\"algorithms\":[\"RSA-OAEP\"]}")};
    struct cli_run run;
    cli_run_start(&run, steps, 1);
    cli_run(&run, "sign k");
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "no algorithm that signs"));
    cli_run_finish(&run);
}

static void cli_sign_jose_writes_text_without_newline(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"signature\":\"AAEC_w\"}")};
    struct cli_run run;
    cli_run_start(&run, steps, 1);
    cli_run(&run, "sign k --alg ES256 --format jose --digest");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "AAEC_w");
    assert_string_equal(cli_run_body(&run, 0), "{\"algorithm\":\"ES256\",\"format\":\"jose\",\"digest\":\"\"}");
    cli_run_finish(&run);
}

static void cli_sign_writes_the_file_through_a_link(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"signature\":\"AAEC_w\"}")};
    struct cli_run run;
    char path[128], text[16];
    struct stat st;
    cli_run_start(&run, steps, 1);
    cli_run_write(&run, "sig", "old");
    assert_int_equal(symlink("sig", cli_run_path(&run, "link", path)), 0);
    cli_run(&run, "sign k --alg ES256 -o link");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(cli_run_read(&run, "sig", text, sizeof text), 4);
    assert_int_equal(stat(cli_run_path(&run, "sig", path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    cli_run_finish(&run);
}

static void cli_sign_failure_leaves_the_file_alone(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"signature\":\"AA+/\"}")};
    struct cli_run run;
    char text[16];
    cli_run_start(&run, steps, 1);
    cli_run_write(&run, "sig", "old");
    cli_run(&run, "sign k --alg ES256 -o sig");
    assert_int_equal(run.status, 1);
    cli_run_read(&run, "sig", text, sizeof text);
    assert_string_equal(text, "old");
    cli_run_finish(&run);
}

static void cli_input_over_the_limit_is_refused_with_the_openssl_command(void **state)
{
    char *large = calloc(1, 200 * 1024);
    struct cli_run run = {0};
    assert_non_null(large);
    memset(large, 'x', 200 * 1024 - 1);
    cli_run_init(&run);
    setenv("HSM_AGENT_SOCKET", "/nonexistent/socket", 1);
    run.input = large;
    cli_run(&run, "sign k --alg PS384");
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "openssl dgst -sha384 -binary FILE | hsm-agent sign NAME --alg PS384 --digest"));
    cli_run(&run, "sign k --alg Ed25519");
    assert_int_equal(run.status, 1);
    assert_null(strstr(run.err, "openssl"));
    cli_run_finish(&run);
    free(large);
}

static void cli_decrypt_writes_a_private_file(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"plaintext\":\"c2VjcmV0\"}")};
    struct cli_run run;
    char path[128], text[16];
    struct stat st;
    cli_run_start(&run, steps, 1);
    run.input = "c";
    cli_run_write(&run, "peer", "l");
    cli_run(&run, "decrypt k --label-file peer -o plain");
    assert_int_equal(run.status, 0);
    cli_run_read(&run, "plain", text, sizeof text);
    assert_string_equal(text, "secret");
    assert_int_equal(stat(cli_run_path(&run, "plain", path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(cli_run_body(&run, 0),
                        "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"Yw\",\"label\":\"bA\"}");
    cli_run_finish(&run);
}

static void cli_derive_sends_pem_as_text_and_jwk_as_object(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"secret\":\"AA\"}")};
    static const struct {
        const char *peer, *body;
        int status;
    } rows[] = {
        {"-----BEGIN PUBLIC KEY-----\nAA==\n",
         "{\"algorithm\":\"ECDH\",\"peer\":\"-----BEGIN PUBLIC KEY-----\\nAA==\\n\"}", 0},
        {" {\"kty\": \"EC\"}", "{\"algorithm\":\"ECDH\",\"peer\": {\"kty\": \"EC\"}}", 0},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct cli_run run;
        cli_run_start(&run, steps, 1);
        cli_run_write(&run, "peer", rows[i].peer);
        cli_run(&run, "derive k --peer peer");
        assert_int_equal(run.status, rows[i].status);
        assert_string_equal(cli_run_body(&run, 0), rows[i].body);
        cli_run_finish(&run);
    }
}

static void cli_derive_with_a_broken_peer_asks_nobody(void **state)
{
    static const char *const wrong[] = {"{\"kty\":", "{},\"x\":{}", "\xff\xfe"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        struct cli_run run = {0};
        cli_run_init(&run);
        setenv("HSM_AGENT_SOCKET", "/nonexistent/socket", 1);
        cli_run_write(&run, "peer", wrong[i]);
        cli_run(&run, "derive k --peer peer");
        assert_int_equal(run.status, 1);
        assert_null(strstr(run.err, "connect"));
        cli_run_finish(&run);
    }
}

static void cli_csr_puts_the_whole_request_together(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\n\"}")};
    struct cli_run run;
    cli_run_start(&run, steps, 1);
    cli_run(&run, "csr k --subject C=AE,O=a --subject /CN=x --dns a --dns b --ip ::1 --uri u:v --email e@f --key-usage "
                  "digitalSignature --ext-key-usage serverAuth --alg ES256");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "-----BEGIN CERTIFICATE REQUEST-----\n");
    assert_string_equal(
        cli_run_body(&run, 0),
        "{\"subject\":[{\"C\":\"AE\"},{\"O\":\"a\"},{\"CN\":\"x\"}],\"san\":{\"dns\":[\"a\",\"b\"],\"ip\":["
        "\"::1\"],\"uri\":[\"u:v\"],\"email\":[\"e@f\"]},\"key_usage\":[\"digitalSignature\"],"
        "\"extended_key_usage\":[\"serverAuth\"],\"algorithm\":\"ES256\"}");
    cli_run_finish(&run);
}

// SEQUENCE { "hsm-agent key reference", "hsm-agent:k", the public key }, put together by hand.
static void cli_pem_writes_name_and_public_key(void **state)
{
    static const struct fake_step steps[] = {ANSWER("{\"public_key\":{\"der\":\"MAA\"}}")};
    static const char wanted[] = "-----BEGIN HSM-AGENT KEY-----\n"
                                 "MCgMF2hzbS1hZ2VudCBrZXkgcmVmZXJlbmNlDAtoc20tYWdlbnQ6azAA\n"
                                 "-----END HSM-AGENT KEY-----\n";
    struct cli_run run;
    char path[128], text[512];
    struct stat st;
    cli_run_start(&run, steps, 1);
    umask(022);
    cli_run(&run, "pem k -o plain");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "");
    cli_run_read(&run, "plain", text, sizeof text);
    assert_string_equal(text, wanted);
    assert_int_equal(stat(cli_run_path(&run, "plain", path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_true(cli_run_begins(run.agent.requests[0], "GET /v1/keys/k HTTP/1.1\r\n"));
    cli_run_finish(&run);
}

static void cli_pem_without_a_public_key_is_an_error(void **state)
{
    static const char *const wrong[] = {"{}", "{\"public_key\":[]}", "{\"public_key\":{\"der\":\"\"}}",
                                        "{\"public_key\":{\"der\":\"+\"}}"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        const struct fake_step steps[] = {ANSWER(wrong[i])};
        struct cli_run run;
        cli_run_start(&run, steps, 1);
        cli_run(&run, "pem k");
        assert_int_equal(run.status, 1);
        assert_string_equal(run.out, "");
        assert_non_null(strstr(run.err, "no public key in DER"));
        cli_run_finish(&run);
    }
}

static void cli_openssl_conf_needs_no_agent(void **state)
{
    struct cli_run run = {0};
    cli_run_init(&run);
    setenv("HSM_AGENT_SOCKET", "/nonexistent/socket", 1);
    cli_run(&run, "openssl-conf");
    assert_int_equal(run.status, 0);
    const char *first = strstr(run.out, "\ndefault = default_provider\n");
    assert_non_null(first);
    assert_non_null(strstr(first, "\nzz_hsmagent = zz_hsmagent_provider\n"));
    assert_non_null(strstr(first, "/hsmagent.so\nactivate = 1\n"));
    cli_run(&run, "openssl-conf --module /opt/a.so");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\nmodule = /opt/a.so\nactivate = 1\n"));
    cli_run_finish(&run);
}

static void cli_openssl_conf_refuses_what_openssl_would_misread(void **state)
{
    static const char *const wrong[] = {"/a#b.so", "$x", "a\\b", "'a'", "\"a\"", "a;b", "\ta"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        struct cli_run run = {0};
        char line[64];
        cli_run_init(&run);
        snprintf(line, sizeof line, "openssl-conf --module=%s", wrong[i]);
        cli_run(&run, line);
        assert_int_equal(run.status, 2);
        assert_string_equal(run.out, "");
        cli_run_finish(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_sign_without_alg_asks_the_key),
        cmocka_unit_test(cli_sign_with_a_key_that_does_not_sign_is_refused),
        cmocka_unit_test(cli_sign_jose_writes_text_without_newline),
        cmocka_unit_test(cli_sign_writes_the_file_through_a_link),
        cmocka_unit_test(cli_sign_failure_leaves_the_file_alone),
        cmocka_unit_test(cli_input_over_the_limit_is_refused_with_the_openssl_command),
        cmocka_unit_test(cli_decrypt_writes_a_private_file),
        cmocka_unit_test(cli_derive_sends_pem_as_text_and_jwk_as_object),
        cmocka_unit_test(cli_derive_with_a_broken_peer_asks_nobody),
        cmocka_unit_test(cli_csr_puts_the_whole_request_together),
        cmocka_unit_test(cli_pem_writes_name_and_public_key),
        cmocka_unit_test(cli_pem_without_a_public_key_is_an_error),
        cmocka_unit_test(cli_openssl_conf_needs_no_agent),
        cmocka_unit_test(cli_openssl_conf_refuses_what_openssl_would_misread),
    };
    signal(SIGPIPE, SIG_IGN);  // as main does
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("cli_use", tests, NULL, NULL);
}
