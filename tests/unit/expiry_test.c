// SPDX-License-Identifier: Apache-2.0
// Notices of certificates that expire, by a clock that goes as the test wants; and when keys were last used.
#include "cert_rig.h"
#include "fake.h"

#include "base/file.h"
#include "keys/expiry.h"
#include "keys/last_use.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY_S = 86400 };

struct fixture {
    struct fake fake;
    char state_dir[96];
    struct ha_keys *keys;
    struct ha_token *token;
    struct softkey *ca;
    X509 *issuer;
    struct ha_key *key;
    struct ha_expiry expiry;
    int64_t end_s;  // of the certificate
};

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    struct fixture *fixture = context;
    return ha_keys_bind(fixture->keys, token, err);
}

static void up(struct fixture *fixture)
{
    struct ha_err err = {0};
    assert_int_equal(ha_keys_new(fixture->state_dir, &fixture->fake.log, &fixture->keys, &err), HA_OK);
    assert_int_equal(ha_token_new(&fixture->fake.config, &fixture->fake.host, &fixture->token, &err), HA_OK);
    ha_token_wait_first(fixture->token);
    fixture->key = ha_keys_get(fixture->keys, "edge");
    assert_int_equal(ha_expiry_open(fixture->state_dir, &fixture->expiry, &err), HA_OK);
}

static void down(struct fixture *fixture)
{
    ha_expiry_clear(&fixture->expiry);
    ha_key_unref(fixture->key);
    ha_token_free(fixture->token);
    ha_keys_free(fixture->keys);
}

static void install(struct fixture *fixture, long until_days)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(X509_free) X509 *own = cert_rig_make(&(struct cert_rig_wish){.cn = "edge.example",
                                                                         .key = fixture->key->public_key,
                                                                         .issuer = fixture->issuer,
                                                                         .by = fixture->ca,
                                                                         .from_days = -1,
                                                                         .until_days = until_days});
    cert_rig_pem(own, &pem);
    assert_int_equal(ha_x5c_from_pem(ha_buf_text(&pem), pem.len, &chain, &err), HA_OK);
    assert_int_equal(ha_keys_install(fixture->keys, fixture->key, &chain, &err), HA_OK);
    fixture->end_s = fixture->key->certificate->not_after;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct ha_err err = {0};
    fake_init(&fixture->fake, bind_keys, fixture);
    snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state", fixture->fake.directory);
    fixture->ca = softkey_new(HA_KEY_EC_P256);
    fixture->issuer =
        cert_rig_make(&(struct cert_rig_wish){.cn = "Test CA", .key = fixture->ca->pub, .by = fixture->ca, .ca = true});
    up(fixture);
    assert_int_equal(ha_keys_create(fixture->keys, "edge", &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, NULL,
                                    &fixture->key, &err),
                     HA_OK);
    install(fixture, 398);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    down(fixture);
    X509_free(fixture->issuer);
    softkey_free(fixture->ca);
    fake_clear(&fixture->fake);
    free(fixture);
    return 0;
}

static const struct ha_days usual = {.items = {90, 60, 30, 1}, .n = 4};

// Looks so many seconds before the certificate's end. The number of days that notice is given of, which counts as given
// then; UINT_MAX: none.
static unsigned look_with(struct fixture *fixture, const struct ha_days *days, int64_t left_s)
{
    size_t n;
    struct ha_err err = {0};
    unsigned given = UINT_MAX;
    struct ha_expiry_notice *notices =
        ha_expiry_due(&fixture->expiry, fixture->keys, days, fixture->end_s - left_s, &n);
    assert_true(n <= 1);
    if (n == 1) {
        given = notices[0].days;
        assert_ptr_equal(notices[0].key, fixture->key);
        assert_int_equal(notices[0].left_s, left_s);
        assert_int_equal(ha_expiry_tell(&fixture->expiry, fixture->keys, &notices[0], &err), HA_OK);
        ha_expiry_notice_clear(&notices[0]);
    }
    free(notices);
    return given;
}

static unsigned look(struct fixture *fixture, int64_t left_s)
{
    return look_with(fixture, &usual, left_s);
}

static void expiry_passed_is_the_least_number(void **state)
{
    static const struct {
        int64_t left_s;
        unsigned passed;
    } rows[] = {
        {91 * DAY_S, UINT_MAX},
        {90 * DAY_S + 1, UINT_MAX},
        {90 * DAY_S, 90},
        {60 * DAY_S + 1, 90},
        {60 * DAY_S, 60},
        {30 * DAY_S, 30},
        {2 * DAY_S, 30},
        {DAY_S, 1},
        {0, 1},
        {-1, 0},
        {-400 * DAY_S, 0},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++)
        assert_int_equal(ha_expiry_passed(&usual, rows[i].left_s), rows[i].passed);
    const struct ha_days none = {0};
    assert_int_equal(ha_expiry_passed(&none, 1), UINT_MAX);
    assert_int_equal(ha_expiry_passed(&none, -1), UINT_MAX);
}

static void expiry_notice_is_given_once_for_each_number(void **state)
{
    struct fixture *fixture = *state;
    unsigned given[400], n = 0;
    // From the certificate's first day to 3 days after its end, four looks a day.
    for (int64_t left_s = 398 * DAY_S; left_s > -3 * DAY_S; left_s -= DAY_S / 4) {
        unsigned days = look(fixture, left_s);
        if (days != UINT_MAX)
            given[n++] = days;
    }
    assert_int_equal(n, 5);
    const unsigned wanted[] = {90, 60, 30, 1, 0};
    assert_memory_equal(given, wanted, sizeof wanted);
}

static void expiry_notice_that_was_given_stays_given(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(look(fixture, 40 * DAY_S), 60);
    for (int i = 0; i < 2; i++) {
        down(fixture);
        up(fixture);
        assert_int_equal(look(fixture, 39 * DAY_S), UINT_MAX);
    }
    assert_int_equal(look(fixture, 29 * DAY_S), 30);
    // A clock that is set back tells nothing again.
    assert_int_equal(look(fixture, 80 * DAY_S), UINT_MAX);
}

static void expiry_notice_of_several_numbers_is_one(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(look(fixture, DAY_S / 2), 1);
    assert_int_equal(look(fixture, DAY_S / 3), UINT_MAX);
}

static void expiry_notice_of_another_certificate_is_new(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(look(fixture, 20 * DAY_S), 30);
    install(fixture, 420);
    assert_int_equal(look(fixture, 20 * DAY_S), 30);
    // What is known of the one that is gone is forgotten.
    assert_int_equal(fixture->expiry.n, 1);
}

static void expiry_notice_follows_the_configuration(void **state)
{
    struct fixture *fixture = *state;
    const struct ha_days weeks = {.items = {14, 7}, .n = 2};
    assert_int_equal(look_with(fixture, &weeks, 20 * DAY_S), UINT_MAX);
    assert_int_equal(look_with(fixture, &usual, 20 * DAY_S), 30);
    assert_int_equal(look_with(fixture, &weeks, 10 * DAY_S), 14);
    assert_int_equal(look_with(fixture, &usual, 9 * DAY_S), UINT_MAX);
}

static void expiry_notice_is_of_what_somebody_cares_for(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&fixture->key->disabled, true);
    assert_int_equal(look(fixture, 20 * DAY_S), UINT_MAX);
    atomic_store(&fixture->key->disabled, false);
    atomic_store(&fixture->key->deletes_s, INT64_C(4000000000));
    assert_int_equal(look(fixture, 20 * DAY_S), UINT_MAX);
    atomic_store(&fixture->key->deletes_s, 0);
    assert_int_equal(look(fixture, 20 * DAY_S), 30);
}

static void expiry_record_that_is_damaged_is_no_obstacle(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    char path[160];
    static const char *const damaged[] = {"",
                                          "nonsense",
                                          "[]",
                                          "{\"told\":7}",
                                          "{\"told\":[7,{},{\"sha256\":\"00\",\"days\":1},{\"sha256\":\"zz\"}]}",
                                          "{\"told\":[{\"sha256\":[],\"days\":-1}]}"};
    snprintf(path, sizeof path, "%s/expiry-notices.json", fixture->state_dir);
    for (size_t i = 0; i < HA_ARRAY_SIZE(damaged); i++) {
        assert_int_equal(ha_file_write(path, damaged[i], strlen(damaged[i]), 0600, &err), HA_OK);
        ha_expiry_clear(&fixture->expiry);
        ha_expiry_open(fixture->state_dir, &fixture->expiry, &err);
        assert_int_equal(fixture->expiry.n, 0);
        assert_int_equal(look(fixture, 20 * DAY_S), 30);
    }
}

static void last_use_is_kept_and_written_when_it_changed(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_last_use uses;
    char path[160];
    snprintf(path, sizeof path, "%s/last-use.json", fixture->state_dir);
    assert_int_equal(ha_last_use_open(fixture->state_dir, fixture->keys, &uses, &err), HA_OK);
    assert_int_equal(ha_last_use(fixture->key), 0);
    ha_last_use_note(fixture->key);
    int64_t used = ha_last_use(fixture->key);
    assert_true(used >= time(NULL) - 2 && used <= time(NULL));
    assert_int_equal(ha_last_use_save(&uses, fixture->keys, &err), HA_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ha_last_use_save(&uses, fixture->keys, &err), HA_OK);
    assert_int_equal(access(path, F_OK), -1);  // nothing had changed
    atomic_store(&fixture->key->last_use_s, used + 5);
    assert_int_equal(ha_last_use_save(&uses, fixture->keys, &err), HA_OK);
    ha_last_use_clear(&uses);
    down(fixture);
    up(fixture);
    assert_int_equal(ha_last_use_open(fixture->state_dir, fixture->keys, &uses, &err), HA_OK);
    assert_int_equal(ha_last_use(fixture->key), used + 5);
    ha_last_use_clear(&uses);
}

static void last_use_of_a_key_that_is_gone_is_not_its_successors(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    struct ha_last_use uses;
    char path[160];
    static const char before[] = "{\"format\":1,\"uses\":[{\"key\":\"edge\",\"version\":1,\"at\":1000000000},7,"
                                 "{\"key\":\"edge\",\"version\":2,\"at\":4000000000}]}";
    snprintf(path, sizeof path, "%s/last-use.json", fixture->state_dir);
    assert_int_equal(ha_file_write(path, before, strlen(before), 0600, &err), HA_OK);
    assert_int_equal(ha_last_use_open(fixture->state_dir, fixture->keys, &uses, &err), HA_OK);
    assert_int_equal(ha_last_use(fixture->key), 0);
    ha_last_use_clear(&uses);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expiry_passed_is_the_least_number), TEST(expiry_notice_is_given_once_for_each_number),
        TEST(expiry_notice_that_was_given_stays_given),      TEST(expiry_notice_of_several_numbers_is_one),
        TEST(expiry_notice_of_another_certificate_is_new),   TEST(expiry_notice_follows_the_configuration),
        TEST(expiry_notice_is_of_what_somebody_cares_for),   TEST(expiry_record_that_is_damaged_is_no_obstacle),
        TEST(last_use_is_kept_and_written_when_it_changed),  TEST(last_use_of_a_key_that_is_gone_is_not_its_successors),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
