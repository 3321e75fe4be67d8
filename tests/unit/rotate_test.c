// SPDX-License-Identifier: Apache-2.0
// Versions of keys in the table and in files: rotation, decisions, deletion, each of them before and after a restart.
#include "fake.h"

#include "base/file.h"
#include "keys/ceremony.h"
#include "keys/keys_internal.h"
#include "keys/use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct fake fake;
    char state_dir[96];
    struct ha_keys *keys;
    struct ha_token *token;
    atomic_uint held;  // how often the tokens are
};

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    struct fixture *fixture = context;
    return ha_keys_bind(fixture->keys, token, err);
}

static void *take_hold(void *context)
{
    struct fixture *fixture = context;
    atomic_fetch_add(&fixture->held, 1);
    return fixture;
}

static void give_hold_back(void *held)
{
    struct fixture *fixture = held;
    atomic_fetch_sub(&fixture->held, 1);
}

static void up(struct fixture *fixture)
{
    const struct ha_keys_hold hold = {fixture, take_hold, give_hold_back};
    struct ha_err err = {0};
    assert_int_equal(ha_keys_new(fixture->state_dir, &fixture->fake.log, &fixture->keys, &err), HA_OK);
    assert_int_equal(ha_token_new(&fixture->fake.config, &fixture->fake.host, &fixture->token, &err), HA_OK);
    ha_token_wait_first(fixture->token);
    assert_int_equal(ha_keys_start(fixture->keys, &hold, &err), HA_OK);
}

static void down(struct fixture *fixture)
{
    ha_keys_stop(fixture->keys);
    ha_token_free(fixture->token);
    ha_keys_free(fixture->keys);
}

static void restart(struct fixture *fixture)
{
    down(fixture);
    up(fixture);
}

static int setup(void **state)
{
    static const struct ha_key_traits traits = {"prod", "ACME", "mhhs/tls", true};
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct ha_err err = {0};
    struct ha_key *key = NULL;
    fake_init(&fixture->fake, bind_keys, fixture);
    snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state", fixture->fake.directory);
    up(fixture);
    assert_int_equal(
        ha_keys_create(fixture->keys, "k", &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, &traits, &key, &err),
        HA_OK);
    ha_key_unref(key);
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

static enum ha_code rotate(struct fixture *fixture, int64_t after_s, int64_t overlap_s, struct ha_err *err)
{
    struct ha_key *key = NULL;
    enum ha_code code = ha_keys_rotate(fixture->keys, "k", after_s, overlap_s, &key, err);
    ha_key_unref(key);
    return code;
}

static enum ha_code activate(struct fixture *fixture, unsigned version, int64_t at_s, struct ha_err *err)
{
    struct ha_key *key = NULL;
    enum ha_code code = ha_keys_activate(fixture->keys, "k", version, at_s, -1, &key, err);
    ha_key_unref(key);
    return code;
}

static enum ha_code delete_version(struct fixture *fixture, unsigned version, struct ha_err *err)
{
    bool destroyed;
    return ha_keys_delete(fixture->keys, "k", version, false, &destroyed, err);
}

static unsigned active(struct fixture *fixture)
{
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "k");
    return key ? key->version : 0;
}

// The one that will sign then, if nobody decides anything until then.
static unsigned active_at(struct fixture *fixture, int64_t at_s)
{
    size_t n;
    struct ha_key **all = ha_keys_versions(fixture->keys, "k", &n);
    unsigned version = all[ha_versions_active(all, n, at_s)]->version;
    ha_keys_list_free(all, n);
    return version;
}

static const char *status(struct fixture *fixture, unsigned version)
{
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get_version(fixture->keys, "k", version);
    return key ? ha_key_status_name(ha_keys_status(fixture->keys, key, NULL)) : "none";
}

static enum ha_code use(struct fixture *fixture, unsigned version, struct ha_err *err)
{
    ha_auto(ha_use_clear) struct ha_use use = {0};
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get_version(fixture->keys, "k", version);
    return ha_use_sign(key, HA_ALG_ES256, HA_PURPOSE_SIGN, (const uint8_t *)"x", 1, &use, err);
}

static size_t count_files(const struct fixture *fixture)
{
    size_t n = 0;
    for (unsigned version = 1; version < 9; version++) {
        char path[200], name[HA_VERSION_NAME_MAX];
        ha_version_name("k", version, name);
        snprintf(path, sizeof(path), "%s/keys/%s.json", fixture->state_dir, name);
        n += access(path, F_OK) == 0;
    }
    return n;
}

static size_t count_objects(const struct fixture *fixture)
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

static void rotated_key_has_a_version_like_the_one_before(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, -1, 60, &err), HA_OK);
    restart(fixture);
    ha_auto(ha_key_unref) struct ha_key *first = ha_keys_get_version(fixture->keys, "k", 1);
    ha_auto(ha_key_unref) struct ha_key *second = ha_keys_get_version(fixture->keys, "k", 2);
    assert_non_null(second);
    assert_int_equal(second->type, HA_KEY_EC_P256);
    assert_int_equal(second->purposes, HA_PURPOSE_SIGN);
    assert_string_equal(second->environment, "prod");
    assert_string_equal(second->holder, "ACME");
    assert_string_equal(second->profile, "mhhs/tls");
    assert_true(second->backup);
    assert_string_equal(second->replicas[0].token_name, first->replicas[0].token_name);
    assert_memory_not_equal(second->replicas[0].id, first->replicas[0].id, 16);
    assert_int_equal(ha_key_state(second), HA_STATE_READY);
    assert_int_equal(active(fixture), 1);
    assert_string_equal(status(fixture, 2), "pending");
    assert_null(ha_keys_get_version(fixture->keys, "k", 3));
}

static void key_with_a_pending_version_is_not_rotated_again(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, -1, 0, &err), HA_OK);
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_E_CONFLICT);
    assert_int_equal(count_files(fixture), 2);
    err = (struct ha_err){0};
    struct ha_key *key = NULL;
    assert_int_equal(ha_keys_rotate(fixture->keys, "none", 0, 0, &key, &err), HA_E_NO_KEY);
}

static void rotation_that_the_token_refuses_leaves_the_key_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    fake_mode(&fixture->fake, "fail-generate");
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_E_TOKEN_ERROR);
    assert_int_equal(count_files(fixture), 1);
    assert_int_equal(active(fixture), 1);
}

static void activation_survives_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, -1, 3600, &err), HA_OK);
    assert_int_equal(activate(fixture, 0, time(NULL) + 1000, &err), HA_OK);
    assert_int_equal(active(fixture), 1);
    assert_int_equal(activate(fixture, 2, time(NULL), &err), HA_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(active(fixture), 2);
        assert_string_equal(status(fixture, 1), "retiring");
        restart(fixture);
    }
    assert_int_equal(activate(fixture, 0, time(NULL), &err), HA_E_CONFLICT);
    err = (struct ha_err){0};
    assert_int_equal(activate(fixture, 5, time(NULL), &err), HA_E_KEY_CANNOT);
}

static void disabled_version_is_refused_until_it_is_enabled(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, 0, 3600, &err), HA_OK);
    assert_int_equal(ha_keys_disable(fixture->keys, "k", 2, true, &err), HA_OK);
    restart(fixture);
    assert_int_equal(active(fixture), 2);
    assert_int_equal(use(fixture, 2, &err), HA_E_KEY_DISABLED);
    assert_int_equal(use(fixture, 1, &err), HA_OK);
    err = (struct ha_err){0};
    assert_int_equal(activate(fixture, 2, time(NULL), &err), HA_E_KEY_DISABLED);
    assert_int_equal(ha_keys_disable(fixture->keys, "k", 0, false, &err), HA_OK);
    assert_int_equal(use(fixture, 2, &err), HA_OK);
    err = (struct ha_err){0};
    assert_int_equal(ha_keys_disable(fixture->keys, "k", 3, true, &err), HA_E_KEY_CANNOT);
    err = (struct ha_err){0};
    assert_int_equal(ha_keys_disable(fixture->keys, "j", 0, true, &err), HA_E_NO_KEY);
}

// Whoever finds a version wrong before it signs mustn't have stopped the key when its time comes.
static void pending_version_that_is_barred_does_not_come(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, 1000, 0, &err), HA_OK);
    assert_int_equal(active_at(fixture, time(NULL) + 2000), 2);
    assert_int_equal(ha_keys_disable(fixture->keys, "k", 2, true, &err), HA_OK);
    restart(fixture);
    assert_int_equal(active_at(fixture, time(NULL) + 2000), 1);
    assert_int_equal(ha_keys_disable(fixture->keys, "k", 2, false, &err), HA_OK);
    assert_int_equal(active_at(fixture, time(NULL) + 2000), 1);
    assert_int_equal(activate(fixture, 2, time(NULL) + 1000, &err), HA_OK);
    assert_int_equal(active_at(fixture, time(NULL) + 2000), 2);
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 2, time(NULL) + 1500, false, &err), HA_OK);
    assert_int_equal(active_at(fixture, time(NULL) + 2000), 1);
}

static void active_version_is_not_put_off(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    assert_int_equal(activate(fixture, 2, time(NULL) + 1000, &err), HA_E_CONFLICT);
    assert_int_equal(active(fixture), 2);
    err = (struct ha_err){0};
    assert_int_equal(activate(fixture, 2, time(NULL), &err), HA_OK);
    assert_int_equal(activate(fixture, 1, time(NULL) + 1000, &err), HA_OK);
    assert_int_equal(active(fixture), 2);
}

static void decision_that_cannot_be_written_is_not_taken(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[200], away[208];
    snprintf(path, sizeof(path), "%s/keys", fixture->state_dir);
    snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_not_equal(ha_keys_disable(fixture->keys, "k", 0, true, &err), HA_OK);
    err = (struct ha_err){0};
    assert_int_not_equal(ha_keys_schedule(fixture->keys, "k", 0, 1, false, &err), HA_OK);
    assert_int_equal(rename(away, path), 0);
    err = (struct ha_err){0};
    assert_int_equal(use(fixture, 1, &err), HA_OK);
}

static void active_one_of_several_versions_is_not_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    assert_int_equal(delete_version(fixture, 2, &err), HA_E_CONFLICT);
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 2, time(NULL) + 1, false, &err), HA_E_CONFLICT);
    assert_int_equal(use(fixture, 2, &err), HA_OK);
    assert_int_equal(count_objects(fixture), 2);
    err = (struct ha_err){0};
    assert_int_equal(delete_version(fixture, 1, &err), HA_OK);
    assert_int_equal(count_objects(fixture), 1);
    assert_int_equal(delete_version(fixture, 7, &err), HA_E_KEY_CANNOT);
    err = (struct ha_err){0};
    assert_int_equal(delete_version(fixture, 2, &err), HA_OK);
    assert_int_equal(count_files(fixture), 0);
}

static void number_of_a_deleted_version_is_not_given_again(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, -1, 0, &err), HA_OK);
    assert_int_equal(delete_version(fixture, 2, &err), HA_OK);
    restart(fixture);
    assert_int_equal(rotate(fixture, -1, 0, &err), HA_OK);
    assert_string_equal(status(fixture, 2), "none");
    assert_string_equal(status(fixture, 3), "pending");
    assert_int_equal(delete_version(fixture, 3, &err), HA_OK);
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    assert_int_equal(active(fixture), 4);
}

static void key_is_deleted_with_all_its_versions(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    assert_int_equal(rotate(fixture, -1, 0, &err), HA_OK);
    assert_int_equal(count_objects(fixture), 3);
    assert_int_equal(delete_version(fixture, 0, &err), HA_OK);
    assert_int_equal(count_objects(fixture), 0);
    assert_int_equal(count_files(fixture), 0);
    assert_null(ha_keys_get(fixture->keys, "k"));
}

static void deletion_of_all_that_cannot_begin_leaves_what_was_planned(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[200], away[208];
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, time(NULL) + 1000, true, &err), HA_OK);
    snprintf(path, sizeof(path), "%s/keys", fixture->state_dir);
    snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_not_equal(delete_version(fixture, 0, &err), HA_OK);
    assert_int_equal(rename(away, path), 0);
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get_version(fixture->keys, "k", 1);
    assert_true(atomic_load(&key->deletes_objects));
}

static void key_that_is_being_deleted_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    fake_mode(&fixture->fake, "die-before-destroy");
    assert_int_not_equal(delete_version(fixture, 0, &err), HA_OK);
    err = (struct ha_err){0};
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, 0, false, &err), HA_E_CONFLICT);
    err = (struct ha_err){0};
    assert_int_equal(ha_keys_disable(fixture->keys, "k", 1, false, &err), HA_E_CONFLICT);
    fake_mode(&fixture->fake, "");
}

// Replaces text in a file of the state directory.
static void rewrite(const struct fixture *fixture, const char *name, const char *before, const char *after)
{
    char path[200];
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, other = {0};
    snprintf(path, sizeof(path), "%s/keys/%s", fixture->state_dir, name);
    assert_int_equal(ha_file_read(path, 1 << 16, HA_FILE_ANY, &text, &err), HA_OK);
    const char *at = strstr(ha_buf_text(&text), before);
    assert_non_null(at);
    ha_buf_append(&other, text.data, (size_t)(at - ha_buf_text(&text)));
    ha_buf_printf(&other, "%s%s", after, at + strlen(before));
    assert_int_equal(ha_file_write(path, other.data, other.len, 0600, &err), HA_OK);
}

// An adopted version goes without a mark of its own.
static void deletion_of_all_that_was_cut_off_leaves_no_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[200];
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    down(fixture);
    rewrite(fixture, "k.json", "\"origin\": \"created\"", "\"origin\": \"adopted\"");
    rewrite(fixture, "k@2.json", "\"phase\": \"ready\"", "\"phase\": \"deleting\", \"deletes-all\": true");
    snprintf(path, sizeof(path), "%s/certificates/k@1.pem", fixture->state_dir);
    assert_int_equal(ha_file_write(path, "x", 1, 0600, &err), HA_OK);
    up(fixture);
    assert_int_equal(active(fixture), 0);
    assert_int_equal(count_files(fixture), 0);
    assert_int_equal(access(path, F_OK), -1);
}

// As a daemon leaves it that is killed when it has marked the first version.
static void deletion_of_all_that_was_cut_off_after_the_first_mark_is_finished(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    assert_int_equal(rotate(fixture, -1, 0, &err), HA_OK);
    down(fixture);
    rewrite(fixture, "k.json", "\"phase\": \"ready\"", "\"phase\": \"deleting\", \"deletes-all\": true");
    up(fixture);
    assert_int_equal(active(fixture), 0);
    assert_int_equal(count_objects(fixture), 0);
    assert_int_equal(count_files(fixture), 0);
}

static void key_to_be_deleted_is_refused_and_goes_in_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, time(NULL) + 1000, false, &err), HA_OK);
    restart(fixture);
    assert_int_equal(use(fixture, 1, &err), HA_E_KEY_DISABLED);
    err = (struct ha_err){0};
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, 0, false, &err), HA_OK);
    assert_int_equal(use(fixture, 1, &err), HA_OK);
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, time(NULL), false, &err), HA_OK);
    for (int i = 0; i < 1000 && active(fixture); i++)
        usleep(10000);
    assert_int_equal(active(fixture), 0);
    assert_int_equal(count_objects(fixture), 0);
}

static void deletion_whose_time_came_while_down_is_done_at_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, time(NULL) + 1, false, &err), HA_OK);
    down(fixture);
    usleep(1100000);
    up(fixture);
    for (int i = 0; i < 1000 && active(fixture); i++)
        usleep(10000);
    assert_int_equal(active(fixture), 0);
    assert_int_equal(count_files(fixture), 0);
}

// Waits until the token is about to destroy an object, and has it go on.
static void await_destruction(const struct fixture *fixture)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/held", fixture->fake.directory);
    for (int i = 0; i < 1000 && access(path, F_OK) != 0; i++)
        usleep(10000);
    assert_int_equal(access(path, F_OK), 0);
}

static void go_on_destroying(const struct fixture *fixture)
{
    char path[200];
    fake_mode(&fixture->fake, "");
    snprintf(path, sizeof(path), "%s/held", fixture->fake.directory);
    assert_int_equal(unlink(path), 0);
}

static void token_is_held_while_what_is_due_is_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    fake_mode(&fixture->fake, "hold-destroy");
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, time(NULL), false, &err), HA_OK);
    await_destruction(fixture);
    assert_int_equal(atomic_load(&fixture->held), 1);
    go_on_destroying(fixture);
    for (int i = 0; i < 1000 && atomic_load(&fixture->held); i++)
        usleep(10000);
    assert_int_equal(atomic_load(&fixture->held), 0);
    assert_int_equal(active(fixture), 0);
}

// As the calendar finds it that has waited for its turn.
static void deletion_taken_back_before_its_turn_is_not_done(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool due = true, destroyed;
    const int64_t at_s = time(NULL) + 1000;
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "k");
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, at_s, false, &err), HA_OK);
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, 0, false, &err), HA_OK);
    assert_int_equal(ha_keys_delete_due(fixture->keys, key, at_s, &due, &destroyed, &err), HA_OK);
    assert_false(due);
    assert_int_equal(active(fixture), 1);
}

static void deletion_of_a_key_is_not_done_to_the_next_one_of_its_name(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool due = true, destroyed;
    const int64_t at_s = time(NULL) + 1000;
    struct ha_key *made = NULL;
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(fixture->keys, "k");
    assert_int_equal(ha_keys_schedule(fixture->keys, "k", 0, at_s, false, &err), HA_OK);
    assert_int_equal(delete_version(fixture, 0, &err), HA_OK);
    assert_int_equal(
        ha_keys_create(fixture->keys, "k", &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, NULL, &made, &err),
        HA_OK);
    ha_key_unref(made);
    assert_int_equal(ha_keys_delete_due(fixture->keys, key, at_s, &due, &destroyed, &err), HA_OK);
    assert_false(due);
    assert_int_equal(active(fixture), 1);
}

struct reader {
    struct fixture *fixture;
    atomic_bool stop;
    atomic_uint missed;  // times when there was no key
};

static void *read_versions(void *context)
{
    struct reader *reader = context;
    while (!atomic_load(&reader->stop)) {
        size_t n;
        struct ha_key **all = ha_keys_versions(reader->fixture->keys, "k", &n);
        for (size_t i = 0; i < n; i++)
            ha_versions_published(all[i], ha_keys_status(reader->fixture->keys, all[i], NULL));
        ha_keys_list_free(all, n);
        if (!active(reader->fixture))
            atomic_fetch_add(&reader->missed, 1);
    }
    return NULL;
}

// For ThreadSanitizer above all.
static void versions_may_be_read_while_they_come_and_go(void **state)
{
    struct fixture *fixture = *state;
    struct reader reader = {.fixture = fixture};
    struct ha_err err = {0};
    pthread_t threads[2];
    for (size_t i = 0; i < HA_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_versions, &reader), 0);
    for (unsigned version = 2; version < 12; version++) {
        assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
        assert_int_equal(ha_keys_disable(fixture->keys, "k", version - 1, true, &err), HA_OK);
        assert_int_equal(delete_version(fixture, version - 1, &err), HA_OK);
    }
    atomic_store(&reader.stop, true);
    for (size_t i = 0; i < HA_ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&reader.missed), 0);
    assert_int_equal(active(fixture), 11);
}

struct creation {
    struct fixture *fixture;
    enum ha_code code;
};

static void *create_late(void *context)
{
    struct creation *creation = context;
    struct ha_err err = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    creation->code = ha_keys_create(creation->fixture->keys, "bank", &creation->fixture->token, 1, HA_KEY_EC_P256,
                                    HA_PURPOSE_SIGN, NULL, &key, &err);
    return NULL;
}

// One that waits for its turn while somebody asks for a ceremony.
static void creation_heeds_a_ceremony_that_came_before_its_turn(void **state)
{
    struct fixture *fixture = *state;
    struct creation creation = {.fixture = fixture};
    struct ha_ceremonies *ceremonies = ha_keys_ceremonies(fixture->keys);
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {.key = "bank"};
    struct ha_err err = {0};
    pthread_t thread;
    pthread_mutex_lock(&fixture->keys->changing);
    assert_int_equal(pthread_create(&thread, NULL, create_late, &creation), 0);
    usleep(100000);
    assert_int_equal(ha_ceremony_begin(&ceremony, &err), HA_OK);
    ha_buf_puts(&ceremony.request, "{\"type\":\"ec:p256\"}");
    assert_int_equal(ha_ceremonies_save(ceremonies, &ceremony, &err), HA_OK);
    pthread_mutex_unlock(&fixture->keys->changing);
    pthread_join(thread, NULL);
    assert_int_equal(creation.code, HA_E_CONFLICT);
    assert_null(ha_keys_get(fixture->keys, "bank"));
}

static void file_under_another_version_is_not_read(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[200], other[200];
    assert_int_equal(rotate(fixture, 0, 0, &err), HA_OK);
    snprintf(path, sizeof(path), "%s/keys/k@2.json", fixture->state_dir);
    snprintf(other, sizeof(other), "%s/keys/k@3.json", fixture->state_dir);
    assert_int_equal(rename(path, other), 0);
    restart(fixture);
    assert_int_equal(active(fixture), 1);
    assert_string_equal(status(fixture, 3), "none");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rotated_key_has_a_version_like_the_one_before),
        TEST(key_with_a_pending_version_is_not_rotated_again),
        TEST(rotation_that_the_token_refuses_leaves_the_key_as_it_was),
        TEST(activation_survives_a_restart),
        TEST(disabled_version_is_refused_until_it_is_enabled),
        TEST(pending_version_that_is_barred_does_not_come),
        TEST(active_version_is_not_put_off),
        TEST(decision_that_cannot_be_written_is_not_taken),
        TEST(active_one_of_several_versions_is_not_deleted),
        TEST(number_of_a_deleted_version_is_not_given_again),
        TEST(key_is_deleted_with_all_its_versions),
        TEST(deletion_of_all_that_cannot_begin_leaves_what_was_planned),
        TEST(key_that_is_being_deleted_is_not_kept),
        TEST(deletion_of_all_that_was_cut_off_leaves_no_certificate),
        TEST(deletion_of_all_that_was_cut_off_after_the_first_mark_is_finished),
        TEST(key_to_be_deleted_is_refused_and_goes_in_its_time),
        TEST(token_is_held_while_what_is_due_is_deleted),
        TEST(deletion_taken_back_before_its_turn_is_not_done),
        TEST(deletion_of_a_key_is_not_done_to_the_next_one_of_its_name),
        TEST(deletion_whose_time_came_while_down_is_done_at_the_next_start),
        TEST(file_under_another_version_is_not_read),
        TEST(creation_heeds_a_ceremony_that_came_before_its_turn),
        TEST(versions_may_be_read_while_they_come_and_go),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
