// SPDX-License-Identifier: Apache-2.0
// Signatures for the DIP: the ten published cases in both directions, and messages that have to be refused.
#include "format/dip.h"

#include "base/text.h"
#include "vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT 1795255200  // 2026-11-21T10:00:00Z, but for the milliseconds that of the cases

struct fixture {
    ha_json *json;
    struct softkey *rsa, *ec;
    struct ha_certificate *rsa_certificate, *ec_certificate;
    struct ha_buf anchors;
};

static struct ha_certificate *certificate_of(const char *path)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    struct ha_certificate *certificate = NULL;
    vector_read(path, &pem);
    assert_int_equal(ha_certificate_read(pem.data, pem.len, &certificate, &err), HA_OK);
    return certificate;
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture.json = vector_json("mhhs-dip.json");
    fixture.rsa = vector_key("keys/dip-rsa.key");
    fixture.ec = vector_key("keys/dip-ec.key");
    fixture.rsa_certificate = certificate_of("keys/dip-rsa.pem");
    fixture.ec_certificate = certificate_of("keys/dip-ec.pem");
    vector_read("keys/dip-anchors.pem", &fixture.anchors);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ha_json_free(fixture->json);
    softkey_free(fixture->rsa);
    softkey_free(fixture->ec);
    ha_certificate_free(fixture->rsa_certificate);
    ha_certificate_free(fixture->ec_certificate);
    ha_buf_clear(&fixture->anchors);
    return 0;
}

static bool option_is(const ha_json *vector, const char *name, const char *value)
{
    return strcmp(ha_json_get_string(ha_json_get(vector, "options"), name), value) == 0;
}

static enum ha_dip_text text_of(const ha_json *vector, const char *name)
{
    return option_is(vector, name, "hex")      ? HA_DIP_HEX
           : option_is(vector, name, "b64url") ? HA_DIP_BASE64URL
                                               : HA_DIP_BASE64;
}

static struct ha_dip_profile profile_of(const ha_json *vector)
{
    struct ha_dip_profile profile = *ha_dip_plain();
    const char *date = ha_json_get_string(ha_json_get(vector, "options"), "date");
    profile.any_date = true;
    profile.revocation = false;
    profile.content_text = text_of(vector, "hash");
    profile.signature_text = text_of(vector, "sig");
    profile.destination = option_is(vector, "dest", "path")    ? HA_DIP_DESTINATION_PATH
                          : option_is(vector, "dest", "as_is") ? HA_DIP_DESTINATION_URL
                                                               : HA_DIP_DESTINATION_URL_LOWER;
    profile.ecdsa = option_is(vector, "alg", "ec_p1363") ? HA_DIP_ECDSA_RAW : HA_DIP_ECDSA_DER;
    profile.certificate = option_is(vector, "cert", "der") ? HA_DIP_CERTIFICATE_DER : HA_DIP_CERTIFICATE_PEM;
    profile.date = strstr(date, ":Z") ? HA_DIP_DATE_LITERAL : HA_DIP_DATE_ISO;
    return profile;
}

static struct ha_http_message message_of(const ha_json *vector)
{
    const ha_json *options = ha_json_get(vector, "options");
    const char *body = ha_json_get_string(options, "body");
    return (struct ha_http_message){
        .method = ha_json_get_string(options, "method"),
        .url = ha_json_get_string(options, "url"),
        .body = (const uint8_t *)body,
        .body_len = body ? strlen(body) : 0,
    };
}

static struct ha_chain_trust trust_of(const struct fixture *fixture)
{
    return (struct ha_chain_trust){.anchors = ha_buf_text(&fixture->anchors), .at = AT};
}

static const ha_json *vector_at(const struct fixture *fixture, size_t index)
{
    const ha_json *vector = ha_json_first(ha_json_get(fixture->json, "cases"));
    for (; index; index--)
        vector = ha_json_next(vector);
    return vector;
}

static void sign(const struct fixture *fixture, const struct ha_dip_profile *profile,
                 const struct ha_http_message *message, bool rsa, struct ha_dip_job *job, struct ha_dip_fields *fields)
{
    struct ha_err err = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    struct softkey *key = rsa ? fixture->rsa : fixture->ec;
    const struct ha_certificate *certificate = rsa ? fixture->rsa_certificate : fixture->ec_certificate;
    if (ha_dip_begin(profile, message, key->pub, certificate, (int64_t)AT * 1000 + 123, job, &err))
        fail_msg("%s", err.detail);
    vector_sign(key, job->alg, &job->input, &signature);
    assert_int_equal(ha_dip_end(job, signature.data, signature.len, fields, &err), HA_OK);
}

static enum ha_code verify(const struct ha_dip_profile *profile, struct ha_http_message message,
                           const struct ha_http_field *fields, size_t n, const struct ha_chain_trust *trust,
                           struct ha_err *err)
{
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    message.fields = fields;
    message.n_fields = n;
    return ha_dip_verify(profile, &message, trust, &certificate, err);
}

static void dip_vectors_are_signed(void **state)
{
    struct fixture *fixture = *state;
    size_t equal = 0, verified = 0;
    for (size_t i = 0; i < 10; i++) {
        const ha_json *vector = vector_at(fixture, i);
        const ha_json *wanted = ha_json_get(vector, "headers");
        struct ha_err err = {0};
        bool deterministic = false;
        ha_auto(ha_dip_clear) struct ha_dip_job job = {0};
        ha_auto(ha_dip_fields_clear) struct ha_dip_fields fields = {0};
        struct ha_dip_profile profile = profile_of(vector);
        struct ha_http_message message = message_of(vector);
        struct ha_chain_trust trust = trust_of(fixture);
        ha_json_bool(ha_json_get(vector, "deterministic"), &deterministic);
        sign(fixture, &profile, &message, deterministic, &job, &fields);
        assert_string_equal(ha_buf_text(&job.input), ha_json_get_string(vector, "string_to_sign"));
        assert_int_equal(fields.n, 4);
        for (size_t k = 0; k < fields.n; k++)
            if (deterministic || strcmp(fields.field[k].name, "X-DIP-Signature") != 0)
                assert_string_equal(fields.field[k].value, ha_json_get_string(wanted, fields.field[k].name));
        equal += deterministic;
        if (verify(&profile, message, fields.field, fields.n, &trust, &err))
            fail_msg("%zu: %s", i, err.detail);
        verified++;
    }
    assert_int_equal(equal, 7);
    assert_int_equal(verified, 10);
}

static size_t fields_of(const ha_json *vector, struct ha_http_field *fields)
{
    size_t n = 0;
    const ha_json *headers = ha_json_get(vector, "headers");
    for (const ha_json *member = ha_json_first(headers); member; member = ha_json_next(member))
        fields[n++] = (struct ha_http_field){ha_json_name(member), ha_json_string(member)};
    return n;
}

static void dip_vectors_are_verified(void **state)
{
    struct fixture *fixture = *state;
    struct ha_chain_trust trust = trust_of(fixture);
    for (size_t i = 0; i < 10; i++) {
        const ha_json *vector = vector_at(fixture, i);
        struct ha_err err = {0};
        struct ha_http_field fields[8];
        size_t n = fields_of(vector, fields);
        // Only the destination has to be agreed on: the texts are recognised.
        struct ha_dip_profile profile = *ha_dip_plain();
        profile.destination = profile_of(vector).destination;
        profile.revocation = false;
        if (verify(&profile, message_of(vector), fields, n, &trust, &err))
            fail_msg("%zu: %s", i, err.detail);
    }
}

static void dip_empty_body_is_braces(void **state)
{
    struct fixture *fixture = *state;
    ha_auto(ha_dip_clear) struct ha_dip_job job = {0};
    ha_auto(ha_dip_fields_clear) struct ha_dip_fields fields = {0};
    const struct ha_http_message message = {
        .method = "delete", .url = "https://h/A", .body = (const uint8_t *)"", .body_len = 0};
    sign(fixture, ha_dip_plain(), &message, false, &job, &fields);
    assert_string_equal(ha_buf_text(&job.input), "DELETE;https://h/a;2026-11-21T10:00:00.123Z;"
                                                 "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
}

static void dip_other_readings_are_signed_and_verified(void **state)
{
    struct fixture *fixture = *state;
    struct ha_dip_profile profile = *ha_dip_plain();
    struct ha_chain_trust trust = trust_of(fixture);
    struct ha_err err = {0};
    const struct ha_http_message message = {
        .method = "POST", .url = "https://h/A?b=C", .body = (const uint8_t *)"{\"a\":1}", .body_len = 7};
    for (unsigned bits = 0; bits < 32; bits++) {
        ha_auto(ha_dip_clear) struct ha_dip_job job = {0};
        ha_auto(ha_dip_fields_clear) struct ha_dip_fields fields = {0};
        profile.double_hash = bits & 1;
        profile.content_hash = bits & 2;
        profile.content = bits & 4 ? HA_DIP_CONTENT_PAYLOAD : HA_DIP_CONTENT_DIGEST;
        profile.content_text = bits & 8 ? HA_DIP_BASE64URL : HA_DIP_BASE64;
        profile.destination = bits & 16 ? HA_DIP_DESTINATION_PATH_QUERY : HA_DIP_DESTINATION_URL_LOWER;
        profile.revocation = false;
        sign(fixture, &profile, &message, bits & 1, &job, &fields);
        assert_int_equal(fields.n, bits & 2 ? 4 : 3);
        assert_int_equal(verify(&profile, message, fields.field, fields.n, &trust, &err), HA_OK);
        profile.double_hash = !profile.double_hash;
        assert_int_equal(verify(&profile, message, fields.field, fields.n, &trust, &err), HA_E_NOT_VERIFIED);
    }
}

static void dip_digest_stands_for_the_body(void **state)
{
    struct fixture *fixture = *state;
    uint8_t hash[32];
    struct ha_err err = {0};
    const ha_json *vector = vector_at(fixture, 0);
    struct ha_dip_profile profile = profile_of(vector);
    struct ha_http_message message = message_of(vector);
    ha_auto(ha_dip_clear) struct ha_dip_job job = {0};
    ha_auto(ha_dip_fields_clear) struct ha_dip_fields fields = {0};
    assert_int_equal(ha_http_body_sha256(&message, "", hash, &err), HA_OK);
    message.body = NULL;
    message.body_len = 0;
    message.body_sha256 = hash;
    sign(fixture, &profile, &message, true, &job, &fields);
    assert_string_equal(ha_buf_text(&job.input), ha_json_get_string(vector, "string_to_sign"));
}

static void dip_signing_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ha_err err = {0};
    const int64_t now_ms = (int64_t)AT * 1000;
    const struct ha_http_field dates[] = {{"x-dip-signature-date", "2026-11-21T10:00:00.123Z"},
                                          {"X-DIP-Signature-Date", "2026-11-21 10:00"},
                                          {"X-DIP-Signature-Date", "2026-11-21T09:00:00.123Z"}};
    struct ha_http_message message = {.method = "GET", .url = "https://h/"};
    ha_auto(ha_dip_clear) struct ha_dip_job job = {0};
    assert_int_equal(
        ha_dip_begin(ha_dip_plain(), &message, fixture->rsa->pub, fixture->ec_certificate, now_ms, &job, &err),
        HA_E_CONFLICT);
    assert_string_equal(err.pointer, "/certificate");
    struct ha_dip_profile es = *ha_dip_plain();
    es.algorithm = HA_ALG_ES256;
    assert_int_equal(ha_dip_begin(&es, &message, fixture->rsa->pub, fixture->rsa_certificate, now_ms, &job, &err),
                     HA_E_KEY_CANNOT);
    const enum ha_code codes[] = {HA_OK, HA_E_MALFORMED, HA_E_FORBIDDEN};
    message.n_fields = 1;
    for (size_t i = 0; i < 3; i++) {
        ha_dip_clear(&job);
        message.fields = &dates[i];
        assert_int_equal(
            ha_dip_begin(ha_dip_plain(), &message, fixture->rsa->pub, fixture->rsa_certificate, now_ms, &job, &err),
            codes[i]);
    }
    message.n_fields = 0;
    static const char *const urls[] = {"h/", "https:///x", "https://h/#x", "https://u@h/", "https://h/ x", "ftp://h/"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(urls); i++) {
        message.url = urls[i];
        ha_dip_clear(&job);
        assert_int_equal(
            ha_dip_begin(ha_dip_plain(), &message, fixture->rsa->pub, fixture->rsa_certificate, now_ms, &job, &err),
            HA_E_MALFORMED);
        assert_string_equal(err.pointer, "/url");
    }
}

static void dip_changed_message_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const ha_json *vector = vector_at(fixture, 0);
    const struct ha_chain_trust trust = trust_of(fixture);
    struct ha_dip_profile profile = profile_of(vector);
    struct ha_http_field fields[8], changed[9];
    size_t n = fields_of(vector, fields);
    struct ha_err err = {0};

    struct ha_http_message message = message_of(vector);
    message.method = "PUT";
    assert_int_equal(verify(&profile, message, fields, n, &trust, &err), HA_E_NOT_VERIFIED);
    assert_string_equal(err.pointer, "/headers/X-DIP-Signature");
    message = message_of(vector);
    message.url = "https://dip-nonprod.example.co.uk/v1/IF-034/Publish?Env=SIT";
    assert_int_equal(verify(&profile, message, fields, n, &trust, &err), HA_E_NOT_VERIFIED);
    message = message_of(vector);
    message.body_len--;
    assert_int_equal(verify(&profile, message, fields, n, &trust, &err), HA_E_NOT_VERIFIED);
    assert_string_equal(err.pointer, "/body");
    message = message_of(vector);

    for (size_t i = 0; i < n; i++) {
        memcpy(changed, fields, sizeof fields);
        changed[i] = fields[n - 1];  // a field is missing
        assert_int_equal(verify(&profile, message, changed, n - 1, &trust, &err), HA_E_NOT_VERIFIED);
        memcpy(changed, fields, sizeof fields);
        changed[n] = fields[i];  // or there twice
        assert_int_equal(verify(&profile, message, changed, n + 1, &trust, &err), HA_E_NOT_VERIFIED);
        memcpy(changed, fields, sizeof fields);
        changed[i].value = "nonsense!";
        assert_int_not_equal(verify(&profile, message, changed, n, &trust, &err), HA_OK);
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/headers/%s", fields[i].name);
        if (strcmp(fields[i].name, "X-DIP-Content-Hash") != 0)
            assert_string_equal(err.pointer, pointer);
    }
    struct ha_chain_trust later = trust;
    later.at = AT + 301;
    assert_int_equal(verify(&profile, message, fields, n, &later, &err), HA_E_NOT_VERIFIED);
    assert_non_null(strstr(err.detail, "over 300 seconds"));
}

static bool is_refusal(enum ha_code code)
{
    return code == HA_E_MALFORMED || code == HA_E_NOT_VERIFIED || code == HA_E_TOO_LARGE;
}

// A field cut off anywhere, or with one bit changed anywhere. The certificate isn't among them: it may be written in
// more than one way.
static void dip_damaged_fields_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const ha_json *vector = vector_at(fixture, 4);
    const struct ha_chain_trust trust = trust_of(fixture);
    const struct ha_dip_profile profile = profile_of(vector);
    struct ha_http_field fields[8];
    size_t n = fields_of(vector, fields), inputs = 0;
    for (size_t at = 0; at < n; at++) {
        const char *whole = fields[at].value;
        if (strcmp(fields[at].name, "X-DIP-Signature-Certificate") == 0)
            continue;
        for (size_t i = 0; i < strlen(whole); i++) {
            for (unsigned cut = 0; cut < 2; cut++, inputs++) {
                struct ha_err err = {0};
                ha_auto(ha_free) char *damaged = strdup(whole);
                damaged[i] = (char)(cut ? '\0' : damaged[i] ^ 1);
                fields[at].value = damaged;
                // Base64 is taken without its padding too.
                if (cut && whole[i] == '=' && strcmp(fields[at].name, "X-DIP-Signature") == 0)
                    continue;
                if (!is_refusal(verify(&profile, message_of(vector), fields, n, &trust, &err)))
                    fail_msg("%s %zu: %s", fields[at].name, i, damaged);
            }
        }
        fields[at].value = whole;
    }
    assert_true(inputs > 300);
}

// Another certificate in the place of the signer's: good.pem of tests/vectors/pki and its friends.
static void dip_certificate_has_to_be_good(void **state)
{
    (void)state;
    static const struct {
        const char *file, *reason;
    } cases[] = {
        {"pki/good.pem", NULL},
        {"pki/expired.pem", "expired on"},
        {"pki/future.pem", "isn't valid before"},
        {"pki/revoked.pem", "was revoked on"},
        {"pki/stranger.pem", "isn't among the anchors"},
        {"pki/cipher.pem", "key usage"},
        {"pki/elsewhere.pem", "isn't made with the certificate's key"},
    };
    ha_auto(softkey_free) struct softkey *key = vector_key("pki/good.key");
    ha_auto(ha_certificate_free) struct ha_certificate *good = certificate_of("pki/good.pem");
    ha_auto(ha_buf_clear) struct ha_buf root = {0};
    ha_auto(ha_buf_clear) struct ha_buf issuer = {0};
    ha_auto(ha_buf_clear) struct ha_buf crl = {0};
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    ha_auto(ha_dip_clear) struct ha_dip_job job = {0};
    ha_auto(ha_dip_fields_clear) struct ha_dip_fields fields = {0};
    const struct ha_http_message message = {.method = "GET", .url = "https://h/"};
    struct ha_err err = {0};
    const int64_t at = 1795275000;
    vector_read("pki/root.pem", &root);
    vector_read("pki/issuer.pem", &issuer);
    vector_read("pki/issuer.crl.pem", &crl);
    const struct ha_chain_trust trust = {.anchors = ha_buf_text(&root),
                                         .intermediates = ha_buf_text(&issuer),
                                         .crls = ha_buf_text(&crl),
                                         .revocation = true,
                                         .at = at};
    assert_int_equal(ha_dip_begin(ha_dip_plain(), &message, key->pub, good, at * 1000, &job, &err), HA_OK);
    vector_sign(key, job.alg, &job.input, &signature);
    assert_int_equal(ha_dip_end(&job, signature.data, signature.len, &fields, &err), HA_OK);
    for (size_t i = 0; i < HA_ARRAY_SIZE(cases); i++) {
        ha_auto(ha_buf_clear) struct ha_buf pem = {0};
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        vector_read(cases[i].file, &pem);
        ha_b64_encode(&text, pem.data, pem.len, 0);
        for (size_t k = 0; k < fields.n; k++)
            if (strcmp(fields.field[k].name, "X-DIP-Signature-Certificate") == 0)
                fields.field[k].value = ha_buf_text(&text);
        enum ha_code code = verify(ha_dip_plain(), message, fields.field, fields.n, &trust, &err);
        assert_int_equal(code, cases[i].reason ? HA_E_NOT_VERIFIED : HA_OK);
        if (cases[i].reason && !strstr(err.detail, cases[i].reason))
            fail_msg("%s: %s", cases[i].file, err.detail);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dip_vectors_are_signed),         cmocka_unit_test(dip_vectors_are_verified),
        cmocka_unit_test(dip_empty_body_is_braces),       cmocka_unit_test(dip_other_readings_are_signed_and_verified),
        cmocka_unit_test(dip_digest_stands_for_the_body), cmocka_unit_test(dip_signing_is_refused),
        cmocka_unit_test(dip_changed_message_is_refused), cmocka_unit_test(dip_certificate_has_to_be_good),
        cmocka_unit_test(dip_damaged_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
