// SPDX-License-Identifier: Apache-2.0
// FSPIOP-Signature: what @mojaloop/sdk-standard-components 19.19.1 signs, the specification's example (with the
// signature that its key makes; the two printed ones are corrupt), and messages that have to be refused.
#include "format/fspiop.h"

#include "base/text.h"
#include "vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

enum { FIELDS = 12 };

struct fixture {
    ha_json *json;
    struct softkey *rsa, *ec;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture.json = vector_json("mojaloop-jws.json");
    fixture.rsa = vector_key("keys/rsa2048.key.pem");
    fixture.ec = vector_key("keys/p256.key.pem");
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ha_json_free(fixture->json);
    softkey_free(fixture->rsa);
    softkey_free(fixture->ec);
    return 0;
}

static const ha_json *vector_at(const struct fixture *fixture, size_t index)
{
    const ha_json *first = ha_json_first(ha_json_get(fixture->json, "cases"));
    return index ? ha_json_next(first) : first;
}

// The message as it was sent, with or without what the signer added.
static struct ha_http_message message_of(const ha_json *vector, bool is_signed, struct ha_http_field *fields)
{
    struct ha_http_message message = {.method = "POST",
                                      .url = ha_json_get_string(ha_json_get(vector, "request_in"), "uri"),
                                      .body = (const uint8_t *)ha_json_get_string(vector, "wire_body"),
                                      .fields = fields};
    const ha_json *headers = ha_json_get(vector, "headers_out");
    for (const ha_json *member = ha_json_first(headers); member; member = ha_json_next(member)) {
        const char *name = ha_json_name(member);
        if (is_signed || (strcmp(name, "fspiop-signature") != 0 && strcmp(name, "fspiop-uri") != 0 &&
                          strcmp(name, "fspiop-http-method") != 0))
            fields[message.n_fields++] = (struct ha_http_field){name, ha_json_string(member)};
    }
    message.body_len = strlen((const char *)message.body);
    return message;
}

static const char *value_of(const struct ha_fspiop_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strcasecmp(fields->field[i].name, name) == 0)
            return fields->field[i].value;
    return NULL;
}

static void sign(struct softkey *key, const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                 struct ha_fspiop_job *job, struct ha_fspiop_fields *fields)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    if (ha_fspiop_begin(profile, message, key->pub, job, &err))
        fail_msg("%s", err.detail);
    vector_sign(key, job->alg, &job->input, &signature);
    assert_int_equal(ha_fspiop_end(job, signature.data, signature.len, fields, &err), HA_OK);
}

static void fspiop_signs_what_the_reference_library_signs(void **state)
{
    struct fixture *fixture = *state;
    const char *unsorted = ha_json_get_string(ha_json_get(fixture->json, "unsorted_wire_bytes_signed"), "wire_body");
    for (size_t i = 0; i < 2; i++) {
        const ha_json *vector = vector_at(fixture, i), *wanted = ha_json_get(vector, "headers_out");
        struct ha_http_field given[FIELDS];
        struct ha_http_message message = message_of(vector, false, given);
        ha_auto(ha_fspiop_clear) struct ha_fspiop_job job = {0};
        ha_auto(ha_fspiop_fields_clear) struct ha_fspiop_fields fields = {0};
        // Given in another order; what is sent is sorted.
        message.body = (const uint8_t *)unsorted;
        assert_string_not_equal(unsorted, ha_json_get_string(vector, "wire_body"));
        sign(i ? fixture->ec : fixture->rsa, ha_fspiop_plain(), &message, &job, &fields);
        assert_string_equal(ha_buf_text(&job.body), ha_json_get_string(vector, "wire_body"));
        assert_string_equal(ha_buf_text(&job.input), ha_json_get_string(vector, "signing_input"));
        assert_string_equal(value_of(&fields, "fspiop-uri"), ha_json_get_string(wanted, "fspiop-uri"));
        assert_string_equal(value_of(&fields, "fspiop-http-method"), "POST");
        if (i == 0)
            assert_string_equal(value_of(&fields, "fspiop-signature"), ha_json_get_string(wanted, "fspiop-signature"));
    }
}

static void fspiop_verifies_what_the_reference_library_signs(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct ha_http_field fields[FIELDS];
        struct ha_err err = {0};
        struct ha_http_message message = message_of(vector_at(fixture, i), true, fields);
        struct ha_fspiop_profile profile = *ha_fspiop_plain();
        if (ha_fspiop_verify(&profile, &message, i ? fixture->ec->pub : fixture->rsa->pub, 0, &err))
            fail_msg("%s", err.detail);
        profile.max_age_s = 60;
        assert_int_equal(
            ha_fspiop_verify(&profile, &message, i ? fixture->ec->pub : fixture->rsa->pub, 1795237260, &err), HA_OK);
        assert_int_equal(
            ha_fspiop_verify(&profile, &message, i ? fixture->ec->pub : fixture->rsa->pub, 1795237261, &err),
            HA_E_NOT_VERIFIED);
        assert_string_equal(err.pointer, "/headers/Date");
    }
}

static void fspiop_specification_example_is_verified(void **state)
{
    (void)state;
    struct ha_err err = {0};
    ha_auto(ha_json_free) ha_json *example = vector_json("mojaloop-spec-signature.json");
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    char public_jwk[600], field[2048];
    const char *payload = ha_json_get_string(example, "payload_b64url");
    const char *header = ha_json_get_string(example, "protectedHeader");
    const ha_json *jwk = ha_json_get(example, "jwk"), *printed = ha_json_get(example, "printed_signatures");
    ha_auto(ha_json_free) ha_json *without_d = NULL;
    snprintf(public_jwk, sizeof public_jwk, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", ha_json_get_string(jwk, "n"),
             ha_json_get_string(jwk, "e"));
    assert_int_equal(ha_json_parse(public_jwk, strlen(public_jwk), 1, &without_d, &err), HA_OK);
    assert_int_equal(ha_pubkey_from_jwk(without_d, &key, &err), HA_OK);
    assert_int_equal(ha_b64u_decode(&body, payload, strlen(payload), &err), HA_OK);
    struct ha_http_field fields[] = {{"FSPIOP-Source", "1234"},
                                     {"FSPIOP-Destination", "5678"},
                                     {"Date", "Tue, 23 May 2017 21:12:31 GMT"},
                                     {"FSPIOP-Signature", field}};
    const struct ha_http_message message = {.method = "POST",
                                            .url = "https://switch.example/quotes",
                                            .body = body.data,
                                            .body_len = body.len,
                                            .fields = fields,
                                            .n_fields = 4};
    snprintf(field, sizeof field, "{\"signature\": \"%s\", \"protectedHeader\": \"%s\"}",
             ha_json_get_string(example, "correct_signature_rs256"), header);
    if (ha_fspiop_verify(ha_fspiop_plain(), &message, key, 0, &err))
        fail_msg("%s", err.detail);
    for (const ha_json *text = ha_json_first(printed); text; text = ha_json_next(text)) {
        snprintf(field, sizeof field, "{\"signature\": \"%s\", \"protectedHeader\": \"%s\"}", ha_json_string(text),
                 header);
        assert_int_not_equal(ha_fspiop_verify(ha_fspiop_plain(), &message, key, 0, &err), HA_OK);
    }
}

static void refused(const struct fixture *fixture, const struct ha_http_message *message, const char *pointer)
{
    struct ha_err err = {0};
    assert_int_equal(ha_fspiop_verify(ha_fspiop_plain(), message, fixture->rsa->pub, 0, &err), HA_E_NOT_VERIFIED);
    if (strcmp(err.pointer, pointer) != 0)
        fail_msg("%s: %s, not %s", err.detail, err.pointer, pointer);
}

static void fspiop_changed_message_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const ha_json *vector = vector_at(fixture, 0);
    struct ha_http_field fields[FIELDS];
    static const struct {
        const char *name, *value, *pointer;
    } changes[] = {
        {"fspiop-source", "other", "/headers/FSPIOP-Source"},
        {"fspiop-source", "Payerfsp", "/headers/FSPIOP-Source"},
        {"fspiop-destination", "other", "/headers/FSPIOP-Destination"},
        {"fspiop-destination", NULL, "/headers/FSPIOP-Destination"},
        {"date", "Sat, 21 Nov 2026 05:00:01 GMT", "/headers/Date"},
        {"date", NULL, "/headers/Date"},
        {"fspiop-uri", "/quotes", "/headers/FSPIOP-URI"},
        {"fspiop-http-method", "PUT", "/headers/FSPIOP-HTTP-Method"},
        {"fspiop-source", NULL, "/headers/FSPIOP-Source"},
        {"fspiop-signature", NULL, "/headers/FSPIOP-Signature"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(changes); i++) {
        struct ha_http_message message = message_of(vector, true, fields);
        for (size_t k = 0; k < message.n_fields; k++) {
            if (strcmp(fields[k].name, changes[i].name) != 0)
                continue;
            if (changes[i].value)
                fields[k].value = changes[i].value;
            else
                fields[k] = fields[--message.n_fields];
            break;
        }
        refused(fixture, &message, changes[i].pointer);
    }
    struct ha_http_message message = message_of(vector, true, fields);
    message.url = "https://hub.example.com/api/fspiop/quotes";
    refused(fixture, &message, "/headers/FSPIOP-URI");
    message = message_of(vector, true, fields);
    message.method = "PUT";
    refused(fixture, &message, "/headers/FSPIOP-HTTP-Method");
    message = message_of(vector, true, fields);
    message.body_len--;
    refused(fixture, &message, "/headers/FSPIOP-Signature");
    message.body_len = 0;
    refused(fixture, &message, "/body");
    message = message_of(vector, true, fields);
    fields[message.n_fields++] = (struct ha_http_field){"Date", "x"};
    refused(fixture, &message, "/headers/Date");
    message = message_of(vector, true, fields);
    fields[message.n_fields++] = (struct ha_http_field){"FSPIOP-Encryption", "{}"};
    refused(fixture, &message, "/headers/FSPIOP-Encryption");
}

// A header that is put together by hand, signed well.
static enum ha_code verify_header(struct softkey *key, const char *header, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    ha_buf_puts(&value, "{\"protectedHeader\":\"");
    ha_b64u_encode(&value, header, strlen(header));
    ha_b64u_encode(&input, header, strlen(header));
    ha_buf_putc(&input, '.');
    ha_b64u_encode(&input, "{}", 2);
    enum ha_alg alg = strstr(header, "RS512") ? HA_ALG_RS512 : strstr(header, "PS256") ? HA_ALG_PS256 : HA_ALG_RS256;
    vector_sign(key, alg, &input, &signature);
    ha_buf_puts(&value, "\",\"signature\":\"");
    ha_b64u_encode(&value, signature.data, signature.len);
    ha_buf_puts(&value, "\"}");
    const struct ha_http_field fields[] = {{"FSPIOP-Source", "a"}, {"FSPIOP-Signature", ha_buf_text(&value)}};
    const struct ha_http_message message = {.method = "POST",
                                            .url = "https://h/transfers",
                                            .body = (const uint8_t *)"{}",
                                            .body_len = 2,
                                            .fields = fields,
                                            .n_fields = 2};
    return ha_fspiop_verify(ha_fspiop_plain(), &message, key->pub, 0, err);
}

#define REST "\"FSPIOP-URI\":\"/transfers\",\"FSPIOP-HTTP-Method\":\"POST\",\"FSPIOP-Source\":\"a\""

static void fspiop_headers_that_are_not_accepted(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    assert_int_equal(verify_header(fixture->rsa, "{\"alg\":\"RS256\"," REST "}", &err), HA_OK);
    static const char *const refused_headers[] = {
        "{" REST "}",
        "{\"alg\":\"none\"," REST "}",
        "{\"alg\":\"HS256\"," REST "}",
        "{\"alg\":\"RS512\"," REST "}",
        "{\"alg\":\"PS256\"," REST "}",
        "{\"alg\":\"ES256\"," REST "}",
        "{\"alg\":\"RSA-OAEP\"," REST "}",
        "{\"alg\":\"RS256\"," REST ",\"Date\":\"x\"}",
        "{\"alg\":\"RS256\"," REST ",\"x\":1}",
        "{\"alg\":\"RS256\"," REST ",\"fspiop-source\":\"b\"}",
        "{\"alg\":\"RS256\",\"FSPIOP-URI\":\"/transfers\",\"FSPIOP-HTTP-Method\":\"POST\"}",
        "{\"alg\":\"RS256\",\"FSPIOP-URI\":\"/transfers\",\"FSPIOP-Source\":\"a\"}",
        "{\"alg\":\"RS256\",\"FSPIOP-HTTP-Method\":\"POST\",\"FSPIOP-Source\":\"a\"}",
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(refused_headers); i++)
        if (verify_header(fixture->rsa, refused_headers[i], &err) != HA_E_NOT_VERIFIED)
            fail_msg("%s: %s", refused_headers[i], err.detail);
    static const char *const malformed[] = {"", "[]", "{\"alg\":\"RS256\",\"alg\":\"RS256\"," REST "}", "{\"a\":{}}",
                                            "x"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(malformed); i++)
        assert_int_equal(verify_header(fixture->rsa, malformed[i], &err), HA_E_MALFORMED);
}

static void fspiop_malformed_fields_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const values[] = {"",
                                         "x",
                                         "{}",
                                         "[]",
                                         "null",
                                         "{\"signature\":\"AA\"}",
                                         "{\"protectedHeader\":\"e30\"}",
                                         "{\"signature\":1,\"protectedHeader\":\"e30\"}",
                                         "{\"signature\":\"AA\",\"protectedHeader\":\"e30=\"}",
                                         "{\"signature\":\"A+\",\"protectedHeader\":\"e30\"}",
                                         "{\"signature\":\"AA\",\"protectedHeader\":\"e30\",\"x\":1}",
                                         "{\"signature\":\"AA\",\"signature\":\"AA\",\"protectedHeader\":\"e30\"}",
                                         "{\"signature\":{\"a\":{}},\"protectedHeader\":\"e30\"}"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(values); i++) {
        struct ha_err err = {0};
        const struct ha_http_field fields[] = {{"FSPIOP-Source", "a"}, {"FSPIOP-Signature", values[i]}};
        const struct ha_http_message message = {.method = "POST",
                                                .url = "https://h/transfers",
                                                .body = (const uint8_t *)"{}",
                                                .body_len = 2,
                                                .fields = fields,
                                                .n_fields = 2};
        assert_int_equal(ha_fspiop_verify(ha_fspiop_plain(), &message, fixture->rsa->pub, 0, &err), HA_E_MALFORMED);
        assert_string_equal(err.pointer, "/headers/FSPIOP-Signature");
    }
}

static void fspiop_uri_is_cut_at_the_resource(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *url, *resource, *path;
    } cases[] = {
        {"https://h/transfers", "/transfers", "/transfers"},
        {"https://h/api/fspiop/quotes/1?a=/b", "/quotes/1?a=/b", "/api/fspiop/quotes/1?a=/b"},
        {"https://h/parties/MSISDN/123", "/parties/MSISDN/123", "/parties/MSISDN/123"},
        {"https://h/transfers/x/transfers/y", "/transfers/y", "/transfers/x/transfers/y"},
        {"https://h/other", NULL, "/other"},
    };
    const struct ha_http_field source = {"FSPIOP-Source", "a"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        for (unsigned path = 0; path < 2; path++) {
            struct ha_err err = {0};
            const struct ha_http_message message = {.method = "POST",
                                                    .url = cases[i].url,
                                                    .body = (const uint8_t *)"{}",
                                                    .body_len = 2,
                                                    .fields = &source,
                                                    .n_fields = 1};
            struct ha_fspiop_profile profile = {.uri = path ? HA_FSPIOP_URI_PATH : HA_FSPIOP_URI_RESOURCE};
            ha_auto(ha_fspiop_clear) struct ha_fspiop_job job = {0};
            const char *wanted = path ? cases[i].path : cases[i].resource;
            enum ha_code code = ha_fspiop_begin(&profile, &message, fixture->ec->pub, &job, &err);
            assert_int_equal(code, wanted ? HA_OK : HA_E_MALFORMED);
            if (wanted)
                assert_string_equal(ha_buf_text(&job.uri), wanted);
        }
    }
}

static void fspiop_signing_is_refused(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(softkey_free) struct softkey *ed = softkey_new(HA_KEY_ED25519);
    const struct ha_http_field source = {"FSPIOP-Source", "a"};
    const struct ha_http_message good = {.method = "POST",
                                         .url = "https://h/transfers",
                                         .body = (const uint8_t *)"{\"a\":1}",
                                         .body_len = 7,
                                         .fields = &source,
                                         .n_fields = 1};
    struct ha_fspiop_profile profile = *ha_fspiop_plain();
    struct ha_err err = {0};
    ha_auto(ha_fspiop_clear) struct ha_fspiop_job job = {0};
    assert_int_equal(ha_fspiop_begin(&profile, &good, ed->pub, &job, &err), HA_E_KEY_CANNOT);
    struct ha_http_message bad = good;
    bad.body_len = 0;
    assert_int_equal(ha_fspiop_begin(&profile, &bad, fixture->ec->pub, &job, &err), HA_E_MALFORMED);
    assert_string_equal(err.pointer, "/body");
    bad.body_len = 6;
    assert_int_equal(ha_fspiop_begin(&profile, &bad, fixture->ec->pub, &job, &err), HA_E_MALFORMED);
    assert_string_equal(err.pointer, "/body");
    bad = good;
    bad.n_fields = 0;
    assert_int_equal(ha_fspiop_begin(&profile, &bad, fixture->ec->pub, &job, &err), HA_E_MALFORMED);
    assert_string_equal(err.pointer, "/headers/FSPIOP-Source");
    bad = good;
    bad.status = 200;
    assert_int_equal(ha_fspiop_begin(&profile, &bad, fixture->ec->pub, &job, &err), HA_E_MALFORMED);
    profile.source = (char *)"b";
    assert_int_equal(ha_fspiop_begin(&profile, &good, fixture->ec->pub, &job, &err), HA_E_FORBIDDEN);
}

static void fspiop_body_as_it_is_and_more_fields(void **state)
{
    struct fixture *fixture = *state;
    char *items[] = {(char *)"Content-Type", (char *)"date", (char *)"X-Absent"};
    const struct ha_fspiop_profile profile = {.canonical = HA_FSPIOP_AS_IS, .protect = {.items = items, .n = 3}};
    const struct ha_http_field given[] = {
        {"FSPIOP-Source", "a"}, {"content-type", " text/x "}, {"FSPIOP-Encryption", "{}"}};
    const char *body = "{ \"b\":1, \"a\":2 }";
    struct ha_http_message message = {.method = "PUT",
                                      .url = "https://h/transfers/1",
                                      .body = (const uint8_t *)body,
                                      .body_len = strlen(body),
                                      .fields = given,
                                      .n_fields = 3};
    ha_auto(ha_fspiop_clear) struct ha_fspiop_job job = {0};
    ha_auto(ha_fspiop_fields_clear) struct ha_fspiop_fields fields = {0};
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    struct ha_err err = {0};
    sign(fixture->ec, &profile, &message, &job, &fields);
    assert_string_equal(ha_buf_text(&job.body), body);
    assert_int_equal(ha_b64u_decode(&header, ha_buf_text(&job.header), job.header.len, &err), HA_OK);
    assert_string_equal(ha_buf_text(&header),
                        "{\"alg\":\"ES256\",\"FSPIOP-URI\":\"/transfers/1\",\"FSPIOP-HTTP-Method\":\"PUT\","
                        "\"FSPIOP-Source\":\"a\",\"FSPIOP-Encryption\":\"{}\",\"Content-Type\":\"text/x\"}");
    struct ha_http_field sent[6] = {given[0], given[1], given[2], fields.field[0], fields.field[1], fields.field[2]};
    message.fields = sent;
    message.n_fields = 6;
    assert_int_equal(ha_fspiop_verify(&profile, &message, fixture->ec->pub, 0, &err), HA_OK);
    assert_int_equal(ha_fspiop_verify(&profile, &message, fixture->rsa->pub, 0, &err), HA_E_NOT_VERIFIED);
}

static bool is_refusal(enum ha_code code)
{
    return code == HA_E_MALFORMED || code == HA_E_NOT_VERIFIED || code == HA_E_TOO_LARGE;
}

// The field cut off anywhere, or with one bit changed anywhere.
static void fspiop_damaged_field_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_http_field fields[FIELDS];
    struct ha_http_message message = message_of(vector_at(fixture, 1), true, fields);
    size_t at = 0, inputs = 0;
    while (strcmp(fields[at].name, "fspiop-signature") != 0)
        at++;
    const char *whole = fields[at].value;
    for (size_t i = 0; i < strlen(whole); i++) {
        for (unsigned cut = 0; cut < 2; cut++, inputs++) {
            struct ha_err err = {0};
            ha_auto(ha_free) char *damaged = strdup(whole);
            damaged[i] = (char)(cut ? '\0' : damaged[i] ^ 1);
            fields[at].value = damaged;
            if (!is_refusal(ha_fspiop_verify(ha_fspiop_plain(), &message, fixture->ec->pub, 0, &err)))
                fail_msg("%zu: %s", i, damaged);
        }
    }
    assert_true(inputs > 600);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fspiop_signs_what_the_reference_library_signs),
        cmocka_unit_test(fspiop_verifies_what_the_reference_library_signs),
        cmocka_unit_test(fspiop_specification_example_is_verified),
        cmocka_unit_test(fspiop_changed_message_is_refused),
        cmocka_unit_test(fspiop_headers_that_are_not_accepted),
        cmocka_unit_test(fspiop_malformed_fields_are_refused),
        cmocka_unit_test(fspiop_uri_is_cut_at_the_resource),
        cmocka_unit_test(fspiop_signing_is_refused),
        cmocka_unit_test(fspiop_body_as_it_is_and_more_fields),
        cmocka_unit_test(fspiop_damaged_field_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
