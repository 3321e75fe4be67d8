// SPDX-License-Identifier: Apache-2.0
// Listing and destroying keys, and objects on the token that we wouldn't make.
#include "token_objects.h"
#include "token_store.h"

#include <openssl/x509.h>
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

static EVP_PKEY *new_key(const char *curve)
{
    EVP_PKEY *key = curve ? EVP_EC_gen(curve) : EVP_RSA_gen(2048);
    assert_non_null(key);
    return key;
}

static struct ha_pubkey *public_of(EVP_PKEY *key)
{
    unsigned char *spki = NULL;
    struct ha_pubkey *public_key = NULL;
    struct ha_err err = {0};
    int n = i2d_PUBKEY(key, &spki);
    assert_int_equal(ha_pubkey_from_spki(spki, (size_t)n, &public_key, &err), HA_OK);
    OPENSSL_free(spki);
    return public_key;
}

static void list_by_uri_gives_what_fits(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(token_generate(rig, "uri-1", "alpha", HA_KEY_EC_P256, HA_PURPOSE_SIGN, &err), HA_OK);
    assert_int_equal(token_generate(rig, "uri-2", "beta", HA_KEY_EC_P256, HA_PURPOSE_SIGN, &err), HA_OK);
    static const struct {
        const char *uri;
        unsigned n;
    } rows[] = {
        {"pkcs11:id=uri-1", 1},
        {"pkcs11:object=beta", 1},
        {"pkcs11:token=" RIG_LABEL ";object=beta;type=private", 1},
        {"pkcs11:id=uri-1;object=beta", 0},
        {"pkcs11:object=gamma", 0},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        assert_int_equal(token_list(rig, rows[i].uri, "uri-2", &seen, &err), HA_OK);
        assert_int_equal(seen.n, rows[i].n);
    }
    assert_int_equal(token_list(rig, "pkcs11:object=beta", "uri-2", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 1);
    assert_true(seen.spki_len > 0);
}

static void list_refuses_bad_uris(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *uri;
        enum ha_code code;
    } rows[] = {
        {"pkcs11:token=other;object=beta", HA_E_NO_KEY},
        {"pkcs11:object=beta;type=cert", HA_E_MALFORMED},
        {"pkcs11:object=beta?pin-value=1234", HA_E_MALFORMED},
        {"pkcs11:object=beta;colour=red", HA_E_MALFORMED},
        {"pkcs11:id=%4", HA_E_MALFORMED},
        {"http://localhost/", HA_E_MALFORMED},
        {"x", HA_E_MALFORMED},
    };
    rig_up(rig, &(struct rig_options){.plain_module = true});
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct token_seen seen;
        struct ha_err err = {0};
        assert_int_equal(token_list(rig, rows[i].uri, "", &seen, &err), rows[i].code);
        assert_null(strstr(err.detail, "1234"));
    }
}

static void list_tells_why_there_is_no_public_key(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err = {0};
    EVP_PKEY *lonely = new_key("P-256"), *secp = new_key("secp256k1");
    token_store(lonely, "lonely", "l", STORE_PRIVATE);
    token_store(secp, "secp", "s", STORE_PRIVATE | STORE_PUBLIC);
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(token_list(rig, "", "lonely", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 1);
    assert_int_equal(seen.spki_len, 0);
    assert_string_equal(seen.why, "the token has neither a public key nor a certificate with its CKA_ID");
    assert_int_equal(token_list(rig, "", "secp", &seen, &err), HA_OK);
    assert_int_equal(seen.spki_len, 0);
    assert_true(strlen(seen.why) > 0);
    // Its public key is not known to the token, so it isn't destroyed on somebody's word.
    struct ha_pubkey *key = public_of(lonely);
    assert_int_equal(token_destroy(rig, "lonely", key, &err), HA_E_KEY_CANNOT);
    assert_int_equal(token_destroy(rig, "lonely", NULL, &err), HA_OK);
    ha_pubkey_free(key);
    EVP_PKEY_free(lonely);
    EVP_PKEY_free(secp);
}

static void key_with_only_a_certificate_is_used(void **state)
{
    struct rig *rig = *state;
    struct token_seen seen;
    struct ha_err err = {0};
    EVP_PKEY *key = new_key("P-384");
    struct ha_pubkey *public_key = public_of(key);
    token_store(key, "certified", "c", STORE_PRIVATE | STORE_CERTIFICATE);
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(token_list(rig, "pkcs11:id=certified", "certified", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 1);
    assert_true(seen.spki_len > 0);
    assert_true(seen.flags & HA_OBJECT_SIGN);
    assert_int_equal(token_sign(rig, "certified", public_key, &err), HA_OK);
    ha_pubkey_free(public_key);
    EVP_PKEY_free(key);
}

static void two_objects_that_fit_are_named(void **state)
{
    struct rig *rig = *state;
    struct ha_err err = {0};
    EVP_PKEY *ec = new_key("P-256"), *rsa = new_key(NULL);
    struct ha_pubkey *ec_public = public_of(ec), *rsa_public = public_of(rsa);
    token_store(ec, "twice-ec", "first", STORE_PRIVATE | STORE_PUBLIC);
    token_store(ec, "twice-ec", "second", STORE_PRIVATE);
    token_store(rsa, "twice-rsa", "first", STORE_PRIVATE);
    token_store(rsa, "twice-rsa", "second", STORE_PRIVATE);
    rig_up(rig, &(struct rig_options){.plain_module = true});
    struct token_seen seen;
    // What has been listed is remembered, but for these.
    assert_int_equal(token_list(rig, "", "twice-ec", &seen, &err), HA_OK);
    assert_int_equal(seen.found, 2);
    assert_int_equal(token_sign(rig, "twice-ec", ec_public, &err), HA_E_AMBIGUOUS);
    assert_non_null(strstr(err.detail, "object=first"));
    assert_non_null(strstr(err.detail, "object=second"));
    assert_non_null(strstr(err.detail, "pkcs11:id="));
    assert_int_equal(token_sign(rig, "twice-rsa", rsa_public, &err), HA_E_AMBIGUOUS);
    assert_int_equal(token_destroy(rig, "twice-ec", ec_public, &err), HA_E_AMBIGUOUS);
    assert_int_equal(token_destroy(rig, "twice-rsa", rsa_public, &err), HA_E_AMBIGUOUS);
    rig_stop(rig);
    ha_pubkey_free(ec_public);
    ha_pubkey_free(rsa_public);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

// The same CKA_ID for two different RSA keys: their private objects tell them apart.
static void same_id_different_keys_are_told_apart(void **state)
{
    struct rig *rig = *state;
    struct ha_err err = {0};
    EVP_PKEY *one = new_key(NULL), *other = new_key(NULL);
    struct ha_pubkey *one_public = public_of(one), *other_public = public_of(other);
    token_store(one, "shared", "one", STORE_PRIVATE | STORE_PUBLIC);
    token_store(other, "shared", "other", STORE_PRIVATE | STORE_PUBLIC);
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(token_sign(rig, "shared", one_public, &err), HA_OK);
    assert_int_equal(token_sign(rig, "shared", other_public, &err), HA_OK);
    assert_int_equal(token_destroy(rig, "shared", one_public, &err), HA_OK);
    assert_int_equal(token_sign(rig, "shared", one_public, &err), HA_E_NO_KEY);
    assert_int_equal(token_sign(rig, "shared", other_public, &err), HA_OK);
    rig_stop(rig);
    assert_int_equal(token_count(true, "shared", "other"), 1);
    assert_int_equal(token_count(false, "shared", "other"), 1);
    ha_pubkey_free(one_public);
    ha_pubkey_free(other_public);
    EVP_PKEY_free(one);
    EVP_PKEY_free(other);
}

static void destroy_removes_both_objects_and_is_repeatable(void **state)
{
    struct rig *rig = *state;
    struct ha_err err = {0};
    rig_up(rig, &(struct rig_options){.plain_module = true});
    struct ha_pubkey *key = rig_key(rig, "gone", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    struct ha_pubkey *stays = rig_key(rig, "stays", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    assert_int_equal(token_sign(rig, "gone", key, &err), HA_OK);
    assert_int_equal(token_destroy(rig, "gone", stays, &err), HA_OK);  // another public key: nothing to destroy
    assert_int_equal(token_sign(rig, "gone", key, &err), HA_OK);
    assert_int_equal(token_destroy(rig, "gone", key, &err), HA_OK);
    assert_int_equal(token_sign(rig, "gone", key, &err), HA_E_NO_KEY);
    assert_int_equal(token_destroy(rig, "gone", key, &err), HA_OK);
    assert_int_equal(token_destroy(rig, "gone", NULL, &err), HA_OK);
    assert_int_equal(token_destroy(rig, "", NULL, &err), HA_E_MALFORMED);
    assert_int_equal(token_sign(rig, "stays", stays, &err), HA_OK);
    rig_stop(rig);
    assert_int_equal(token_count(true, "gone", "test"), 0);
    assert_int_equal(token_count(false, "gone", "test"), 0);
    assert_int_equal(token_count(true, "stays", "test"), 1);
    ha_pubkey_free(key);
    ha_pubkey_free(stays);
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
        cmocka_unit_test_teardown(list_by_uri_gives_what_fits, stop),
        cmocka_unit_test_teardown(list_refuses_bad_uris, stop),
        cmocka_unit_test_teardown(list_tells_why_there_is_no_public_key, stop),
        cmocka_unit_test_teardown(key_with_only_a_certificate_is_used, stop),
        cmocka_unit_test_teardown(two_objects_that_fit_are_named, stop),
        cmocka_unit_test_teardown(same_id_different_keys_are_told_apart, stop),
        cmocka_unit_test_teardown(destroy_removes_both_objects_and_is_repeatable, stop),
    };
    return cmocka_run_group_tests_name("token_objects", tests, set_up, tear_down);
}
