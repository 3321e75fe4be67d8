// SPDX-License-Identifier: Apache-2.0
// Certificate objects in a real child on SoftHSM, as libp11 sees them: stored once, replaced, destroyed.
#include "cert_rig.h"
#include "token_objects.h"

#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct rig rig;
    struct softkey *ca;
    struct ha_pubkey *key;
    struct ha_buf one, other;  // certificates of the key
};

static void make(const struct fixture *fixture, struct ha_buf *out)
{
    ha_auto(X509_free) X509 *made =
        cert_rig_make(&(struct cert_rig_wish){.cn = "edge", .key = fixture->key, .by = fixture->ca});
    cert_rig_der(made, out);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char conf[128];
    rig_init(&fixture->rig);
    rig_path(&fixture->rig, "softhsm2.conf", conf);
    setenv("SOFTHSM2_CONF", conf, 1);  // for libp11 in this process
    fixture->ca = softkey_new(HA_KEY_EC_P256);
    rig_up(&fixture->rig, &(struct rig_options){0});
    fixture->key = rig_key(&fixture->rig, "edge-id", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    make(fixture, &fixture->one);
    make(fixture, &fixture->other);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->rig);
    ha_pubkey_free(fixture->key);
    softkey_free(fixture->ca);
    ha_buf_clear(&fixture->one);
    ha_buf_clear(&fixture->other);
    free(fixture);
    return 0;
}

// made, gone: NULL for none.
static enum ha_code store(struct fixture *fixture, const struct ha_buf *made, const struct ha_buf *gone,
                          struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_CERTIFICATE}, answer;
    question.part[0] = (struct ha_part){"edge-id", 7};
    question.part[1] = (struct ha_part){"edge", 4};
    if (made)
        question.part[2] = (struct ha_part){made->data, made->len};
    if (gone)
        question.part[3] = (struct ha_part){gone->data, gone->len};
    *err = (struct ha_err){0};
    return rig_ask(&fixture->rig, fixture->rig.control, &question, &answer, err);
}

static void expect(struct fixture *fixture, unsigned one, unsigned other)
{
    rig_stop(&fixture->rig);
    assert_int_equal(token_certificates("edge-id", "edge", fixture->one.data, fixture->one.len), one);
    assert_int_equal(token_certificates("edge-id", "edge", fixture->other.data, fixture->other.len), other);
    rig_up(&fixture->rig, &(struct rig_options){0});
}

static void certificate_is_stored_once_replaced_and_destroyed(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    assert_int_equal(store(fixture, &fixture->one, NULL, &err), HA_OK);
    assert_int_equal(store(fixture, &fixture->one, NULL, &err), HA_OK);
    // What is to be stored isn't destroyed, also when it is what was there before.
    assert_int_equal(store(fixture, &fixture->one, &fixture->one, &err), HA_OK);
    expect(fixture, 1, 0);
    assert_int_equal(store(fixture, &fixture->other, &fixture->one, &err), HA_OK);
    expect(fixture, 0, 1);
    assert_int_equal(store(fixture, NULL, &fixture->one, &err), HA_OK);
    expect(fixture, 0, 1);
    assert_int_equal(store(fixture, NULL, &fixture->other, &err), HA_OK);
    expect(fixture, 0, 0);
}

static void certificate_leaves_the_key_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    assert_int_equal(store(fixture, &fixture->one, NULL, &err), HA_OK);
    rig_stop(&fixture->rig);
    rig_up(&fixture->rig, &(struct rig_options){0});
    assert_int_equal(token_sign(&fixture->rig, "edge-id", fixture->key, &err), HA_OK);
    assert_int_equal(token_destroy(&fixture->rig, "edge-id", fixture->key, &err), HA_OK);
    expect(fixture, 1, 0);
}

static void certificate_that_is_none_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    struct ha_packet question = {.op = HA_OP_CERTIFICATE}, answer;
    fixture->one.len--;
    assert_int_equal(store(fixture, &fixture->one, NULL, &err), HA_E_MALFORMED);
    fixture->one.len++;
    assert_int_equal(rig_ask(&fixture->rig, fixture->rig.control, &question, &answer, &err), HA_E_MALFORMED);
    expect(fixture, 0, 0);
}

static void certificate_survives_a_failure_on_the_way(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err;
    fixture->rig.faults->call[FAULT_FIND_INIT].rv = CKR_DEVICE_ERROR;
    fixture->rig.faults->call[FAULT_FIND_INIT].count = 1;
    assert_int_equal(store(fixture, &fixture->one, NULL, &err), HA_OK);
    expect(fixture, 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificate_is_stored_once_replaced_and_destroyed),
        TEST(certificate_leaves_the_key_as_it_was),
        TEST(certificate_that_is_none_is_refused),
        TEST(certificate_survives_a_failure_on_the_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
