// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens: what is filled in, pinned and refused before signing, and what is checked after verifying.
#include "jose_rig.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1795240000

static int make_key(void **state)
{
    *state = softkey_new(HA_KEY_EC_P256);
    return 0;
}

static int free_key(void **state)
{
    softkey_free(*state);
    return 0;
}

// The claims as they would be signed, appended to out.
static enum ha_code begin(struct softkey *key, const struct ha_jwt_profile *profile, const char *claims,
                          unsigned lifetime, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_jws_clear) struct ha_jws job = {0};
    const struct ha_jwt_request request = {
        .profile = profile,
        .jws = {.profile = &profile->jws, .alg = HA_ALG_ES256, .key = key->pub},
        .claims = {claims, strlen(claims)},
        .lifetime = lifetime,
        .now_s = NOW,
    };
    if (ha_jwt_begin(&request, &job, err))
        return err->code;
    const char *payload = ha_buf_text(&job.input) + job.header_len + 1;
    return ha_b64u_decode(out, payload, strlen(payload), err);
}

static void expect_claims(struct softkey *key, const struct ha_jwt_profile *profile, const char *claims,
                          unsigned lifetime, const char *expected)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    if (begin(key, profile, claims, lifetime, &out, &err))
        fail_msg("%s: %s %s", claims, err.pointer, err.detail);
    assert_string_equal(ha_buf_text(&out), expected);
}

static void jwt_claims_keep_their_bytes_and_times_follow(void **state)
{
    const struct ha_jwt_profile profile = {.iat = true, .nbf = true, .exp = true, .nbf_before = 10, .lifetime = 300};
    expect_claims(
        *state, &profile, "{ \"amount\" : 100.00, \"n\":12345678901234567890 }", 0,
        "{\"amount\":100.00,\"n\":12345678901234567890,\"iat\":1795240000,\"nbf\":1795239990,\"exp\":1795240290}");
    expect_claims(*state, &profile, "{}", 60, "{\"iat\":1795240000,\"nbf\":1795239990,\"exp\":1795240050}");
    expect_claims(*state, &profile, "{\"exp\":1795240007,\"iat\":1795240000}", 0,
                  "{\"exp\":1795240007,\"iat\":1795240000,\"nbf\":1795239990}");
}

static void jwt_jti_is_a_fresh_uuid(void **state)
{
    char jti[2][37];
    const struct ha_jwt_profile profile = {.jti = true};
    for (size_t i = 0; i < 2; i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        assert_int_equal(begin(*state, &profile, "{}", 0, &out, &err), HA_OK);
        ha_auto(ha_json_free) ha_json *json = jose_json(ha_buf_text(&out));
        const char *text = ha_json_get_string(json, "jti");
        assert_true(ha_glob_match("*-*-4*-[89ab]*-*", text));
        assert_int_equal(strspn(text, "0123456789abcdef-"), 36);
        snprintf(jti[i], sizeof jti[i], "%s", text);
    }
    assert_string_not_equal(jti[0], jti[1]);
}

static void jwt_pinned_claims_are_filled_in_once(void **state)
{
    char iss[] = "iss=me", sub[] = "sub=me", aud_a[] = "aud=a", aud_b[] = "aud=b";
    char *pins[] = {iss, sub, aud_a, aud_b};
    const struct ha_jwt_profile profile = {.pins = {pins, 4}};
    expect_claims(*state, &profile, "{\"aud\":\"b\"}", 0, "{\"aud\":\"b\",\"iss\":\"me\",\"sub\":\"me\"}");
    expect_claims(*state, &profile, "{\"aud\":[\"a\",\"b\"],\"iss\":\"me\"}", 0,
                  "{\"aud\":[\"a\",\"b\"],\"iss\":\"me\",\"sub\":\"me\"}");
}

static void jwt_outside_the_profile_is_refused(void **state)
{
    char iss[] = "iss=me", aud_a[] = "aud=a", aud_b[] = "aud=b", age[] = "max_age=3600", no[] = "sub", need[] = "nonce";
    char *pins[] = {iss, aud_a, aud_b}, *at_most[] = {age}, *forbidden[] = {no}, *required[] = {need};
    const struct ha_jwt_profile profile = {
        .iat = true,
        .exp = true,
        .jti = true,
        .lifetime = 300,
        .lifetime_min = 10,
        .lifetime_max = 300,
        .skew = 10,
        .nbf_age_max = 600,
        .pins = {pins, 3},
        .at_most = {at_most, 1},
        .forbidden = {forbidden, 1},
        .required = {required, 1},
        .aud_string = true,
    };
    const struct {
        const char *claims;
        unsigned lifetime;
        enum ha_code code;
        const char *pointer;
    } rows[] = {
        {"{\"aud\":\"a\",\"nonce\":1}", 0, HA_OK, ""},
        {"{\"aud\":\"a\",\"nonce\":1}", 300, HA_OK, ""},
        {"{\"aud\":\"a\",\"nonce\":1,\"max_age\":3600}", 0, HA_OK, ""},
        {"{\"aud\":\"a\",\"nonce\":1}", 301, HA_E_FORBIDDEN, "/lifetime"},
        {"{\"aud\":\"a\",\"nonce\":1}", 9, HA_E_FORBIDDEN, "/lifetime"},
        {"{\"aud\":\"a\"}", 0, HA_E_MALFORMED, "/claims/nonce"},
        {"{\"nonce\":1}", 0, HA_E_MALFORMED, "/claims/aud"},
        {"{\"aud\":\"c\",\"nonce\":1}", 0, HA_E_FORBIDDEN, "/claims/aud"},
        {"{\"aud\":[\"a\"],\"nonce\":1}", 0, HA_E_FORBIDDEN, "/claims/aud"},
        {"{\"aud\":\"a\",\"nonce\":1,\"iss\":\"you\"}", 0, HA_E_FORBIDDEN, "/claims/iss"},
        {"{\"aud\":\"a\",\"nonce\":1,\"iss\":[\"me\"]}", 0, HA_E_FORBIDDEN, "/claims/iss"},
        {"{\"aud\":\"a\",\"nonce\":1,\"sub\":\"me\"}", 0, HA_E_FORBIDDEN, "/claims/sub"},
        {"{\"aud\":\"a\",\"nonce\":1,\"max_age\":3601}", 0, HA_E_FORBIDDEN, "/claims/max_age"},
        {"{\"aud\":\"a\",\"nonce\":1,\"max_age\":\"1\"}", 0, HA_E_MALFORMED, "/claims/max_age"},
        {"{\"aud\":\"a\",\"nonce\":1,\"jti\":\"again\"}", 0, HA_E_FORBIDDEN, "/claims/jti"},
        {"{\"aud\":\"a\",\"nonce\":1,\"exp\":1795240301}", 0, HA_E_FORBIDDEN, "/claims/exp"},
        {"{\"aud\":\"a\",\"nonce\":1,\"exp\":1795239999}", 0, HA_E_MALFORMED, "/claims/exp"},
        {"{\"aud\":\"a\",\"nonce\":1,\"exp\":1795240100.5}", 0, HA_E_MALFORMED, "/claims/exp"},
        {"{\"aud\":\"a\",\"nonce\":1,\"exp\":\"1795240100\"}", 0, HA_E_MALFORMED, "/claims/exp"},
        {"{\"aud\":\"a\",\"nonce\":1,\"exp\":1795240100}", 60, HA_E_MALFORMED, "/lifetime"},
        // Tokens for later: their life would begin when it suits a thief.
        {"{\"aud\":\"a\",\"nonce\":1,\"iat\":1795250000}", 0, HA_E_FORBIDDEN, "/claims/iat"},
        {"{\"aud\":\"a\",\"nonce\":1,\"iat\":1795239980}", 0, HA_E_FORBIDDEN, "/claims/iat"},
        {"{\"aud\":\"a\",\"nonce\":1,\"nbf\":1795240011}", 0, HA_E_FORBIDDEN, "/claims/nbf"},
        {"{\"aud\":\"a\",\"nonce\":1,\"nbf\":1795239300}", 0, HA_E_FORBIDDEN, "/claims/nbf"},
        {"{\"aud\":\"a\",\"nonce\":1,\"nbf\":1795239990,\"exp\":1795240291}", 0, HA_E_FORBIDDEN, "/claims/exp"},
        {"{\"aud\":\"a\",\"nonce\":1,\"nbf\":1795239990,\"exp\":1795240290}", 0, HA_OK, ""},
        {"[]", 0, HA_E_MALFORMED, "/claims"},
        {"{\"a\":{\"b\":1,\"b\":2}}", 0, HA_E_MALFORMED, "/claims/a/b"},
        {"{", 0, HA_E_MALFORMED, "/claims"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        enum ha_code code = begin(*state, &profile, rows[i].claims, rows[i].lifetime, &out, &err);
        if (code != rows[i].code || strcmp(err.pointer, rows[i].pointer) != 0)
            fail_msg("%s %u: %d %s %s", rows[i].claims, rows[i].lifetime, code, err.pointer, err.detail);
    }
}

static void jwt_without_an_end_is_refused_where_lifetimes_are_capped(void **state)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    const struct ha_jwt_profile profile = {.lifetime_max = 300};
    assert_int_equal(begin(*state, &profile, "{}", 0, &out, &err), HA_E_FORBIDDEN);
    assert_string_equal(err.pointer, "/claims/exp");
    expect_claims(*state, ha_jwt_plain(), "{\"jti\":\"mine\"}", 0, "{\"jti\":\"mine\",\"iat\":1795240000}");
    expect_claims(*state, ha_jwt_plain(), "{\"jti\":\"mine\"}", 5,
                  "{\"jti\":\"mine\",\"iat\":1795240000,\"exp\":1795240005}");
}

static enum ha_code check(struct softkey *key, const char *header, const char *claims, const struct ha_jwt_rules *rules,
                          struct ha_err *err)
{
    ha_auto(ha_free) char *text = jose_raw(key, HA_ALG_ES256, header, claims);
    struct ha_jwk jwk = {.key = key->pub, .may_verify = true};
    const struct ha_jwks keys = {.items = &jwk, .n = 1};
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    assert_int_equal(ha_jws_verify(text, strlen(text), &(const struct ha_jws_rules){.keys = &keys}, &verified, err),
                     HA_OK);
    return ha_jwt_check(&verified, rules, &json, err);
}

static void jwt_that_verified_is_checked_for_whom_and_when(void **state)
{
    static const char jwt[] = "{\"alg\":\"ES256\",\"typ\":\"Application/JWT\"}";
    const struct ha_jwt_rules open = {.now_s = NOW, .skew = 10};
    const struct ha_jwt_rules strict = {.typ = "jwt",
                                        .iss = "i",
                                        .sub = "s",
                                        .aud = "a",
                                        .now_s = NOW,
                                        .skew = 10,
                                        .lifetime_max = 300,
                                        .need_exp = true};
    const struct {
        const char *header, *claims;
        const struct ha_jwt_rules *rules;
        const char *reason;  // NULL: it is accepted
    } rows[] = {
        {jwt, "{}", &open, NULL},
        {jwt, "{\"exp\":1795239991}", &open, NULL},
        {jwt, "{\"exp\":1795239990}", &open, "expired"},
        {jwt, "{\"exp\":1795239990.9}", &open, "expired"},
        {jwt, "{\"exp\":1795240000.5}", &open, NULL},
        {jwt, "{\"exp\":\"1795240100\"}", &open, "isn't a time"},
        {jwt, "{\"exp\":1e12}", &open, "isn't a time"},
        {jwt, "{\"exp\":-1}", &open, "isn't a time"},
        {jwt, "{\"exp\":99999999999999999999}", &open, "isn't a time"},
        {jwt, "{\"nbf\":1795240010}", &open, NULL},
        {jwt, "{\"nbf\":1795240011}", &open, "valid in 11 s"},
        {jwt, "{\"iat\":1795240011}", &open, "in the future"},
        {jwt, "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"b\",\"a\"],\"iat\":1795240000,\"exp\":1795240300}", &strict,
         NULL},
        {jwt, "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"iat\":1795240000,\"exp\":1795240301}", &strict,
         "lives for 301 s"},
        {jwt, "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"exp\":1795240301}", &strict, "lives for 301 s"},
        {jwt, "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"iat\":1795240000}", &strict, "no \"exp\""},
        {jwt, "{\"iss\":\"j\",\"sub\":\"s\",\"aud\":\"a\",\"exp\":1795240300}", &strict, "\"iss\" is 'j'"},
        {jwt, "{\"iss\":\"i\",\"aud\":\"a\",\"exp\":1795240300}", &strict, "\"sub\""},
        {jwt, "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"b\"],\"exp\":1795240300}", &strict, "\"aud\""},
        {jwt, "{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1795240300}", &strict, "\"aud\""},
        {"{\"alg\":\"ES256\"}", "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"exp\":1795240300}", &strict,
         "\"typ\" is missing"},
        {"{\"alg\":\"ES256\",\"typ\":\"JOSE\"}", "{}", &strict, "\"typ\" is JOSE"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        enum ha_code code = check(*state, rows[i].header, rows[i].claims, rows[i].rules, &err);
        if (code != (rows[i].reason ? HA_E_NOT_VERIFIED : HA_OK) ||
            (rows[i].reason && !strstr(err.detail, rows[i].reason)))
            fail_msg("%s: %d %s", rows[i].claims, code, err.detail);
    }
    struct ha_err err = {0};
    assert_int_equal(check(*state, jwt, "[]", &open, &err), HA_E_MALFORMED);
    assert_int_equal(check(*state, jwt, "text", &open, &err), HA_E_MALFORMED);
}

// The client assertion of the vectors, made anew with its own time and jti.
static void jwt_of_the_uae_comes_out_as_in_the_vectors(void **state)
{
    (void)state;
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    const char *jwt = ha_json_get_string(ha_json_get(vectors, "client_assertion"), "jwt");
    ha_auto(softkey_free) struct softkey *key = softkey_from_pem(ha_json_get_string(vectors, "sig1_private"));
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_jws_clear) struct ha_jws job = {0};
    struct ha_err err = {0};
    const char *pem = ha_json_get_string(vectors, "sig1_chain");
    assert_int_equal(ha_x5c_from_pem(pem, strlen(pem), &chain, &err), HA_OK);
    const struct ha_jwt_profile profile = {.jws = {.algs = 1u << HA_ALG_PS256, .kid = HA_KID_X5T_S256},
                                           .iat = true,
                                           .exp = true,
                                           .jti = true,
                                           .own_jti = true,
                                           .lifetime_max = 300};
    static const char claims[] =
        "{\"aud\":\"https://auth1.demo.apihub.example\",\"iss\":\"0b18eb32-778d-4df0-ab79-c09fb2e2e24e\",\"sub\":"
        "\"0b18eb32-778d-4df0-ab79-c09fb2e2e24e\",\"iat\":1795240000,\"exp\":1795240300,\"jti\":"
        "\"c770aef3-6784-41f7-8e0e-ff5f97bddb3a\"}";
    const struct ha_jwt_request request = {
        .profile = &profile,
        .jws = {.profile = &profile.jws, .alg = HA_ALG_PS256, .key = key->pub, .certificate = &chain},
        .claims = {claims, strlen(claims)},
        .now_s = NOW,
    };
    assert_int_equal(ha_jwt_begin(&request, &job, &err), HA_OK);
    assert_memory_equal(job.input.data, jwt, job.input.len);
    assert_int_equal(jwt[job.input.len], '.');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwt_claims_keep_their_bytes_and_times_follow),
        cmocka_unit_test(jwt_jti_is_a_fresh_uuid),
        cmocka_unit_test(jwt_pinned_claims_are_filled_in_once),
        cmocka_unit_test(jwt_outside_the_profile_is_refused),
        cmocka_unit_test(jwt_without_an_end_is_refused_where_lifetimes_are_capped),
        cmocka_unit_test(jwt_that_verified_is_checked_for_whom_and_when),
        cmocka_unit_test(jwt_of_the_uae_comes_out_as_in_the_vectors),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_key, free_key);
}
