// SPDX-License-Identifier: Apache-2.0
// HMAC keys in a real child on SoftHSM: made or given, asked for codes, listed, destroyed.
#include "token_objects.h"

#include "crypto/ossl.h"

#include <openssl/hmac.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char secret[] = "UXVhaXhvaHlhZXNhaGp1M3RoaXZ1aUNoYWk1Y2Fobmc=";  // 44 bytes
static const char message[] = "ten pounds for the bearer";

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig_init(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_clear(*state);
    free(*state);
    return 0;
}

// n 0: the token makes the key.
static enum ha_code make(struct rig *rig, const char *id, const void *value, size_t n, struct ha_pubkey **ret_key,
                         struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_GENERATE, .key_type = HA_KEY_HMAC_256, .purposes = HA_PURPOSE_MAC}, answer;
    question.part[0] = (struct ha_part){id, strlen(id)};
    question.part[1] = (struct ha_part){"test", 4};
    question.part[2] = (struct ha_part){value, n};
    *err = (struct ha_err){0};
    if (rig_ask(rig, rig->control, &question, &answer, err) != HA_OK)
        return err->code;
    return ha_pubkey_restore(answer.part[0].data, answer.part[0].len, ret_key, err);
}

static enum ha_code destroy(struct rig *rig, const char *id, const struct ha_pubkey *key, enum ha_key_type type)
{
    struct ha_packet question = {.op = HA_OP_DESTROY, .key_type = type}, answer;
    struct ha_err err = {0};
    question.part[0] = (struct ha_part){id, strlen(id)};
    if (key)
        question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN};
    return rig_ask(rig, rig->control, &question, &answer, &err);
}

static enum ha_code ask_mac(struct rig *rig, const char *id, const struct ha_pubkey *key, enum ha_alg alg,
                            struct ha_packet *ret_answer)
{
    struct ha_err err = {0};
    return rig_use(rig, 0, HA_OP_SIGN, alg, id, key, (struct ha_part){message, strlen(message)}, ret_answer, &err);
}

static void hmac_of_a_given_key_is_that_of_openssl(void **state)
{
    struct rig *rig = *state;
    struct ha_packet answer;
    struct ha_err err;
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    uint8_t expected[32], check[32];
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(rig->ways[HA_ALG_HMAC_SHA256], HA_WAY_DATA);
    assert_int_equal(make(rig, "given", secret, strlen(secret), &key, &err), HA_OK);
    assert_int_equal(ask_mac(rig, "given", key, HA_ALG_HMAC_SHA256, &answer), HA_OK);
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)message, strlen(message), expected, NULL);
    assert_int_equal(answer.part[0].len, sizeof(expected));
    assert_memory_equal(answer.part[0].data, expected, sizeof(expected));

    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)HA_PUBKEY_CHECK_TEXT, strlen(HA_PUBKEY_CHECK_TEXT),
         check, NULL);
    ha_auto(ha_pubkey_free) struct ha_pubkey *own = NULL;
    assert_int_equal(ha_pubkey_from_check(HA_KEY_HMAC_256, check, &own, &err), HA_OK);
    assert_memory_equal(ha_pubkey_spki_sha256(own), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN);
    assert_false(ha_pubkey_is_public(key));

    // Another process finds the key by its identity.
    rig_stop(rig);
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(ask_mac(rig, "given", key, HA_ALG_HMAC_SHA256, &answer), HA_OK);
    assert_memory_equal(answer.part[0].data, expected, sizeof(expected));
}

static void hmac_keys_are_random_safe_and_only_for_codes(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_packet answer;
    struct ha_err err;
    struct ha_pubkey *one = NULL, *other = NULL;
    const uint32_t safe = HA_OBJECT_SENSITIVE | HA_OBJECT_ALWAYS_SENSITIVE | HA_OBJECT_NEVER_EXTRACTABLE;
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(make(rig, "one", NULL, 0, &one, &err), HA_OK);
    assert_int_equal(make(rig, "other", NULL, 0, &other, &err), HA_OK);
    assert_memory_not_equal(ha_pubkey_spki_sha256(one), ha_pubkey_spki_sha256(other), HA_SPKI_HASH_LEN);
    assert_int_equal(token_list(rig, "", "one", &seen, &err), HA_OK);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.found, 1);
    assert_int_equal(seen.flags, safe | HA_OBJECT_SIGN | HA_OBJECT_SECRET);
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(one, &n);
    assert_int_equal(seen.spki_len, n);
    assert_memory_equal(seen.spki, spki, n);
    // With a URI it is private keys that are wanted.
    assert_int_equal(token_list(rig, "pkcs11:type=private", "one", &seen, &err), HA_OK);
    assert_int_equal(seen.n, 0);

    assert_int_equal(ask_mac(rig, "one", other, HA_ALG_HMAC_SHA256, &answer), HA_E_NO_KEY);
    assert_int_equal(ask_mac(rig, "one", one, HA_ALG_RS256, &answer), HA_E_KEY_CANNOT);
    assert_int_equal(ask_mac(rig, "one", one, HA_ALG_ECDH, &answer), HA_E_MALFORMED);
    ha_pubkey_free(one);
    ha_pubkey_free(other);
}

static void hmac_keys_of_wrong_sizes_are_refused(void **state)
{
    struct rig *rig = *state;
    struct ha_err err;
    static const size_t sizes[] = {1, 20, HA_HMAC_KEY_MIN - 1, HA_HMAC_KEY_MAX + 1};
    uint8_t bytes[HA_HMAC_KEY_MAX + 1];
    memset(bytes, 'k', sizeof(bytes));
    rig_up(rig, &(struct rig_options){.plain_module = true});
    for (size_t i = 0; i < HA_ARRAY_SIZE(sizes); i++) {
        struct ha_pubkey *key = NULL;
        assert_int_equal(make(rig, "bad", bytes, sizes[i], &key, &err), HA_E_MALFORMED);
    }
    struct ha_pubkey *least = NULL, *most = NULL;
    assert_int_equal(make(rig, "least", bytes, HA_HMAC_KEY_MIN, &least, &err), HA_OK);
    assert_int_equal(make(rig, "most", bytes, HA_HMAC_KEY_MAX, &most, &err), HA_OK);
    ha_pubkey_free(least);
    ha_pubkey_free(most);

    // A secret for another type, and an HMAC key for several tokens.
    struct ha_packet answer, question = {.op = HA_OP_GENERATE, .key_type = HA_KEY_EC_P256, .purposes = HA_PURPOSE_SIGN};
    question.part[0] = (struct ha_part){"x", 1};
    question.part[2] = (struct ha_part){secret, strlen(secret)};
    assert_int_equal(rig_ask(rig, rig->control, &question, &answer, &err), HA_E_MALFORMED);
    question = (struct ha_packet){.op = HA_OP_GENERATE,
                                  .key_type = HA_KEY_HMAC_256,
                                  .purposes = HA_PURPOSE_MAC,
                                  .flags = HA_PACKET_SHARED,
                                  .part[0] = {"x", 1}};
    assert_int_equal(rig_ask(rig, rig->control, &question, &answer, &err), HA_E_KEY_CANNOT);
    question.purposes = HA_PURPOSE_SIGN;
    assert_int_equal(rig_ask(rig, rig->control, &question, &answer, &err), HA_E_KEY_CANNOT);
}

static void hmac_key_is_destroyed_by_its_identity_only(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_packet answer;
    struct ha_err err;
    struct ha_pubkey *key = NULL, *other = NULL;
    rig_up(rig, &(struct rig_options){.plain_module = true});
    struct ha_pubkey *pair = rig_key(rig, "pair", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    assert_int_equal(make(rig, "pair", secret, strlen(secret), &key, &err), HA_E_CONFLICT);
    assert_int_equal(make(rig, "key", secret, strlen(secret), &key, &err), HA_OK);
    assert_int_equal(make(rig, "other", NULL, 0, &other, &err), HA_OK);

    assert_int_equal(destroy(rig, "key", other, HA_KEY_HMAC_256), HA_OK);  // there is no such key: nothing to do
    assert_int_equal(destroy(rig, "key", key, HA_KEY_EC_P256), HA_OK);
    assert_int_equal(ask_mac(rig, "key", key, HA_ALG_HMAC_SHA256, &answer), HA_OK);
    assert_int_equal(destroy(rig, "pair", NULL, HA_KEY_HMAC_256), HA_OK);
    assert_int_equal(token_list(rig, "", "pair", &seen, &err), HA_OK);
    assert_int_equal(seen.n, 3);

    assert_int_equal(destroy(rig, "key", key, HA_KEY_HMAC_256), HA_OK);
    assert_int_equal(ask_mac(rig, "key", key, HA_ALG_HMAC_SHA256, &answer), HA_E_NO_KEY);
    assert_int_equal(destroy(rig, "other", NULL, HA_KEY_HMAC_256), HA_OK);
    assert_int_equal(token_list(rig, "", "pair", &seen, &err), HA_OK);
    assert_int_equal(seen.n, 1);
    ha_pubkey_free(pair);
    ha_pubkey_free(key);
    ha_pubkey_free(other);
}

static void hmac_survives_lost_sessions_and_logins(void **state)
{
    struct rig *rig = *state;
    struct ha_packet answer;
    struct ha_err err;
    struct token_seen seen;
    struct ha_pubkey *key = NULL;
    rig_up(rig, &(struct rig_options){0});
    assert_int_equal(make(rig, "key", secret, strlen(secret), &key, &err), HA_OK);
    rig->faults->drop_sessions = 1;
    assert_int_equal(ask_mac(rig, "key", key, HA_ALG_HMAC_SHA256, &answer), HA_OK);
    assert_int_equal(answer.part[0].len, 32);
    rig->faults->log_out = 1;
    assert_int_equal(ask_mac(rig, "key", key, HA_ALG_HMAC_SHA256, &answer), HA_OK);
    rig->faults->drop_sessions = 1;
    assert_int_equal(token_list(rig, "", "key", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 1);
    assert_true(seen.spki_len > 0);

    // One that the token refuses to use is listed without an identity, and isn't destroyed for another.
    rig->faults->call[FAULT_SIGN_INIT].rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
    rig->faults->call[FAULT_SIGN_INIT].count = 1000;
    assert_int_equal(token_list(rig, "", "key", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 1);
    assert_int_equal(seen.spki_len, 0);
    assert_non_null(strstr(seen.why, "CKR_KEY_FUNCTION_NOT_PERMITTED"));
    assert_int_equal(destroy(rig, "key", key, HA_KEY_HMAC_256), HA_E_KEY_CANNOT);
    rig->faults->call[FAULT_SIGN_INIT].count = 0;
    assert_int_equal(ask_mac(rig, "key", key, HA_ALG_HMAC_SHA256, &answer), HA_OK);
    ha_pubkey_free(key);
}

static void hmac_key_that_is_not_safe_is_destroyed(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err;
    struct ha_pubkey *key = NULL;
    rig_up(rig, &(struct rig_options){0});
    rig->faults->weak_keys = true;
    assert_int_equal(make(rig, "weak", NULL, 0, &key, &err), HA_E_TOKEN_ERROR);
    assert_non_null(strstr(err.detail, "CKA_NEVER_EXTRACTABLE"));
    assert_int_equal(token_list(rig, "", "weak", &seen, &err), HA_OK);
    assert_int_equal(seen.n, 0);
}

static void hmac_without_its_mechanism_makes_nothing(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err;
    struct ha_pubkey *key = NULL;
    rig->faults->hidden[0] = CKM_SHA256_HMAC;
    rig->faults->n_hidden = 1;
    rig_up(rig, &(struct rig_options){0});
    assert_int_equal(rig->ways[HA_ALG_HMAC_SHA256], HA_WAY_NONE);
    assert_int_equal(make(rig, "key", secret, strlen(secret), &key, &err), HA_E_KEY_CANNOT);
    assert_int_equal(token_list(rig, "", "key", &seen, &err), HA_OK);
    assert_int_equal(seen.n, 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hmac_of_a_given_key_is_that_of_openssl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hmac_keys_are_random_safe_and_only_for_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hmac_keys_of_wrong_sizes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hmac_key_is_destroyed_by_its_identity_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hmac_survives_lost_sessions_and_logins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hmac_key_that_is_not_safe_is_destroyed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hmac_without_its_mechanism_makes_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
