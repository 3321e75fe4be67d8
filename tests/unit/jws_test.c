// SPDX-License-Identifier: Apache-2.0
// JSON Web Signatures that are made: the published examples to the byte where the signature is deterministic, and what
// a profile permits.
#include "jose_rig.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ha_json_text text_of(const char *text)
{
    return (struct ha_json_text){text, text ? strlen(text) : 0};
}

static void check_example(const ha_json *example, struct softkey *key, enum ha_jws_form form, const char *expected)
{
    bool equal = false;
    struct ha_err err = {0};
    assert_true(ha_json_bool(ha_json_get(example, "equal"), &equal));
    const struct ha_jws_request request = {
        .profile = ha_jws_plain(),
        .alg = ha_alg_by_name(ha_json_get_string(example, "alg")),
        .key = key->pub,
        .header = text_of(ha_json_get_string(example, "header")),
        .unprotected = text_of(ha_json_get_string(example, "unprotected")),
    };
    const char *payload = ha_json_get_string(example, "payload");
    ha_auto(ha_free) char *made = jose_make(key, &request, payload, form, false);
    if (equal) {
        assert_string_equal(made, expected);
        return;
    }
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(example, "keys"));
    const struct ha_jws_rules rules = {.keys = &keys};
    if (jose_verify(made, &rules, &err))
        fail_msg("%s: %s", ha_json_get_string(example, "source"), err.detail);
    assert_int_equal(strlen(made), strlen(expected));
}

static void jws_examples_come_out_as_they_are_printed(void **state)
{
    (void)state;
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("jws.json");
    const ha_json *example = ha_json_first(ha_json_get(vectors, "cases"));
    unsigned made = 0;
    for (; example; example = ha_json_next(example)) {
        bool mac = true;
        assert_true(ha_json_bool(ha_json_get(example, "mac"), &mac));
        const char *pem = ha_json_get_string(example, "private");
        if (mac || !pem)
            continue;
        ha_auto(softkey_free) struct softkey *key = softkey_from_pem(pem);
        for (enum ha_jws_form form = 0; form < HA_JWS_FORM_COUNT; form++) {
            const char *expected = ha_json_get_string(example, ha_jws_form_name(form));
            if (expected)
                check_example(example, key, form, expected);
            made += expected != NULL;
        }
    }
    assert_int_equal(made, 13);
}

// RFC 7520 section 4.8 has three signers, one of them with a MAC; ours is the first.
static void jws_with_several_signers_has_each_ones_signature(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(softkey_free) struct softkey *one = softkey_new(HA_KEY_RSA_2048), *two = softkey_new(HA_KEY_EC_P256);
    struct ha_jws jobs[2] = {0};
    const struct ha_jws_request requests[] = {
        {.profile = ha_jws_plain(), .alg = HA_ALG_PS256, .key = one->pub, .header = TEXT("{\"kid\":\"1\"}")},
        {.profile = ha_jws_plain(), .alg = HA_ALG_ES256, .key = two->pub, .unprotected = TEXT("{\"kid\": \"2\"}")},
    };
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ha_jws_begin(&requests[i], "text", 4, &jobs[i], &err), HA_OK);
    assert_int_equal(ha_jws_check_form(ha_jws_plain(), jobs, 2, HA_JWS_FLATTENED, false, &err), HA_E_MALFORMED);
    assert_int_equal(ha_jws_check_form(ha_jws_plain(), jobs, 2, HA_JWS_GENERAL, false, &err), HA_OK);
    jose_sign(one, &jobs[0]);
    jose_sign(two, &jobs[1]);
    ha_auto(ha_buf_clear) struct ha_buf out = {0}, set = {0};
    assert_int_equal(ha_jws_end(jobs, 2, HA_JWS_GENERAL, false, &out, &err), HA_OK);
    ha_jw_object(&set, NULL);
    ha_jw_array(&set, "keys");
    ha_jwk_write(&set, &(const struct ha_jwk_own){.key = one->pub, .kid = "1"});
    ha_jwk_write(&set, &(const struct ha_jwk_own){.key = two->pub, .kid = "2"});
    ha_jw_array_end(&set);
    ha_jw_object_end(&set);
    ha_auto(ha_json_free) ha_json *json = jose_json(ha_buf_text(&set));
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(json);
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    assert_int_equal(
        ha_jws_verify(ha_buf_text(&out), out.len, &(const struct ha_jws_rules){.keys = &keys}, &verified, &err), HA_OK);
    assert_int_equal(verified.n_good, 2);
    assert_string_equal(ha_buf_text(&verified.payload), "text");
    for (size_t i = 0; i < 2; i++)
        ha_jws_clear(&jobs[i]);
}

static void jws_unencoded_payload_stands_as_it_is_or_beside(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        enum ha_jws_form form;
        bool detached;
        enum ha_code code;
    } rows[] = {
        {"no dot, so it may stay", HA_JWS_COMPACT, false, HA_OK},
        {"$.02", HA_JWS_COMPACT, false, HA_E_MALFORMED},  // the example of RFC 7797 section 4
        {"$.02", HA_JWS_COMPACT, true, HA_OK},
        {"$.02\n\xc3\xa9", HA_JWS_FLATTENED, false, HA_OK},
        {"\xff", HA_JWS_FLATTENED, false, HA_E_MALFORMED},
        {"\xff", HA_JWS_FLATTENED, true, HA_OK},
        {"line\n", HA_JWS_COMPACT, false, HA_E_MALFORMED},
    };
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_ED25519);
    const struct ha_jws_request request = {
        .profile = ha_jws_plain(), .alg = HA_ALG_ED25519, .key = key->pub, .unencoded = true};
    struct ha_jwk jwk = {.key = key->pub, .may_verify = true};
    const struct ha_jwks keys = {.items = &jwk, .n = 1};
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        size_t n = strlen(rows[i].payload);
        ha_auto(ha_jws_clear) struct ha_jws job = {0};
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        assert_int_equal(ha_jws_begin(&request, rows[i].payload, n, &job, &err), HA_OK);
        assert_int_equal(ha_jws_check_form(ha_jws_plain(), &job, 1, rows[i].form, rows[i].detached, &err),
                         rows[i].code);
        if (rows[i].code)
            continue;
        jose_sign(key, &job);
        assert_int_equal(ha_jws_end(&job, 1, rows[i].form, rows[i].detached, &out, &err), HA_OK);
        struct ha_jws_rules rules = {.keys = &keys};
        ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
        if (rows[i].detached) {
            rules.payload = rows[i].payload;
            rules.payload_len = n;
        }
        if (ha_jws_verify(ha_buf_text(&out), out.len, &rules, &verified, &err))
            fail_msg("%zu: %s", i, err.detail);
        assert_memory_equal(verified.payload.data, rows[i].payload, n);
    }
}

static void expect_header(const struct ha_jws_request *request, const char *expected)
{
    struct ha_err err = {0};
    ha_auto(ha_jws_clear) struct ha_jws job = {0};
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    if (ha_jws_begin(request, "", 0, &job, &err))
        fail_msg("%s: %s %s", expected, err.pointer, err.detail);
    ha_auto(ha_free) char *copy = strndup((const char *)job.input.data, job.header_len);
    assert_int_equal(ha_b64u_decode(&header, copy, job.header_len, &err), HA_OK);
    assert_string_equal(ha_buf_text(&header), expected);
}

static void jws_header_has_its_order_and_the_callers_bytes(void **state)
{
    (void)state;
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_ED25519);
    struct ha_jws_request request = {.profile = ha_jws_plain(), .alg = HA_ALG_ED25519, .key = key->pub};
    expect_header(&request, "{\"alg\":\"EdDSA\"}");
    request.header =
        TEXT("{ \"z\" : 1.00 , \"cty\":\"b\",\"a\":{ \"x\":[1, 2]}, \"kid\":\"k\",\"alg\":\"Ed25519\",\"typ\":\"t\"}");
    expect_header(&request,
                  "{\"alg\":\"Ed25519\",\"kid\":\"k\",\"typ\":\"t\",\"cty\":\"b\",\"z\":1.00,\"a\":{\"x\":[1,2]}}");
    request.unencoded = true;
    request.header = TEXT("{\"exp\":1,\"crit\":[\"b64\",\"exp\"],\"b64\":false}");
    expect_header(&request, "{\"alg\":\"EdDSA\",\"exp\":1,\"b64\":false,\"crit\":[\"b64\",\"exp\"]}");
    request.header = (struct ha_json_text){0};
    expect_header(&request, "{\"alg\":\"EdDSA\",\"b64\":false,\"crit\":[\"b64\"]}");
    const struct ha_jws_profile lfi = {
        .kid = HA_KID_THUMBPRINT, .kid_text = (char[]){"k"}, .typ = (char[]){"JOSE"}, .cty = (char[]){"json"}};
    request = (struct ha_jws_request){.profile = &lfi, .alg = HA_ALG_ED25519, .key = key->pub};
    expect_header(&request, "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"JOSE\",\"cty\":\"json\"}");
    request.header = TEXT("{\"typ\":\"JOSE\",\"kid\":\"k\"}");
    expect_header(&request, "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"JOSE\",\"cty\":\"json\"}");
}

static void jws_header_that_is_not_the_callers_to_say_is_refused(void **state)
{
    (void)state;
    char x_mine[] = "x-mine", *listed[] = {x_mine};
    const struct ha_jws_profile strict = {.kid_text = (char[]){"k"}, .typ = (char[]){"JOSE"}, .headers = {listed, 1}};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_ED25519);
    const struct {
        const char *header;
        bool strict, unencoded;
        enum ha_code code;
        const char *pointer;
    } rows[] = {
        {"{\"x-mine\":1}", true, false, HA_OK, ""},
        {"{\"x-other\":1}", true, false, HA_E_FORBIDDEN, "/header/x-other"},
        {"{\"kid\":\"j\"}", true, false, HA_E_FORBIDDEN, "/header/kid"},
        {"{\"typ\":\"JWT\"}", true, false, HA_E_FORBIDDEN, "/header/typ"},
        {"{\"cty\":\"JWT\"}", true, false, HA_E_FORBIDDEN, "/header/cty"},
        {"{\"x-mine\":1,\"crit\":[\"x-mine\"]}", true, false, HA_E_FORBIDDEN, "/header/crit"},
        {"{}", true, true, HA_E_FORBIDDEN, "/header/b64"},
        {"{\"alg\":\"RS256\"}", false, false, HA_E_MALFORMED, "/header/alg"},
        {"{\"alg\":\"none\"}", false, false, HA_E_MALFORMED, "/header/alg"},
        {"{\"kid\":1}", false, false, HA_E_MALFORMED, "/header/kid"},
        {"{\"x5c\":[]}", false, false, HA_E_MALFORMED, "/header/x5c"},
        {"{\"b64\":true}", false, false, HA_E_MALFORMED, "/header/b64"},
        {"{\"b64\":false}", false, false, HA_E_MALFORMED, "/header/b64"},
        {"{\"crit\":[\"b64\"]}", false, false, HA_E_MALFORMED, "/header/crit"},
        {"{\"crit\":[\"exp\"]}", false, false, HA_E_MALFORMED, "/header/crit"},
        {"{\"crit\":[\"alg\"]}", false, false, HA_E_MALFORMED, "/header/crit"},
        {"{\"crit\":[]}", false, false, HA_E_MALFORMED, "/header/crit"},
        {"{\"exp\":1,\"crit\":[\"exp\",\"exp\"]}", false, false, HA_E_MALFORMED, "/header/crit"},
        {"{\"exp\":1,\"crit\":[\"exp\"]}", false, true, HA_E_MALFORMED, "/header/crit"},
        {"{\"exp\":1,\"crit\":[\"exp\"]}", false, false, HA_OK, ""},
        {"{\"a\":1,\"a\":2}", false, false, HA_E_MALFORMED, "/header/a"},
        {"[]", false, false, HA_E_MALFORMED, "/header"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        ha_auto(ha_jws_clear) struct ha_jws job = {0};
        const struct ha_jws_request request = {
            .profile = rows[i].strict ? &strict : ha_jws_plain(),
            .alg = HA_ALG_ED25519,
            .key = key->pub,
            .header = text_of(rows[i].header),
            .unencoded = rows[i].unencoded,
        };
        enum ha_code code = ha_jws_begin(&request, "x", 1, &job, &err);
        if (code != rows[i].code || strcmp(err.pointer, rows[i].pointer) != 0)
            fail_msg("%s: %d %s %s", rows[i].header, code, err.pointer, err.detail);
    }
}

static void jws_unprotected_header_guards_what_must_be_protected(void **state)
{
    (void)state;
    static const char *const wrong[] = {"{\"alg\":\"EdDSA\"}", "{\"crit\":[\"x\"]}", "{\"b64\":false}",
                                        "{\"kid\":\"twice\"}", "{\"x5c\":[]}",       "[]"};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_ED25519);
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        struct ha_err err = {0};
        ha_auto(ha_jws_clear) struct ha_jws job = {0};
        const struct ha_jws_request request = {.profile = ha_jws_plain(),
                                               .alg = HA_ALG_ED25519,
                                               .key = key->pub,
                                               .header = TEXT("{\"kid\":\"k\"}"),
                                               .unprotected = text_of(wrong[i])};
        assert_int_equal(ha_jws_begin(&request, "x", 1, &job, &err), HA_E_MALFORMED);
        assert_memory_equal(err.pointer, "/unprotected", 12);
    }
}

static void jws_form_outside_the_profile_is_refused(void **state)
{
    (void)state;
    struct ha_err err = {0};
    const struct ha_jws_profile compact_only = {0};
    const struct ha_jws job = {0};
    assert_int_equal(ha_jws_check_form(&compact_only, &job, 1, HA_JWS_FLATTENED, false, &err), HA_E_FORBIDDEN);
    assert_string_equal(err.pointer, "/serialization");
    assert_int_equal(ha_jws_check_form(&compact_only, &job, 1, HA_JWS_COMPACT, true, &err), HA_E_FORBIDDEN);
    assert_string_equal(err.pointer, "/detached");
}

static void jws_algorithm_is_the_profiles(void **state)
{
    (void)state;
    struct ha_err err = {0};
    enum ha_alg alg = HA_ALG_NONE;
    const struct ha_jws_profile pss = {.algs = 1u << HA_ALG_PS256};
    assert_int_equal(ha_jws_choose_alg(&pss, HA_KEY_RSA_2048, HA_ALG_NONE, &alg, &err), HA_OK);
    assert_int_equal(alg, HA_ALG_PS256);
    assert_int_equal(ha_jws_choose_alg(&pss, HA_KEY_RSA_2048, HA_ALG_RS256, &alg, &err), HA_E_FORBIDDEN);
    assert_string_equal(err.pointer, "/algorithm");
    assert_int_equal(ha_jws_choose_alg(&pss, HA_KEY_EC_P256, HA_ALG_NONE, &alg, &err), HA_E_KEY_CANNOT);
    assert_int_equal(ha_jws_choose_alg(ha_jws_plain(), HA_KEY_EC_P384, HA_ALG_NONE, &alg, &err), HA_OK);
    assert_int_equal(alg, HA_ALG_ES384);
    assert_int_equal(ha_jws_choose_alg(ha_jws_plain(), HA_KEY_RSA_2048, HA_ALG_RSA_OAEP, &alg, &err), HA_E_FORBIDDEN);
}

static void jws_certificate_of_another_key_is_refused(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(softkey_free) struct softkey *key = softkey_from_pem(ha_json_get_string(vectors, "sig1_private"));
    ha_auto(ha_x5c_clear) struct ha_x5c own = {0}, other = {0};
    const char *pem = ha_json_get_string(vectors, "sig1_certificate");
    const char *other_pem = ha_json_get_string(vectors, "other_certificate");
    assert_int_equal(ha_x5c_from_pem(pem, strlen(pem), &own, &err), HA_OK);
    assert_int_equal(ha_x5c_from_pem(other_pem, strlen(other_pem), &other, &err), HA_OK);
    const struct ha_jws_profile profile = {.kid = HA_KID_X5T_S256};
    struct ha_jws_request request = {.profile = &profile, .alg = HA_ALG_PS256, .key = key->pub, .certificate = &own};
    expect_header(&request, "{\"alg\":\"PS256\",\"kid\":\"7AMJcmdl2WJW2ObiaXUL6Jh_oqUjpZTVbLOV_uF1AQs\"}");
    ha_auto(ha_jws_clear) struct ha_jws job = {0};
    request.certificate = &other;
    assert_int_equal(ha_jws_begin(&request, "x", 1, &job, &err), HA_E_CONFLICT);
    request.certificate = NULL;
    assert_int_equal(ha_jws_begin(&request, "x", 1, &job, &err), HA_E_KEY_CANNOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jws_examples_come_out_as_they_are_printed),
        cmocka_unit_test(jws_with_several_signers_has_each_ones_signature),
        cmocka_unit_test(jws_unencoded_payload_stands_as_it_is_or_beside),
        cmocka_unit_test(jws_header_has_its_order_and_the_callers_bytes),
        cmocka_unit_test(jws_header_that_is_not_the_callers_to_say_is_refused),
        cmocka_unit_test(jws_unprotected_header_guards_what_must_be_protected),
        cmocka_unit_test(jws_form_outside_the_profile_is_refused),
        cmocka_unit_test(jws_algorithm_is_the_profiles),
        cmocka_unit_test(jws_certificate_of_another_key_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
