// SPDX-License-Identifier: Apache-2.0
// The certificates of keys and their files: installed, replaced, kept over restarts, removed.
#include "cert_rig.h"
#include "fake.h"

#include "base/file.h"
#include "keys/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct fake fake;
    char state_dir[96], path[160];
    struct ha_keys *keys;
    struct ha_token *token;
    struct softkey *ca;
    X509 *issuer;
    struct ha_key *key;
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
}

static void down(struct fixture *fixture)
{
    ha_key_unref(fixture->key);
    ha_token_free(fixture->token);
    ha_keys_free(fixture->keys);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct ha_err err = {0};
    fake_init(&fixture->fake, bind_keys, fixture);
    snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state", fixture->fake.directory);
    snprintf(fixture->path, sizeof(fixture->path), "%s/certificates/edge@1.pem", fixture->state_dir);
    fixture->ca = softkey_new(HA_KEY_EC_P256);
    fixture->issuer =
        cert_rig_make(&(struct cert_rig_wish){.cn = "Test CA", .key = fixture->ca->pub, .by = fixture->ca, .ca = true});
    up(fixture);
    assert_int_equal(ha_keys_create(fixture->keys, "edge", &fixture->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, NULL,
                                    &fixture->key, &err),
                     HA_OK);
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

static void make_chain(struct fixture *fixture, const struct ha_pubkey *key, long until_days, struct ha_x5c *ret_chain)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(X509_free) X509 *own = cert_rig_make(&(struct cert_rig_wish){.cn = "edge.example",
                                                                         .key = key,
                                                                         .issuer = fixture->issuer,
                                                                         .by = fixture->ca,
                                                                         .from_days = -1,
                                                                         .until_days = until_days});
    cert_rig_pem(own, &pem);
    cert_rig_pem(fixture->issuer, &pem);
    assert_int_equal(ha_x5c_from_pem(ha_buf_text(&pem), pem.len, ret_chain, &err), HA_OK);
}

static enum ha_code install(struct fixture *fixture, const struct ha_pubkey *key, long until_days, struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    make_chain(fixture, key, until_days, &chain);
    return ha_keys_install(fixture->keys, fixture->key, &chain, err);
}

// In how many days the installed one ends; 0: there is none.
static long days_left(struct fixture *fixture)
{
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(fixture->key);
    if (!certificate)
        return 0;
    assert_int_equal(certificate->chain.n, 2);
    assert_true(certificate->not_before < time(NULL));
    return (long)(certificate->not_after - time(NULL) + 60) / (24 * 60 * 60);
}

static void certificate_install_is_kept_over_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    uint8_t before[HA_X5C_HASH_LEN];
    assert_null(ha_key_certificate(fixture->key));
    assert_int_equal(install(fixture, fixture->key->public_key, 90, &err), HA_OK);
    assert_int_equal(days_left(fixture), 90);
    memcpy(before, fixture->key->certificate->sha256, sizeof before);
    down(fixture);
    up(fixture);
    assert_int_equal(days_left(fixture), 90);
    assert_memory_equal(before, fixture->key->certificate->sha256, sizeof before);
    struct stat info;
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void certificate_install_replaces_and_keeps_what_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(install(fixture, fixture->key->public_key, 30, &err), HA_OK);
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *used = ha_key_certificate(fixture->key);
    assert_int_equal(install(fixture, fixture->key->public_key, 60, &err), HA_OK);
    assert_int_equal(days_left(fixture), 60);
    assert_int_equal(used->chain.n, 2);
    assert_true(used->not_after < fixture->key->certificate->not_after);
}

static void certificate_install_for_another_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *stranger = softkey_new(HA_KEY_EC_P256);
    assert_int_equal(install(fixture, fixture->key->public_key, 30, &err), HA_OK);
    assert_int_equal(install(fixture, stranger->pub, 60, &err), HA_E_CONFLICT);
    assert_int_equal(days_left(fixture), 30);
}

static void certificate_uninstall_removes_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(ha_keys_uninstall(fixture->keys, fixture->key, &err), HA_E_NO_CERTIFICATE);
    assert_int_equal(install(fixture, fixture->key->public_key, 30, &err), HA_OK);
    assert_int_equal(ha_keys_uninstall(fixture->keys, fixture->key, &err), HA_OK);
    assert_null(ha_key_certificate(fixture->key));
    assert_int_not_equal(access(fixture->path, F_OK), 0);
}

static void certificate_goes_with_its_key(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    bool destroyed;
    assert_int_equal(install(fixture, fixture->key->public_key, 30, &err), HA_OK);
    assert_int_equal(ha_keys_delete(fixture->keys, "edge", 0, false, &destroyed, &err), HA_OK);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    assert_int_equal(install(fixture, fixture->key->public_key, 30, &err), HA_E_CONFLICT);
}

static void certificate_file_that_is_wrong_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *stranger = softkey_new(HA_KEY_EC_P256);
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_buf_clear) struct ha_buf other = {0};
    make_chain(fixture, stranger->pub, 30, &chain);
    ha_x5c_to_pem(&chain, &other);
    const char *const wrong[] = {"", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                 ha_buf_text(&other)};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        assert_int_equal(ha_file_write(fixture->path, wrong[i], strlen(wrong[i]), 0600, &err), HA_OK);
        down(fixture);
        up(fixture);
        assert_int_equal(ha_key_state(fixture->key), HA_STATE_READY);
        assert_null(ha_key_certificate(fixture->key));
    }
    assert_int_equal(install(fixture, fixture->key->public_key, 30, &err), HA_OK);
    assert_int_equal(days_left(fixture), 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificate_install_is_kept_over_a_restart),
        TEST(certificate_install_replaces_and_keeps_what_is_in_use),
        TEST(certificate_install_for_another_key_is_refused),
        TEST(certificate_uninstall_removes_the_file),
        TEST(certificate_goes_with_its_key),
        TEST(certificate_file_that_is_wrong_is_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
