// SPDX-License-Identifier: Apache-2.0
// JSON Web Signatures of others: the published examples verify, and whatever is wrong with a message is found.
#include "jose_rig.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check_example(const ha_json *example, const char *text)
{
    struct ha_err err = {0};
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(example, "keys"));
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    const struct ha_jws_rules rules = {.keys = &keys};
    if (ha_jws_verify(text, strlen(text), &rules, &verified, &err))
        fail_msg("%s: %s", ha_json_get_string(example, "source"), err.detail);
    assert_string_equal(ha_buf_text(&verified.payload), ha_json_get_string(example, "payload"));
}

static void jws_examples_verify_and_those_with_a_mac_do_not(void **state)
{
    (void)state;
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("jws.json");
    const ha_json *example = ha_json_first(ha_json_get(vectors, "cases"));
    unsigned good = 0, macs = 0;
    for (; example; example = ha_json_next(example)) {
        bool mac = true;
        assert_true(ha_json_bool(ha_json_get(example, "mac"), &mac));
        for (enum ha_jws_form form = 0; form < HA_JWS_FORM_COUNT; form++) {
            const char *text = ha_json_get_string(example, ha_jws_form_name(form));
            if (!text)
                continue;
            if (!mac) {
                check_example(example, text);
                good++;
                continue;
            }
            struct ha_err err = {0};
            ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(example, "keys"));
            assert_int_equal(jose_verify(text, &(const struct ha_jws_rules){.keys = &keys}, &err), HA_E_NOT_VERIFIED);
            assert_non_null(strstr(err.detail, "HS256"));
            macs++;
        }
    }
    assert_int_equal(good, 17);
    assert_int_equal(macs, 16);
}

// RFC 7520 section 4.8: RSA, EC with an unprotected alg, and a MAC.
static void jws_with_several_signatures_needs_all_or_any_as_asked(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("jws.json");
    const ha_json *example = ha_json_first(ha_json_get(vectors, "cases"));
    while (strcmp(ha_json_get_string(example, "source"), "RFC 7520 4.8") != 0)
        example = ha_json_next(example);
    const char *text = ha_json_get_string(example, "general");
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(example, "keys"));
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    struct ha_jws_rules rules = {.keys = &keys};
    assert_int_equal(jose_verify(text, &rules, &err), HA_E_NOT_VERIFIED);
    assert_memory_equal(err.detail, "signature 3 of 3", 16);
    rules.any = true;
    assert_int_equal(ha_jws_verify(text, strlen(text), &rules, &verified, &err), HA_OK);
    assert_int_equal(verified.n_signatures, 3);
    assert_int_equal(verified.n_good, 2);
    assert_int_equal(verified.alg, HA_ALG_RS256);
    rules.algs = 1u << HA_ALG_ES384;
    assert_int_equal(jose_verify(text, &rules, &err), HA_E_NOT_VERIFIED);
}

struct keys_of_two {
    struct softkey *rsa, *ec, *other;
    struct ha_jwk items[2];
    struct ha_jwks keys;
};

static int make_keys(void **state)
{
    struct keys_of_two *two = calloc(1, sizeof *two);
    assert_non_null(two);
    two->rsa = softkey_new(HA_KEY_RSA_2048);
    two->ec = softkey_new(HA_KEY_EC_P256);
    two->other = softkey_new(HA_KEY_RSA_2048);
    two->items[0] =
        (struct ha_jwk){.key = two->rsa->pub, .kid = strdup("rsa"), .alg = strdup("PS256"), .may_verify = true};
    two->items[1] = (struct ha_jwk){.key = two->ec->pub, .kid = strdup("ec"), .may_verify = true};
    two->keys = (struct ha_jwks){.items = two->items, .n = 2};
    *state = two;
    return 0;
}

static int free_keys(void **state)
{
    struct keys_of_two *two = *state;
    for (size_t i = 0; i < 2; i++) {
        free(two->items[i].kid);
        free(two->items[i].alg);
    }
    softkey_free(two->rsa);
    softkey_free(two->ec);
    softkey_free(two->other);
    free(two);
    return 0;
}

static void expect(const struct keys_of_two *two, const char *text, enum ha_code code, const char *reason)
{
    struct ha_err err = {0};
    const struct ha_jws_rules rules = {.keys = &two->keys};
    enum ha_code got = jose_verify(text, &rules, &err);
    if (got != code || (code && !strstr(err.detail, reason)))
        fail_msg("%.60s...: %d \"%s\", not \"%s\"", text, got, err.detail, reason);
}

static void jws_algorithm_is_the_keys_and_not_the_headers(void **state)
{
    const struct keys_of_two *two = *state;
    const struct {
        const char *header;
        enum ha_alg alg;
        struct softkey *key;
        const char *reason;  // NULL: it verifies
    } rows[] = {
        {"{\"alg\":\"PS256\",\"kid\":\"rsa\"}", HA_ALG_PS256, two->rsa, NULL},
        {"{\"alg\":\"PS256\"}", HA_ALG_PS256, two->rsa, NULL},
        {"{\"alg\":\"ES256\",\"kid\":\"ec\"}", HA_ALG_ES256, two->ec, NULL},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"}", HA_ALG_RS256, two->rsa, "is for another algorithm"},
        {"{\"alg\":\"PS512\",\"kid\":\"rsa\"}", HA_ALG_PS512, two->rsa, "is for another algorithm"},
        {"{\"alg\":\"PS256\",\"kid\":\"ec\"}", HA_ALG_PS256, two->rsa, "is of another type"},
        {"{\"alg\":\"PS256\",\"kid\":\"who\"}", HA_ALG_PS256, two->rsa, "no key with the kid 'who'"},
        {"{\"alg\":\"PS256\",\"kid\":\"rsa\"}", HA_ALG_PS256, two->other, "doesn't fit"},
        {"{\"alg\":\"PS256\",\"kid\":\"rsa\"}", HA_ALG_PS384, two->rsa, "doesn't fit"},
        {"{\"alg\":\"none\",\"kid\":\"rsa\"}", HA_ALG_PS256, two->rsa, "isn't signed"},
        {"{\"alg\":\"NONE\"}", HA_ALG_PS256, two->rsa, "\"NONE\""},
        {"{\"alg\":\"HS256\",\"kid\":\"rsa\"}", HA_ALG_PS256, two->rsa, "\"HS256\""},
        {"{\"alg\":\"RSA-OAEP\"}", HA_ALG_PS256, two->rsa, "no signature"},
        {"{\"alg\":\"RSA1_5\"}", HA_ALG_PS256, two->rsa, "no signature"},
        {"{\"alg\":256}", HA_ALG_PS256, two->rsa, "no \"alg\""},
        {"{\"kid\":\"rsa\"}", HA_ALG_PS256, two->rsa, "no \"alg\""},
        {"{\"alg\":\"PS256\",\"crit\":[\"exp\"],\"exp\":1}", HA_ALG_PS256, two->rsa, "\"exp\", which isn't understood"},
        {"{\"alg\":\"PS256\",\"crit\":[]}", HA_ALG_PS256, two->rsa, "\"crit\""},
        {"{\"alg\":\"PS256\",\"crit\":\"b64\",\"b64\":true}", HA_ALG_PS256, two->rsa, "\"crit\""},
        {"{\"alg\":\"PS256\",\"crit\":[\"b64\"]}", HA_ALG_PS256, two->rsa, "\"b64\""},
        {"{\"alg\":\"PS256\",\"crit\":[\"b64\",\"b64\"],\"b64\":true}", HA_ALG_PS256, two->rsa, "twice"},
        {"{\"alg\":\"PS256\",\"crit\":[1]}", HA_ALG_PS256, two->rsa, "\"crit\""},
        {"{\"alg\":\"PS256\",\"b64\":false}", HA_ALG_PS256, two->rsa, "\"crit\" doesn't say so"},
        {"{\"alg\":\"PS256\",\"b64\":0}", HA_ALG_PS256, two->rsa, "neither true nor false"},
        {"{\"alg\":\"PS256\",\"crit\":[\"b64\"],\"b64\":true}", HA_ALG_PS256, two->rsa, NULL},
        // A key that came along in the header is nobody's.
        {"{\"alg\":\"PS256\",\"jwk\":{\"kty\":\"RSA\"},\"x5c\":[\"AAAA\"]}", HA_ALG_PS256, two->other, "doesn't fit"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_free) char *text = jose_raw(rows[i].key, rows[i].alg, rows[i].header, "{}");
        expect(two, text, rows[i].reason ? HA_E_NOT_VERIFIED : HA_OK, rows[i].reason);
    }
}

static void jws_algorithm_has_to_be_in_each_list(void **state)
{
    const struct keys_of_two *two = *state;
    ha_auto(ha_free) char *text = jose_raw(two->ec, HA_ALG_ES256, "{\"alg\":\"ES256\"}", "{}");
    static const struct {
        uint32_t algs, profile_algs;
        enum ha_code code;
    } rows[] = {
        {0, 0, HA_OK},
        {1u << HA_ALG_ES256, 1u << HA_ALG_ES256, HA_OK},
        {0, 1u << HA_ALG_ES256 | 1u << HA_ALG_PS256, HA_OK},
        {1u << HA_ALG_ES256, 1u << HA_ALG_PS256, HA_E_NOT_VERIFIED},
        {1u << HA_ALG_PS256, 1u << HA_ALG_ES256, HA_E_NOT_VERIFIED},
        {0, 1u << HA_ALG_PS256, HA_E_NOT_VERIFIED},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct ha_err err = {0};
        const struct ha_jws_rules rules = {
            .keys = &two->keys, .algs = rows[i].algs, .profile_algs = rows[i].profile_algs};
        assert_int_equal(jose_verify(text, &rules, &err), rows[i].code);
    }
}

static void jws_key_that_is_not_for_verifying_is_not_used(void **state)
{
    struct keys_of_two *two = *state;
    ha_auto(ha_free) char *text = jose_raw(two->ec, HA_ALG_ES256, "{\"alg\":\"ES256\"}", "{}");
    two->items[1].may_verify = false;
    expect(two, text, HA_E_NOT_VERIFIED, "");
    two->items[1].may_verify = true;
    expect(two, text, HA_OK, NULL);
}

static void jws_malformed_is_refused_as_such(void **state)
{
    const struct keys_of_two *two = *state;
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "e30",
        "e30.e30",
        "e30.e30.e30.e30.e30",
        "!!.e30.AA",
        "e30=.e30.AA",
        "W10.e30.AA",
        "bnVsbA.e30.AA",
        "eyJhIjoxLCJhIjoyfQ.e30.AA",
        " e30.e30.AA",
        "e30.e30.AA\n",
        "{",
        "{}",
        "{\"payload\":1}",
        "{\"payload\":\"\"}",
        "{\"payload\":\"\",\"signature\":\"\"}",
        "{\"payload\":\"\",\"protected\":7,\"signature\":\"\"}",
        "{\"payload\":\"\",\"protected\":\"\",\"signature\":\"AA\"}",
        "{\"payload\":\"\",\"header\":[],\"signature\":\"AA\"}",
        "{\"payload\":\"\",\"signatures\":[]}",
        "{\"payload\":\"\",\"signatures\":{}}",
        "{\"payload\":\"\",\"signatures\":[1]}",
        "{\"payload\":\"\",\"signatures\":[{}]}",
        "{\"payload\":\"\",\"signatures\":[{\"signature\":\"AA\"}]}",
        "{\"payload\":\"\",\"signature\":\"AA\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payload\":\"\",\"protected\":\"e30\",\"signature\":\"AA\"}",
        "{\"payload\":\"\",\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"header\":{\"alg\":\"ES256\"},\"signature\":\"AA\"}",
        "{\"payload\":\"!\",\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"signature\":\"AA\"}",
        "{\"payload\":\"\",\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"signature\":\"A\"}",
        "eyJhbGciOiJFUzI1NiJ9.!.AA",
        "eyJhbGciOiJFUzI1NiJ9.e31.AA",
        "eyJhbGciOiJFUzI1NiJ9.e30.A",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        expect(two, texts[i], HA_E_MALFORMED, "");
}

static void jws_too_large_or_deep_is_refused(void **state)
{
    const struct keys_of_two *two = *state;
    struct ha_err err = {0};
    const struct ha_jws_rules rules = {.keys = &two->keys};
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, many = {0}, deep = {0};
    while (text.len <= HA_JOSE_TEXT_MAX)
        ha_buf_puts(&text, "eyJhbGciOiJFUzI1NiJ9");
    assert_int_equal(jose_verify(ha_buf_text(&text), &rules, &err), HA_E_TOO_LARGE);
    ha_buf_reset(&text);
    while (text.len <= HA_JOSE_HEADER_MAX / 3 * 4)
        ha_buf_puts(&text, "eyJhbGciOiJFUzI1NiJ9");
    ha_buf_puts(&text, ".e30.AA");
    assert_int_equal(jose_verify(ha_buf_text(&text), &rules, &err), HA_E_TOO_LARGE);
    ha_buf_puts(&many, "{\"payload\":\"e30\",\"signatures\":[");
    for (size_t i = 0; i <= HA_JWS_SIGNERS_MAX; i++)
        ha_buf_printf(&many, "%s{\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"signature\":\"AA\"}", i ? "," : "");
    ha_buf_puts(&many, "]}");
    assert_int_equal(jose_verify(ha_buf_text(&many), &rules, &err), HA_E_TOO_LARGE);
    for (size_t i = 0; i < HA_JOSE_DEPTH_MAX + 1; i++)
        ha_buf_puts(&deep, "{\"a\":");
    assert_int_equal(jose_verify(ha_buf_text(&deep), &rules, &err), HA_E_MALFORMED);
    assert_non_null(strstr(err.detail, "deep"));
}

static void expect_refusal(const struct keys_of_two *two, const char *text, size_t n)
{
    struct ha_err err = {0};
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    enum ha_code code = ha_jws_verify(text, n, &(const struct ha_jws_rules){.keys = &two->keys}, &verified, &err);
    if (code != HA_E_MALFORMED && code != HA_E_NOT_VERIFIED)
        fail_msg("%.*s: %d %s", (int)n, text, code, err.detail);
}

// Changes each byte, and cuts the message at each place. Returns how many messages that were.
static size_t damage(const struct keys_of_two *two, char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        expect_refusal(two, text, n);
        text[i] = was;
        expect_refusal(two, text, i);
    }
    return 2 * n;
}

// Every single byte of a message counts.
static void jws_damaged_anywhere_is_not_accepted(void **state)
{
    const struct keys_of_two *two = *state;
    const struct ha_jws_request request = {
        .profile = ha_jws_plain(), .alg = HA_ALG_ES256, .key = two->ec->pub, .header = TEXT("{\"kid\":\"ec\"}")};
    size_t refused = 0;
    for (enum ha_jws_form form = 0; form < HA_JWS_FORM_COUNT; form++) {
        ha_auto(ha_free) char *text = jose_make(two->ec, &request, "{\"a\":1}", form, false);
        refused += damage(two, text);
        expect(two, text, HA_OK, NULL);
    }
    assert_true(refused >= 1000);
}

static void jws_detached_payload_is_given_beside_and_only_then(void **state)
{
    const struct keys_of_two *two = *state;
    struct ha_err err = {0};
    const struct ha_jws_request request = {.profile = ha_jws_plain(), .alg = HA_ALG_ES256, .key = two->ec->pub};
    ha_auto(ha_free) char *detached = jose_make(two->ec, &request, "payload", HA_JWS_COMPACT, true);
    ha_auto(ha_free) char *whole = jose_make(two->ec, &request, "payload", HA_JWS_COMPACT, false);
    ha_auto(ha_free) char *json = jose_make(two->ec, &request, "payload", HA_JWS_FLATTENED, true);
    struct ha_jws_rules rules = {.keys = &two->keys};
    assert_int_equal(jose_verify(detached, &rules, &err), HA_E_NOT_VERIFIED);
    assert_non_null(strstr(err.hint, "detached"));
    assert_int_equal(jose_verify(json, &rules, &err), HA_E_NOT_VERIFIED);
    rules.payload = "payload";
    rules.payload_len = 7;
    assert_int_equal(jose_verify(detached, &rules, &err), HA_OK);
    assert_int_equal(jose_verify(json, &rules, &err), HA_OK);
    assert_int_equal(jose_verify(whole, &rules, &err), HA_E_MALFORMED);
    rules.payload = "Payload";
    assert_int_equal(jose_verify(detached, &rules, &err), HA_E_NOT_VERIFIED);
}

static enum ha_code trust_one(void *context, const struct ha_x5c *chain, struct ha_err *err)
{
    return chain->n == *(size_t *)context ? HA_OK : ha_fail(err, HA_E_NOT_VERIFIED, "nobody vouches for it");
}

static void jws_certificate_of_the_header_counts_when_somebody_vouches(void **state)
{
    (void)state;
    struct ha_err err = {0};
    size_t trusted = 2;
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(softkey_free) struct softkey *key = softkey_from_pem(ha_json_get_string(vectors, "sig1_private"));
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    const char *pem = ha_json_get_string(vectors, "sig1_chain");
    assert_int_equal(ha_x5c_from_pem(pem, strlen(pem), &chain, &err), HA_OK);
    const struct ha_jws_request request = {
        .profile = ha_jws_plain(), .alg = HA_ALG_PS256, .key = key->pub, .certificate = &chain};
    ha_auto(ha_free) char *text = jose_make(key, &request, "{}", HA_JWS_COMPACT, false);
    const struct ha_jwks none = {0};
    struct ha_jws_rules rules = {.keys = &none};
    assert_int_equal(jose_verify(text, &rules, &err), HA_E_NOT_VERIFIED);
    rules.trust = trust_one;
    rules.trust_context = &trusted;
    assert_int_equal(jose_verify(text, &rules, &err), HA_OK);
    trusted = 1;
    assert_int_equal(jose_verify(text, &rules, &err), HA_E_NOT_VERIFIED);
    assert_non_null(strstr(err.detail, "vouches"));
    ha_auto(ha_free) char *bare = jose_raw(key, HA_ALG_PS256, "{\"alg\":\"PS256\"}", "{}");
    assert_int_equal(jose_verify(bare, &rules, &err), HA_E_NOT_VERIFIED);
    assert_non_null(strstr(err.detail, "x5c"));
}

static void jws_of_the_uae_verify_and_the_bad_ones_do_not(void **state)
{
    (void)state;
    static const char *const good[] = {"client_assertion", "request_object", "lfi_jwt_auth", "payment_request"};
    static const char *const bad[] = {"wrong_salt_len", "rs256_instead"};
    ha_auto(ha_json_free) ha_json *vectors = jose_vectors("uae-jwt.json");
    ha_auto(ha_jwks_clear) struct ha_jwks keys = jose_keys(ha_json_get(vectors, "jwks"));
    ha_auto(ha_jwks_clear) struct ha_jwks other = jose_keys(ha_json_get(vectors, "other"));
    const struct ha_jws_rules rules = {.keys = &keys, .algs = 1u << HA_ALG_PS256}, others = {.keys = &other};
    for (size_t i = 0; i < HA_ARRAY_SIZE(good); i++) {
        struct ha_err err = {0};
        const char *text = ha_json_get_string(ha_json_get(vectors, good[i]), "jwt");
        assert_int_equal(jose_verify(text, &rules, &err), HA_OK);
        assert_int_equal(jose_verify(text, &others, &err), HA_E_NOT_VERIFIED);
    }
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++) {
        struct ha_err err = {0};
        const char *text = ha_json_get_string(ha_json_get(vectors, "negative"), bad[i]);
        assert_int_equal(jose_verify(text, &rules, &err), HA_E_NOT_VERIFIED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jws_examples_verify_and_those_with_a_mac_do_not),
        cmocka_unit_test(jws_with_several_signatures_needs_all_or_any_as_asked),
        cmocka_unit_test(jws_algorithm_is_the_keys_and_not_the_headers),
        cmocka_unit_test(jws_algorithm_has_to_be_in_each_list),
        cmocka_unit_test(jws_key_that_is_not_for_verifying_is_not_used),
        cmocka_unit_test(jws_malformed_is_refused_as_such),
        cmocka_unit_test(jws_too_large_or_deep_is_refused),
        cmocka_unit_test(jws_damaged_anywhere_is_not_accepted),
        cmocka_unit_test(jws_detached_payload_is_given_beside_and_only_then),
        cmocka_unit_test(jws_certificate_of_the_header_counts_when_somebody_vouches),
        cmocka_unit_test(jws_of_the_uae_verify_and_the_bad_ones_do_not),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
