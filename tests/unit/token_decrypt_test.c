// SPDX-License-Identifier: Apache-2.0
// Decryption by a real child of what OpenSSL encrypted, and what it says to what nobody encrypted.
#include "crypto/pubkey.h"
#include "token_rig.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODULUS 256  // bytes

static const char secret[] = "content encryption key 0123456789";
static const struct ha_part no_label = {0};

struct fixture {
    struct rig rig;
    struct ha_pubkey *key;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rig_init(&fixture->rig);
    rig_up(&fixture->rig, &(struct rig_options){0});
    fixture->key = rig_key(&fixture->rig, "dec", HA_KEY_RSA_2048, HA_PURPOSE_DECRYPT);
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
    return 0;
}

static void encrypt(const struct fixture *fixture, enum ha_alg alg, const char *plain, size_t n, struct ha_part label,
                    uint8_t ret_ciphertext[static MODULUS])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ha_pubkey_evp(fixture->key), NULL);
    size_t len = MODULUS;
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    bool oaep = alg != HA_ALG_RSA1_5;
    assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) > 0);
    if (oaep) {
        const EVP_MD *md = alg == HA_ALG_RSA_OAEP ? EVP_sha1() : EVP_sha256();
        assert_true(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0);
    }
    if (label.len > 0) {
        void *copy = OPENSSL_memdup(label.data, label.len);
        assert_true(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.len) > 0);
    }
    assert_int_equal(EVP_PKEY_encrypt(ctx, ret_ciphertext, &len, (const uint8_t *)plain, n), 1);
    assert_int_equal(len, MODULUS);
    EVP_PKEY_CTX_free(ctx);
}

static enum ha_code decrypt(struct fixture *fixture, enum ha_alg alg, const void *ciphertext, size_t n,
                            struct ha_part label, struct ha_packet *ret_answer, struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_DECRYPT, .alg = alg};
    question.part[0] = (struct ha_part){"dec", 3};
    question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(fixture->key), HA_SPKI_HASH_LEN};
    question.part[2] = (struct ha_part){ciphertext, n};
    question.part[3] = label;
    return rig_ask(&fixture->rig, fixture->rig.worker[0], &question, ret_answer, err);
}

static bool round_trips(struct fixture *fixture, enum ha_alg alg, const char *plain, size_t n, struct ha_part label)
{
    uint8_t ciphertext[MODULUS];
    struct ha_packet answer;
    struct ha_err err = {0};
    encrypt(fixture, alg, plain, n, label, ciphertext);
    if (decrypt(fixture, alg, ciphertext, MODULUS, label, &answer, &err) != HA_OK) {
        print_error("%s: %s\n", ha_alg_info(alg)->name, err.detail);
        return false;
    }
    return answer.part[0].len == n && memcmp(answer.part[0].data, plain, n) == 0;
}

static void decrypt_each_algorithm_round_trips(void **state)
{
    struct fixture *fixture = *state;
    const struct ha_part label = {"invoice", 7};
    rig_up(&fixture->rig, &(struct rig_options){.software_oaep = true, .plain_module = true});
    for (unsigned i = 0; i < 3; i++) {  // the first use settles the way, the others use it
        assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
        assert_true(round_trips(fixture, HA_ALG_RSA_OAEP_256, secret, strlen(secret), no_label));
        assert_true(round_trips(fixture, HA_ALG_RSA1_5, secret, strlen(secret), no_label));
        assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), label));
        assert_true(round_trips(fixture, HA_ALG_RSA_OAEP_256, secret, strlen(secret), label));
    }
    assert_int_equal(fixture->rig.ways[HA_ALG_RSA_OAEP_256], HA_WAY_DATA);
}

static void decrypt_shortest_and_longest_round_trip(void **state)
{
    struct fixture *fixture = *state;
    char longest[MODULUS - 2 * 32 - 2];
    memset(longest, 0, sizeof(longest));
    rig_up(&fixture->rig, &(struct rig_options){.software_oaep = true});
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, "", 0, no_label));
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP_256, "", 0, no_label));
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, longest, sizeof(longest), no_label));
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP_256, longest, sizeof(longest), no_label));
}

static void decrypt_without_permission_names_software_oaep(void **state)
{
    struct fixture *fixture = *state;
    uint8_t ciphertext[MODULUS];
    struct ha_packet answer;
    rig_up(&fixture->rig, &(struct rig_options){0});
    encrypt(fixture, HA_ALG_RSA_OAEP_256, secret, strlen(secret), no_label, ciphertext);
    for (unsigned i = 0; i < 2; i++) {
        struct ha_err err = {0};
        assert_int_equal(decrypt(fixture, HA_ALG_RSA_OAEP_256, ciphertext, MODULUS, no_label, &answer, &err),
                         HA_E_KEY_CANNOT);
        assert_non_null(strstr(err.hint, "software-oaep = yes"));
    }
    assert_int_equal(fixture->rig.faults->call[FAULT_DECRYPT_INIT].calls, 2);  // settled by the first
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
}

static void decrypt_in_software_asks_the_token_once(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){.software_oaep = true});
    for (unsigned i = 0; i < 5; i++)
        assert_true(round_trips(fixture, HA_ALG_RSA_OAEP_256, secret, strlen(secret), no_label));
    assert_int_equal(fixture->rig.faults->call[FAULT_DECRYPT_INIT].calls, 2 + 5);
}

// SoftHSM takes a label and ignores it: it would decrypt whatever label was asked for.
static void decrypt_label_that_the_token_ignores_is_not_trusted(void **state)
{
    struct fixture *fixture = *state;
    uint8_t ciphertext[MODULUS];
    const struct ha_part label = {"invoice", 7};
    struct ha_packet answer;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    encrypt(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label, ciphertext);
    assert_int_equal(decrypt(fixture, HA_ALG_RSA_OAEP, ciphertext, MODULUS, label, &answer, &err), HA_E_KEY_CANNOT);
    assert_string_equal(err.detail, "the token can't do RSA-OAEP with a label");
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
}

static void decrypt_way_is_not_settled_by_a_passing_failure(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){0});
    fixture->rig.faults->call[FAULT_DECRYPT].rv = CKR_GENERAL_ERROR;
    fixture->rig.faults->call[FAULT_DECRYPT].count = 1;
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
}

static void decrypt_way_is_not_settled_by_a_token_that_fails_at_all(void **state)
{
    struct fixture *fixture = *state;
    static const enum fault_call calls[] = {FAULT_DECRYPT_INIT, FAULT_DECRYPT};
    uint8_t ciphertext[MODULUS];
    struct ha_packet answer;
    for (size_t i = 0; i < HA_ARRAY_SIZE(calls); i++) {
        struct ha_err err = {0};
        rig_up(&fixture->rig, &(struct rig_options){.software_oaep = i == 1});
        encrypt(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label, ciphertext);
        fixture->rig.faults->call[calls[i]].rv = CKR_GENERAL_ERROR;
        fixture->rig.faults->call[calls[i]].count = 1000;
        assert_int_equal(decrypt(fixture, HA_ALG_RSA_OAEP, ciphertext, MODULUS, no_label, &answer, &err),
                         HA_E_TOKEN_ERROR);
        fixture->rig.faults->call[calls[i]].count = 0;
        assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
        rig_stop(&fixture->rig);
    }
}

// A ciphertext whose raw decryption is this block.
static void encrypt_block(const struct fixture *fixture, const uint8_t block[static MODULUS],
                          uint8_t ret_ciphertext[static MODULUS])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ha_pubkey_evp(fixture->key), NULL);
    size_t len = MODULUS;
    assert_true(EVP_PKEY_encrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0);
    assert_int_equal(EVP_PKEY_encrypt(ctx, ret_ciphertext, &len, block, MODULUS), 1);
    EVP_PKEY_CTX_free(ctx);
}

enum { BAD_COUNT = 10 };

// Classes of wrong ciphertexts; *ret_n is the length.
static void bad_ciphertext(const struct fixture *fixture, enum ha_alg alg, unsigned class, uint8_t *ciphertext,
                           size_t *ret_n)
{
    uint8_t block[MODULUS] = {0};
    *ret_n = MODULUS;
    encrypt(fixture, alg, secret, strlen(secret), no_label, ciphertext);
    switch (class) {
    case 0:  // one bit turned
        ciphertext[MODULUS / 2] ^= 1;
        return;
    case 1:  // another padding
        encrypt(fixture, alg == HA_ALG_RSA_OAEP ? HA_ALG_RSA_OAEP_256 : HA_ALG_RSA_OAEP, secret, strlen(secret),
                no_label, ciphertext);
        return;
    case 2:  // another label
        encrypt(fixture, alg, secret, strlen(secret), (struct ha_part){"other", 5}, ciphertext);
        return;
    case 3:  // not below the modulus
        memset(ciphertext, 0xff, MODULUS);
        return;
    case 4:  // zero
        memset(ciphertext, 0, MODULUS);
        return;
    case 5:  // too short, too long, nothing
        *ret_n = MODULUS - 1;
        return;
    case 6:
        *ret_n = MODULUS + 1;
        ciphertext[MODULUS] = 0;
        return;
    case 7:
        *ret_n = 0;
        return;
    case 8:  // the first byte isn't zero
        block[0] = 1;
        encrypt_block(fixture, block, ciphertext);
        return;
    case 9:  // no separator behind the padding
        block[1] = 2;
        memset(block + 2, 0xaa, sizeof(block) - 2);
        encrypt_block(fixture, block, ciphertext);
        return;
    default:
        fail();
    }
}

static bool is_bad_whatever_the_padding(unsigned class)
{
    return class == 3 || (class >= 5 && class <= 7);
}

static void decrypt_bad_ciphertexts_answer_identically(void **state)
{
    struct fixture *fixture = *state;
    static const enum ha_alg algs[] = {HA_ALG_RSA_OAEP, HA_ALG_RSA_OAEP_256, HA_ALG_RSA1_5};
    struct ha_err first = {0};
    rig_up(&fixture->rig, &(struct rig_options){.software_oaep = true, .plain_module = true});
    for (size_t a = 0; a < HA_ARRAY_SIZE(algs); a++) {
        for (unsigned class = 0; class < BAD_COUNT; class ++) {
            // Newer OpenSSL answers wrong PKCS#1 v1.5 padding with random bytes instead of an error.
            if (algs[a] == HA_ALG_RSA1_5 && !is_bad_whatever_the_padding(class))
                continue;
            uint8_t ciphertext[MODULUS + 1];
            size_t n;
            struct ha_packet answer;
            struct ha_err err = {0};
            bad_ciphertext(fixture, algs[a], class, ciphertext, &n);
            assert_int_equal(decrypt(fixture, algs[a], ciphertext, n, no_label, &answer, &err), HA_E_DECRYPTION);
            if (first.code == HA_OK)
                first = err;
            assert_memory_equal(&err, &first, sizeof(err));
            assert_int_equal(err.rv, 0);
            assert_string_equal(err.function, "");
        }
        assert_true(round_trips(fixture, algs[a], secret, strlen(secret), no_label));
    }
}

static void decrypt_token_codes_that_tell_about_the_ciphertext_are_hidden(void **state)
{
    struct fixture *fixture = *state;
    static const CK_RV codes[] = {CKR_ENCRYPTED_DATA_INVALID,
                                  CKR_ENCRYPTED_DATA_LEN_RANGE,
                                  CKR_DATA_INVALID,
                                  CKR_DATA_LEN_RANGE,
                                  CKR_GENERAL_ERROR,
                                  CKR_FUNCTION_FAILED,
                                  CKR_BUFFER_TOO_SMALL,
                                  CKR_ARGUMENTS_BAD,
                                  0x80000123};
    uint8_t ciphertext[MODULUS];
    struct ha_packet answer;
    struct ha_err first = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));  // settles the way
    int calls = fixture->rig.faults->call[FAULT_DECRYPT].calls;
    encrypt(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label, ciphertext);
    for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++) {
        struct ha_err err = {0};
        fixture->rig.faults->call[FAULT_DECRYPT].rv = codes[i];
        fixture->rig.faults->call[FAULT_DECRYPT].count = 1;
        assert_int_equal(decrypt(fixture, HA_ALG_RSA_OAEP, ciphertext, MODULUS, no_label, &answer, &err),
                         HA_E_DECRYPTION);
        if (first.code == HA_OK)
            first = err;
        assert_memory_equal(&err, &first, sizeof(err));
    }
    // none was tried again
    assert_int_equal(fixture->rig.faults->call[FAULT_DECRYPT].calls, calls + (int)HA_ARRAY_SIZE(codes));
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
}

static void decrypt_lost_session_is_cured(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
    fixture->rig.faults->call[FAULT_DECRYPT].rv = CKR_SESSION_HANDLE_INVALID;
    fixture->rig.faults->call[FAULT_DECRYPT].count = 1;
    assert_true(round_trips(fixture, HA_ALG_RSA_OAEP, secret, strlen(secret), no_label));
}

static void decrypt_refuses_what_does_not_fit(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[MODULUS] = {0};
    struct ha_packet answer;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_int_equal(decrypt(fixture, HA_ALG_RS256, bytes, MODULUS, no_label, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(decrypt(fixture, HA_ALG_COUNT, bytes, MODULUS, no_label, &answer, &err), HA_E_MALFORMED);
    struct ha_pubkey *ec = rig_key(&fixture->rig, "ec", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    struct ha_part input = {bytes, MODULUS};
    assert_int_equal(rig_use(&fixture->rig, 0, HA_OP_DECRYPT, HA_ALG_RSA_OAEP, "ec", ec, input, &answer, &err),
                     HA_E_KEY_CANNOT);
    ha_pubkey_free(ec);
    // A key that may only sign: the token's own word
    struct ha_pubkey *signer = rig_key(&fixture->rig, "sig", HA_KEY_RSA_2048, HA_PURPOSE_SIGN);
    assert_int_equal(rig_use(&fixture->rig, 0, HA_OP_DECRYPT, HA_ALG_RSA_OAEP, "sig", signer, input, &answer, &err),
                     HA_E_KEY_CANNOT);
    assert_int_equal(err.rv, CKR_KEY_FUNCTION_NOT_PERMITTED);
    ha_pubkey_free(signer);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(decrypt_each_algorithm_round_trips, stop),
        cmocka_unit_test_teardown(decrypt_shortest_and_longest_round_trip, stop),
        cmocka_unit_test_teardown(decrypt_without_permission_names_software_oaep, stop),
        cmocka_unit_test_teardown(decrypt_in_software_asks_the_token_once, stop),
        cmocka_unit_test_teardown(decrypt_label_that_the_token_ignores_is_not_trusted, stop),
        cmocka_unit_test_teardown(decrypt_way_is_not_settled_by_a_passing_failure, stop),
        cmocka_unit_test_teardown(decrypt_way_is_not_settled_by_a_token_that_fails_at_all, stop),
        cmocka_unit_test_teardown(decrypt_bad_ciphertexts_answer_identically, stop),
        cmocka_unit_test_teardown(decrypt_token_codes_that_tell_about_the_ciphertext_are_hidden, stop),
        cmocka_unit_test_teardown(decrypt_lost_session_is_cured, stop),
        cmocka_unit_test_teardown(decrypt_refuses_what_does_not_fit, stop),
    };
    return cmocka_run_group_tests_name("token_decrypt", tests, set_up, tear_down);
}
