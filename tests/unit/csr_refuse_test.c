// SPDX-License-Identifier: Apache-2.0
// Certificate requests that are refused: the code, the pointer of the member, and no signature asked for.
#include "format/csr.h"

#include "base/json.h"
#include "softkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code build(struct softkey *key, enum ha_alg alg, const char *description, struct ha_buf *out,
                          struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(description, strlen(description), 8, &json, err))
        fail_msg("%s: %s", description, err->detail);
    struct ha_csr_request request = {
        .subject = ha_json_get(json, "subject"),
        .san = ha_json_get(json, "san"),
        .key_usage = ha_json_get(json, "key_usage"),
        .extended_key_usage = ha_json_get(json, "extended_key_usage"),
        .algorithm = alg,
    };
    struct ha_signer signer = softkey_signer(key);
    return ha_csr_build(&request, &signer, out, err);
}

static void assert_refused(struct softkey *key, enum ha_alg alg, const char *description, enum ha_code expected,
                           const char *pointer)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    key->signatures = 0;
    enum ha_code code = build(key, alg, description, &out, &err);
    if (code != expected || err.code != expected || strcmp(err.pointer, pointer) != 0 || !err.detail[0] || !err.hint[0])
        fail_msg("%s: code %d at \"%s\": %s", description, code, err.pointer, err.detail);
    assert_int_equal(out.len, 0);
    assert_int_equal(key->signatures, 0);
}

struct refusal {
    const char *description, *pointer;
};

static void refuse_all(struct softkey *key, const struct refusal *refusals, size_t n, enum ha_code code)
{
    for (size_t i = 0; i < n; i++)
        assert_refused(key, HA_ALG_ES256, refusals[i].description, code, refusals[i].pointer);
}

static void csr_refuses_malformed_subjects(void **state)
{
    static const struct refusal refusals[] = {
        {"{\"subject\":{}}", "/subject"},
        {"{\"subject\":\"/CN=a\"}", "/subject"},
        {"{\"subject\":null}", "/subject"},
        {"{\"subject\":[\"CN=a\"]}", "/subject/0"},
        {"{\"subject\":[{\"CN\":\"a\"},{}]}", "/subject/1"},
        {"{\"subject\":[[\"CN\",\"a\"]]}", "/subject/0"},
        {"{\"subject\":[{\"CN\":7}]}", "/subject/0/CN"},
        {"{\"subject\":[{\"CN\":[\"a\",\"b\"]}]}", "/subject/0/CN"},
        {"{\"subject\":[{\"CN\":null}]}", "/subject/0/CN"},
        {"{\"subject\":[{\"CN\":\"\"}]}", "/subject/0/CN"},
        {"{\"subject\":[{\"CN\":\"a\\nb\"}]}", "/subject/0/CN"},
        {"{\"subject\":[{\"CN\":\"a\\u007f\"}]}", "/subject/0/CN"},
        {"{\"subject\":[{\"C\":\"AE\"},{\"CN\":\"12345678901234567890123456789012345678901234567890123456789012345\"}]"
         "}",
         "/subject/1/CN"},
        {"{\"subject\":[{\"O\":\"12345678901234567890123456789012345678901234567890123456789012345\"}]}",
         "/subject/0/O"},
        {"{\"subject\":[{\"OU\":\"12345678901234567890123456789012345678901234567890123456789012345\"}]}",
         "/subject/0/OU"},
        {"{\"subject\":[{\"2.5.4.3\":\"12345678901234567890123456789012345678901234567890123456789012345\"}]}",
         "/subject/0/2.5.4.3"},
        {"{\"subject\":[{\"C\":\"ae\"}]}", "/subject/0/C"},
        {"{\"subject\":[{\"C\":\"A\"}]}", "/subject/0/C"},
        {"{\"subject\":[{\"C\":\"ARE\"}]}", "/subject/0/C"},
        {"{\"subject\":[{\"C\":\"4A\"}]}", "/subject/0/C"},
        {"{\"subject\":[{\"C\":\"\\u00c4E\"}]}", "/subject/0/C"},
        {"{\"subject\":[{\"2.5.4.6\":\"ae\"}]}", "/subject/0/2.5.4.6"},
        {"{\"subject\":[{\"jurisdictionC\":\"br\"}]}", "/subject/0/jurisdictionC"},
        {"{\"subject\":[{\"serialNumber\":\"a@b\"}]}", "/subject/0/serialNumber"},
        {"{\"subject\":[{\"emailAddress\":\"\\u00e9@example.com\"}]}", "/subject/0/emailAddress"},
        {"{\"subject\":[{\"DC\":\"\\u00e9\"}]}", "/subject/0/DC"},
        {"{\"subject\":[{\"CN\":\"a\",\"2.5.4.3\":\"b\"}]}", "/subject/0/2.5.4.3"},
    };
    refuse_all(*state, refusals, HA_ARRAY_SIZE(refusals), HA_E_MALFORMED);
}

static void csr_refuses_unknown_members(void **state)
{
    static const struct refusal refusals[] = {
        {"{\"subject\":[{\"cn\":\"a\"}]}", "/subject/0/cn"},
        {"{\"subject\":[{\"\":\"a\"}]}", "/subject/0/"},
        {"{\"subject\":[{\"a/b~c\":\"a\"}]}", "/subject/0/a~1b~0c"},
        {"{\"subject\":[{\"2.5.4.\":\"a\"}]}", "/subject/0/2.5.4."},
        {"{\"subject\":[{\"2.5..4\":\"a\"}]}", "/subject/0/2.5..4"},
        {"{\"subject\":[{\"2.5.04.3\":\"a\"}]}", "/subject/0/2.5.04.3"},
        {"{\"subject\":[{\"2 5 4 3\":\"a\"}]}", "/subject/0/2 5 4 3"},
        {"{\"subject\":[{\"3.1.2\":\"a\"}]}", "/subject/0/3.1.2"},
        {"{\"subject\":[{\"1.40.2\":\"a\"}]}", "/subject/0/1.40.2"},
        {"{\"subject\":[{\"2\":\"a\"}]}", "/subject/0/2"},
        {"{\"san\":{\"DNS\":[\"a.example\"]}}", "/san/DNS"},
        {"{\"san\":{\"dirName\":[\"x\"]}}", "/san/dirName"},
        {"{\"san\":{\"a/b\":[\"x\"]}}", "/san/a~1b"},
    };
    refuse_all(*state, refusals, HA_ARRAY_SIZE(refusals), HA_E_UNKNOWN_MEMBER);
}

static void csr_refuses_malformed_alternative_names(void **state)
{
    static const struct refusal refusals[] = {
        {"{\"san\":[]}", "/san"},
        {"{\"san\":null}", "/san"},
        {"{\"san\":\"DNS:a\"}", "/san"},
        {"{\"san\":{}}", "/san"},
        {"{\"san\":{\"dns\":[]}}", "/san/dns"},
        {"{\"san\":{\"dns\":\"a.example\"}}", "/san/dns"},
        {"{\"san\":{\"dns\":[\"a.example\"],\"ip\":[]}}", "/san/ip"},
        {"{\"san\":{\"dns\":[7]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a.example\",\"\"]}}", "/san/dns/1"},
        {"{\"san\":{\"dns\":[\"a.example.\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\".a.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a..example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"-a.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a-.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a_b.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a b.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a.example,IP:1.2.3.4\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"*\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"*.\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a*.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"a.*.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"*.*.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"b\\u00fccher.example\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"10.0.0.1\"]}}", "/san/dns/0"},
        {"{\"san\":{\"dns\":[\"1234567890123456789012345678901234567890123456789012345678901234.example\"]}}",
         "/san/dns/0"},
        {"{\"san\":{\"ip\":[\"10.0.0\"]}}", "/san/ip/0"},
        {"{\"san\":{\"ip\":[\"10.0.0.0/8\"]}}", "/san/ip/0"},
        {"{\"san\":{\"ip\":[\"010.0.0.1\"]}}", "/san/ip/0"},
        {"{\"san\":{\"ip\":[\"256.0.0.1\"]}}", "/san/ip/0"},
        {"{\"san\":{\"ip\":[\"[::1]\"]}}", "/san/ip/0"},
        {"{\"san\":{\"ip\":[\"fe80::1%eth0\"]}}", "/san/ip/0"},
        {"{\"san\":{\"ip\":[\"localhost\"]}}", "/san/ip/0"},
        {"{\"san\":{\"uri\":[\"example.com/x\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\"//example.com\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\"https:\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\":x\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\"1x:y\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\"https://a b\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\"https://b\\u00fccher.example\"]}}", "/san/uri/0"},
        {"{\"san\":{\"uri\":[\"https://a\\r\\nb\"]}}", "/san/uri/0"},
        {"{\"san\":{\"email\":[\"example.com\"]}}", "/san/email/0"},
        {"{\"san\":{\"email\":[\"@example.com\"]}}", "/san/email/0"},
        {"{\"san\":{\"email\":[\"a@\"]}}", "/san/email/0"},
        {"{\"san\":{\"email\":[\"a@b@example.com\"]}}", "/san/email/0"},
        {"{\"san\":{\"email\":[\"A <a@example.com>\"]}}", "/san/email/0"},
        {"{\"san\":{\"email\":[\"copy\",\"a@example.com\"]}}", "/san/email/0"},
        {"{\"san\":{\"email\":[\"\\u00e9@example.com\"]}}", "/san/email/0"},
    };
    refuse_all(*state, refusals, HA_ARRAY_SIZE(refusals), HA_E_MALFORMED);
}

static void csr_refuses_malformed_usages(void **state)
{
    static const struct refusal refusals[] = {
        {"{\"key_usage\":[]}", "/key_usage"},
        {"{\"key_usage\":null}", "/key_usage"},
        {"{\"key_usage\":\"digitalSignature\"}", "/key_usage"},
        {"{\"key_usage\":{\"digitalSignature\":true}}", "/key_usage"},
        {"{\"key_usage\":[7]}", "/key_usage/0"},
        {"{\"key_usage\":[\"digitalSignature\",\"DigitalSignature\"]}", "/key_usage/1"},
        {"{\"key_usage\":[\"critical\",\"digitalSignature\"]}", "/key_usage/0"},
        {"{\"key_usage\":[\"digitalSignature\",\"keyAgreement\",\"digitalSignature\"]}", "/key_usage/2"},
        {"{\"key_usage\":[\"nonRepudiation\",\"contentCommitment\"]}", "/key_usage/1"},
        {"{\"extended_key_usage\":[]}", "/extended_key_usage"},
        {"{\"extended_key_usage\":false}", "/extended_key_usage"},
        {"{\"extended_key_usage\":[null]}", "/extended_key_usage/0"},
        {"{\"extended_key_usage\":[\"serverauth\"]}", "/extended_key_usage/0"},
        {"{\"extended_key_usage\":[\"serverAuth\",\"1.2.\"]}", "/extended_key_usage/1"},
        {"{\"extended_key_usage\":[\"serverAuth\",\"serverAuth\"]}", "/extended_key_usage/1"},
        {"{\"extended_key_usage\":[\"serverAuth\",\"1.3.6.1.5.5.7.3.1\"]}", "/extended_key_usage/1"},
    };
    refuse_all(*state, refusals, HA_ARRAY_SIZE(refusals), HA_E_MALFORMED);
}

// {"subject":[item,item,...]} and the like: before, n items separated by commas, after.
static void assert_list_limit(struct softkey *key, const char *before, const char *item, size_t limit,
                              const char *after, const char *pointer)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_buf_puts(&text, before);
    for (size_t i = 0; i < limit; i++)
        ha_buf_printf(&text, "%s%s", i ? "," : "", item);
    size_t end = text.len;
    ha_buf_puts(&text, after);
    assert_int_equal(build(key, HA_ALG_ES256, ha_buf_text(&text), &out, &err), HA_OK);
    text.len = end;
    ha_buf_printf(&text, ",%s%s", item, after);
    assert_refused(key, HA_ALG_ES256, ha_buf_text(&text), HA_E_MALFORMED, pointer);
}

static void csr_lists_have_limits(void **state)
{
    assert_list_limit(*state, "{\"subject\":[", "{\"OU\":\"x\"}", 32, "]}", "/subject");
    assert_list_limit(*state, "{\"san\":{\"dns\":[", "\"a.example\"", 100, "]}}", "/san/dns");
    assert_list_limit(*state, "{\"san\":{\"ip\":[", "\"::1\"", 100, "]}}", "/san/ip");
}

static void csr_refuses_algorithms_of_other_keys(void **state)
{
    struct ha_err err = {0};
    struct softkey *key = *state;
    for (int alg = HA_ALG_NONE; alg <= HA_ALG_COUNT; alg++)
        if (alg != HA_ALG_ES256)
            assert_refused(key, alg, "{}", HA_E_KEY_CANNOT, "/algorithm");
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(build(key, HA_ALG_RS256, "{}", &out, &err), HA_E_KEY_CANNOT);
    assert_non_null(strstr(err.hint, "ES256"));
}

static void csr_with_a_wrong_signature_is_a_token_error(void **state)
{
    static const enum ha_key_type types[] = {HA_KEY_RSA_2048, HA_KEY_EC_P256, HA_KEY_ED25519};
    for (size_t i = 0; i < HA_ARRAY_SIZE(types); i++) {
        struct ha_err err = {0};
        ha_auto(softkey_free) struct softkey *key = softkey_new(types[i]);
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        key->lies = true;
        assert_int_equal(build(key, ha_alg_default(types[i]), "{}", &out, &err), HA_E_TOKEN_ERROR);
        assert_int_equal(out.len, 0);
        key->lies = false;
        assert_int_equal(build(key, ha_alg_default(types[i]), "{}", &out, &err), HA_OK);
    }
}

static enum ha_code sign_with_nothing(void *context, enum ha_alg alg, const void *data, size_t n, struct ha_buf *out,
                                      struct ha_err *err)
{
    return HA_OK;
}

static enum ha_code sign_busy(void *context, enum ha_alg alg, const void *data, size_t n, struct ha_buf *out,
                              struct ha_err *err)
{
    return ha_fail(err, HA_E_BUSY, "every session is taken");
}

static void csr_passes_the_signers_error_on(void **state)
{
    struct softkey *key = *state;
    struct ha_csr_request request = {.algorithm = HA_ALG_ES256};
    struct ha_signer signer = {.public_key = key->pub, .sign = sign_busy};
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    assert_int_equal(ha_csr_build(&request, &signer, &out, &err), HA_E_BUSY);
    assert_string_equal(err.detail, "every session is taken");
    signer.sign = sign_with_nothing;
    assert_int_equal(ha_csr_build(&request, &signer, &out, &err), HA_E_TOKEN_ERROR);
    assert_int_equal(out.len, 0);
}

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

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csr_refuses_malformed_subjects),
        cmocka_unit_test(csr_refuses_unknown_members),
        cmocka_unit_test(csr_refuses_malformed_alternative_names),
        cmocka_unit_test(csr_refuses_malformed_usages),
        cmocka_unit_test(csr_lists_have_limits),
        cmocka_unit_test(csr_refuses_algorithms_of_other_keys),
        cmocka_unit_test(csr_with_a_wrong_signature_is_a_token_error),
        cmocka_unit_test(csr_passes_the_signers_error_on),
    };
    return cmocka_run_group_tests_name("csr_refuse", tests, make_key, free_key);
}
