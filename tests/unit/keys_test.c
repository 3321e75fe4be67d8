// SPDX-License-Identifier: Apache-2.0
// Keys' files against what a token holds: creation, adoption, deletion, and each of them cut off in the middle.
#include "fake.h"

#include "base/file.h"
#include "base/text.h"
#include "keys/keys.h"
#include "keys/store.h"
#include "keys/use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// The generator of P-256, and twice it: two public keys.
#define SPKI_HEAD "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
#define SPKI_G                                                                                                         \
    SPKI_HEAD "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                                       \
              "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define SPKI_2G                                                                                                        \
    SPKI_HEAD "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"                                       \
              "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1"

struct fixture {
    struct fake fake;
    char state_dir[96];
    struct ha_keys *keys;
    struct ha_token *token;
};

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    struct fixture *fixture = context;
    return ha_keys_bind(fixture->keys, token, err);
}

// Starts what a daemon would start; the fake's directory keeps state and objects from one start to the next.
static void up(struct fixture *fixture)
{
    struct ha_err err = {0};
    assert_int_equal(ha_keys_new(fixture->state_dir, &fixture->fake.log, &fixture->keys, &err), HA_OK);
    assert_int_equal(ha_token_new(&fixture->fake.config, &fixture->fake.host, &fixture->token, &err), HA_OK);
    ha_token_wait_first(fixture->token);
}

static void down(struct fixture *fixture)
{
    ha_token_free(fixture->token);
    ha_keys_free(fixture->keys);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fake_init(&fixture->fake, bind_keys, fixture);
    snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state", fixture->fake.directory);
    up(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    down(fixture);
    fake_clear(&fixture->fake);
    free(fixture);
    return 0;
}

static enum ha_code create(struct fixture *fixture, const char *name, struct ha_err *err)
{
    struct ha_key *key = NULL;
    enum ha_code code =
        ha_keys_create(fixture->keys, name, &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, NULL, &key, err);
    if (code == HA_OK) {
        assert_string_equal(key->name, name);
        assert_int_equal(ha_key_state(key), HA_STATE_READY);
        assert_non_null(key->public_key);
        ha_key_unref(key);
    }
    return code;
}

static enum ha_code adopt(struct fixture *fixture, const char *name, const char *uri, struct ha_key **ret_key,
                          struct ha_err *err)
{
    const struct ha_keys_source source = {fixture->token, uri};
    size_t wrong;
    return ha_keys_adopt(fixture->keys, name, &source, 1, 0, NULL, ret_key, &wrong, err);
}

static bool file_exists(const struct fixture *fixture, const char *name)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/keys/%s.json", fixture->state_dir, name);
    struct stat info;
    return stat(path, &info) == 0;
}

static size_t object_count(const struct fixture *fixture)
{
    char path[200];
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    snprintf(path, sizeof(path), "%s/objects", fixture->fake.directory);
    ha_file_read(path, 1 << 20, HA_FILE_ANY, &text, &err);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.data[i] == '\n';
    return n;
}

static enum ha_key_state state_of(struct fixture *fixture, const char *name)
{
    struct ha_key *key = ha_keys_get(fixture->keys, name);
    assert_non_null(key);
    enum ha_key_state state = ha_key_state(key);
    ha_key_unref(key);
    return state;
}

static void key_create_survives_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(create(fixture, "one", &err), HA_OK);
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, "one"), HA_STATE_READY);
    struct ha_key *key = ha_keys_get(fixture->keys, "one");
    assert_int_equal(key->type, HA_KEY_EC_P256);
    assert_int_equal(key->purposes, HA_PURPOSE_SIGN);
    assert_false(key->adopted);
    assert_int_equal(key->replicas[0].id_len, 16);
    ha_key_unref(key);
}

static void key_traits_survive_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    const struct ha_key_traits traits = {"pre-prod", "Energie \xc3\xbc & Co", "mhhs/tls", true};
    assert_int_equal(
        ha_keys_create(fixture->keys, "one", &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, &traits, &key, &err),
        HA_OK);
    ha_key_unref(key);
    down(fixture);
    up(fixture);
    key = ha_keys_get(fixture->keys, "one");
    assert_non_null(key);
    assert_string_equal(key->environment, traits.environment);
    assert_string_equal(key->holder, traits.holder);
    assert_string_equal(key->profile, traits.profile);
    assert_true(key->backup);
    ha_key_unref(key);
}

static void key_traits_that_make_no_sense_are_refused_with_their_pointer(void **state)
{
    struct fixture *fixture = *state;
    char long_name[HA_NAME_MAX + 3] = "", long_holder[HA_HOLDER_MAX + 2] = "";
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[HA_NAME_MAX + 1] = '\0';
    memset(long_holder, 'a', sizeof(long_holder) - 1);
    const struct {
        struct ha_key_traits traits;
        const char *pointer;
    } cases[] = {
        {{.environment = ""}, "/environment"},
        {{.environment = "a b"}, "/environment"},
        {{.environment = "a/b"}, "/environment"},
        {{.environment = long_name}, "/environment"},
        {{.holder = ""}, "/holder"},
        {{.holder = "a\nb"}, "/holder"},
        {{.holder = "\xff"}, "/holder"},
        {{.holder = long_holder}, "/holder"},
        {{.profile = ""}, "/profile"},
        {{.profile = "a/b/c"}, "/profile"},
        {{.profile = "/tls"}, "/profile"},
        {{.profile = "mhhs/"}, "/profile"},
        {{.profile = "../etc/x"}, "/profile"},
        {{.profile = long_name}, "/profile"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        struct ha_key *key = NULL;
        assert_int_equal(ha_keys_create(fixture->keys, "one", &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN,
                                        &cases[i].traits, &key, &err),
                         HA_E_MALFORMED);
        assert_string_equal(err.pointer, cases[i].pointer);
        assert_false(file_exists(fixture, "one"));
    }
}

static void key_of_a_removed_token_says_so_and_comes_back_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_use use = {0};
    assert_int_equal(create(fixture, "one", &err), HA_OK);
    struct ha_key *key = ha_keys_get(fixture->keys, "one");
    ha_keys_detach(fixture->keys, fixture->token, NULL);
    assert_int_equal(ha_use_sign(key, HA_ALG_ES256, HA_PURPOSE_SIGN, (const uint8_t *)"x", 1, &use, &err),
                     HA_E_TOKEN_DOWN);
    assert_non_null(strstr(err.detail, "isn't in the configuration"));
    ha_keys_attach(fixture->keys, fixture->token);
    assert_int_equal(ha_keys_bind(fixture->keys, fixture->token, &err), HA_OK);
    assert_int_equal(ha_use_sign(key, HA_ALG_ES256, HA_PURPOSE_SIGN, (const uint8_t *)"x", 1, &use, &err), HA_OK);
    ha_use_clear(&use);
    ha_key_unref(key);
}

static void key_create_twice_conflicts(void **state)
{
    struct ha_err err = {0};
    assert_int_equal(create(*state, "one", &err), HA_OK);
    assert_int_equal(create(*state, "one", &err), HA_E_CONFLICT);
}

static void key_create_with_a_bad_name_is_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", "../x", "a/b", "-a", ".hidden", "a b", "\xc3\xa9"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        struct ha_err err = {0};
        assert_int_equal(create(*state, names[i], &err), HA_E_MALFORMED);
    }
}

static void key_create_that_the_token_refuses_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    fake_mode(&fixture->fake, "fail-generate");
    assert_int_equal(create(fixture, "one", &err), HA_E_TOKEN_ERROR);
    assert_false(file_exists(fixture, "one"));
    assert_null(ha_keys_get(fixture->keys, "one"));
}

static void key_create_cut_off_after_the_objects_is_reported_and_deletable(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    fake_mode(&fixture->fake, "die-after-generate");
    assert_int_equal(create(fixture, "one", &err), HA_E_TOKEN_DOWN);
    fake_mode(&fixture->fake, "");
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, "one"), HA_STATE_INCOMPLETE);
    char trouble[HA_TROUBLE_MAX];
    struct ha_key *key = ha_keys_get(fixture->keys, "one");
    ha_key_trouble(key, trouble);
    ha_key_unref(key);
    assert_non_null(strstr(trouble, "hsm-agent key delete one"));
    assert_int_equal(create(fixture, "one", &err), HA_E_CONFLICT);
    bool destroyed = false;
    assert_int_equal(ha_keys_delete(fixture->keys, "one", 0, false, &destroyed, &err), HA_OK);
    assert_true(destroyed);
    assert_int_equal(object_count(fixture), 0);
    assert_false(file_exists(fixture, "one"));
}

static void key_create_cut_off_before_the_objects_is_undone(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    fake_mode(&fixture->fake, "die-before-generate");
    assert_int_equal(create(fixture, "one", &err), HA_E_TOKEN_DOWN);
    fake_mode(&fixture->fake, "");
    down(fixture);
    up(fixture);
    assert_null(ha_keys_get(fixture->keys, "one"));
    assert_false(file_exists(fixture, "one"));
}

static void key_delete_cut_off_is_finished_at_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool destroyed = false;
    assert_int_equal(create(fixture, "one", &err), HA_OK);
    fake_mode(&fixture->fake, "die-before-destroy");
    assert_int_equal(ha_keys_delete(fixture->keys, "one", 0, false, &destroyed, &err), HA_E_TOKEN_DOWN);
    assert_true(file_exists(fixture, "one"));
    fake_mode(&fixture->fake, "");
    down(fixture);
    up(fixture);
    assert_null(ha_keys_get(fixture->keys, "one"));
    assert_false(file_exists(fixture, "one"));
    assert_int_equal(object_count(fixture), 0);
}

static void key_whose_object_vanished_is_missing(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(create(fixture, "one", &err), HA_OK);
    fake_objects(&fixture->fake, "");
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, "one"), HA_STATE_MISSING);
}

static void key_bound_by_id_and_public_key(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    fake_objects(&fixture->fake, "aa01 first " SPKI_G "\n");
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=first", &key, &err), HA_OK);
    assert_true(key->adopted);
    assert_int_equal(key->purposes, HA_PURPOSE_SIGN);
    ha_key_unref(key);
    // The same id, another public key: not this key.
    fake_objects(&fixture->fake, "aa01 first " SPKI_2G "\n");
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, "mine"), HA_STATE_MISSING);
    // A second object with the same id: a guess could be wrong.
    fake_objects(&fixture->fake, "aa01 first " SPKI_G "\naa01 second " SPKI_2G "\n");
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, "mine"), HA_STATE_AMBIGUOUS);
    char trouble[HA_TROUBLE_MAX];
    key = ha_keys_get(fixture->keys, "mine");
    ha_key_trouble(key, trouble);
    ha_key_unref(key);
    assert_non_null(strstr(trouble, "first"));
    assert_non_null(strstr(trouble, "second"));
    // Its label may change.
    fake_objects(&fixture->fake, "aa01 renamed " SPKI_G "\nbb other " SPKI_2G "\n");
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, "mine"), HA_STATE_READY);
}

static void key_adopt_of_two_names_both(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    fake_objects(&fixture->fake, "aa01 first " SPKI_G "\nbb02 first " SPKI_2G "\n");
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=first", &key, &err), HA_E_AMBIGUOUS);
    assert_non_null(strstr(err.detail, "id=%aa%01"));
    assert_non_null(strstr(err.detail, "id=%bb%02"));
    assert_null(ha_keys_get(fixture->keys, "mine"));
}

static void key_adopt_of_one_of_two_with_the_same_id_is_ambiguous(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    fake_objects(&fixture->fake, "aa01 first " SPKI_G "\naa01 second " SPKI_2G "\n");
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=first", &key, &err), HA_E_AMBIGUOUS);
}

static void key_adopt_without_a_public_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    fake_objects(&fixture->fake, "aa01 first -\n");
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=first", &key, &err), HA_E_KEY_CANNOT);
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=none", &key, &err), HA_E_NO_KEY);
}

static void key_delete_of_an_adopted_one_keeps_its_objects_unless_told(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    bool destroyed = true;
    fake_objects(&fixture->fake, "aa01 first " SPKI_G "\n");
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=first", &key, &err), HA_OK);
    ha_key_unref(key);
    assert_int_equal(ha_keys_delete(fixture->keys, "mine", 0, false, &destroyed, &err), HA_OK);
    assert_false(destroyed);
    assert_int_equal(object_count(fixture), 1);
    assert_int_equal(adopt(fixture, "mine", "pkcs11:object=first", &key, &err), HA_OK);
    ha_key_unref(key);
    assert_int_equal(ha_keys_delete(fixture->keys, "mine", 0, true, &destroyed, &err), HA_OK);
    assert_true(destroyed);
    assert_int_equal(object_count(fixture), 0);
    assert_int_equal(ha_keys_delete(fixture->keys, "mine", 0, true, &destroyed, &err), HA_E_NO_KEY);
}

static void store_with_a_damaged_file_still_gives_the_others(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(create(fixture, "good", &err), HA_OK);
    static const char *const damaged[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"format\":1}",
        "{\"format\":2,\"name\":\"bad\",\"token\":\"fake\"}",
        "{\"format\":1,\"name\":\"other\",\"token\":\"fake\"}",
        "{\"format\":1,\"name\":\"bad\",\"token\":\"../x\"}",
        "{\"format\":1,\"name\":\"bad\",\"token\":\"fake\",\"phase\":\"ready\",\"type\":\"ec:p256\",\"purposes\":"
        "\"sign\","
        "\"origin\":\"created\",\"version\":1,\"created\":\"x\",\"id\":\"aa\"}",
        "{\"format\":1,\"name\":\"bad\",\"token\":\"fake\",\"id\":\"aa\",\"environment\":1}",
        "{\"format\":1,\"name\":\"bad\",\"token\":\"fake\",\"id\":\"aa\",\"holder\":\"\"}",
        "{\"format\":1,\"name\":\"bad\",\"token\":\"fake\",\"id\":\"aa\",\"backup\":\"yes\"}",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(damaged); i++) {
        char path[200];
        snprintf(path, sizeof(path), "%s/keys/bad.json", fixture->state_dir);
        assert_int_equal(ha_file_write(path, damaged[i], strlen(damaged[i]), 0600, &err), HA_OK);
        down(fixture);
        up(fixture);
        assert_int_equal(state_of(fixture, "good"), HA_STATE_READY);
        assert_null(ha_keys_get(fixture->keys, "bad"));
    }
}

static void store_is_used_by_one_daemon_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_keys *second = NULL;
    assert_int_equal(ha_keys_new(fixture->state_dir, &fixture->fake.log, &second, &err), HA_E_CONFLICT);
}

static void keys_of_many_are_sorted_and_found(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char name[16];
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "k%d", (i * 37) % 150);
        assert_int_equal(create(fixture, name, &err), HA_OK);
    }
    size_t n;
    struct ha_key **all = ha_keys_all(fixture->keys, &n);
    assert_int_equal(n, 150);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
        ha_key_unref(all[i]);
    }
    free(all);
    bool destroyed;
    assert_int_equal(ha_keys_delete(fixture->keys, "k77", 0, false, &destroyed, &err), HA_OK);
    assert_null(ha_keys_get(fixture->keys, "k77"));
    struct ha_key *key = ha_keys_get(fixture->keys, "k78");
    assert_string_equal(key->name, "k78");
    ha_key_unref(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(key_create_survives_a_restart),
        TEST(key_traits_survive_a_restart),
        TEST(key_traits_that_make_no_sense_are_refused_with_their_pointer),
        TEST(key_of_a_removed_token_says_so_and_comes_back_with_it),
        TEST(key_create_twice_conflicts),
        TEST(key_create_with_a_bad_name_is_refused),
        TEST(key_create_that_the_token_refuses_leaves_nothing),
        TEST(key_create_cut_off_after_the_objects_is_reported_and_deletable),
        TEST(key_create_cut_off_before_the_objects_is_undone),
        TEST(key_delete_cut_off_is_finished_at_the_next_start),
        TEST(key_whose_object_vanished_is_missing),
        TEST(key_bound_by_id_and_public_key),
        TEST(key_adopt_of_two_names_both),
        TEST(key_adopt_of_one_of_two_with_the_same_id_is_ambiguous),
        TEST(key_adopt_without_a_public_key_is_refused),
        TEST(key_delete_of_an_adopted_one_keeps_its_objects_unless_told),
        TEST(store_with_a_damaged_file_still_gives_the_others),
        TEST(store_is_used_by_one_daemon_at_a_time),
        TEST(keys_of_many_are_sorted_and_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
