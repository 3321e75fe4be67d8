// SPDX-License-Identifier: Apache-2.0
// JWKs and sets of them: what is read, what is refused; key ids; our own as others read them.
#include "jose_rig.h"

#include "base/text.h"
#include "vectors/jose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code add(const char *text, struct ha_jwks *keys, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = jose_json(text);
    return ha_jwks_add_json(keys, json, err);
}

static void jwk_of_a_directory_has_the_hash_of_its_certificate_as_kid(void **state)
{
    (void)state;
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(vectors, "jwks"));
    assert_int_equal(keys.n, 2);
    const struct ha_jwk *sig = &keys.items[0];
    assert_true(sig->has_hash && sig->may_verify && !sig->may_encrypt && sig->use == HA_JWK_SIG);
    assert_true(keys.items[1].may_encrypt && !keys.items[1].may_verify);
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_b64u_encode(&text, sig->hash, sizeof sig->hash);
    assert_string_equal(ha_buf_text(&text), sig->kid);
}

static void kid_follows_its_rule(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(vectors, "jwks"));
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_buf_clear) struct ha_buf kid = {0};
    const char *pem = ha_json_get_string(vectors, "sig1_chain");
    assert_int_equal(ha_x5c_from_pem(pem, strlen(pem), &chain, &err), HA_OK);
    assert_int_equal(chain.n, 2);
    assert_int_equal(ha_kid_make(HA_KID_X5T_S256, NULL, keys.items[0].key, &chain, &kid, &err), HA_OK);
    assert_string_equal(ha_buf_text(&kid), keys.items[0].kid);
    ha_buf_reset(&kid);
    assert_int_equal(ha_kid_make(HA_KID_THUMBPRINT, NULL, keys.items[0].key, NULL, &kid, &err), HA_OK);
    assert_string_equal(ha_buf_text(&kid), ha_json_get_string(vectors, "thumbprint"));
    ha_buf_reset(&kid);
    assert_int_equal(ha_kid_make(HA_KID_THUMBPRINT, "mine", keys.items[0].key, NULL, &kid, &err), HA_OK);
    assert_string_equal(ha_buf_text(&kid), "mine");
    ha_buf_reset(&kid);
    assert_int_equal(ha_kid_make(HA_KID_NONE, NULL, keys.items[0].key, &chain, &kid, &err), HA_OK);
    assert_int_equal(kid.len, 0);
    assert_int_equal(ha_kid_make(HA_KID_X5T_S256, NULL, keys.items[0].key, NULL, &kid, &err), HA_E_KEY_CANNOT);
}

static void jwk_that_is_written_reads_back(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(vectors, "jwks"));
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *pem = ha_json_get_string(vectors, "sig1_certificate");
    assert_int_equal(ha_x5c_from_pem(pem, strlen(pem), &chain, &err), HA_OK);
    const struct ha_jwk_own own = {
        .key = keys.items[0].key, .kid = "k", .use = HA_JWK_SIG, .alg = "PS256", .certificate = &chain};
    ha_jw_object(&text, NULL);
    ha_jw_array(&text, "keys");
    ha_jwk_write(&text, &own);
    ha_jw_array_end(&text);
    ha_jw_object_end(&text);
    ha_auto(ha_json_free) ha_json *json = jose_json(ha_buf_text(&text));
    ha_auto(ha_jwks_clear) struct ha_jwks back = jose_keys(json);
    assert_int_equal(back.n, 1);
    assert_string_equal(back.items[0].kid, "k");
    assert_string_equal(back.items[0].alg, "PS256");
    assert_memory_equal(back.items[0].hash, keys.items[0].hash, HA_X5C_HASH_LEN);
    assert_memory_equal(ha_pubkey_spki_sha256(back.items[0].key), ha_pubkey_spki_sha256(own.key), HA_SPKI_HASH_LEN);
}

static void jwks_skips_kinds_it_does_not_know(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_jwks_clear) struct ha_jwks keys = {0};
    assert_int_equal(add("{\"keys\":[{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"AA\"}," RFC7515_A3_JWK
                         ",{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}],"
                         "\"more\":1}",
                         &keys, &err),
                     HA_OK);
    assert_int_equal(keys.n, 1);
    assert_int_equal(keys.skipped, 2);
}

static void jwk_that_is_wrong_is_refused_with_its_pointer(void **state)
{
    (void)state;
    static const char ed[] =
        "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"";
    const struct {
        const char *members;
        const char *pointer;
        enum ha_code code;
    } rows[] = {
        {"\"kty\":\"oct\",\"k\":\"AAAA\"", "/kty", HA_E_MALFORMED},
        {"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AA\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"", "/d",
         HA_E_MALFORMED},
        {"%s,\"kid\":7", "/kid", HA_E_MALFORMED},
        {"%s,\"kid\":\"\"", "/kid", HA_E_MALFORMED},
        {"%s,\"alg\":null", "/alg", HA_E_MALFORMED},
        {"%s,\"use\":[]", "/use", HA_E_MALFORMED},
        {"%s,\"key_ops\":\"verify\"", "/key_ops", HA_E_MALFORMED},
        {"%s,\"key_ops\":[1]", "/key_ops", HA_E_MALFORMED},
        {"%s,\"x5c\":[]", "/x5c", HA_E_MALFORMED},
        {"%s,\"x5c\":[\"AAAA\"]", "/x5c", HA_E_MALFORMED},
        {"%s,\"x5c\":[\"A-_A\"]", "/x5c", HA_E_MALFORMED},
        {"%s,\"x5t#S256\":\"AAAA\"", "/x5t#S256", HA_E_MALFORMED},
        {"\"kty\":\"RSA\"", "/n", HA_E_MALFORMED},
        {"\"x\":1", "/kty", HA_E_MALFORMED},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        char members[512], text[600], pointer[64];
        struct ha_err err = {0};
        ha_auto(ha_jwks_clear) struct ha_jwks keys = {0};
        const char *at = strstr(rows[i].members, "%s");
        snprintf(members, sizeof members, "%s%s", at ? ed : "", at ? at + 2 : rows[i].members);
        snprintf(text, sizeof text, "{%s}", members);
        assert_int_equal(add(text, &keys, &err), rows[i].code);
        assert_string_equal(err.pointer, rows[i].pointer);
        snprintf(text, sizeof text, "{\"keys\":[{%s}]}", members);
        snprintf(pointer, sizeof pointer, "/keys/0%s", rows[i].pointer);
        assert_int_equal(add(text, &keys, &err), rows[i].code);
        assert_string_equal(err.pointer, pointer);
        assert_int_equal(keys.n, 0);
    }
}

static void jwk_with_a_certificate_of_another_key_is_refused(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(vectors, "jwks"));
    ha_auto(ha_jwks_clear) struct ha_jwks back = {0};
    const char *pem = ha_json_get_string(vectors, "other_certificate");
    assert_int_equal(ha_x5c_from_pem(pem, strlen(pem), &chain, &err), HA_OK);
    ha_jwk_write(&text, &(const struct ha_jwk_own){.key = keys.items[0].key, .certificate = &chain});
    assert_int_equal(add(ha_buf_text(&text), &back, &err), HA_E_CONFLICT);
    assert_string_equal(err.pointer, "/x5c");
}

static void pem_gives_a_key_while_the_certificate_is_valid(void **state)
{
    (void)state;
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    const char *pem = ha_json_get_string(vectors, "sig1_certificate");
    const struct {
        int64_t at;
        enum ha_code code;
    } rows[] = {{1795300000, HA_OK}, {1000000000, HA_E_NOT_VERIFIED}, {4000000000, HA_E_NOT_VERIFIED}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        ha_auto(ha_jwks_clear) struct ha_jwks keys = {0};
        assert_int_equal(ha_jwks_add_pem(&keys, pem, strlen(pem), rows[i].at, &err), rows[i].code);
        assert_int_equal(keys.n, rows[i].code == HA_OK);
    }
    ha_auto(ha_jwks_clear) struct ha_jwks keys = {0};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_ED25519);
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err err = {0};
    ha_pubkey_to_pem(key->pub, &text);
    assert_int_equal(ha_jwks_add_pem(&keys, ha_buf_text(&text), text.len, 0, &err), HA_OK);
    const char *wrong[] = {"", "nonsense", ha_json_get_string(vectors, "sig1_private"),
                           "-----BEGIN CERTIFICATE-----\nAAAA\n"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++)
        assert_int_equal(ha_jwks_add_pem(&keys, wrong[i], strlen(wrong[i]), 0, &err), HA_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwk_of_a_directory_has_the_hash_of_its_certificate_as_kid),
        cmocka_unit_test(kid_follows_its_rule),
        cmocka_unit_test(jwk_that_is_written_reads_back),
        cmocka_unit_test(jwks_skips_kinds_it_does_not_know),
        cmocka_unit_test(jwk_that_is_wrong_is_refused_with_its_pointer),
        cmocka_unit_test(jwk_with_a_certificate_of_another_key_is_refused),
        cmocka_unit_test(pem_gives_a_key_while_the_certificate_is_valid),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
