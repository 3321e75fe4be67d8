// SPDX-License-Identifier: Apache-2.0
// Keys that want the PIN for each use (CKA_ALWAYS_AUTHENTICATE), and the PIN guard's part in it.
#include "crypto/challenge.h"
#include "token_objects.h"
#include "token_store.h"

#include <fcntl.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rig_options guarded = {.guard = true};

struct fixture {
    struct rig rig;
    char guard[128];
    EVP_PKEY *ec, *rsa;
    struct ha_pubkey *ec_public, *rsa_public;
};

static struct ha_pubkey *public_of(EVP_PKEY *key)
{
    unsigned char *spki = NULL;
    struct ha_pubkey *public_key = NULL;
    struct ha_err err = {0};
    int n = i2d_PUBKEY(key, &spki);
    assert_int_equal(ha_pubkey_from_spki(spki, (size_t)n, &public_key, &err), HA_OK);
    OPENSSL_free(spki);
    return public_key;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char conf[128];
    rig_init(&fixture->rig);
    rig_path(&fixture->rig, "softhsm2.conf", conf);
    rig_path(&fixture->rig, "guard", fixture->guard);
    setenv("SOFTHSM2_CONF", conf, 1);  // for token_store in this process
    fixture->ec = EVP_EC_gen("P-256");
    fixture->rsa = EVP_RSA_gen(2048);
    fixture->ec_public = public_of(fixture->ec);
    fixture->rsa_public = public_of(fixture->rsa);
    token_store(fixture->ec, "ec", "c", STORE_PRIVATE | STORE_PUBLIC | STORE_ALWAYS_AUTHENTICATE);
    token_store(fixture->rsa, "rsa", "c", STORE_PRIVATE | STORE_PUBLIC | STORE_ALWAYS_AUTHENTICATE);
    token_store(fixture->ec, "plain", "c", STORE_PRIVATE | STORE_PUBLIC);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->rig);
    ha_pubkey_free(fixture->ec_public);
    ha_pubkey_free(fixture->rsa_public);
    EVP_PKEY_free(fixture->ec);
    EVP_PKEY_free(fixture->rsa);
    free(fixture);
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    rig_stop(&fixture->rig);
    memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
    rig_write(&fixture->rig, "pin", RIG_PIN "\n", 0600);
    unlink(fixture->guard);
    return 0;
}

static int calls(const struct fixture *fixture, enum fault_call call)
{
    return fixture->rig.faults->call[call].calls;
}

static enum ha_code sign(struct fixture *fixture, struct ha_err *err)
{
    return token_sign(&fixture->rig, "ec", fixture->ec_public, err);
}

// A start that fails because of the PIN, and doesn't try it.
static void start_is_refused_untried(struct fixture *fixture)
{
    struct ha_err err = {0};
    int before = calls(fixture, FAULT_LOGIN);
    rig_spawn(&fixture->rig, &guarded);
    assert_int_equal(rig_start(&fixture->rig, &err), HA_E_PIN);
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_PIN);
    assert_int_equal(calls(fixture, FAULT_LOGIN), before);
}

static void each_signature_has_a_login_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &guarded);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(sign(fixture, &err), HA_OK);
        assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), i);
        assert_int_equal(access(fixture->guard, F_OK), -1);
    }
    assert_int_equal(token_sign(&fixture->rig, "rsa", fixture->rsa_public, &err), HA_OK);
    assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 4);
    assert_int_equal(token_sign(&fixture->rig, "plain", fixture->ec_public, &err), HA_OK);
    assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 4);
    assert_int_equal(calls(fixture, FAULT_LOGIN), 1);
}

static void each_decryption_has_one_and_the_probe_too(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet answer;
    struct ha_err err = {0};
    struct ha_buf ciphertext = {0};
    assert_int_equal(
        ha_challenge_encrypt(fixture->rsa_public, HA_ALG_RSA_OAEP, (const uint8_t *)"hello", 5, &ciphertext, &err),
        HA_OK);
    rig_up(&fixture->rig, &guarded);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(rig_use(&fixture->rig, 0, HA_OP_DECRYPT, HA_ALG_RSA_OAEP, "rsa", fixture->rsa_public,
                                 (struct ha_part){ciphertext.data, ciphertext.len}, &answer, &err),
                         HA_OK);
        assert_int_equal(answer.part[0].len, 5);
        assert_memory_equal(answer.part[0].data, "hello", 5);
        assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 1 + i);
    }
    ha_buf_clear(&ciphertext);
}

static void a_wrong_pin_is_tried_once_ever(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &guarded);
    rig_write(&fixture->rig, "pin", "wrong-pin\n", 0600);
    assert_int_equal(sign(fixture, &err), HA_E_PIN);
    assert_int_equal(err.rv, CKR_PIN_INCORRECT);
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_PIN);
    assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 1);
    start_is_refused_untried(fixture);
    rig_write(&fixture->rig, "pin", RIG_PIN "\n", 0600);
    rig_up(&fixture->rig, &guarded);
    rig_write(&fixture->rig, "pin", "wrong-pin\n", 0600);
    assert_int_equal(sign(fixture, &err), HA_E_PIN);
    assert_int_equal(err.rv, 0);
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_PIN);
    assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 1);
}

// The PIN was changed in the token under a running agent.
static void a_proven_pin_that_turns_wrong_is_recorded(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &guarded);
    assert_int_equal(sign(fixture, &err), HA_OK);
    fixture->rig.faults->call[FAULT_LOGIN_CONTEXT].rv = CKR_PIN_INCORRECT;
    fixture->rig.faults->call[FAULT_LOGIN_CONTEXT].count = 1;
    assert_int_equal(sign(fixture, &err), HA_E_PIN);
    assert_int_equal(rig_wait(&fixture->rig), HA_TOKEN_EXIT_PIN);
    assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 2);
    start_is_refused_untried(fixture);
}

static void no_pin_is_tried_when_the_token_would_lock(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &guarded);
    assert_int_equal(sign(fixture, &err), HA_OK);
    fixture->rig.faults->token_flags = CKF_USER_PIN_FINAL_TRY;
    assert_int_equal(sign(fixture, &err), HA_E_PIN);
    assert_non_null(strstr(err.detail, "wasn't tried"));
    assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 1);
}

// The operation itself tells then; here it is refused, and done again on a new session.
static void an_unjudged_pin_is_no_proof(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    static const CK_RV codes[] = {CKR_USER_ALREADY_LOGGED_IN, CKR_OPERATION_NOT_INITIALIZED};
    for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++) {
        memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
        rig_up(&fixture->rig, &guarded);
        fixture->rig.faults->call[FAULT_LOGIN_CONTEXT].rv = codes[i];
        fixture->rig.faults->call[FAULT_LOGIN_CONTEXT].count = 1;
        assert_int_equal(sign(fixture, &err), HA_OK);
        assert_int_equal(calls(fixture, FAULT_LOGIN_CONTEXT), 2);
        assert_int_equal(calls(fixture, FAULT_SIGN), 2);
        assert_int_equal(access(fixture->guard, F_OK), -1);
        rig_stop(&fixture->rig);
    }
}

static void a_login_that_failed_otherwise_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    static const CK_RV codes[] = {CKR_DEVICE_ERROR, CKR_SESSION_HANDLE_INVALID, CKR_GENERAL_ERROR};
    for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++) {
        memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
        rig_up(&fixture->rig, &guarded);
        fixture->rig.faults->call[FAULT_LOGIN_CONTEXT].rv = codes[i];
        fixture->rig.faults->call[FAULT_LOGIN_CONTEXT].count = 1;
        assert_int_equal(sign(fixture, &err), HA_OK);
        assert_int_equal(access(fixture->guard, F_OK), -1);
        rig_stop(&fixture->rig);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_signature_has_a_login_of_its_own, stop),
        cmocka_unit_test_teardown(each_decryption_has_one_and_the_probe_too, stop),
        cmocka_unit_test_teardown(a_wrong_pin_is_tried_once_ever, stop),
        cmocka_unit_test_teardown(a_proven_pin_that_turns_wrong_is_recorded, stop),
        cmocka_unit_test_teardown(no_pin_is_tried_when_the_token_would_lock, stop),
        cmocka_unit_test_teardown(an_unjudged_pin_is_no_proof, stop),
        cmocka_unit_test_teardown(a_login_that_failed_otherwise_is_tried_again, stop),
    };
    return cmocka_run_group_tests_name("token_context", tests, set_up, tear_down);
}
