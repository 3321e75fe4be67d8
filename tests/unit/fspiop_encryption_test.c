// SPDX-License-Identifier: Apache-2.0
// Mojaloop's encrypted fields: the standard's example, there and back, and what isn't taken.
#include "jwe_rig.h"

#include "base/text.h"
#include "crypto/sigenc.h"
#include "format/fspiop_encryption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct ha_fspiop_encryption_profile plain = {0};
static const struct ha_fspiop_encryption_profile lenient = {.long_iv = true};

static struct ha_json_text text_of(const char *text)
{
    return (struct ha_json_text){text, strlen(text)};
}

static enum ha_code decrypt(const struct ha_fspiop_encryption_profile *profile, const struct softkey *key,
                            const char *header, const char *body, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_fspiop_decryption_clear) struct ha_fspiop_decryption job = {0};
    struct ha_buf unwrapped[HA_FSPIOP_FIELDS_MAX] = {0};
    struct ha_fspiop_secret secrets[HA_FSPIOP_FIELDS_MAX] = {0};
    if (ha_fspiop_decrypt_begin(profile, key->pub, header, strlen(header), text_of(body), &job, err))
        return err->code;
    for (size_t i = 0; i < job.n; i++)
        if (job.fields[i].same == i && jwe_rig_unwrap(key, &job.fields[i].jwe, &unwrapped[i]))
            secrets[i] = (struct ha_fspiop_secret){unwrapped[i].data, unwrapped[i].len};
    enum ha_code code = ha_fspiop_decrypt_end(&job, secrets, out, err);
    for (size_t i = 0; i < job.n; i++)
        ha_buf_clear(&unwrapped[i]);
    return code;
}

static void put_field(struct ha_buf *out, const ha_json *vectors, const ha_json *field)
{
    ha_jw_object(out, NULL);
    ha_jw_string(out, "fieldName", ha_json_get_string(field, "fieldName"));
    ha_jw_string(out, "encryptedKey", ha_json_get_string(field, "encryptedKey"));
    ha_jw_string(out, "protectedHeader", ha_json_get_string(vectors, "protectedHeader"));
    ha_jw_string(out, "initializationVector", ha_json_get_string(field, "iv"));
    ha_jw_string(out, "authenticationTag", ha_json_get_string(field, "tag"));
    ha_jw_object_end(out);
}

static void fspiop_opens_the_example_of_the_standard(void **state)
{
    ha_auto(ha_json_free) ha_json *vectors = jwe_rig_vectors("mojaloop-encryption.json");
    ha_auto(softkey_free) struct softkey *key = jwe_rig_key(ha_json_get_string(vectors, "private"));
    const ha_json *field = ha_json_first(ha_json_get(vectors, "fields"));
    ha_auto(ha_buf_clear) struct ha_buf header = {0}, body = {0}, out = {0}, expected = {0};
    struct ha_err err = {0}, one = {0};
    ha_buf_puts(&header, "{\"encryptedFields\":{\"encryptedField\":[");
    put_field(&header, vectors, field);
    ha_buf_puts(&header, "]}}");
    ha_buf_printf(&body, "{ \"quoteId\" : \"b51ec534\", \"payer\" : \"%s\", \"n\": 1.50 }",
                  ha_json_get_string(field, "ciphertext"));
    ha_buf_printf(&expected, "{ \"quoteId\" : \"b51ec534\", \"payer\" : %s, \"n\": 1.50 }",
                  ha_json_get_string(field, "plaintext"));
    if (decrypt(&lenient, key, ha_buf_text(&header), ha_buf_text(&body), &out, &err))
        fail_msg("%s", err.detail);
    assert_string_equal(ha_buf_text(&out), ha_buf_text(&expected));
    // The IV of 16 bytes is for those who ask for it, and is no other failure than any.
    ha_decryption_failed(&one);
    assert_int_equal(decrypt(&plain, key, ha_buf_text(&header), ha_buf_text(&body), &out, &err), HA_E_DECRYPTION);
    assert_memory_equal(&err, &one, sizeof(err));
}

static const char quote[] =
    "{\"payer\":{\"personalInfo\":{\"complexName\":{\"firstName\":\"Bill\"},\"dateOfBirth\":\"1986-02-14\"}},\n"
    " \"payee\": {\"partyIdInfo\": {\"partyIdentifier\": \"1529\\u0035558888\", \"x\": [1, 2.50]}}, \"amount\": 1.0}";

static void fspiop_fields_there_and_back(void **state)
{
    static const char *const fields[] = {"payee.partyIdInfo.partyIdentifier", "payer", "payee.partyIdInfo.x"};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    ha_auto(ha_buf_clear) struct ha_buf header = {0}, body = {0}, out = {0};
    ha_auto(ha_fspiop_decryption_clear) struct ha_fspiop_decryption job = {0};
    struct ha_err err = {0};
    if (ha_fspiop_encrypt(&plain, key->pub, fields, 3, text_of(quote), &header, &body, &err))
        fail_msg("%s", err.detail);
    assert_null(strstr(ha_buf_text(&body), "Bill"));
    assert_null(strstr(ha_buf_text(&body), "2.50"));
    assert_non_null(strstr(ha_buf_text(&body), "\"amount\": 1.0}"));
    assert_int_equal(decrypt(&plain, key, ha_buf_text(&header), ha_buf_text(&body), &out, &err), HA_OK);
    // As it was, but for the escape that said a 5.
    ha_auto(ha_buf_clear) struct ha_buf expected = {0};
    const char *escape = strstr(quote, "\\u0035");
    ha_buf_append(&expected, quote, (size_t)(escape - quote));
    ha_buf_printf(&expected, "5%s", escape + 6);
    assert_string_equal(ha_buf_text(&out), ha_buf_text(&expected));
    // One content key, so one operation of the token.
    assert_int_equal(ha_fspiop_decrypt_begin(&plain, key->pub, ha_buf_text(&header), header.len,
                                             text_of(ha_buf_text(&body)), &job, &err),
                     HA_OK);
    assert_int_equal(job.n, 3);
    assert_true(job.fields[1].same == 0 && job.fields[2].same == 0);
}

static void fspiop_encrypt_refuses_what_would_not_come_back(void **state)
{
    static const struct {
        const char *body, *first, *second, *pointer;
    } cases[] = {
        {"{\"a\":1}", "a", NULL, "/fields/0"},
        {"{\"a\":null}", "a", NULL, "/fields/0"},
        {"{\"a\":true}", "a", NULL, "/fields/0"},
        {"{\"a\":\"{}\"}", "a", NULL, "/fields/0"},
        {"{\"a\":\"[1]\"}", "a", NULL, "/fields/0"},
        {"{\"a\":\"x\"}", "b", NULL, "/fields/0"},
        {"{\"a\":\"x\"}", "a.b", NULL, "/fields/0"},
        {"{\"a\":\"x\"}", "", NULL, "/fields/0"},
        {"{\"a\":{\"b\":\"x\"}}", "a", "a.b", "/fields"},
        {"{\"a\":{\"b\":\"x\"}}", "a.b", "a", "/fields"},
        {"{\"a\":\"x\"}", "a", "a", "/fields"},
        {"[\"x\"]", "0", NULL, "/fields/0"},
        {"{\"a\":\"x\"", "a", NULL, "/body_text"},
        {"", "a", NULL, "/body_text"},
    };
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        const char *fields[] = {cases[i].first, cases[i].second};
        ha_auto(ha_buf_clear) struct ha_buf header = {0}, body = {0};
        struct ha_err err = {0};
        assert_int_equal(ha_fspiop_encrypt(&plain, key->pub, fields, cases[i].second ? 2 : 1, text_of(cases[i].body),
                                           &header, &body, &err),
                         HA_E_MALFORMED);
        assert_string_equal(err.pointer, cases[i].pointer);
        assert_int_equal(header.len + body.len, 0);
    }
}

static void fspiop_that_is_broken_gets_the_one_answer(void **state)
{
    static const char *const fields[] = {"payer", "payee.partyIdInfo.partyIdentifier"};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    ha_auto(ha_buf_clear) struct ha_buf header = {0}, body = {0};
    struct ha_err err = {0}, one = {0};
    ha_decryption_failed(&one);
    assert_int_equal(ha_fspiop_encrypt(&plain, key->pub, fields, 2, text_of(quote), &header, &body, &err), HA_OK);
    static const char *const names[] = {"\"encryptedKey\":\"", "\"initializationVector\":\"",
                                        "\"authenticationTag\":\""};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        for (char *at = (char *)header.data; (at = strstr(at, names[i])) != NULL;) {
            at += strlen(names[i]);
            ha_auto(ha_buf_clear) struct ha_buf out = {0};
            char before = at[3];
            at[3] = before == 'A' ? 'B' : 'A';
            err = (struct ha_err){0};
            assert_int_equal(decrypt(&plain, key, ha_buf_text(&header), ha_buf_text(&body), &out, &err),
                             HA_E_DECRYPTION);
            assert_memory_equal(&err, &one, sizeof(err));
            assert_int_equal(out.len, 0);
            at[3] = before;
        }
    }
}

static void fspiop_header_that_is_none_is_malformed(void **state)
{
#define FIELD(name, header)                                                                                            \
    "{\"fieldName\":\"" name "\",\"encryptedKey\":\"AA\",\"protectedHeader\":\"" header                                \
    "\",\"initializationVector\":\"AA\",\"authenticationTag\":\"AA\"}"
#define LIST(fields) "{\"encryptedFields\":{\"encryptedField\":[" fields "]}}"
#define GOOD         "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0"
    static const struct {
        const char *header;
        enum ha_code code;
    } cases[] = {
        {"", HA_E_MALFORMED},
        {"[]", HA_E_MALFORMED},
        {"{}", HA_E_MALFORMED},
        {"{\"encryptedFields\":[]}", HA_E_MALFORMED},
        {LIST(""), HA_E_MALFORMED},
        {LIST("7"), HA_E_MALFORMED},
        {LIST("{}"), HA_E_MALFORMED},
        {LIST(FIELD("none", GOOD)), HA_E_MALFORMED},
        {LIST(FIELD("n", GOOD)), HA_E_MALFORMED},
        {LIST(FIELD("a", "e30")), HA_E_MALFORMED},
        {LIST(FIELD("a", GOOD) "," FIELD("a", GOOD)), HA_E_MALFORMED},
        {LIST(FIELD("a", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ")), HA_E_KEY_CANNOT},  // RSA-OAEP
        {LIST(FIELD("a", GOOD)), HA_E_DECRYPTION},
    };
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_RSA_2048);
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(ha_buf_clear) struct ha_buf out = {0};
        struct ha_err err = {0};
        if (decrypt(&plain, key, cases[i].header, "{\"a\":\"AAAA\",\"n\":1}", &out, &err) != cases[i].code)
            fail_msg("%s: %s", cases[i].header, err.detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fspiop_opens_the_example_of_the_standard),
        cmocka_unit_test(fspiop_fields_there_and_back),
        cmocka_unit_test(fspiop_encrypt_refuses_what_would_not_come_back),
        cmocka_unit_test(fspiop_that_is_broken_gets_the_one_answer),
        cmocka_unit_test(fspiop_header_that_is_none_is_malformed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
