// SPDX-License-Identifier: Apache-2.0
// JWKs, thumbprints and verification: the examples of the RFCs, and signatures that must not verify.
#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/pubkey.h"

#include "base/text.h"
#include "softkey.h"
#include "vectors/jose.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code from_jwk(const char *text, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    assert_int_equal(ha_json_parse(text, strlen(text), 4, &json, err), HA_OK);
    return ha_pubkey_from_jwk(json, ret_key, err);
}

static struct ha_pubkey *must_from_jwk(const char *text)
{
    struct ha_err err = {0};
    struct ha_pubkey *key = NULL;
    assert_int_equal(from_jwk(text, &key, &err), HA_OK);
    return key;
}

struct example {
    const char *jwk, *input, *signature;
    enum ha_alg alg;
};

static const struct example examples[] = {
    {RFC7515_A2_JWK, RFC7515_A2_INPUT, RFC7515_A2_SIGNATURE, HA_ALG_RS256},
    {RFC7515_A3_JWK, RFC7515_A3_INPUT, RFC7515_A3_SIGNATURE, HA_ALG_ES256},
    {RFC8037_JWK, RFC8037_A4_INPUT, RFC8037_A4_SIGNATURE, HA_ALG_ED25519},
};

static void verify_accepts_the_examples_of_the_rfcs(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(examples); i++) {
        struct ha_err err = {0};
        const struct example *e = &examples[i];
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = must_from_jwk(e->jwk);
        ha_auto(ha_buf_clear) struct ha_buf sig = {0};
        assert_int_equal(ha_b64u_decode(&sig, e->signature, strlen(e->signature), &err), HA_OK);
        assert_true(ha_pubkey_verify(key, e->alg, e->input, strlen(e->input), sig.data, sig.len));
        for (int alg = 0; alg <= HA_ALG_COUNT; alg++)
            assert_int_equal(ha_pubkey_verify(key, alg, e->input, strlen(e->input), sig.data, sig.len),
                             alg == (int)e->alg);
    }
}

static void verify_of_a_digest_agrees_with_that_of_the_data(void **state)
{
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        enum ha_alg alg = (enum ha_alg)i;
        const struct ha_alg_info *info = ha_alg_info(alg);
        if (info->use != HA_USE_SIGN || info->hash == HA_HASH_NONE)
            continue;
        struct ha_err err = {0};
        ha_auto(softkey_free) struct softkey *key =
            softkey_new(info->family == HA_FAMILY_RSA ? HA_KEY_RSA_2048 : info->key_type);
        struct ha_signer signer = softkey_signer(key);
        ha_auto(ha_buf_clear) struct ha_buf sig = {0};
        uint8_t digest[HA_DIGEST_MAX + 1] = {0};
        size_t n = ha_hash_info(info->hash)->len;
        assert_int_equal(signer.sign(signer.context, alg, "text", 4, &sig, &err), HA_OK);
        assert_int_equal(ha_digest(info->hash, "text", 4, digest, &err), HA_OK);
        assert_true(ha_pubkey_verify_digest(key->pub, alg, digest, n, sig.data, sig.len));
        assert_false(ha_pubkey_verify_digest(key->pub, alg, digest, n - 1, sig.data, sig.len));
        assert_false(ha_pubkey_verify_digest(key->pub, alg, digest, n + 1, sig.data, sig.len));
        sig.data[sig.len - 1] ^= 1;
        assert_false(ha_pubkey_verify_digest(key->pub, alg, digest, n, sig.data, sig.len));
        sig.data[sig.len - 1] ^= 1;
        digest[0] ^= 1;
        assert_false(ha_pubkey_verify_digest(key->pub, alg, digest, n, sig.data, sig.len));
    }
}

static void verify_refuses_any_change(void **state)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(examples); i++) {
        struct ha_err err = {0};
        const struct example *e = &examples[i];
        size_t n = strlen(e->input);
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = must_from_jwk(e->jwk);
        ha_auto(ha_buf_clear) struct ha_buf sig = {0};
        assert_int_equal(ha_b64u_decode(&sig, e->signature, strlen(e->signature), &err), HA_OK);
        assert_false(ha_pubkey_verify(key, e->alg, e->input, n - 1, sig.data, sig.len));
        for (size_t at = 0; at < sig.len; at++) {
            sig.data[at] ^= 1;
            assert_false(ha_pubkey_verify(key, e->alg, e->input, n, sig.data, sig.len));
            sig.data[at] ^= 1;
            assert_false(ha_pubkey_verify(key, e->alg, e->input, n, sig.data, at));
        }
        ha_buf_putc(&sig, 0);
        assert_false(ha_pubkey_verify(key, e->alg, e->input, n, sig.data, sig.len));
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void verify_refuses_r_or_s_out_of_range(void **state)
{
    for (int alg = HA_ALG_ES256; alg <= HA_ALG_ES512; alg++) {
        struct ha_err err = {0};
        ha_auto(softkey_free) struct softkey *key = softkey_new(ha_alg_info(alg)->key_type);
        struct ha_signer signer = softkey_signer(key);
        ha_auto(BN_free) BIGNUM *n = NULL;
        ha_auto(ha_buf_clear) struct ha_buf good = {0};
        assert_int_equal(EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_EC_ORDER, &n), 1);
        assert_int_equal(signer.sign(signer.context, alg, "text", 4, &good, &err), HA_OK);
        assert_true(ha_pubkey_verify(key->pub, alg, "text", 4, good.data, good.len));
        size_t field_len = good.len / 2;
        uint8_t order[66];
        assert_int_equal(BN_bn2binpad(n, order, (int)field_len), field_len);
        for (int part = 0; part < 2; part++) {
            uint8_t bad[132], all_ones[66], zeros[66] = {0}, one_more[66];
            memset(all_ones, 0xff, sizeof all_ones);
            memcpy(one_more, order, field_len);
            one_more[field_len - 1]++;
            const uint8_t *values[] = {zeros, order, one_more, all_ones};
            for (size_t v = 0; v < HA_ARRAY_SIZE(values); v++) {
                memcpy(bad, good.data, good.len);
                memcpy(bad + (part ? field_len : 0), values[v], field_len);
                assert_false(ha_pubkey_verify(key->pub, alg, "text", 4, bad, good.len));
            }
        }
    }
}

static void verify_refuses_pss_with_another_salt_length(void **state)
{
    static const int salt_lengths[] = {0, 20, 31, 33, RSA_PSS_SALTLEN_MAX};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    for (size_t i = 0; i < HA_ARRAY_SIZE(salt_lengths); i++) {
        ha_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        EVP_PKEY_CTX *pkey_ctx = NULL;
        uint8_t sig[256];
        size_t len = sizeof sig;
        assert_int_equal(EVP_DigestSignInit_ex(ctx, &pkey_ctx, "SHA-256", NULL, NULL, key->evp, NULL), 1);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, salt_lengths[i]) > 0);
        assert_int_equal(EVP_DigestSign(ctx, sig, &len, (const uint8_t *)"text", 4), 1);
        assert_false(ha_pubkey_verify(key->pub, HA_ALG_PS256, "text", 4, sig, len));
    }
}

static void verify_refuses_rsa_signatures_without_their_leading_zero(void **state)
{
    static const enum ha_alg algs[] = {HA_ALG_RS256, HA_ALG_PS256};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    struct ha_signer signer = softkey_signer(key);
    for (size_t i = 0; i < HA_ARRAY_SIZE(algs); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf sig = {0};
        unsigned text = 0;
        // One in 256 signatures begins with a zero byte.
        do {
            text++;
            ha_buf_reset(&sig);
            assert_int_equal(signer.sign(signer.context, algs[i], &text, sizeof text, &sig, &err), HA_OK);
        } while (sig.data[0] != 0);
        assert_true(ha_pubkey_verify(key->pub, algs[i], &text, sizeof text, sig.data, sig.len));
        assert_false(ha_pubkey_verify(key->pub, algs[i], &text, sizeof text, sig.data + 1, sig.len - 1));
    }
}

static void verify_accepts_every_algorithm_of_openssl(void **state)
{
    for (int alg = HA_ALG_RS256; alg <= HA_ALG_ED25519; alg++) {
        struct ha_err err = {0};
        enum ha_key_type type = ha_alg_info(alg)->key_type;
        ha_auto(softkey_free) struct softkey *key = softkey_new(type ? type : HA_KEY_RSA_2048);
        struct ha_signer signer = softkey_signer(key);
        ha_auto(ha_buf_clear) struct ha_buf sig = {0};
        assert_int_equal(signer.sign(signer.context, alg, "", 0, &sig, &err), HA_OK);
        assert_true(ha_pubkey_verify(key->pub, alg, "", 0, sig.data, sig.len));
        assert_false(ha_pubkey_verify(key->pub, alg, "x", 1, sig.data, sig.len));
    }
}

static void assert_thumbprint(const char *jwk, const char *expected)
{
    struct ha_err err = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = must_from_jwk(jwk);
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    uint8_t hash[32];
    assert_int_equal(ha_pubkey_thumbprint(key, hash, &err), HA_OK);
    ha_b64u_encode(&text, hash, sizeof hash);
    assert_string_equal(ha_buf_text(&text), expected);
}

static void thumbprints_are_those_of_the_rfcs(void **state)
{
    assert_thumbprint(RFC7638_JWK, RFC7638_THUMBPRINT);
    assert_thumbprint(RFC8037_JWK, RFC8037_A3_THUMBPRINT);
}

static void thumbprint_of_ec_hashes_the_canonical_members(void **state)
{
    // RFC 7638 section 3.2: crv, kty, x, y in this order, without white space.
    static const char canonical[] =
        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
    struct ha_err err = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = must_from_jwk(RFC7515_A3_JWK);
    uint8_t hash[32], expected[32];
    assert_int_equal(EVP_Q_digest(NULL, "SHA-256", NULL, canonical, strlen(canonical), expected, NULL), 1);
    assert_int_equal(ha_pubkey_thumbprint(key, hash, &err), HA_OK);
    assert_memory_equal(hash, expected, 32);
}

static void jwk_round_trips_for_every_type(void **state)
{
    for (int type = HA_KEY_RSA_2048; type <= HA_KEY_ED25519; type++) {
        ha_auto(softkey_free) struct softkey *key = softkey_new(type);
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        ha_jw_object(&text, NULL);
        ha_pubkey_to_jwk(key->pub, &text);
        ha_jw_string(&text, "use", "sig");
        ha_jw_object_end(&text);
        assert_true(ha_buf_ok(&text));
        ha_auto(ha_pubkey_free) struct ha_pubkey *back = must_from_jwk(ha_buf_text(&text));
        assert_memory_equal(ha_pubkey_spki_sha256(back), ha_pubkey_spki_sha256(key->pub), HA_SPKI_HASH_LEN);
    }
}

#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

static void jwk_refuses_mistakes_with_their_pointer(void **state)
{
    static const struct {
        const char *jwk;
        enum ha_code code;
        const char *pointer;
    } cases[] = {
        {"[]", HA_E_MALFORMED, ""},
        {"\"x\"", HA_E_MALFORMED, ""},
        {"{}", HA_E_MALFORMED, "/kty"},
        {"{\"kty\":7}", HA_E_MALFORMED, "/kty"},
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", HA_E_KEY_CANNOT, "/kty"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\",\"d\":\"AAAA\"}", HA_E_MALFORMED, "/d"},
        {"{\"kty\":\"EC\",\"x\":\"" X "\",\"y\":\"" Y "\"}", HA_E_MALFORMED, "/crv"},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X "\",\"y\":\"" Y "\"}", HA_E_KEY_CANNOT, "/crv"},
        {"{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" X "\",\"y\":\"" Y "\"}", HA_E_KEY_CANNOT, "/crv"},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" X "\"}", HA_E_KEY_CANNOT, "/crv"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" Y "\"}", HA_E_MALFORMED, "/x"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}", HA_E_MALFORMED, "/y"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"AAAA\"}", HA_E_MALFORMED, "/y"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "=\",\"y\":\"" Y "\"}", HA_E_MALFORMED, "/x"},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" Y "\"}", HA_E_MALFORMED, "/x"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" Y "\",\"y\":\"" X "\"}", HA_E_MALFORMED, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", HA_E_MALFORMED, "/x"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", HA_E_MALFORMED, "/n"},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\"}", HA_E_MALFORMED, "/e"},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":1}", HA_E_MALFORMED, "/e"},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", HA_E_KEY_CANNOT, ""},
        {"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}", HA_E_KEY_CANNOT, ""},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        struct ha_pubkey *key = NULL;
        enum ha_code code = from_jwk(cases[i].jwk, &key, &err);
        if (code != cases[i].code || key || strcmp(err.pointer, cases[i].pointer) != 0)
            fail_msg("%s: code %d at \"%s\"", cases[i].jwk, code, err.pointer);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verify_accepts_the_examples_of_the_rfcs),
        cmocka_unit_test(verify_of_a_digest_agrees_with_that_of_the_data),
        cmocka_unit_test(verify_refuses_any_change),
        cmocka_unit_test(verify_refuses_r_or_s_out_of_range),
        cmocka_unit_test(verify_refuses_pss_with_another_salt_length),
        cmocka_unit_test(verify_refuses_rsa_signatures_without_their_leading_zero),
        cmocka_unit_test(verify_accepts_every_algorithm_of_openssl),
        cmocka_unit_test(thumbprints_are_those_of_the_rfcs),
        cmocka_unit_test(thumbprint_of_ec_hashes_the_canonical_members),
        cmocka_unit_test(jwk_round_trips_for_every_type),
        cmocka_unit_test(jwk_refuses_mistakes_with_their_pointer),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
