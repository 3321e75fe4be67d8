// SPDX-License-Identifier: Apache-2.0
// Signatures by a real child, in each way that a token can make them.
#include "crypto/digest.h"
#include "token_rig.h"

#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char message[] = "pay 12.30 EUR to Ms. Rossi";

struct fixture {
    struct rig rig;
    struct ha_pubkey *key[HA_KEY_TYPE_COUNT];  // its id is the type's name
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rig_init(&fixture->rig);
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        const struct ha_key_type_info *info = ha_key_type_info((enum ha_key_type)i);
        if (info->creatable && info->family != HA_FAMILY_MAC && info->family != HA_FAMILY_KEK)
            fixture->key[i] = rig_key(&fixture->rig, info->name, (enum ha_key_type)i, HA_PURPOSE_SIGN);
    }
    rig_stop(&fixture->rig);
    memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->rig);
    for (unsigned i = 0; i < HA_KEY_TYPE_COUNT; i++)
        ha_pubkey_free(fixture->key[i]);
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

static enum ha_code sign(struct fixture *fixture, enum ha_key_type type, enum ha_alg alg, struct ha_part input,
                         bool digest, struct ha_packet *ret_answer, struct ha_err *err)
{
    const char *id = ha_key_type_info(type)->name;
    struct ha_packet question = {.op = HA_OP_SIGN, .alg = alg, .flags = digest ? HA_PACKET_DIGEST : 0};
    question.part[0] = (struct ha_part){id, strlen(id)};
    question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(fixture->key[type]), HA_SPKI_HASH_LEN};
    question.part[2] = input;
    return rig_ask(&fixture->rig, fixture->rig.worker[0], &question, ret_answer, err);
}

static bool verifies(struct fixture *fixture, enum ha_key_type type, enum ha_alg alg, bool digest)
{
    struct ha_packet answer;
    struct ha_err err = {0};
    uint8_t hashed[HA_DIGEST_MAX];
    struct ha_part input = {message, strlen(message)};
    if (digest) {
        assert_int_equal(ha_digest(ha_alg_info(alg)->hash, message, strlen(message), hashed, &err), HA_OK);
        input = (struct ha_part){hashed, ha_hash_info(ha_alg_info(alg)->hash)->len};
    }
    if (sign(fixture, type, alg, input, digest, &answer, &err) != HA_OK) {
        print_error("%s with %s: %s\n", ha_alg_info(alg)->name, ha_key_type_info(type)->name, err.detail);
        return false;
    }
    return ha_pubkey_verify(fixture->key[type], alg, message, strlen(message), answer.part[0].data, answer.part[0].len);
}

static void sign_each_algorithm_with_each_key_verifies(void **state)
{
    struct fixture *fixture = *state;
    rig_up(&fixture->rig, &(struct rig_options){.plain_module = true});
    unsigned n = 0;
    for (unsigned t = 0; t < HA_KEY_TYPE_COUNT; t++) {
        for (unsigned a = HA_ALG_NONE + 1; a < HA_ALG_COUNT; a++) {
            enum ha_alg alg = (enum ha_alg)a;
            enum ha_key_type type = (enum ha_key_type)t;
            if (!fixture->key[t] || ha_alg_info(alg)->use != HA_USE_SIGN || !ha_alg_fits(alg, type))
                continue;
            assert_int_equal(fixture->rig.ways[a], alg == HA_ALG_ED25519 ? HA_WAY_DATA : HA_WAY_DIGEST);
            assert_true(verifies(fixture, type, alg, false));
            if (alg != HA_ALG_ED25519)
                assert_true(verifies(fixture, type, alg, true));
            n++;
        }
    }
    assert_int_equal(n, 3 * 6 + 3 + 1);
}

static void sign_empty_data_verifies(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet answer;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){.plain_module = true});
    static const enum ha_alg algs[] = {HA_ALG_RS256, HA_ALG_ES256, HA_ALG_ED25519};
    static const enum ha_key_type types[] = {HA_KEY_RSA_2048, HA_KEY_EC_P256, HA_KEY_ED25519};
    for (size_t i = 0; i < HA_ARRAY_SIZE(algs); i++) {
        assert_int_equal(sign(fixture, types[i], algs[i], (struct ha_part){0}, false, &answer, &err), HA_OK);
        assert_true(ha_pubkey_verify(fixture->key[types[i]], algs[i], "", 0, answer.part[0].data, answer.part[0].len));
    }
}

static void sign_largest_data_verifies(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet answer;
    struct ha_err err = {0};
    const size_t n = 190 * 1024;
    char *data = malloc(n);
    memset(data, 'x', n);
    rig_up(&fixture->rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(sign(fixture, HA_KEY_ED25519, HA_ALG_ED25519, (struct ha_part){data, n}, false, &answer, &err),
                     HA_OK);
    assert_true(ha_pubkey_verify(fixture->key[HA_KEY_ED25519], HA_ALG_ED25519, data, n, answer.part[0].data,
                                 answer.part[0].len));
    free(data);
}

static void sign_refuses_what_does_not_fit(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet answer;
    uint8_t bytes[64] = {0};
    static const struct {
        enum ha_key_type type;
        unsigned alg;
        size_t n;
        bool digest;
        enum ha_code code;
    } rows[] = {
        {HA_KEY_RSA_2048, HA_ALG_RS256, 31, true, HA_E_MALFORMED},
        {HA_KEY_RSA_2048, HA_ALG_RS256, 0, true, HA_E_MALFORMED},
        {HA_KEY_RSA_2048, HA_ALG_PS512, 32, true, HA_E_MALFORMED},
        {HA_KEY_EC_P384, HA_ALG_ES384, 32, true, HA_E_MALFORMED},
        {HA_KEY_EC_P256, HA_ALG_ES384, 48, true, HA_E_KEY_CANNOT},
        {HA_KEY_EC_P256, HA_ALG_RS256, 32, true, HA_E_KEY_CANNOT},
        {HA_KEY_RSA_2048, HA_ALG_ED25519, 32, false, HA_E_KEY_CANNOT},
        {HA_KEY_ED25519, HA_ALG_ED25519, 64, true, HA_E_KEY_CANNOT},
        {HA_KEY_RSA_2048, HA_ALG_RSA_OAEP, 32, false, HA_E_MALFORMED},
        {HA_KEY_RSA_2048, HA_ALG_NONE, 32, false, HA_E_MALFORMED},
        {HA_KEY_RSA_2048, HA_ALG_COUNT, 32, false, HA_E_MALFORMED},
        {HA_KEY_RSA_2048, 0xffffffff, 32, false, HA_E_MALFORMED},
    };
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        struct ha_part input = {bytes, rows[i].n};
        assert_int_equal(sign(fixture, rows[i].type, rows[i].alg, input, rows[i].digest, &answer, &err), rows[i].code);
    }
    assert_true(verifies(fixture, HA_KEY_RSA_2048, HA_ALG_RS256, false));
}

static void sign_known_key_searches_for_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct fault_shared *faults = fixture->rig.faults;
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_true(verifies(fixture, HA_KEY_RSA_2048, HA_ALG_RS256, false));
    assert_true(faults->call[FAULT_FIND_INIT].calls > 0);
    int finds = faults->call[FAULT_FIND_INIT].calls, sessions = faults->call[FAULT_OPEN_SESSION].calls;
    for (int i = 0; i < 50; i++)
        assert_true(verifies(fixture, HA_KEY_RSA_2048, HA_ALG_RS256, false));
    assert_int_equal(faults->call[FAULT_FIND_INIT].calls, finds);
    assert_int_equal(faults->call[FAULT_OPEN_SESSION].calls, sessions);
    assert_int_equal(faults->call[FAULT_SIGN_INIT].calls, 51);
    assert_int_equal(faults->call[FAULT_LOGIN].calls, 1);
}

static void hide(struct fixture *fixture, const CK_MECHANISM_TYPE *types, size_t n)
{
    memcpy(fixture->rig.faults->hidden, types, n * sizeof(*types));
    fixture->rig.faults->n_hidden = (int)n;
}

static const enum ha_alg rsa_algs[] = {HA_ALG_RS256, HA_ALG_RS384, HA_ALG_RS512,
                                       HA_ALG_PS256, HA_ALG_PS384, HA_ALG_PS512};

static void sign_hashes_in_the_token_where_it_must(void **state)
{
    struct fixture *fixture = *state;
    static const CK_MECHANISM_TYPE hidden[] = {CKM_RSA_PKCS, CKM_RSA_PKCS_PSS};
    hide(fixture, hidden, HA_ARRAY_SIZE(hidden));
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(rsa_algs); i++) {
        struct ha_packet answer;
        struct ha_err err = {0};
        uint8_t digest[64] = {0};
        size_t n = ha_hash_info(ha_alg_info(rsa_algs[i])->hash)->len;
        assert_int_equal(fixture->rig.ways[rsa_algs[i]], HA_WAY_DATA);
        assert_true(verifies(fixture, HA_KEY_RSA_3072, rsa_algs[i], false));
        assert_int_equal(sign(fixture, HA_KEY_RSA_3072, rsa_algs[i], (struct ha_part){digest, n}, true, &answer, &err),
                         HA_E_KEY_CANNOT);
    }
}

static void sign_pads_here_where_the_token_does_raw_rsa_only(void **state)
{
    struct fixture *fixture = *state;
    static const CK_MECHANISM_TYPE hidden[] = {
        CKM_RSA_PKCS,        CKM_RSA_PKCS_PSS,        CKM_SHA256_RSA_PKCS,     CKM_SHA384_RSA_PKCS,
        CKM_SHA512_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS};
    hide(fixture, hidden, HA_ARRAY_SIZE(hidden));
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(rsa_algs); i++) {
        assert_int_equal(fixture->rig.ways[rsa_algs[i]], HA_WAY_DIGEST);
        assert_true(verifies(fixture, HA_KEY_RSA_2048, rsa_algs[i], false));
        assert_true(verifies(fixture, HA_KEY_RSA_4096, rsa_algs[i], true));
    }
}

static void sign_says_when_the_token_cannot(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet answer;
    struct ha_err err = {0};
    static const CK_MECHANISM_TYPE hidden[] = {CKM_ECDSA};
    hide(fixture, hidden, HA_ARRAY_SIZE(hidden));
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_int_equal(fixture->rig.ways[HA_ALG_ES256], HA_WAY_NONE);
    assert_int_equal(sign(fixture, HA_KEY_EC_P256, HA_ALG_ES256, (struct ha_part){"x", 1}, false, &answer, &err),
                     HA_E_KEY_CANNOT);
    assert_string_equal(err.detail, "the token has no mechanism for ES256");
}

static void sign_unknown_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct rig *rig = &fixture->rig;
    struct ha_packet answer;
    struct ha_err err = {0};
    const struct ha_part input = {"x", 1};
    rig_up(rig, &(struct rig_options){0});
    assert_int_equal(
        rig_use(rig, 0, HA_OP_SIGN, HA_ALG_RS256, "absent", fixture->key[HA_KEY_RSA_2048], input, &answer, &err),
        HA_E_NO_KEY);
    assert_non_null(strstr(err.detail, "no private key with the CKA_ID 616273656e74"));
    // The CKA_ID of one key with the public key of another
    assert_int_equal(
        rig_use(rig, 0, HA_OP_SIGN, HA_ALG_RS256, "rsa:2048", fixture->key[HA_KEY_RSA_3072], input, &answer, &err),
        HA_E_NO_KEY);
    assert_non_null(strstr(err.detail, "doesn't belong to the public key"));
    assert_int_equal(
        rig_use(rig, 0, HA_OP_SIGN, HA_ALG_ES256, "ec:p256", fixture->key[HA_KEY_EC_P384], input, &answer, &err),
        HA_E_NO_KEY);
}

static void sign_with_a_key_for_something_else_names_function_and_code(void **state)
{
    struct fixture *fixture = *state;
    struct ha_packet answer;
    struct ha_err err = {0};
    rig_up(&fixture->rig, &(struct rig_options){0});
    struct ha_pubkey *key = rig_key(&fixture->rig, "dec", HA_KEY_RSA_2048, HA_PURPOSE_DECRYPT);
    assert_int_equal(
        rig_use(&fixture->rig, 0, HA_OP_SIGN, HA_ALG_RS256, "dec", key, (struct ha_part){"x", 1}, &answer, &err),
        HA_E_KEY_CANNOT);
    assert_string_equal(err.function, "C_SignInit");
    assert_int_equal(err.rv, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_string_equal(err.detail, "C_SignInit: CKR_KEY_FUNCTION_NOT_PERMITTED (0x68)");
    ha_pubkey_free(key);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sign_each_algorithm_with_each_key_verifies, stop),
        cmocka_unit_test_teardown(sign_empty_data_verifies, stop),
        cmocka_unit_test_teardown(sign_largest_data_verifies, stop),
        cmocka_unit_test_teardown(sign_refuses_what_does_not_fit, stop),
        cmocka_unit_test_teardown(sign_known_key_searches_for_nothing, stop),
        cmocka_unit_test_teardown(sign_hashes_in_the_token_where_it_must, stop),
        cmocka_unit_test_teardown(sign_pads_here_where_the_token_does_raw_rsa_only, stop),
        cmocka_unit_test_teardown(sign_says_when_the_token_cannot, stop),
        cmocka_unit_test_teardown(sign_unknown_key_is_refused, stop),
        cmocka_unit_test_teardown(sign_with_a_key_for_something_else_names_function_and_code, stop),
    };
    return cmocka_run_group_tests_name("token_sign", tests, set_up, tear_down);
}
