// SPDX-License-Identifier: Apache-2.0
// One key in two tokens: adoption, proofs, which one is asked, and what happens when one of them fails.
#include "fake.h"

#include "base/clock.h"
#include "base/file.h"
#include "keys/keys.h"
#include "keys/replicas.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SPKI_HEAD "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
#define SPKI_G                                                                                                         \
    SPKI_HEAD "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                                       \
              "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define SPKI_2G                                                                                                        \
    SPKI_HEAD "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"                                       \
              "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1"
#define TOKENS 2

struct fixture {
    struct fake fakes[TOKENS];  // "a" has the object aa, "b" has bb
    char state_dir[96];
    struct ha_keys *keys;
    struct ha_token *tokens[TOKENS];
};

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    struct fixture *fixture = context;
    return ha_keys_bind(fixture->keys, token, err);
}

static void up(struct fixture *fixture)
{
    struct ha_err err = {0};
    assert_int_equal(ha_keys_new(fixture->state_dir, &fixture->fakes[0].log, &fixture->keys, &err), HA_OK);
    for (size_t i = 0; i < TOKENS; i++) {
        struct fake *fake = &fixture->fakes[i];
        assert_int_equal(ha_token_new(&fake->config, &fake->host, &fixture->tokens[i], &err), HA_OK);
        ha_keys_attach(fixture->keys, fixture->tokens[i]);
        ha_token_wait_first(fixture->tokens[i]);
    }
}

static void down(struct fixture *fixture)
{
    for (size_t i = 0; i < TOKENS; i++)
        ha_token_free(fixture->tokens[i]);
    ha_keys_free(fixture->keys);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    for (size_t i = 0; i < TOKENS; i++) {
        fake_init(&fixture->fakes[i], bind_keys, fixture);
        fixture->fakes[i].config.name = (char *)(i == 0 ? "a" : "b");
        fake_objects(&fixture->fakes[i], i == 0 ? "aa one " SPKI_G "\n" : "bb two " SPKI_G "\n");
    }
    snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state", fixture->fakes[0].directory);
    up(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    down(fixture);
    for (size_t i = 0; i < TOKENS; i++)
        fake_clear(&fixture->fakes[i]);
    free(fixture);
    return 0;
}

static enum ha_code adopt(struct fixture *fixture, size_t *ret_wrong, struct ha_err *err)
{
    const struct ha_keys_source sources[] = {{fixture->tokens[0], "pkcs11:object=one"},
                                             {fixture->tokens[1], "pkcs11:object=two"}};
    struct ha_key *key = NULL;
    enum ha_code code = ha_keys_adopt(fixture->keys, "pair", sources, TOKENS, 0, NULL, &key, ret_wrong, err);
    ha_key_unref(key);
    return code;
}

static void adopt_well(struct fixture *fixture)
{
    struct ha_err err = {0};
    size_t wrong;
    assert_int_equal(adopt(fixture, &wrong, &err), HA_OK);
}

static enum ha_key_state state_of(struct fixture *fixture, size_t i)
{
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "pair");
    assert_non_null(key);
    return ha_replica_state(key, &key->replicas[i]);
}

// Signs, and says which token did; 0 for none.
static char sign(struct fixture *fixture, const char *data, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "pair");
    ha_auto(ha_use_clear) struct ha_use use = {0};
    struct ha_use *one = &use;
    assert_non_null(key);
    if (ha_use_sign(key, HA_ALG_ES256, HA_PURPOSE_SIGN, (const uint8_t *)data, strlen(data), &use, err))
        return 0;
    const struct ha_caller caller = {.uid = 1, .start_ms = ha_now_ms()};
    ha_replicas_use(key, &caller, &one, 1);
    if (use.exchange.code) {
        *err = use.exchange.err;
        return 0;
    }
    assert_int_equal(use.exchange.output.len, strlen("signed:") + strlen(data));
    return use.token[0];
}

static size_t uses_of(const struct fixture *fixture, size_t i)
{
    char path[700];
    struct stat info;
    snprintf(path, sizeof(path), "%s/uses", fixture->fakes[i].directory);
    return stat(path, &info) ? 0 : (size_t)info.st_size;
}

static size_t objects_in(const struct fixture *fixture, size_t i)
{
    char path[700];
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    snprintf(path, sizeof(path), "%s/objects", fixture->fakes[i].directory);
    ha_file_read(path, 1 << 20, HA_FILE_ANY, &text, &err);
    return text.len > 0;
}

static pid_t pid_of(struct fixture *fixture, size_t i)
{
    struct ha_token_status status;
    ha_token_status(fixture->tokens[i], &status);
    return status.pid;
}

// Returns when the token is known to be without that process.
static void kill_child(struct fixture *fixture, size_t i)
{
    pid_t pid = pid_of(fixture, i);
    assert_int_not_equal(pid, 0);
    kill(pid, SIGKILL);
    for (int tries = 0; pid_of(fixture, i) == pid; tries++) {
        assert_true(tries < 2000);
        usleep(5000);
    }
}

// A state that comes by itself.
static void await_state(struct fixture *fixture, size_t i, enum ha_key_state state)
{
    for (int tries = 0; state_of(fixture, i) != state; tries++) {
        assert_true(tries < 2000);
        usleep(5000);
    }
}

static void replicas_adopted_take_turns(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    assert_int_equal(state_of(fixture, 0), HA_STATE_READY);
    assert_int_equal(state_of(fixture, 1), HA_STATE_READY);
    for (int i = 0; i < 20; i++)
        assert_int_not_equal(sign(fixture, "x", &err), 0);
    assert_int_equal(uses_of(fixture, 0), 10);
    assert_int_equal(uses_of(fixture, 1), 10);
}

static void replicas_are_there_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    down(fixture);
    up(fixture);
    assert_int_equal(state_of(fixture, 0), HA_STATE_READY);
    assert_int_equal(state_of(fixture, 1), HA_STATE_READY);
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "pair");
    assert_int_equal(key->n_replicas, 2);
    assert_int_equal(key->replicas[0].id[0], 0xaa);
    assert_int_equal(key->replicas[1].id[0], 0xbb);
    assert_int_not_equal(sign(fixture, "x", &err), 0);
}

static void replicas_of_different_keys_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    size_t wrong = 9;
    fake_objects(&fixture->fakes[1], "bb two " SPKI_2G "\n");
    assert_int_equal(adopt(fixture, &wrong, &err), HA_E_CONFLICT);
    assert_int_equal(wrong, 1);
    assert_non_null(strstr(err.detail, "object=two in the token 'b'"));
    assert_null(ha_keys_get(fixture->keys, "pair"));
}

static void replica_whose_private_key_is_another_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    size_t wrong = 9;
    fake_mode(&fixture->fakes[1], "other-private");
    assert_int_equal(adopt(fixture, &wrong, &err), HA_E_CONFLICT);
    assert_int_equal(wrong, 1);
    assert_non_null(strstr(err.detail, "token 'b'"));
    assert_null(ha_keys_get(fixture->keys, "pair"));
}

static void replica_ambiguous_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    size_t wrong = 9;
    fake_objects(&fixture->fakes[1], "bb two " SPKI_G "\nbb three " SPKI_2G "\n");
    assert_int_equal(adopt(fixture, &wrong, &err), HA_E_AMBIGUOUS);
    assert_int_equal(wrong, 1);
}

static void replicas_in_one_token_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    size_t wrong = 9;
    const struct ha_keys_source sources[] = {{fixture->tokens[0], "pkcs11:object=one"},
                                             {fixture->tokens[0], "pkcs11:object=one"}};
    struct ha_key *key = NULL;
    assert_int_equal(ha_keys_adopt(fixture->keys, "pair", sources, TOKENS, 0, NULL, &key, &wrong, &err),
                     HA_E_MALFORMED);
    assert_int_equal(wrong, 1);
}

static void replica_that_became_another_key_is_never_used(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    down(fixture);
    fake_objects(&fixture->fakes[1], "bb two " SPKI_2G "\n");
    up(fixture);
    assert_int_equal(state_of(fixture, 1), HA_STATE_MISSING);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sign(fixture, "x", &err), 'a');
    assert_int_equal(uses_of(fixture, 1), 0);
}

static void replica_that_does_not_prove_itself_is_never_used(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    down(fixture);
    fake_mode(&fixture->fakes[1], "other-private");
    up(fixture);
    assert_int_equal(state_of(fixture, 1), HA_STATE_UNPROVEN);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sign(fixture, "x", &err), 'a');
    assert_int_equal(uses_of(fixture, 1), 0);
    // The next process has the right one.
    fake_mode(&fixture->fakes[1], "");
    kill_child(fixture, 1);
    await_state(fixture, 1, HA_STATE_READY);
}

static void replica_whose_process_dies_is_stood_in_for(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    // Each token's process dies of this question once.
    assert_int_not_equal(sign(fixture, "die-once", &err), 0);
    await_state(fixture, 0, HA_STATE_READY);
    await_state(fixture, 1, HA_STATE_READY);
    kill_child(fixture, 0);
    for (int i = 0; i < 20; i++)
        assert_int_not_equal(sign(fixture, "x", &err), 0);
    await_state(fixture, 0, HA_STATE_READY);
}

static void replica_that_stays_down_is_stood_in_for_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    fake_mode(&fixture->fakes[0], "fail-start");
    kill_child(fixture, 0);
    for (int i = 0; i < 20; i++)
        assert_int_not_equal(sign(fixture, "x", &err), 0);
    await_state(fixture, 0, HA_STATE_TOKEN_DOWN);
    assert_int_equal(sign(fixture, "x", &err), 'b');
    fake_mode(&fixture->fakes[0], "");
    await_state(fixture, 0, HA_STATE_READY);
}

static void replica_whose_device_fails_proves_itself_before_it_is_used_again(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    fake_mode(&fixture->fakes[0], "device-error");
    for (int i = 0; i < 10; i++)
        assert_int_equal(sign(fixture, "x", &err), 'b');
    assert_int_not_equal(state_of(fixture, 0), HA_STATE_READY);
    assert_in_range(uses_of(fixture, 0), 1, 2);
    fake_mode(&fixture->fakes[0], "");
    for (int tries = 0; sign(fixture, "x", &err) != 'a'; tries++) {
        assert_true(tries < 2000);
        usleep(5000);
    }
    assert_int_equal(state_of(fixture, 0), HA_STATE_READY);
}

static void replica_that_answers_with_errors_is_stood_in_for(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    fake_mode(&fixture->fakes[0], "sign-error");
    for (int i = 0; i < 50; i++)
        assert_int_equal(sign(fixture, "x", &err), 'b');
    assert_in_range(uses_of(fixture, 0), 1, 5);  // it is the last choice for a second
    // An input that every token fails at doesn't put the key out of use.
    fake_mode(&fixture->fakes[0], "");
    assert_int_equal(sign(fixture, "fail", &err), 0);
    assert_int_equal(err.code, HA_E_TOKEN_ERROR);
    assert_int_not_equal(sign(fixture, "x", &err), 0);
}

static void replicas_all_down_are_waited_for_while_they_start(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    for (int i = 0; i < 5; i++) {
        kill_child(fixture, 0);
        kill_child(fixture, 1);
        assert_int_not_equal(sign(fixture, "x", &err), 0);
        await_state(fixture, 0, HA_STATE_READY);
        await_state(fixture, 1, HA_STATE_READY);
    }
}

static void replicas_all_away_fail_with_token_down(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    for (size_t i = 0; i < TOKENS; i++) {
        fake_mode(&fixture->fakes[i], "fail-start");
        kill_child(fixture, i);
        await_state(fixture, i, HA_STATE_TOKEN_DOWN);
    }
    assert_int_equal(sign(fixture, "x", &err), 0);
    assert_int_equal(err.code, HA_E_TOKEN_DOWN);
    assert_int_equal(err.retry_after_s, 1);
}

static void replica_that_hangs_is_stood_in_for(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    adopt_well(fixture);
    fake_mode(&fixture->fakes[0], "hang");
    // Within the request's deadline: half of it is for the other one.
    for (int i = 0; i < 4; i++)
        assert_int_equal(sign(fixture, "x", &err), 'b');
    fake_mode(&fixture->fakes[0], "");
    await_state(fixture, 0, HA_STATE_READY);
}

// Of a batch, what one token fails at is done by the other.
static void batch_is_done_in_spite_of_a_death(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_use uses[40], *pointers[40];
    memset(uses, 0, sizeof(uses));
    adopt_well(fixture);
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "pair");
    for (size_t i = 0; i < 40; i++) {
        const char *data = i == 20 ? "die-once" : "x";
        pointers[i] = &uses[i];
        assert_int_equal(
            ha_use_sign(key, HA_ALG_ES256, HA_PURPOSE_SIGN, (const uint8_t *)data, strlen(data), &uses[i], &err),
            HA_OK);
    }
    const struct ha_caller caller = {.uid = 1, .start_ms = ha_now_ms()};
    ha_replicas_use(key, &caller, pointers, 40);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(uses[i].exchange.code, HA_OK);
        assert_int_equal(uses[i].exchange.output.len, strlen("signed:") + (i == 20 ? strlen("die-once") : 1));
        ha_use_clear(&uses[i]);
    }
}

struct load {
    struct fixture *fixture;
    atomic_bool stop;
    atomic_uint done, failed;
};

static void *ask_on_and_on(void *argument)
{
    struct load *load = argument;
    while (!atomic_load(&load->stop)) {
        struct ha_err err = {0};
        if (sign(load->fixture, "x", &err))
            atomic_fetch_add(&load->done, 1);
        else
            atomic_fetch_add(&load->failed, 1);
    }
    return NULL;
}

static void replicas_under_load_fail_no_request_when_one_dies(void **state)
{
    struct fixture *fixture = *state;
    struct load load = {.fixture = fixture};
    pthread_t threads[16];
    adopt_well(fixture);
    for (size_t i = 0; i < HA_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on_and_on, &load), 0);
    for (size_t kills = 0; kills < 12; kills++) {
        unsigned before = atomic_load(&load.done);
        for (int tries = 0; atomic_load(&load.done) < before + 100; tries++) {
            assert_true(tries < 10000);
            usleep(1000);
        }
        kill_child(fixture, kills % 2);
        await_state(fixture, kills % 2, HA_STATE_READY);
    }
    atomic_store(&load.stop, true);
    for (size_t i = 0; i < HA_ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&load.failed), 0);
}

static bool file_exists(const struct fixture *fixture)
{
    char path[700];
    struct stat info;
    snprintf(path, sizeof(path), "%s/keys/pair.json", fixture->state_dir);
    return stat(path, &info) == 0;
}

static void replicas_are_deleted_in_each_token(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool destroyed = true;
    adopt_well(fixture);
    assert_int_equal(ha_keys_delete(fixture->keys, "pair", 0, false, &destroyed, &err), HA_OK);
    assert_false(destroyed);
    assert_true(objects_in(fixture, 0) && objects_in(fixture, 1));
    adopt_well(fixture);
    assert_int_equal(ha_keys_delete(fixture->keys, "pair", 0, true, &destroyed, &err), HA_OK);
    assert_true(destroyed);
    assert_false(objects_in(fixture, 0) || objects_in(fixture, 1));
    assert_false(file_exists(fixture));
}

static void replicas_are_not_deleted_while_a_token_is_away(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool destroyed;
    adopt_well(fixture);
    fake_mode(&fixture->fakes[1], "fail-start");
    kill_child(fixture, 1);
    await_state(fixture, 1, HA_STATE_TOKEN_DOWN);
    for (struct ha_token_status status = {0}; !status.err.code;)
        ha_token_status(fixture->tokens[1], &status);
    assert_int_equal(ha_keys_delete(fixture->keys, "pair", 0, true, &destroyed, &err), HA_E_TOKEN_DOWN);
    assert_true(objects_in(fixture, 0) && objects_in(fixture, 1));
    assert_int_equal(sign(fixture, "x", &err), 'a');
}

static void replicas_half_deleted_are_deleted_at_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool destroyed;
    adopt_well(fixture);
    fake_mode(&fixture->fakes[1], "die-before-destroy");
    assert_int_equal(ha_keys_delete(fixture->keys, "pair", 0, true, &destroyed, &err), HA_E_TOKEN_DOWN);
    assert_true(file_exists(fixture));
    assert_false(objects_in(fixture, 0));
    assert_true(objects_in(fixture, 1));
    assert_int_equal(sign(fixture, "x", &err), 0);
    fake_mode(&fixture->fakes[1], "");
    down(fixture);
    up(fixture);
    assert_null(ha_keys_get(fixture->keys, "pair"));
    assert_false(file_exists(fixture));
    assert_false(objects_in(fixture, 1));
}

static void replicas_half_deleted_wait_for_a_token_that_is_away(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool destroyed;
    adopt_well(fixture);
    fake_mode(&fixture->fakes[1], "die-before-destroy");
    assert_int_equal(ha_keys_delete(fixture->keys, "pair", 0, true, &destroyed, &err), HA_E_TOKEN_DOWN);
    down(fixture);
    fake_mode(&fixture->fakes[1], "fail-start");
    up(fixture);
    assert_true(file_exists(fixture));
    assert_int_equal(state_of(fixture, 0), HA_STATE_INCOMPLETE);
    assert_int_equal(sign(fixture, "x", &err), 0);
}

static void locate_finds_the_token_or_names_two(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_token *token = NULL;
    assert_int_equal(ha_keys_locate(fixture->tokens, TOKENS, "pkcs11:object=two", &token, &err), HA_OK);
    assert_ptr_equal(token, fixture->tokens[1]);
    assert_int_equal(ha_keys_locate(fixture->tokens, TOKENS, "pkcs11:object=three", &token, &err), HA_E_NO_KEY);
    fake_objects(&fixture->fakes[0], "aa two " SPKI_G "\n");
    assert_int_equal(ha_keys_locate(fixture->tokens, TOKENS, "pkcs11:object=two", &token, &err), HA_E_AMBIGUOUS);
    assert_non_null(strstr(err.detail, "'a' and 'b'"));
}

static void store_with_damaged_replicas_is_not_loaded(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[700];
    static const char *const lists[] = {
        "",
        ",\"replicas\":[]",
        ",\"replicas\":{}",
        ",\"replicas\":[{\"token\":\"a\",\"id\":\"aa\"},{\"token\":\"a\",\"id\":\"ab\"}]",
        ",\"replicas\":[{\"token\":\"a\"}]",
        ",\"replicas\":[{\"id\":\"aa\"}]",
        ",\"token\":\"a\",\"id\":\"aa\"",
    };
    snprintf(path, sizeof(path), "%s/keys/bad.json", fixture->state_dir);
    for (size_t i = 0; i < HA_ARRAY_SIZE(lists); i++) {
        char text[600];
        snprintf(text, sizeof(text),
                 "{\"format\":2,\"name\":\"bad\",\"phase\":\"creating\",\"type\":\"ec:p256\",\"purposes\":\"sign\","
                 "\"origin\":\"created\",\"version\":1,\"created\":\"x\"%s}",
                 lists[i]);
        assert_int_equal(ha_file_write(path, text, strlen(text), 0600, &err), HA_OK);
        down(fixture);
        up(fixture);
        assert_null(ha_keys_get(fixture->keys, "bad"));
        assert_int_equal(access(path, F_OK), 0);
    }
}

// Whatever a token gives as r || s becomes DER or an error.
static void answer_that_is_no_signature_is_the_tokens_error(void **state)
{
    static const struct {
        size_t n;
        uint8_t byte;
        enum ha_code code;
    } answers[] = {
        {0, 1, HA_E_TOKEN_ERROR}, {63, 1, HA_E_TOKEN_ERROR},  {64, 0, HA_E_TOKEN_ERROR},   {64, 1, HA_OK},
        {132, 0x80, HA_OK},       {134, 1, HA_E_TOKEN_ERROR}, {5000, 1, HA_E_TOKEN_ERROR},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(answers); i++) {
        struct ha_err err = {0};
        ha_auto(ha_use_clear) struct ha_use use = {.exchange.question.alg = HA_ALG_ES256};
        for (size_t j = 0; j < answers[i].n; j++)
            ha_buf_putc(&use.exchange.output, (char)answers[i].byte);
        assert_int_equal(ha_use_sign_der(&use, &err), answers[i].code);
        if (answers[i].code == HA_OK) {
            assert_int_equal(use.exchange.output.data[0], 0x30);
            assert_true(use.exchange.output.len > answers[i].n);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replicas_adopted_take_turns),
        TEST(replicas_are_there_after_a_restart),
        TEST(replicas_of_different_keys_are_refused),
        TEST(replica_whose_private_key_is_another_is_refused),
        TEST(replica_ambiguous_is_refused),
        TEST(replicas_in_one_token_are_refused),
        TEST(replica_that_became_another_key_is_never_used),
        TEST(replica_that_does_not_prove_itself_is_never_used),
        TEST(replica_whose_process_dies_is_stood_in_for),
        TEST(replica_that_stays_down_is_stood_in_for_at_once),
        TEST(replica_whose_device_fails_proves_itself_before_it_is_used_again),
        TEST(replica_that_answers_with_errors_is_stood_in_for),
        TEST(replicas_all_down_are_waited_for_while_they_start),
        TEST(replicas_all_away_fail_with_token_down),
        TEST(replica_that_hangs_is_stood_in_for),
        cmocka_unit_test(answer_that_is_no_signature_is_the_tokens_error),
        TEST(batch_is_done_in_spite_of_a_death),
        TEST(replicas_under_load_fail_no_request_when_one_dies),
        TEST(replicas_are_deleted_in_each_token),
        TEST(replicas_are_not_deleted_while_a_token_is_away),
        TEST(replicas_half_deleted_are_deleted_at_the_next_start),
        TEST(replicas_half_deleted_wait_for_a_token_that_is_away),
        TEST(locate_finds_the_token_or_names_two),
        TEST(store_with_damaged_replicas_is_not_loaded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
