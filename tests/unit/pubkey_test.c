// SPDX-License-Identifier: Apache-2.0
// Public keys from components, points, SPKI and PEM; what is refused; verification of what isn't a signature.
#include "crypto/pubkey.h"

#include "crypto/ossl.h"
#include "crypto/point.h"
#include "crypto/sigenc.h"
#include "softkey.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const enum ha_key_type curve_types[] = {HA_KEY_EC_P256, HA_KEY_EC_P384, HA_KEY_EC_P521, HA_KEY_ED25519};

static void assert_same_key(const struct ha_pubkey *a, const struct ha_pubkey *b)
{
    size_t a_len, b_len;
    const uint8_t *a_spki = ha_pubkey_spki(a, &a_len), *b_spki = ha_pubkey_spki(b, &b_len);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a_spki, b_spki, a_len);
    assert_memory_equal(ha_pubkey_spki_sha256(a), ha_pubkey_spki_sha256(b), HA_SPKI_HASH_LEN);
    assert_int_equal(ha_pubkey_type(a), ha_pubkey_type(b));
    assert_int_equal(ha_pubkey_bits(a), ha_pubkey_bits(b));
}

// Refused with that code, ret_key untouched, nothing left in OpenSSL's error queue.
static void assert_spki_refused(enum ha_code expected, const uint8_t *der, size_t n)
{
    struct ha_err err = {0};
    struct ha_pubkey *key = NULL;
    assert_int_equal(ha_pubkey_from_spki(der, n, &key, &err), expected);
    assert_null(key);
    assert_true(err.detail[0] != '\0');
    assert_int_equal(ERR_peek_error(), 0);
}

static void assert_point_refused(enum ha_code expected, enum ha_key_type type, const uint8_t *point, size_t n)
{
    struct ha_err err = {0};
    struct ha_pubkey *key = NULL;
    assert_int_equal(ha_pubkey_from_point(type, point, n, &key, &err), expected);
    assert_null(key);
    assert_int_equal(ERR_peek_error(), 0);
}

static void pubkey_knows_type_and_bits_of_every_kind(void **state)
{
    for (int type = HA_KEY_RSA_2048; type <= HA_KEY_ED25519; type++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new(type);
        assert_int_equal(ha_pubkey_type(key->pub), type);
        assert_int_equal(ha_pubkey_bits(key->pub), ha_key_type_info(type)->bits);
    }
    ha_auto(softkey_free) struct softkey *other = softkey_new_rsa(2056);
    assert_int_equal(ha_pubkey_type(other->pub), HA_KEY_RSA_OTHER);
    assert_int_equal(ha_pubkey_bits(other->pub), 2056);
}

static void pubkey_spki_is_that_of_openssl(void **state)
{
    for (int type = HA_KEY_RSA_2048; type <= HA_KEY_ED25519; type++) {
        if (type == HA_KEY_RSA_3072 || type == HA_KEY_RSA_4096)
            continue;
        ha_auto(softkey_free) struct softkey *key = softkey_new(type);
        ha_auto(ha_ossl_free) unsigned char *der = NULL;
        int len = i2d_PUBKEY(key->evp, &der);
        size_t spki_len;
        const uint8_t *spki = ha_pubkey_spki(key->pub, &spki_len);
        assert_int_equal(spki_len, len);
        assert_memory_equal(spki, der, spki_len);
    }
}

static void pubkey_pem_round_trips_through_openssl(void **state)
{
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_EC_P256);
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_pubkey_to_pem(key->pub, &pem);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    ha_auto(EVP_PKEY_free) EVP_PKEY *evp = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_int_equal(EVP_PKEY_eq(evp, key->evp), 1);
    ha_auto(ha_pubkey_free) struct ha_pubkey *back = NULL;
    assert_int_equal(ha_pubkey_from_pem(ha_buf_text(&pem), pem.len, &back, &err), HA_OK);
    assert_same_key(back, key->pub);
}

static void pubkey_from_pem_refuses_other_blocks(void **state)
{
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_EC_P256);
    ha_auto(ha_buf_clear) struct ha_buf twice = {0};
    ha_auto(ha_buf_clear) struct ha_buf private = {0};
    ha_pubkey_to_pem(key->pub, &twice);
    size_t once = twice.len;
    ha_pubkey_to_pem(key->pub, &twice);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key->evp, NULL, NULL, 0, NULL, NULL), 1);
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    ha_buf_append(&private, text, (size_t)len);
    BIO_free(bio);
    const struct {
        const char *text;
        size_t n;
    } cases[] = {
        {"", 0},
        {"hello", 5},
        {ha_buf_text(&twice), twice.len},
        {ha_buf_text(&twice), once - 5},
        {ha_buf_text(&private), private.len},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 58},
        {"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n", 58},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        struct ha_pubkey *back = NULL;
        assert_int_equal(ha_pubkey_from_pem(cases[i].text, cases[i].n, &back, &err), HA_E_MALFORMED);
        assert_null(back);
    }
}

static void pubkey_from_spki_refuses_truncated_and_trailing(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(curve_types); i++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new(curve_types[i]);
        uint8_t der[256];
        size_t len;
        const uint8_t *spki = ha_pubkey_spki(key->pub, &len);
        memcpy(der, spki, len);
        der[len] = 0;
        for (size_t n = 0; n < len; n++)
            assert_spki_refused(HA_E_MALFORMED, der, n);
        assert_spki_refused(HA_E_MALFORMED, der, len + 1);
    }
}

static void pubkey_from_spki_refuses_points_off_the_curve(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(curve_types); i++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new(curve_types[i]);
        uint8_t der[256];
        size_t len;
        const uint8_t *spki = ha_pubkey_spki(key->pub, &len);
        memcpy(der, spki, len);
        if (curve_types[i] == HA_KEY_ED25519)
            memset(der + len - 32, 0xff, 32);  // about half of all y are on the curve, but none above the field's prime
        else
            der[len - 1] ^= 1;
        assert_spki_refused(HA_E_MALFORMED, der, len);
    }
}

// Any odd number is a modulus as far as its encoding goes.
static void pubkey_spki_of_rsa_is_that_of_openssl_for_any_size_and_exponent(void **state)
{
    static const unsigned bits[] = {2048, 2056, 3072, 4096, 4104};
    static const uint8_t exponents[][3] = {{1, 0, 1}, {0, 0, 3}};
    for (size_t i = 0; i < 2 * HA_ARRAY_SIZE(bits); i++) {
        struct ha_err err = {0};
        uint8_t modulus[513];
        size_t n = bits[i / 2] / 8, spki_len;
        memset(modulus, 0xb7, n);
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL, *back = NULL;
        assert_int_equal(ha_pubkey_from_rsa(modulus, n, exponents[i % 2], 3, &key, &err), HA_OK);
        ha_auto(ha_ossl_free) unsigned char *der = NULL;
        int len = i2d_PUBKEY(ha_pubkey_evp(key), &der);
        const uint8_t *spki = ha_pubkey_spki(key, &spki_len);
        assert_int_equal(spki_len, len);
        assert_memory_equal(spki, der, spki_len);
        assert_int_equal(ha_pubkey_from_spki(der, (size_t)len, &back, &err), HA_OK);
        assert_same_key(back, key);
        assert_int_equal(EVP_PKEY_eq(ha_pubkey_evp(back), ha_pubkey_evp(key)), 1);
    }
}

static void pubkey_copy_outlives_the_original(void **state)
{
    static const uint8_t check[HA_PUBKEY_CHECK_LEN] = {1, 2, 3};
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *rsa = softkey_new(HA_KEY_RSA_2048);
    ha_auto(softkey_free) struct softkey *ec = softkey_new(HA_KEY_EC_P256);
    ha_auto(ha_pubkey_free) struct ha_pubkey *identity = NULL;
    assert_int_equal(ha_pubkey_from_check(HA_KEY_HMAC_256, check, &identity, &err), HA_OK);
    const struct ha_pubkey *keys[] = {rsa->pub, ec->pub, identity};
    for (size_t i = 0; i < HA_ARRAY_SIZE(keys); i++) {
        struct ha_pubkey *copy = ha_pubkey_copy(keys[i]);
        assert_same_key(copy, keys[i]);
        assert_int_equal(ha_pubkey_is_public(copy), ha_pubkey_is_public(keys[i]));
        ha_auto(ha_pubkey_free) struct ha_pubkey *second = ha_pubkey_copy(copy);
        ha_pubkey_free(copy);
        assert_same_key(second, keys[i]);
        if (ha_pubkey_is_public(second))
            assert_int_equal(EVP_PKEY_eq(ha_pubkey_evp(second), ha_pubkey_evp(keys[i])), 1);
    }
}

static void refuse_evp(enum ha_code expected, EVP_PKEY *evp)
{
    assert_non_null(evp);
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(evp, &der);
    assert_true(len > 0);
    assert_spki_refused(expected, der, (size_t)len);
    OPENSSL_free(der);
    EVP_PKEY_free(evp);
}

static EVP_PKEY *ec_key_with_explicit_curve(void)
{
    EVP_PKEY *evp = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0),
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, (char *)"explicit", 0),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_params(ctx, params), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &evp), 1);
    EVP_PKEY_CTX_free(ctx);
    return evp;
}

static EVP_PKEY *ec_key_with_form(const char *form)
{
    EVP_PKEY *evp = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(evp, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form), 1);
    return evp;
}

static void pubkey_from_spki_refuses_other_kinds_of_keys(void **state)
{
    refuse_evp(HA_E_KEY_CANNOT, EVP_RSA_gen(1024));
    refuse_evp(HA_E_KEY_CANNOT, EVP_RSA_gen(2047));
    refuse_evp(HA_E_KEY_CANNOT, EVP_EC_gen("secp256k1"));
    refuse_evp(HA_E_KEY_CANNOT, EVP_EC_gen("P-224"));
    refuse_evp(HA_E_KEY_CANNOT, EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));
    refuse_evp(HA_E_KEY_CANNOT, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
    refuse_evp(HA_E_KEY_CANNOT, ec_key_with_explicit_curve());
    refuse_evp(HA_E_KEY_CANNOT, ec_key_with_form("compressed"));
    refuse_evp(HA_E_MALFORMED, ec_key_with_form("hybrid"));
    EVP_PKEY *pss = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) > 0);
    assert_int_equal(EVP_PKEY_generate(ctx, &pss), 1);
    EVP_PKEY_CTX_free(ctx);
    refuse_evp(HA_E_KEY_CANNOT, pss);
}

static void pubkey_from_rsa_takes_leading_zeros(void **state)
{
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    ha_auto(BN_free) BIGNUM *n = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    uint8_t modulus[260];
    assert_int_equal(BN_bn2binpad(n, modulus, sizeof modulus), sizeof modulus);
    ha_auto(ha_pubkey_free) struct ha_pubkey *pub = NULL;
    assert_int_equal(ha_pubkey_from_rsa(modulus, sizeof modulus, (const uint8_t *)"\0\1\0\1", 4, &pub, &err), HA_OK);
    assert_same_key(pub, key->pub);
}

static void pubkey_from_rsa_refuses_bad_numbers(void **state)
{
    static const struct {
        enum ha_code code;
        size_t modulus_len;
        uint8_t first, last;
        const char *exponent;
        size_t exponent_len;
    } cases[] = {
        {HA_E_KEY_CANNOT, 256, 0x7f, 0x01, "\1\0\1", 3},              // 2047 bits
        {HA_E_KEY_CANNOT, 2049, 0x01, 0x01, "\1\0\1", 3},             // 16385 bits
        {HA_E_KEY_CANNOT, 2600, 0x01, 0x01, "\1\0\1", 3},             // longer than any
        {HA_E_KEY_CANNOT, 0, 0, 0, "\1\0\1", 3},                      // zero
        {HA_E_MALFORMED, 256, 0x80, 0x02, "\1\0\1", 3},               // even
        {HA_E_MALFORMED, 256, 0x80, 0x01, "", 0},                     // e = 0
        {HA_E_MALFORMED, 256, 0x80, 0x01, "\1", 1},                   // e = 1
        {HA_E_MALFORMED, 256, 0x80, 0x01, "\2", 1},                   // e = 2
        {HA_E_MALFORMED, 256, 0x80, 0x01, "\1\0\0", 3},               // e even
        {HA_E_KEY_CANNOT, 256, 0x80, 0x01, "\1\0\0\0\0\0\0\0\1", 9},  // e of 65 bits
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        struct ha_pubkey *key = NULL;
        uint8_t modulus[2600] = {0};
        if (cases[i].modulus_len) {
            modulus[0] = cases[i].first;
            modulus[cases[i].modulus_len - 1] = cases[i].last;
        }
        assert_int_equal(ha_pubkey_from_rsa(modulus, cases[i].modulus_len, (const uint8_t *)cases[i].exponent,
                                            cases[i].exponent_len, &key, &err),
                         cases[i].code);
        assert_null(key);
    }
}

static void pubkey_from_point_takes_it_plain_and_in_an_octet_string(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(curve_types); i++) {
        struct ha_err err = {0};
        ha_auto(softkey_free) struct softkey *key = softkey_new(curve_types[i]);
        ha_auto(ha_buf_clear) struct ha_buf plain = {0};
        ha_auto(ha_buf_clear) struct ha_buf wrapped = {0};
        assert_int_equal(ha_pubkey_point(key->pub, &plain, &err), HA_OK);
        assert_int_equal(plain.len, ha_point_len(curve_types[i]));
        ha_buf_putc(&wrapped, 0x04);
        if (plain.len >= 0x80)
            ha_buf_putc(&wrapped, (char)0x81);
        ha_buf_putc(&wrapped, (char)plain.len);
        ha_buf_append(&wrapped, plain.data, plain.len);
        const struct ha_buf *forms[] = {&plain, &wrapped};
        for (size_t j = 0; j < 2; j++) {
            ha_auto(ha_pubkey_free) struct ha_pubkey *pub = NULL;
            assert_int_equal(ha_pubkey_from_point(curve_types[i], forms[j]->data, forms[j]->len, &pub, &err), HA_OK);
            assert_same_key(pub, key->pub);
        }
    }
}

static void pubkey_from_point_refuses_what_is_no_point(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(curve_types); i++) {
        struct ha_err err = {0};
        enum ha_key_type type = curve_types[i];
        ha_auto(softkey_free) struct softkey *key = softkey_new(type);
        ha_auto(ha_buf_clear) struct ha_buf point = {0};
        assert_int_equal(ha_pubkey_point(key->pub, &point, &err), HA_OK);
        for (size_t n = 0; n < point.len; n++)
            // A little over one coordinate, random bytes may look like a compressed point.
            if (n <= ha_point_field_len(type) || n > ha_point_field_len(type) + 4)
                assert_point_refused(HA_E_MALFORMED, type, point.data, n);
        ha_buf_putc(&point, 0);
        assert_point_refused(HA_E_MALFORMED, type, point.data, point.len);
        if (type == HA_KEY_ED25519)
            continue;
        point.data[point.len - 2] ^= 1;
        assert_point_refused(HA_E_MALFORMED, type, point.data, point.len - 1);  // off the curve
        point.data[0] = 0x06;
        assert_point_refused(HA_E_MALFORMED, type, point.data, point.len - 1);  // hybrid
        point.data[0] = 0x02;
        assert_point_refused(HA_E_KEY_CANNOT, type, point.data, ha_point_field_len(type) + 1);  // compressed
        memset(point.data + 1, 0, point.len - 1);
        point.data[0] = 0x04;
        assert_point_refused(HA_E_MALFORMED, type, point.data, point.len - 1);
        memset(point.data + 1, 0xff, point.len - 1);
        assert_point_refused(HA_E_MALFORMED, type, point.data, point.len - 1);  // beyond the field
    }
    assert_point_refused(HA_E_KEY_CANNOT, HA_KEY_RSA_2048, (const uint8_t *)"\4\0", 2);
    assert_point_refused(HA_E_KEY_CANNOT, HA_KEY_NONE, (const uint8_t *)"\4\0", 2);
    assert_point_refused(HA_E_KEY_CANNOT, HA_KEY_TYPE_COUNT, (const uint8_t *)"\4\0", 2);
}

static void pubkey_from_point_knows_the_points_of_ed25519(void **state)
{
    // For y = 0, 1, 2, ...: whether x^2 = (y^2 - 1)/(d y^2 + 1) is a square other than 0, from RFC 8032 by other code.
    static const char on_curve[] = "x--xxxx--xx---xxx-xx-x-xxxxxxxx-xx-x-x-xx-xxx---x--xx-xxxxx-xxxx";
    for (uint8_t y = 0; on_curve[y]; y++) {
        struct ha_err err = {0};
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
        uint8_t point[32] = {y};
        enum ha_code code = ha_pubkey_from_point(HA_KEY_ED25519, point, sizeof point, &key, &err);
        assert_int_equal(code, on_curve[y] == 'x' ? HA_OK : HA_E_MALFORMED);
        // The sign of x doesn't matter.
        point[31] = 0x80;
        assert_int_equal(ha_point_check_ed25519(point, &err), code);
    }
    uint8_t beyond[32];
    memset(beyond, 0xff, sizeof beyond);
    for (unsigned low = 0xec; low <= 0xff; low++) {
        beyond[0] = (uint8_t)low;  // p - 1, p, p + 1, ...
        assert_point_refused(HA_E_MALFORMED, HA_KEY_ED25519, beyond, sizeof beyond);
    }
}

static void pubkey_point_of_rsa_is_refused(void **state)
{
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_pubkey_point(key->pub, &out, &err), HA_E_KEY_CANNOT);
    assert_int_equal(out.len, 0);
}

static void pubkey_identity_is_taken_back_and_shown_to_nobody(void **state)
{
    static const uint8_t check[HA_PUBKEY_CHECK_LEN] = {1, 2, 3};
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL, *back = NULL, *other = NULL;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0}, jwk = {0};
    struct ha_err err = {0};
    uint8_t thumbprint[32];
    size_t n;
    assert_int_equal(ha_pubkey_from_check(HA_KEY_HMAC_256, check, &key, &err), HA_OK);
    assert_int_equal(ha_pubkey_type(key), HA_KEY_HMAC_256);
    assert_int_equal(ha_pubkey_bits(key), 256);
    assert_false(ha_pubkey_is_public(key));
    const uint8_t *der = ha_pubkey_spki(key, &n);
    const uint8_t *at = der;
    X509_PUBKEY *parsed = d2i_X509_PUBKEY(NULL, &at, (long)n);  // it has an SPKI's form
    assert_non_null(parsed);
    assert_ptr_equal(at, der + n);
    X509_PUBKEY_free(parsed);
    assert_int_equal(ha_pubkey_restore(der, n, &back, &err), HA_OK);
    assert_memory_equal(ha_pubkey_spki_sha256(back), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN);

    // It is taken from our own files only.
    assert_int_not_equal(ha_pubkey_from_spki(der, n, &other, &err), HA_OK);
    ha_pubkey_to_pem(key, &pem);
    assert_int_not_equal(ha_pubkey_from_pem(ha_buf_text(&pem), pem.len, &other, &err), HA_OK);
    assert_int_not_equal(ha_pubkey_restore(der, n - 1, &other, &err), HA_OK);

    assert_int_equal(ha_pubkey_thumbprint(key, thumbprint, &err), HA_E_KEY_CANNOT);
    ha_pubkey_to_jwk(key, &jwk);
    assert_false(ha_buf_ok(&jwk));
    for (int alg = HA_ALG_NONE; alg < HA_ALG_COUNT; alg++)
        assert_false(ha_pubkey_verify(key, (enum ha_alg)alg, "x", 1, check, sizeof check));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pubkey_identity_is_taken_back_and_shown_to_nobody),
        cmocka_unit_test(pubkey_knows_type_and_bits_of_every_kind),
        cmocka_unit_test(pubkey_spki_is_that_of_openssl),
        cmocka_unit_test(pubkey_pem_round_trips_through_openssl),
        cmocka_unit_test(pubkey_from_pem_refuses_other_blocks),
        cmocka_unit_test(pubkey_from_spki_refuses_truncated_and_trailing),
        cmocka_unit_test(pubkey_from_spki_refuses_points_off_the_curve),
        cmocka_unit_test(pubkey_spki_of_rsa_is_that_of_openssl_for_any_size_and_exponent),
        cmocka_unit_test(pubkey_copy_outlives_the_original),
        cmocka_unit_test(pubkey_from_spki_refuses_other_kinds_of_keys),
        cmocka_unit_test(pubkey_from_rsa_takes_leading_zeros),
        cmocka_unit_test(pubkey_from_rsa_refuses_bad_numbers),
        cmocka_unit_test(pubkey_from_point_takes_it_plain_and_in_an_octet_string),
        cmocka_unit_test(pubkey_from_point_refuses_what_is_no_point),
        cmocka_unit_test(pubkey_from_point_knows_the_points_of_ed25519),
        cmocka_unit_test(pubkey_point_of_rsa_is_refused),
    };
    return cmocka_run_group_tests_name("pubkey", tests, NULL, NULL);
}
