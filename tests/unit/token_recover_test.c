// SPDX-License-Identifier: Apache-2.0
// What the child does about lost sessions, lost logins, few sessions and lost tokens.
#include "token_rig.h"

#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include <cmocka.h>

struct fixture {
    struct rig rig;
    struct ha_pubkey *key;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rig_init(&fixture->rig);
    rig_up(&fixture->rig, &(struct rig_options){0});
    fixture->key = rig_key(&fixture->rig, "key", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    rig_stop(&fixture->rig);
    memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->rig);
    ha_pubkey_free(fixture->key);
    free(fixture);
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    rig_stop(&fixture->rig);
    memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
    rig_write(&fixture->rig, "pin", RIG_PIN "\n", 0600);
    return 0;
}

static enum ha_code sign(struct fixture *fixture, size_t worker, struct ha_err *err)
{
    struct ha_packet answer;
    enum ha_code code = rig_use(&fixture->rig, worker, HA_OP_SIGN, HA_ALG_ES256, "key", fixture->key,
                                (struct ha_part){"data", 4}, &answer, err);
    if (code == HA_OK &&
        !ha_pubkey_verify(fixture->key, HA_ALG_ES256, "data", 4, answer.part[0].data, answer.part[0].len))
        return HA_E_INTERNAL;
    return code;
}

static bool signs(struct fixture *fixture, size_t worker)
{
    struct ha_err err = {0};
    enum ha_code code = sign(fixture, worker, &err);
    if (code)
        print_error("%s\n", err.detail);
    return code == HA_OK;
}

static int calls(const struct fixture *fixture, enum fault_call call)
{
    return fixture->rig.faults->call[call].calls;
}

static void inject(struct fixture *fixture, enum fault_call call, CK_RV rv, int count)
{
    fixture->rig.faults->call[call].rv = rv;
    fixture->rig.faults->call[call].count = count;
}

static void recover_from_each_curable_code_once(void **state)
{
    struct fixture *fixture = *state;
    static const CK_RV codes[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,        CKR_USER_NOT_LOGGED_IN,
                                  CKR_KEY_HANDLE_INVALID,     CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE,
                                  CKR_GENERAL_ERROR,          CKR_FUNCTION_FAILED};
    static const enum fault_call where[] = {FAULT_SIGN_INIT, FAULT_SIGN};
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(signs(fixture, 0));
    for (size_t w = 0; w < HA_ARRAY_SIZE(where); w++) {
        for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++) {
            inject(fixture, where[w], codes[i], 1);
            assert_true(signs(fixture, 0));
            assert_true(fixture->rig.faults->call[where[w]].count <= 0);
        }
    }
    assert_int_equal(calls(fixture, FAULT_LOGIN), 1);  // the login was never lost
}

static void recover_gives_up_after_the_third_failure(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(signs(fixture, 0));
    int before = calls(fixture, FAULT_SIGN);
    inject(fixture, FAULT_SIGN, CKR_FUNCTION_FAILED, 3);
    assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_ERROR);
    assert_string_equal(err.detail, "C_Sign: CKR_FUNCTION_FAILED (0x6)");
    assert_int_equal(calls(fixture, FAULT_SIGN), before + 3);
    assert_int_equal(calls(fixture, FAULT_LOGIN), 2);  // the second rung
    assert_int_equal(calls(fixture, FAULT_INITIALIZE), 1);
    assert_true(signs(fixture, 0));
}

static void recover_does_not_repeat_other_errors(void **state)
{
    struct fixture *fixture = *state;
    static const CK_RV codes[] = {CKR_HOST_MEMORY, CKR_DATA_LEN_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED,
                                  CKR_ARGUMENTS_BAD};
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(signs(fixture, 0));
    for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++) {
        struct ha_err err = {0};
        int before = calls(fixture, FAULT_SIGN), sessions = calls(fixture, FAULT_OPEN_SESSION);
        inject(fixture, FAULT_SIGN, codes[i], 1);
        assert_int_not_equal(sign(fixture, 0, &err), HA_OK);
        assert_int_equal(err.rv, codes[i]);
        assert_int_equal(calls(fixture, FAULT_SIGN), before + 1);
        assert_true(signs(fixture, 0));
        assert_int_equal(calls(fixture, FAULT_OPEN_SESSION), sessions + 1);  // the session was not used again
    }
}

static void recover_when_all_sessions_are_gone_with_one_login(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){.sessions = 4});
    for (size_t i = 0; i < 4; i++)
        assert_true(signs(fixture, i));
    for (int round = 1; round <= 3; round++) {
        fixture->rig.faults->drop_sessions = 1;
        for (size_t i = 0; i < 4; i++)
            assert_true(signs(fixture, i));
        assert_int_equal(calls(fixture, FAULT_LOGIN), 1 + round);
    }
    // The control channel's own session went too.
    ha_pubkey_free(rig_key(&fixture->rig, "after", HA_KEY_EC_P256, HA_PURPOSE_SIGN));
}

static void recover_lost_login_with_one_login(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(signs(fixture, 0));
    fixture->rig.faults->log_out = 1;
    assert_true(signs(fixture, 0));
    assert_true(signs(fixture, 1));
    assert_int_equal(calls(fixture, FAULT_LOGIN), 2);
}

static void wrong_pin_at_a_new_login_is_tried_once_and_ends_the_process(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(signs(fixture, 0));
    rig_write(&fixture->rig, "pin", "another\n", 0600);
    fixture->rig.faults->log_out = 1;
    assert_int_equal(sign(fixture, 0, &err), HA_E_PIN);
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_PIN);
    assert_int_equal(calls(fixture, FAULT_LOGIN), 2);
}

static const CK_RV device_codes[] = {CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_ERROR,
                                     CKR_CRYPTOKI_NOT_INITIALIZED};

static void lost_device_is_found_again_by_the_module(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(device_codes); i++) {
        assert_true(signs(fixture, 0));
        int before = calls(fixture, FAULT_INITIALIZE);
        inject(fixture, FAULT_SIGN, device_codes[i], 1);
        assert_true(signs(fixture, 0));
        assert_int_equal(calls(fixture, FAULT_INITIALIZE), before);  // a new session was enough
        inject(fixture, FAULT_SIGN, device_codes[i], 2);
        assert_true(signs(fixture, 0));
        assert_int_equal(calls(fixture, FAULT_INITIALIZE), before + 1);
        inject(fixture, FAULT_OPEN_SESSION, device_codes[i], 1);
        fixture->rig.faults->drop_sessions = 1;
        assert_true(signs(fixture, 1));
    }
}

static void lost_token_is_answered_and_ends_the_process(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(device_codes); i++) {
        struct ha_err err = {0};
        rig_up(&fixture->rig, &(struct rig_options){0});
        inject(fixture, FAULT_SIGN, device_codes[i], 3);
        assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_DOWN);
        assert_int_equal(err.rv, device_codes[i]);
        assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_FAILED);
    }
}

static void module_that_does_not_initialise_again_ends_the_process(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    inject(fixture, FAULT_SIGN, CKR_DEVICE_ERROR, 100);
    inject(fixture, FAULT_INITIALIZE, CKR_GENERAL_ERROR, 100);
    assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_DOWN);
    assert_string_equal(err.function, "C_Initialize");
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_FAILED);
}

static void vague_failures_end_the_process_only_in_a_row(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (int i = 0; i < 4; i++) {
        inject(fixture, FAULT_SIGN, CKR_FUNCTION_FAILED, 6);
        assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_ERROR);
        assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_ERROR);
        assert_true(signs(fixture, 0));
    }
    inject(fixture, FAULT_SIGN, CKR_FUNCTION_FAILED, 1000);
    assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_ERROR);
    assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_ERROR);
    assert_int_equal(sign(fixture, 0, &err), HA_E_TOKEN_DOWN);
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_FAILED);
}

static void control_operations_recover_too(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet question = {.op = HA_OP_LIST}, answer;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    inject(fixture, FAULT_GENERATE, CKR_SESSION_HANDLE_INVALID, 1);
    ha_pubkey_free(rig_key(&fixture->rig, "again", HA_KEY_EC_P256, HA_PURPOSE_SIGN));
    inject(fixture, FAULT_FIND_INIT, CKR_GENERAL_ERROR, 1);
    assert_int_equal(rig_ask(&fixture->rig, fixture->rig.control, &question, &answer, &err), HA_OK);
    assert_int_equal(answer.op, HA_OP_OBJECT);
}

// --- Many at once

struct client {
    struct fixture *fixture;
    struct ha_packet_buffer *buffer;
    size_t worker;
    unsigned rounds, failed;
    struct ha_err err;
};

static int client_main(void *context)
{
    struct client *client = context;
    const struct ha_pubkey *key = client->fixture->key;
    for (unsigned i = 0; i < client->rounds; i++) {
        struct ha_packet question = {.op = HA_OP_SIGN, .alg = HA_ALG_ES256, .serial = i}, answer;
        question.part[0] = (struct ha_part){"key", 3};
        question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN};
        question.part[2] = (struct ha_part){"data", 4};
        int fd = client->fixture->rig.worker[client->worker];
        bool good = ha_packet_send(fd, &question, NULL, 0, &client->err) == HA_OK &&
                    ha_packet_recv(fd, -1, client->buffer, &answer, NULL, NULL, &client->err) == HA_OK &&
                    (answer.code == HA_OK || ha_packet_error(&answer, &client->err) == HA_OK) && answer.serial == i &&
                    ha_pubkey_verify(key, HA_ALG_ES256, "data", 4, answer.part[0].data, answer.part[0].len);
        client->failed += !good;
    }
    return 0;
}

static void start_clients(struct fixture *fixture, struct client *clients, thrd_t *threads, size_t n, unsigned rounds)
{
    for (size_t i = 0; i < n; i++) {
        clients[i] = (struct client){fixture, ha_packet_buffer_new(), i, rounds, 0, {0}};
        assert_int_equal(thrd_create(&threads[i], client_main, &clients[i]), thrd_success);
    }
}

static unsigned join_clients(struct client *clients, const thrd_t *threads, size_t n)
{
    unsigned failed = 0;
    for (size_t i = 0; i < n; i++) {
        thrd_join(threads[i], NULL);
        ha_packet_buffer_free(clients[i].buffer);
        if (clients[i].failed)
            print_error("worker %zu: %u failed, the last: %s\n", i, clients[i].failed, clients[i].err.detail);
        failed += clients[i].failed;
    }
    return failed;
}

static void few_sessions_are_shared(void **state)
{
    struct fixture *fixture = *state;
    static const int caps[] = {1, 2, 3, 9};
    for (size_t i = 0; i < HA_ARRAY_SIZE(caps); i++) {
        struct client clients[8];
        thrd_t threads[8];
        memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
        fixture->rig.faults->session_cap = caps[i];
        rig_up(&fixture->rig, &(struct rig_options){.sessions = 8});
        start_clients(fixture, clients, threads, 8, 50);
        assert_int_equal(join_clients(clients, threads, 8), 0);
        assert_int_equal(fixture->rig.faults->sessions, caps[i]);
        ha_pubkey_free(
            rig_key(&fixture->rig, (char[]){'c', (char)('0' + caps[i]), 0}, HA_KEY_EC_P256, HA_PURPOSE_SIGN));
        fixture->rig.faults->drop_sessions = 1;
        assert_true(signs(fixture, 7));
        assert_int_equal(rig_stop(&fixture->rig), 0);
    }
}

static void signing_goes_on_while_keys_are_made_listed_and_destroyed(void **state)
{
    struct fixture *fixture = *state;
    struct rig *rig = &fixture->rig;
    struct client clients[4];
    thrd_t threads[4];
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){.sessions = 4, .plain_module = true});
    start_clients(fixture, clients, threads, 4, 2000);
    for (unsigned i = 0; i < 40; i++) {
        struct ha_packet list = {.op = HA_OP_LIST}, destroy = {.op = HA_OP_DESTROY}, answer;
        ha_pubkey_free(rig_key(rig, "passing", i % 8 ? HA_KEY_EC_P256 : HA_KEY_RSA_2048, HA_PURPOSE_SIGN));
        enum ha_code code = rig_ask(rig, rig->control, &list, &answer, &err);
        while (code == HA_OK && answer.op == HA_OP_OBJECT)
            code = ha_packet_recv(rig->control, -1, rig->buffer, &answer, NULL, NULL, &err);
        assert_int_equal(code, HA_OK);
        destroy.part[0] = (struct ha_part){"passing", 7};
        assert_int_equal(rig_ask(rig, rig->control, &destroy, &answer, &err), HA_OK);
    }
    assert_int_equal(join_clients(clients, threads, 4), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(recover_from_each_curable_code_once, stop),
        cmocka_unit_test_teardown(recover_gives_up_after_the_third_failure, stop),
        cmocka_unit_test_teardown(recover_does_not_repeat_other_errors, stop),
        cmocka_unit_test_teardown(recover_when_all_sessions_are_gone_with_one_login, stop),
        cmocka_unit_test_teardown(recover_lost_login_with_one_login, stop),
        cmocka_unit_test_teardown(wrong_pin_at_a_new_login_is_tried_once_and_ends_the_process, stop),
        cmocka_unit_test_teardown(lost_device_is_found_again_by_the_module, stop),
        cmocka_unit_test_teardown(lost_token_is_answered_and_ends_the_process, stop),
        cmocka_unit_test_teardown(module_that_does_not_initialise_again_ends_the_process, stop),
        cmocka_unit_test_teardown(vague_failures_end_the_process_only_in_a_row, stop),
        cmocka_unit_test_teardown(control_operations_recover_too, stop),
        cmocka_unit_test_teardown(few_sessions_are_shared, stop),
        cmocka_unit_test_teardown(signing_goes_on_while_keys_are_made_listed_and_destroyed, stop),
    };
    return cmocka_run_group_tests_name("token_recover", tests, set_up, tear_down);
}
