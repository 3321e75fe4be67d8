// SPDX-License-Identifier: Apache-2.0
// Making keys; libp11 reads the token as a second opinion.
#include "token_objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    char conf[128];
    rig_init(rig);
    rig_path(rig, "softhsm2.conf", conf);
    setenv("SOFTHSM2_CONF", conf, 1);  // for libp11 in this process
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_clear(*state);
    free(*state);
    return 0;
}

static const uint32_t safe = HA_OBJECT_SENSITIVE | HA_OBJECT_ALWAYS_SENSITIVE | HA_OBJECT_NEVER_EXTRACTABLE;

static void generate_each_type_is_safe_and_seen_by_others(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){.plain_module = true});
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        const struct ha_key_type_info *info = ha_key_type_info((enum ha_key_type)i);
        if (!info->creatable || info->family == HA_FAMILY_MAC || info->family == HA_FAMILY_KEK)
            continue;
        struct ha_pubkey *key = rig_key(rig, info->name, (enum ha_key_type)i, HA_PURPOSE_SIGN);
        assert_int_equal(ha_pubkey_type(key), i);
        assert_int_equal(token_list(rig, "", info->name, &seen, &err), HA_OK);
        assert_int_equal(seen.found, 1);
        assert_int_equal(seen.flags, safe | HA_OBJECT_SIGN);
        assert_string_equal(seen.label, "test");
        size_t n;
        const uint8_t *spki = ha_pubkey_spki(key, &n);
        assert_int_equal(seen.spki_len, n);
        assert_memory_equal(seen.spki, spki, n);
        ha_pubkey_free(key);
    }
    assert_int_equal(token_destroy(rig, "ed25519", NULL, &err), HA_OK);  // libp11 stops at keys that it doesn't know
    rig_stop(rig);
    assert_int_equal(token_count(true, "rsa:3072", "test"), 1);
    assert_int_equal(token_count(false, "rsa:3072", "test"), 1);
    assert_int_equal(token_count(true, "ec:p384", "test"), 1);
    assert_int_equal(token_count(false, "ec:p384", "test"), 1);
    assert_int_equal(token_count(true, "absent", "test"), 0);
}

static void generate_gives_only_the_usages_of_the_purposes(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *id;
        enum ha_key_type type;
        unsigned purposes;
        uint32_t usages;
    } rows[] = {
        {"u1", HA_KEY_EC_P256, HA_PURPOSE_SIGN, HA_OBJECT_SIGN},
        {"u2", HA_KEY_EC_P256, HA_PURPOSE_CSR, HA_OBJECT_SIGN},
        {"u3", HA_KEY_EC_P256, HA_PURPOSE_DERIVE, HA_OBJECT_DERIVE},
        {"u4", HA_KEY_EC_P256, HA_PURPOSE_DERIVE | HA_PURPOSE_CSR, HA_OBJECT_DERIVE | HA_OBJECT_SIGN},
        {"u5", HA_KEY_RSA_2048, HA_PURPOSE_DECRYPT, HA_OBJECT_DECRYPT},
        {"u6", HA_KEY_RSA_2048, HA_PURPOSE_DECRYPT | HA_PURPOSE_SIGN, HA_OBJECT_DECRYPT | HA_OBJECT_SIGN},
        {"u7", HA_KEY_ED25519, HA_PURPOSE_SIGN, HA_OBJECT_SIGN},
    };
    rig_up(rig, &(struct rig_options){.plain_module = true});
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct token_seen seen;
        struct ha_err err = {0};
        assert_int_equal(token_generate(rig, rows[i].id, "u", rows[i].type, rows[i].purposes, &err), HA_OK);
        assert_int_equal(token_list(rig, "", rows[i].id, &seen, &err), HA_OK);
        assert_int_equal(seen.flags, safe | rows[i].usages);
        assert_int_equal(token_destroy(rig, rows[i].id, NULL, &err), HA_OK);
    }
}

static void generate_refuses_what_cannot_be(void **state)
{
    struct rig *rig = *state;
    char long_text[257] = {0};
    memset(long_text, 'x', 256);
    const struct {
        const char *id, *label;
        unsigned type, purposes;
        enum ha_code code;
    } rows[] = {
        {"", "l", HA_KEY_EC_P256, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {long_text, "l", HA_KEY_EC_P256, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {"r1", long_text, HA_KEY_EC_P256, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {"r1", "l", HA_KEY_NONE, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {"r1", "l", HA_KEY_RSA_OTHER, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {"r1", "l", HA_KEY_TYPE_COUNT, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {"r1", "l", 0xffffffff, HA_PURPOSE_SIGN, HA_E_MALFORMED},
        {"r1", "l", HA_KEY_EC_P256, 0, HA_E_KEY_CANNOT},
        {"r1", "l", HA_KEY_EC_P256, HA_PURPOSE_DECRYPT, HA_E_KEY_CANNOT},
        {"r1", "l", HA_KEY_RSA_2048, HA_PURPOSE_DERIVE, HA_E_KEY_CANNOT},
        {"r1", "l", HA_KEY_ED25519, HA_PURPOSE_SIGN | HA_PURPOSE_DERIVE, HA_E_KEY_CANNOT},
        {"r1", "l", HA_KEY_EC_P256, 0x80000001, HA_E_KEY_CANNOT},
    };
    rig_up(rig, &(struct rig_options){0});
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        assert_int_equal(token_generate(rig, rows[i].id, rows[i].label, rows[i].type, rows[i].purposes, &err),
                         rows[i].code);
    }
    assert_int_equal(rig->faults->call[FAULT_GENERATE].calls, 0);
}

static void generate_taken_id_is_a_conflict(void **state)
{
    struct rig *rig = *state;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){0});
    assert_int_equal(token_generate(rig, "once", "a", HA_KEY_EC_P256, HA_PURPOSE_SIGN, &err), HA_OK);
    assert_int_equal(token_generate(rig, "once", "b", HA_KEY_EC_P384, HA_PURPOSE_SIGN, &err), HA_E_CONFLICT);
    assert_int_equal(rig->faults->call[FAULT_GENERATE].calls, 1);
}

static void generate_key_that_is_not_safe_is_destroyed(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){0});
    rig->faults->weak_keys = true;
    assert_int_equal(token_generate(rig, "weak", "w", HA_KEY_EC_P256, HA_PURPOSE_SIGN, &err), HA_E_TOKEN_ERROR);
    assert_non_null(strstr(err.detail, "CKA_NEVER_EXTRACTABLE"));
    assert_int_equal(token_list(rig, "", "weak", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 0);
    rig_stop(rig);
    assert_int_equal(token_count(false, "weak", "w"), 0);
}

static void sign_is_the_same_work_with_many_keys(void **state)
{
    struct rig *rig = *state;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){0});
    struct ha_pubkey *key = rig_key(rig, "many", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    for (unsigned i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof(id), "many-%u", i);
        assert_int_equal(token_generate(rig, id, "m", HA_KEY_EC_P256, HA_PURPOSE_SIGN, &err), HA_OK);
    }
    int finds = rig->faults->call[FAULT_FIND_INIT].calls;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(token_sign(rig, "many", key, &err), HA_OK);
    assert_int_equal(rig->faults->call[FAULT_FIND_INIT].calls, finds);  // it is known since it was made
    struct token_seen seen;
    assert_int_equal(token_list(rig, "", "many-99", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 1);
    assert_int_equal(rig->faults->call[FAULT_FIND_INIT].calls, finds + 5);  // private, public, certificates, HMAC, AES
    ha_pubkey_free(key);
}

static int stop(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
    memset(rig->faults, 0, sizeof(*rig->faults));
    return 0;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(generate_each_type_is_safe_and_seen_by_others, stop),
        cmocka_unit_test_teardown(generate_gives_only_the_usages_of_the_purposes, stop),
        cmocka_unit_test_teardown(generate_refuses_what_cannot_be, stop),
        cmocka_unit_test_teardown(generate_taken_id_is_a_conflict, stop),
        cmocka_unit_test_teardown(generate_key_that_is_not_safe_is_destroyed, stop),
        cmocka_unit_test_teardown(sign_is_the_same_work_with_many_keys, stop),
    };
    return cmocka_run_group_tests_name("token_generate", tests, set_up, tear_down);
}
