// SPDX-License-Identifier: Apache-2.0
// ECDH by a real child against OpenSSL's.
#include "crypto/pubkey.h"
#include "token_rig.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POINT_MAX 133

static const struct {
    enum ha_key_type type;
    const char *id, *group;
    size_t field;
} curves[] = {
    {HA_KEY_EC_P256, "p256", "P-256", 32},
    {HA_KEY_EC_P384, "p384", "P-384", 48},
    {HA_KEY_EC_P521, "p521", "P-521", 66},
};
enum { P256, P384, P521, CURVES };

struct fixture {
    struct rig rig;
    struct ha_pubkey *key[CURVES];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rig_init(&fixture->rig);
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (unsigned i = 0; i < CURVES; i++)
        fixture->key[i] = rig_key(&fixture->rig, curves[i].id, curves[i].type, HA_PURPOSE_DERIVE);
    rig_stop(&fixture->rig);
    memset(fixture->rig.faults, 0, sizeof(*fixture->rig.faults));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_clear(&fixture->rig);
    for (unsigned i = 0; i < CURVES; i++)
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

struct peer {
    uint8_t point[POINT_MAX];
    size_t point_len;
    uint8_t shared[66];
};

// A new peer, and what OpenSSL shares with the token's key.
static void make_peer(const struct fixture *fixture, unsigned curve, struct peer *ret_peer)
{
    EVP_PKEY *peer = EVP_EC_gen(curves[curve].group);
    size_t n = sizeof(ret_peer->shared);
    assert_non_null(peer);
    assert_int_equal(EVP_PKEY_get_octet_string_param(peer, "pub", ret_peer->point, POINT_MAX, &ret_peer->point_len), 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(peer, NULL);
    assert_true(EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, ha_pubkey_evp(fixture->key[curve])) > 0);
    assert_true(EVP_PKEY_derive(ctx, ret_peer->shared, &n) > 0);
    assert_int_equal(n, curves[curve].field);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
}

static enum ha_code derive(struct fixture *fixture, unsigned curve, struct ha_part point, struct ha_packet *ret_answer,
                           struct ha_err *err)
{
    return rig_use(&fixture->rig, 0, HA_OP_DERIVE, HA_ALG_ECDH, curves[curve].id, fixture->key[curve], point,
                   ret_answer, err);
}

static bool agrees(struct fixture *fixture, unsigned curve, const struct peer *peer)
{
    struct ha_packet answer;
    struct ha_err err = {0};
    if (derive(fixture, curve, (struct ha_part){peer->point, peer->point_len}, &answer, &err) != HA_OK) {
        print_error("%s: %s\n", curves[curve].group, err.detail);
        return false;
    }
    return answer.part[0].len == curves[curve].field &&
           memcmp(answer.part[0].data, peer->shared, curves[curve].field) == 0;
}

static void derive_agrees_with_openssl_on_each_curve(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer;
    rig_up(&fixture->rig, &(struct rig_options){.plain_module = true});
    assert_int_equal(fixture->rig.ways[HA_ALG_ECDH], HA_WAY_DATA);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < CURVES; i++) {
            make_peer(fixture, i, &peer);
            assert_true(agrees(fixture, i, &peer));
        }
    }
}

static void derive_keeps_leading_zeros(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer;
    do {
        make_peer(fixture, P256, &peer);
    } while (peer.shared[0] != 0);
    rig_up(&fixture->rig, &(struct rig_options){.plain_module = true});
    assert_true(agrees(fixture, P256, &peer));
}

static void derive_settles_the_form_of_the_point(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer;
    fixture->rig.faults->der_points_only = true;
    rig_up(&fixture->rig, &(struct rig_options){0});
    for (unsigned i = 0; i < 4; i++) {
        make_peer(fixture, P256, &peer);
        assert_true(agrees(fixture, P256, &peer));
    }
    assert_int_equal(fixture->rig.faults->call[FAULT_DERIVE].calls, 1 + 4);  // raw once, then as it settled
    make_peer(fixture, P521, &peer);                                         // 133 bytes: a long DER length
    assert_true(agrees(fixture, P521, &peer));
}

static void derive_refuses_bad_points(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer, other;
    struct ha_packet answer;
    struct ha_err err = {0};
    make_peer(fixture, P256, &peer);
    make_peer(fixture, P384, &other);
    rig_up(&fixture->rig, &(struct rig_options){0});

    uint8_t bad[POINT_MAX];
    memcpy(bad, peer.point, peer.point_len);
    bad[64] ^= 1;  // off the curve
    assert_int_equal(derive(fixture, P256, (struct ha_part){bad, 65}, &answer, &err), HA_E_MALFORMED);
    memset(bad, 0, sizeof(bad));
    bad[0] = 4;  // (0, 0)
    assert_int_equal(derive(fixture, P256, (struct ha_part){bad, 65}, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(derive(fixture, P256, (struct ha_part){bad, 1}, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(derive(fixture, P256, (struct ha_part){NULL, 0}, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(derive(fixture, P256, (struct ha_part){peer.point, 64}, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(derive(fixture, P256, (struct ha_part){other.point, 97}, &answer, &err), HA_E_MALFORMED);
    assert_int_equal(fixture->rig.faults->call[FAULT_DERIVE].calls, 0);  // none of them reached the token
    assert_true(agrees(fixture, P256, &peer));
}

static void derive_refuses_other_algorithms_and_keys(void **state)
{
    struct fixture *fixture = *state;
    struct rig *rig = &fixture->rig;
    struct peer peer;
    struct ha_packet answer;
    struct ha_err err = {0};
    make_peer(fixture, P256, &peer);
    rig_up(rig, &(struct rig_options){0});
    struct ha_part point = {peer.point, peer.point_len};
    assert_int_equal(rig_use(rig, 0, HA_OP_DERIVE, HA_ALG_ES256, "p256", fixture->key[P256], point, &answer, &err),
                     HA_E_MALFORMED);
    struct ha_pubkey *signer = rig_key(rig, "signer", HA_KEY_EC_P256, HA_PURPOSE_SIGN);
    assert_int_equal(rig_use(rig, 0, HA_OP_DERIVE, HA_ALG_ECDH, "signer", signer, point, &answer, &err),
                     HA_E_KEY_CANNOT);
    assert_int_equal(err.rv, CKR_KEY_FUNCTION_NOT_PERMITTED);
    ha_pubkey_free(signer);
    struct ha_pubkey *rsa = rig_key(rig, "rsa", HA_KEY_RSA_2048, HA_PURPOSE_DECRYPT);
    assert_int_equal(rig_use(rig, 0, HA_OP_DERIVE, HA_ALG_ECDH, "rsa", rsa, point, &answer, &err), HA_E_KEY_CANNOT);
    ha_pubkey_free(rsa);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(derive_agrees_with_openssl_on_each_curve, stop),
        cmocka_unit_test_teardown(derive_keeps_leading_zeros, stop),
        cmocka_unit_test_teardown(derive_settles_the_form_of_the_point, stop),
        cmocka_unit_test_teardown(derive_refuses_bad_points, stop),
        cmocka_unit_test_teardown(derive_refuses_other_algorithms_and_keys, stop),
    };
    return cmocka_run_group_tests_name("token_derive", tests, set_up, tear_down);
}
