// SPDX-License-Identifier: Apache-2.0
// The tables of algorithms, key types, hashes and purposes, and digests.
#include "crypto/alg.h"

#include "crypto/digest.h"
#include "crypto/ossl.h"

#include <openssl/objects.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void alg_by_name_finds_every_row(void **state)
{
    for (int i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        assert_non_null(ha_alg_info(i)->name);
        assert_int_equal(ha_alg_by_name(ha_alg_info(i)->name), i);
        if (ha_alg_info(i)->alias)
            assert_int_equal(ha_alg_by_name(ha_alg_info(i)->alias), i);
    }
    assert_int_equal(ha_alg_by_name("EdDSA"), HA_ALG_ED25519);
}

static void alg_by_name_refuses_others(void **state)
{
    static const char *const names[] = {"",       "none", "rs256", "RS256 ",     "HS256",
                                        "ES256K", "RS1",  "Ed448", "hmac-sha256"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++)
        assert_int_equal(ha_alg_by_name(names[i]), HA_ALG_NONE);
}

static void alg_fits_exactly_the_matrix(void **state)
{
    // One row an algorithm, in the order of enum ha_alg; one column a key type, in the order of enum ha_key_type.
    static const char *const matrix[HA_ALG_COUNT] = {
        //                       -RRREEEDOH
        [HA_ALG_NONE] = "----------",         [HA_ALG_RS256] = "-xxx----x-",   [HA_ALG_RS384] = "-xxx----x-",
        [HA_ALG_RS512] = "-xxx----x-",        [HA_ALG_PS256] = "-xxx----x-",   [HA_ALG_PS384] = "-xxx----x-",
        [HA_ALG_PS512] = "-xxx----x-",        [HA_ALG_ES256] = "----x-----",   [HA_ALG_ES384] = "-----x----",
        [HA_ALG_ES512] = "------x---",        [HA_ALG_ED25519] = "-------x--", [HA_ALG_RSA_OAEP] = "-xxx----x-",
        [HA_ALG_RSA_OAEP_256] = "-xxx----x-", [HA_ALG_RSA1_5] = "-xxx----x-",  [HA_ALG_ECDH] = "----xxx---",
        [HA_ALG_HMAC_SHA256] = "---------x",
    };
    for (int alg = 0; alg < HA_ALG_COUNT; alg++)
        for (int type = 0; type < HA_KEY_TYPE_COUNT; type++)
            assert_int_equal(ha_alg_fits(alg, type), matrix[alg][type] == 'x');
}

static void alg_out_of_range_is_none(void **state)
{
    assert_ptr_equal(ha_alg_info(HA_ALG_COUNT), ha_alg_info(HA_ALG_NONE));
    assert_ptr_equal(ha_alg_info((enum ha_alg) - 1), ha_alg_info(HA_ALG_NONE));
    assert_ptr_equal(ha_key_type_info(HA_KEY_TYPE_COUNT), ha_key_type_info(HA_KEY_NONE));
    assert_ptr_equal(ha_hash_info(HA_HASH_COUNT), ha_hash_info(HA_HASH_NONE));
    assert_false(ha_alg_fits(HA_ALG_COUNT, HA_KEY_RSA_2048));
    assert_false(ha_alg_fits(HA_ALG_RS256, HA_KEY_TYPE_COUNT));
}

static void alg_default_fits_and_signs(void **state)
{
    static const enum ha_alg expected[HA_KEY_TYPE_COUNT] = {
        [HA_KEY_RSA_2048] = HA_ALG_RS256,  [HA_KEY_RSA_3072] = HA_ALG_RS256,  [HA_KEY_RSA_4096] = HA_ALG_RS256,
        [HA_KEY_EC_P256] = HA_ALG_ES256,   [HA_KEY_EC_P384] = HA_ALG_ES384,   [HA_KEY_EC_P521] = HA_ALG_ES512,
        [HA_KEY_ED25519] = HA_ALG_ED25519, [HA_KEY_RSA_OTHER] = HA_ALG_RS256,
    };
    for (int type = 0; type < HA_KEY_TYPE_COUNT; type++)
        assert_int_equal(ha_alg_default(type), expected[type]);
}

static void key_type_by_name_finds_every_row(void **state)
{
    for (int i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++)
        assert_int_equal(ha_key_type_by_name(ha_key_type_info(i)->name), i);
    static const char *const names[] = {"", "none", "rsa", "rsa:1024", "RSA:2048", "ec:p256 ", "ec:secp256k1"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++)
        assert_int_equal(ha_key_type_by_name(names[i]), HA_KEY_NONE);
}

static void key_type_oids_are_those_of_openssl(void **state)
{
    for (int i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        const struct ha_key_type_info *info = ha_key_type_info(i);
        if (info->family == HA_FAMILY_RSA || ha_key_type_is_secret(i)) {
            assert_int_equal(info->oid_len, 0);
            continue;
        }
        int nid = info->family == HA_FAMILY_EC ? EC_curve_nist2nid(info->jwk_curve) : NID_ED25519;
        uint8_t der[16], *end = der;
        int len = i2d_ASN1_OBJECT(OBJ_nid2obj(nid), &end);
        assert_int_equal(len, info->oid_len);
        assert_memory_equal(der, info->oid, info->oid_len);
    }
}

static void purposes_parse_and_print_round_trip(void **state)
{
    for (unsigned bits = 1; bits < 1u << HA_PURPOSE_COUNT; bits++) {
        char text[HA_PURPOSES_TEXT_MAX];
        ha_purposes_print(bits, text, sizeof text);
        assert_int_equal(ha_purposes_parse(text), bits);
    }
    char text[64] = "x";
    ha_purposes_print(HA_PURPOSE_DECRYPT | HA_PURPOSE_SIGN, text, sizeof text);
    assert_string_equal(text, "sign,decrypt");
    ha_purposes_print(0, text, sizeof text);
    assert_string_equal(text, "");
}

static void purposes_print_stays_in_its_buffer(void **state)
{
    char text[16];
    memset(text, 'z', sizeof text);
    ha_purposes_print(15, text, 8);
    assert_string_equal(text, "sign,cs");
    assert_int_equal(text[8], 'z');
}

static void purposes_parse_refuses_what_it_does_not_know(void **state)
{
    static const char *const lists[] = {"",          ",",    "sign,", ",sign", "sign,,csr",
                                        "sign, csr", "Sign", "signs", "sig",   "all"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(lists); i++)
        assert_int_equal(ha_purposes_parse(lists[i]), 0);
}

static void purposes_possible_follow_the_family(void **state)
{
    assert_int_equal(ha_purposes_possible(HA_KEY_NONE), 0);
    for (int i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        unsigned possible = ha_purposes_possible(i);
        enum ha_family family = ha_key_type_info(i)->family;
        if (ha_key_type_is_secret(i)) {
            assert_int_equal(possible, family == HA_FAMILY_MAC ? HA_PURPOSE_MAC : HA_PURPOSE_WRAP);
            continue;
        }
        assert_false(possible & (HA_PURPOSE_MAC | HA_PURPOSE_WRAP));
        assert_true(possible & HA_PURPOSE_SIGN);
        assert_true(possible & HA_PURPOSE_CSR);
        assert_true(possible & HA_PURPOSE_TLS_SERVER);
        assert_true(possible & HA_PURPOSE_TLS_CLIENT);
        assert_true(possible & HA_PURPOSE_TLS13_ONLY);
        assert_int_equal(!!(possible & HA_PURPOSE_DECRYPT), family == HA_FAMILY_RSA);
        assert_int_equal(!!(possible & HA_PURPOSE_DERIVE), family == HA_FAMILY_EC);
    }
}

static void purposes_check_keeps_tls_apart(void **state)
{
    for (unsigned bits = 1; bits < 1u << HA_PURPOSE_COUNT; bits++) {
        bool tls = bits & (HA_PURPOSE_TLS_SERVER | HA_PURPOSE_TLS_CLIENT), sign = bits & HA_PURPOSE_SIGN;
        bool others = bits & (HA_PURPOSE_DECRYPT | HA_PURPOSE_DERIVE), dual = bits & HA_PURPOSE_DUAL;
        bool bad = (tls && (others || sign != dual)) || (!tls && (dual || (bits & HA_PURPOSE_TLS13_ONLY)));
        struct ha_err err = {0};
        assert_int_equal(ha_purposes_check(bits, &err), bad ? HA_E_KEY_CANNOT : HA_OK);
        assert_int_equal(err.hint[0] != '\0', bad);
    }
}

static void tls_schemes_are_found_by_name(void **state)
{
    size_t n = 0;
    for (const struct ha_tls_scheme *scheme = ha_tls_schemes(); scheme->name; scheme++, n++) {
        assert_ptr_equal(ha_tls_scheme_by_name(scheme->name), scheme);
        assert_int_equal(ha_alg_info(scheme->alg)->use, HA_USE_SIGN);
    }
    assert_int_equal(n, 13);
    assert_int_equal(ha_tls_scheme_by_name("rsa_pss_pss_sha384")->alg, HA_ALG_PS384);
    assert_int_equal(ha_tls_scheme_by_name("rsa_pkcs1_sha512")->alg, HA_ALG_RS512);
    assert_int_equal(ha_tls_scheme_by_name("ecdsa_secp521r1_sha512")->alg, HA_ALG_ES512);
    static const char *const strangers[] = {"", "RS256", "rsa_pkcs1_sha1", "ed448", "ecdsa_sha1", "RSA_PKCS1_SHA256"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(strangers); i++)
        assert_null(ha_tls_scheme_by_name(strangers[i]));
}

static void digest_gives_the_known_answers(void **state)
{
    // FIPS 180: the first bytes of the digests of "abc".
    static const uint8_t expected[HA_HASH_COUNT][4] = {
        [HA_HASH_SHA1] = {0xa9, 0x99, 0x3e, 0x36},
        [HA_HASH_SHA256] = {0xba, 0x78, 0x16, 0xbf},
        [HA_HASH_SHA384] = {0xcb, 0x00, 0x75, 0x3f},
        [HA_HASH_SHA512] = {0xdd, 0xaf, 0x35, 0xa1},
    };
    for (int hash = HA_HASH_SHA1; hash < HA_HASH_COUNT; hash++) {
        struct ha_err err = {0};
        uint8_t digest[HA_DIGEST_MAX + 1];
        memset(digest, 0x5a, sizeof digest);
        assert_int_equal(ha_digest(hash, "abc", 3, digest, &err), HA_OK);
        assert_memory_equal(digest, expected[hash], 4);
        assert_int_equal(digest[ha_hash_info(hash)->len], 0x5a);
    }
}

static void digest_without_hash_fails_and_leaves_the_output(void **state)
{
    struct ha_err err = {0};
    uint8_t digest[HA_DIGEST_MAX] = {0x5a};
    assert_int_equal(ha_digest(HA_HASH_NONE, "abc", 3, digest, &err), HA_E_INTERNAL);
    assert_int_equal(digest[0], 0x5a);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alg_by_name_finds_every_row),
        cmocka_unit_test(alg_by_name_refuses_others),
        cmocka_unit_test(alg_fits_exactly_the_matrix),
        cmocka_unit_test(alg_out_of_range_is_none),
        cmocka_unit_test(alg_default_fits_and_signs),
        cmocka_unit_test(key_type_by_name_finds_every_row),
        cmocka_unit_test(key_type_oids_are_those_of_openssl),
        cmocka_unit_test(purposes_parse_and_print_round_trip),
        cmocka_unit_test(purposes_print_stays_in_its_buffer),
        cmocka_unit_test(purposes_parse_refuses_what_it_does_not_know),
        cmocka_unit_test(purposes_possible_follow_the_family),
        cmocka_unit_test(purposes_check_keeps_tls_apart),
        cmocka_unit_test(tls_schemes_are_found_by_name),
        cmocka_unit_test(digest_gives_the_known_answers),
        cmocka_unit_test(digest_without_hash_fails_and_leaves_the_output),
    };
    return cmocka_run_group_tests_name("alg", tests, NULL, NULL);
}
