// SPDX-License-Identifier: Apache-2.0
// HTTP Message Signatures by the examples of RFC 9421 appendix B, Content-Digest by those of RFC 9530, and what has to
// be refused.
#include "format/rfc9421.h"

#include "base/text.h"
#include "format/content_digest.h"
#include "vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#define AT 1618884473

enum { FIELDS = 16, CASES = 5 };

struct fixture {
    ha_json *json;
    struct softkey *ed;
    struct ha_rfc9421_key keys[3];
    struct ha_pubkey *owned[3];
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct ha_err err = {0};
    size_t n = 0;
    fixture.json = vector_json("rfc9421.json");
    fixture.ed = vector_key("keys/rfc9421-ed25519.pem");
    const ha_json *keys = ha_json_get(fixture.json, "keys");
    for (const ha_json *key = ha_json_first(keys); key; key = ha_json_next(key), n++) {
        const char *pem = ha_json_string(key);
        assert_int_equal(ha_pubkey_from_pem(pem, strlen(pem), &fixture.owned[n], &err), HA_OK);
        fixture.keys[n] = (struct ha_rfc9421_key){.key = fixture.owned[n], .keyid = ha_json_name(key)};
    }
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ha_json_free(fixture->json);
    softkey_free(fixture->ed);
    for (size_t i = 0; i < 3; i++)
        ha_pubkey_free(fixture->owned[i]);
    return 0;
}

static struct ha_http_message message_of(const ha_json *json, struct ha_http_field *fields)
{
    uint64_t status = 0;
    const char *body = ha_json_get_string(json, "body");
    const ha_json *value = ha_json_get(json, "status");
    if (value)
        ha_json_uint(value, 999, &status);
    struct ha_http_message message = {.method = ha_json_get_string(json, "method"),
                                      .url = ha_json_get_string(json, "url"),
                                      .status = (unsigned)status,
                                      .body = (const uint8_t *)body,
                                      .body_len = strlen(body),
                                      .fields = fields};
    const ha_json *headers = ha_json_get(json, "headers");
    for (const ha_json *member = ha_json_first(headers); member; member = ha_json_next(member))
        fields[message.n_fields++] = (struct ha_http_field){ha_json_name(member), ha_json_string(member)};
    return message;
}

static const ha_json *vector_at(const struct fixture *fixture, size_t index)
{
    const ha_json *vector = ha_json_first(ha_json_get(fixture->json, "cases"));
    for (; index; index--)
        vector = ha_json_next(vector);
    return vector;
}

// The message of a case with its signature.
struct signed_message {
    struct ha_http_field fields[FIELDS];
    struct ha_http_message message;
    char input[512], signature[512];
};

static void load(const struct fixture *fixture, size_t index, struct signed_message *into)
{
    const ha_json *vector = vector_at(fixture, index);
    const char *label = ha_json_get_string(vector, "label");
    into->message = message_of(ha_json_get(fixture->json, ha_json_get_string(vector, "message")), into->fields);
    snprintf(into->input, sizeof into->input, "%s=%s", label, ha_json_get_string(vector, "input"));
    snprintf(into->signature, sizeof into->signature, "%s=:%s:", label, ha_json_get_string(vector, "signature"));
    into->fields[into->message.n_fields++] = (struct ha_http_field){"Signature-Input", into->input};
    into->fields[into->message.n_fields++] = (struct ha_http_field){"Signature", into->signature};
}

static char content_type[] = "content-type";
static char *const any_required[] = {content_type};

// What the examples cover differs, so only one component is asked for.
static struct ha_rfc9421_profile lenient(void)
{
    struct ha_rfc9421_profile profile = *ha_rfc9421_plain();
    profile.required = (struct ha_jose_list){.items = (char **)any_required, .n = 1};
    return profile;
}

static enum ha_code verify(const struct fixture *fixture, const struct ha_rfc9421_profile *profile,
                           const struct ha_http_message *message, int64_t now_s, struct ha_err *err)
{
    size_t key = 99;
    enum ha_code code = ha_rfc9421_verify(profile, message, fixture->keys, 3, now_s, &key, err);
    assert_true(code ? key == 99 : key < 3);
    return code;
}

static void rfc9421_examples_are_verified(void **state)
{
    struct fixture *fixture = *state;
    char authority[] = "@authority", *required[] = {authority};
    for (size_t i = 1; i < CASES; i++) {
        struct signed_message m;
        struct ha_err err = {0};
        struct ha_rfc9421_profile profile = lenient();
        load(fixture, i, &m);
        if (i == 1)
            profile.required.items = required;
        if (verify(fixture, &profile, &m.message, AT + 300, &err))
            fail_msg("%zu: %s", i, err.detail);
        assert_int_equal(verify(fixture, &profile, &m.message, AT + 301, &err), HA_E_NOT_VERIFIED);
        assert_int_equal(verify(fixture, &profile, &m.message, AT - 61, &err), HA_E_NOT_VERIFIED);
        profile.tag = (char *)"header-example";
        assert_int_equal(verify(fixture, &profile, &m.message, AT, &err), i == 1 ? HA_OK : HA_E_NOT_VERIFIED);
    }
}

static void rfc9421_signature_that_covers_too_little_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct signed_message m;
    struct ha_err err = {0};
    for (size_t i = 0; i < CASES; i++) {
        load(fixture, i, &m);
        enum ha_code code = verify(fixture, ha_rfc9421_plain(), &m.message, AT, &err);
        assert_int_equal(code, i == 3 ? HA_OK : HA_E_NOT_VERIFIED);
        if (code)
            assert_non_null(strstr(err.detail, "doesn't cover @"));
    }
}

static void rfc9421_ed25519_example_is_signed(void **state)
{
    struct fixture *fixture = *state;
    const ha_json *vector = vector_at(fixture, 4);
    char names[][20] = {"date", "@method", "@path", "@authority", "content-type", "content-length"};
    char *items[6];
    for (size_t i = 0; i < 6; i++)
        items[i] = names[i];
    const struct ha_rfc9421_profile profile = {.label = (char *)"sig-b26",
                                               .components = {.items = items, .n = 6},
                                               .created = true,
                                               .keyid = HA_RFC9421_KEYID_TEXT,
                                               .keyid_text = (char *)"test-key-ed25519"};
    struct ha_http_field given[FIELDS];
    struct ha_http_message message = message_of(ha_json_get(fixture->json, "request"), given);
    struct ha_err err = {0};
    ha_auto(ha_rfc9421_clear) struct ha_rfc9421_job job = {0};
    ha_auto(ha_rfc9421_fields_clear) struct ha_rfc9421_fields fields = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    char wanted[512];
    if (ha_rfc9421_begin(&profile, &message, fixture->ed->pub, AT, &job, &err))
        fail_msg("%s", err.detail);
    assert_int_equal(job.alg, HA_ALG_ED25519);
    vector_sign(fixture->ed, job.alg, &job.input, &signature);
    assert_int_equal(ha_rfc9421_end(&job, signature.data, signature.len, &fields, &err), HA_OK);
    assert_int_equal(fields.n, 2);
    snprintf(wanted, sizeof wanted, "sig-b26=%s", ha_json_get_string(vector, "input"));
    assert_string_equal(fields.field[0].value, wanted);
    snprintf(wanted, sizeof wanted, "sig-b26=:%s:", ha_json_get_string(vector, "signature"));
    assert_string_equal(fields.field[1].value, wanted);
}

static void rfc9421_each_algorithm_round_trips(void **state)
{
    (void)state;
    static const struct {
        enum ha_key_type type;
        enum ha_alg alg, used;
    } cases[] = {
        {HA_KEY_RSA_2048, HA_ALG_NONE, HA_ALG_PS512},  {HA_KEY_RSA_2048, HA_ALG_RS256, HA_ALG_RS256},
        {HA_KEY_EC_P256, HA_ALG_NONE, HA_ALG_ES256},   {HA_KEY_EC_P384, HA_ALG_NONE, HA_ALG_ES384},
        {HA_KEY_ED25519, HA_ALG_NONE, HA_ALG_ED25519},
    };
    const struct ha_http_field given[] = {{"Content-Type", "text/plain"}};
    struct ha_http_message message = {.method = "POST",
                                      .url = "HTTPS://Example.com:443",
                                      .body = (const uint8_t *)"hi",
                                      .body_len = 2,
                                      .fields = given,
                                      .n_fields = 1};
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_err err = {0};
        size_t which;
        struct ha_rfc9421_profile profile = {.algorithm = cases[i].alg,
                                             .created = true,
                                             .lifetime_s = 60,
                                             .nonce = true,
                                             .alg_parameter = true,
                                             .tag = (char *)"a\"\\b",
                                             .digest = i & 1 ? HA_RFC9421_DIGEST_SHA512 : HA_RFC9421_DIGEST_SHA256,
                                             .max_age_s = 300};
        ha_auto(softkey_free) struct softkey *key = softkey_new(cases[i].type);
        ha_auto(ha_rfc9421_clear) struct ha_rfc9421_job job = {0};
        ha_auto(ha_rfc9421_fields_clear) struct ha_rfc9421_fields fields = {0};
        ha_auto(ha_buf_clear) struct ha_buf signature = {0};
        assert_int_equal(ha_rfc9421_begin(&profile, &message, key->pub, AT, &job, &err), HA_OK);
        assert_int_equal(job.alg, cases[i].used);
        vector_sign(key, job.alg, &job.input, &signature);
        assert_int_equal(ha_rfc9421_end(&job, signature.data, signature.len, &fields, &err), HA_OK);
        assert_int_equal(fields.n, 3);
        const struct ha_http_field sent[] = {given[0], fields.field[0], fields.field[1], fields.field[2]};
        struct ha_http_message whole = message;
        whole.fields = sent;
        whole.n_fields = 4;
        struct ha_rfc9421_key trusted = {.key = key->pub};
        if (ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT, &which, &err))
            fail_msg("%s", err.detail);
        assert_int_equal(ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT + 61, &which, &err), HA_E_NOT_VERIFIED);
        assert_string_equal(err.detail, "the signature has expired");
        // A key that is pinned to another algorithm doesn't do, nor another keyid, body, URL or method.
        trusted.alg = HA_ALG_PS256;
        assert_int_equal(ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT, &which, &err), HA_E_NOT_VERIFIED);
        trusted = (struct ha_rfc9421_key){.key = key->pub, .keyid = "other"};
        assert_int_equal(ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT, &which, &err), HA_E_NOT_VERIFIED);
        trusted.keyid = NULL;
        whole.body = (const uint8_t *)"ho";
        assert_int_equal(ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT, &which, &err), HA_E_NOT_VERIFIED);
        assert_string_equal(err.pointer, "/headers/Content-Digest");
        whole.body = message.body;
        whole.url = "https://example.com/x";
        assert_int_equal(ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT, &which, &err), HA_E_NOT_VERIFIED);
        whole.url = message.url;
        whole.method = "PUT";
        assert_int_equal(ha_rfc9421_verify(&profile, &whole, &trusted, 1, AT, &which, &err), HA_E_NOT_VERIFIED);
    }
}

// The line of one component in the signature base.
static void line_is(const char *component, const struct ha_http_message *message, const char *wanted)
{
    struct ha_err err = {0};
    char copy[80], *items[] = {copy};
    snprintf(copy, sizeof copy, "%s", component);
    struct ha_rfc9421_profile profile = {.components = {.items = items, .n = 1}, .keyid = HA_RFC9421_KEYID_NONE};
    ha_auto(softkey_free) struct softkey *key = softkey_new(HA_KEY_ED25519);
    ha_auto(ha_rfc9421_clear) struct ha_rfc9421_job job = {0};
    enum ha_code code = ha_rfc9421_begin(&profile, message, key->pub, AT, &job, &err);
    assert_int_equal(code, wanted ? HA_OK : HA_E_MALFORMED);
    if (!wanted)
        return;
    const char *text = ha_buf_text(&job.input), *end = strchr(text, '\n');
    assert_int_equal(strlen(wanted), end - text);
    assert_memory_equal(text, wanted, strlen(wanted));
}

static void rfc9421_components_have_the_values_of_the_rfc(void **state)
{
    (void)state;
    const struct ha_http_field fields[] = {{"X-OWS-Header", "  Leading and trailing whitespace.  "},
                                           {"Cache-Control", "max-age=60"},
                                           {"Cache-Control", "   must-revalidate"},
                                           {"Example-Header", "value, with, lots"},
                                           {"Example-Header", "of, commas"},
                                           {"X-Empty", ""}};
    struct ha_http_message message = {.method = "GET",
                                      .url =
                                          "HTTPS://WWW.Example.com:443/path?param=value&foo=bar&baz=batman&qux=&var="
                                          "this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade"
                                          "%22%3A%20=something",
                                      .fields = fields,
                                      .n_fields = 6};
    line_is("x-ows-header", &message, "\"x-ows-header\": Leading and trailing whitespace.");
    line_is("cache-control", &message, "\"cache-control\": max-age=60, must-revalidate");
    line_is("x-empty", &message, "\"x-empty\": ");
    line_is("example-header;bs", &message, "\"example-header\";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:");
    line_is("@authority", &message, "\"@authority\": www.example.com");
    line_is("@scheme", &message, "\"@scheme\": https");
    line_is("@path", &message, "\"@path\": /path");
    line_is("@query-param;name=\"baz\"", &message, "\"@query-param\";name=\"baz\": batman");
    line_is("@query-param;name=\"qux\"", &message, "\"@query-param\";name=\"qux\": ");
    line_is("@query-param;name=\"var\"", &message,
            "\"@query-param\";name=\"var\": this%20is%20a%20big%0Amultiline%20value");
    line_is("@query-param;name=\"bar\"", &message, "\"@query-param\";name=\"bar\": with%20plus%20whitespace");
    line_is("@query-param;name=\"fa%C3%A7ade%22%3A%20\"", &message,
            "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\": something");
    line_is("@query-param;name=\"no\"", &message, NULL);
    line_is("@status", &message, NULL);
    line_is("x-absent", &message, NULL);
    line_is("Cache-Control", &message, NULL);
    line_is("cache-control;sf", &message, NULL);
    line_is("@method;req", &message, NULL);
    line_is("@nothing", &message, NULL);
    message.url = "http://h:80?";
    line_is("@authority", &message, "\"@authority\": h");
    line_is("@path", &message, "\"@path\": /");
    line_is("@query", &message, "\"@query\": ?");
    line_is("@target-uri", &message, "\"@target-uri\": http://h:80?");
    message.url = "http://h:443/a";
    line_is("@authority", &message, "\"@authority\": h:443");
    line_is("@query", &message, "\"@query\": ?");
    line_is("@request-target", &message, "\"@request-target\": /a");
}

static void rfc9421_malformed_fields_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *input, *signature;
        enum ha_code code;
    } cases[] = {
        {"", "", HA_E_NOT_VERIFIED},
        {"sig1", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=1", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(\"a\"\"b\")", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(\"a", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(\"a\\x\")", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=();created=1;created=2", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=();created=1.5", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=();created=1234567890123456", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=() x", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(),", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(), sig2=()", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(), sig1=()", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"Sig1=()", "Sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=()", "sig1=AA", HA_E_MALFORMED},
        {"sig1=()", "sig1=:A:", HA_E_MALFORMED},
        {"sig1=()", "sig1=:AA==", HA_E_MALFORMED},
        {"sig1=()", "sig1=:AA==:, sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=()", "sig2=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(\"content-type\" \"content-type\");created=1618884473", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(\"content-type\" \"x-absent\");created=1618884473", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(\"content-type\");created=\"x\"", "sig1=:AA==:", HA_E_MALFORMED},
        {"sig1=(\"content-type\")", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(\"content-type\");created=1618884473", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(content-type);created=1618884473", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(\"content-type\");created=1618884473;alg=\"hmac-sha256\"", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(\"content-type\");created=1618884473;keyid=\"x\"", "sig1=:AA==:", HA_E_NOT_VERIFIED},
        {"sig1=(\"content-type\");created=1618884473;keyid=5", "sig1=:AA==:", HA_E_NOT_VERIFIED},
    };
    const struct ha_rfc9421_profile profile = lenient();
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        struct ha_http_field fields[FIELDS];
        struct ha_err err = {0};
        struct ha_http_message message = message_of(ha_json_get(fixture->json, "request"), fields);
        fields[message.n_fields++] = (struct ha_http_field){"signature-input", cases[i].input};
        fields[message.n_fields++] = (struct ha_http_field){"signature", cases[i].signature};
        enum ha_code code = verify(fixture, &profile, &message, AT, &err);
        if (code != cases[i].code)
            fail_msg("%s %s: %s", cases[i].input, cases[i].signature, err.detail);
    }
    struct ha_http_field fields[FIELDS];
    struct ha_err err = {0};
    const struct ha_http_message message = message_of(ha_json_get(fixture->json, "request"), fields);
    assert_int_equal(verify(fixture, &profile, &message, AT, &err), HA_E_NOT_VERIFIED);
}

static void content_digest_is_made_and_checked(void **state)
{
    (void)state;
    static const char body[] = "{\"hello\": \"world\"}";
    static const char sha256[] = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    static const char sha512[] =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    struct ha_err err = {0};
    char both[300];
    ha_auto(ha_buf_clear) struct ha_buf made = {0};
    const size_t n = sizeof body - 1;
    assert_int_equal(ha_content_digest_make(HA_HASH_SHA256, body, n, &made, &err), HA_OK);
    assert_string_equal(ha_buf_text(&made), sha256);
    ha_buf_reset(&made);
    assert_int_equal(ha_content_digest_make(HA_HASH_SHA512, body, n, &made, &err), HA_OK);
    assert_string_equal(ha_buf_text(&made), sha512);
    snprintf(both, sizeof both, "md5=:AAAA:, %s,%s", sha256, sha512);
    assert_int_equal(ha_content_digest_check(sha256, body, n, NULL, &err), HA_OK);
    assert_int_equal(ha_content_digest_check(both, body, n, NULL, &err), HA_OK);
    assert_int_equal(ha_content_digest_check(both, body, n - 1, NULL, &err), HA_E_NOT_VERIFIED);
    assert_int_equal(ha_content_digest_check("md5=:AAAA:", body, n, NULL, &err), HA_E_NOT_VERIFIED);
    assert_int_equal(ha_content_digest_check("", body, n, NULL, &err), HA_E_NOT_VERIFIED);
    assert_int_equal(ha_content_digest_check("sha-256=x", body, n, NULL, &err), HA_E_NOT_VERIFIED);
    assert_int_equal(ha_content_digest_check("sha-256", body, n, NULL, &err), HA_E_MALFORMED);
    snprintf(both, sizeof both, "%s, sha-512=:AAAA:", sha256);
    assert_int_equal(ha_content_digest_check(both, body, n, NULL, &err), HA_E_NOT_VERIFIED);
}

static void rfc9421_wrong_content_digest_is_not_signed(void **state)
{
    struct fixture *fixture = *state;
    struct ha_http_field fields[FIELDS];
    struct ha_err err = {0};
    struct ha_http_message message = message_of(ha_json_get(fixture->json, "request"), fields);
    ha_auto(ha_rfc9421_clear) struct ha_rfc9421_job job = {0};
    message.body_len--;
    assert_int_equal(ha_rfc9421_begin(ha_rfc9421_plain(), &message, fixture->ed->pub, AT, &job, &err), HA_E_MALFORMED);
    assert_string_equal(err.pointer, "/headers/Content-Digest");
}

static bool is_refusal(enum ha_code code)
{
    return code == HA_E_MALFORMED || code == HA_E_NOT_VERIFIED || code == HA_E_TOO_LARGE;
}

// A field cut off anywhere, or with one bit changed anywhere.
static void rfc9421_damaged_fields_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct ha_rfc9421_profile profile = lenient();
    size_t inputs = 0;
    for (size_t back = 1; back <= 2; back++) {
        struct signed_message m;
        load(fixture, 4, &m);
        struct ha_http_field *field = &m.fields[m.message.n_fields - back];
        const char *whole = field->value;
        for (size_t i = 0; i < strlen(whole); i++) {
            for (unsigned cut = 0; cut < 2; cut++, inputs++) {
                struct ha_err err = {0};
                ha_auto(ha_free) char *damaged = strdup(whole);
                damaged[i] = (char)(cut ? '\0' : damaged[i] ^ 1);
                field->value = damaged;
                if (!is_refusal(verify(fixture, &profile, &m.message, AT, &err)))
                    fail_msg("%zu: %s", i, damaged);
            }
        }
    }
    assert_true(inputs > 400);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9421_examples_are_verified),
        cmocka_unit_test(rfc9421_signature_that_covers_too_little_is_refused),
        cmocka_unit_test(rfc9421_ed25519_example_is_signed),
        cmocka_unit_test(rfc9421_each_algorithm_round_trips),
        cmocka_unit_test(rfc9421_components_have_the_values_of_the_rfc),
        cmocka_unit_test(rfc9421_malformed_fields_are_refused),
        cmocka_unit_test(content_digest_is_made_and_checked),
        cmocka_unit_test(rfc9421_wrong_content_digest_is_not_signed),
        cmocka_unit_test(rfc9421_damaged_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
