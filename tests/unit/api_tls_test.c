// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/tls, and what keys for TLS and keys for messages refuse, without sockets.
#include "api_rig.h"

#include "base/text.h"
#include "crypto/pubkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char tls13_server[] = "TLS 1.3, server CertificateVerify";
static const char tls13_client[] = "TLS 1.3, client CertificateVerify";

// The same rig, with keys for TLS.
static int setup(void **state)
{
    static const struct {
        const char *name;
        unsigned purposes;
    } keys[] = {{"mine-server", HA_PURPOSE_TLS_SERVER}, {"mine-client", HA_PURPOSE_TLS_CLIENT | HA_PURPOSE_TLS13_ONLY}};
    if (api_rig_setup(state))
        return -1;
    struct api_rig *rig = *state;
    for (size_t i = 0; i < HA_ARRAY_SIZE(keys); i++) {
        struct ha_key *key = NULL;
        struct ha_err err = {0};
        assert_int_equal(ha_keys_create(rig->api.keys, keys[i].name, &rig->token, 1, HA_KEY_EC_P256, keys[i].purposes,
                                        NULL, &key, &err),
                         HA_OK);
        ha_key_unref(key);
    }
    return 0;
}

static void tls13_content(struct ha_buf *content, const char *context)
{
    for (int i = 0; i < 64; i++)
        ha_buf_putc(content, ' ');
    ha_buf_append(content, context, strlen(context) + 1);
    for (int i = 0; i < 32; i++)
        ha_buf_putc(content, 'h');
}

static void tls12_content(struct ha_buf *content)
{
    for (int i = 0; i < 64; i++)
        ha_buf_putc(content, 'r');
    ha_buf_append(content, "\x03\x00\x1d\x20", 4);
    for (int i = 0; i < 32; i++)
        ha_buf_putc(content, 'p');
}

// The body of a request; spki is that of the fake token's keys unless it is changed.
static void request_body(struct api_rig *rig, struct ha_buf *body, const char *scheme, const struct ha_buf *content,
                         bool same_key)
{
    struct ha_key *key = ha_keys_get(rig->api.keys, "mine-server");
    uint8_t spki[HA_SPKI_HASH_LEN];
    memcpy(spki, ha_pubkey_spki_sha256(key->public_key), sizeof(spki));
    ha_key_unref(key);
    spki[0] ^= same_key ? 0 : 1;
    ha_buf_reset(body);
    ha_jw_object(body, NULL);
    ha_jw_string(body, "scheme", scheme);
    ha_jw_bytes(body, "content", content->data, content->len);
    ha_jw_bytes(body, "spki_sha256", spki, sizeof(spki));
    ha_jw_object_end(body);
}

static void expect_tls(struct api_rig *rig, const char *key, const char *scheme, const struct ha_buf *content,
                       unsigned status, const char *detail)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    char path[96];
    snprintf(path, sizeof(path), "/v1/keys/%s/tls", key);
    request_body(rig, &body, scheme, content, true);
    assert_int_equal(api_rig_ask(rig, false, "POST", path, ha_buf_text(&body), &json), status);
    if (status == 200) {
        assert_string_equal(ha_json_get_string(json, "key"), key);
        assert_string_equal(ha_json_get_string(json, "scheme"), scheme);
        assert_string_equal(ha_json_get_string(json, "content_class"), detail);
        assert_string_equal(ha_json_get_string(json, "token"), "fake");
        // DER of two numbers of 32 bytes: 30 44 02 20 ...
        assert_memory_equal(ha_json_get_string(json, "signature"), "MEQCI", 5);
    } else {
        assert_string_equal(ha_json_get_string(json, "code"), "key-cannot");
        assert_non_null(strstr(ha_json_get_string(json, "detail"), detail));
    }
}

static void tls_signs_what_the_purpose_allows(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf server13 = {0}, client13 = {0}, server12 = {0}, other = {0};
    tls13_content(&server13, tls13_server);
    tls13_content(&client13, tls13_client);
    tls12_content(&server12);
    ha_buf_puts(&other, "eyJhbGciOiJFUzI1NiJ9.e30");
    static const char scheme[] = "ecdsa_secp256r1_sha256";
    expect_tls(*state, "mine-server", scheme, &server13, 200, "tls13-server-certificate-verify");
    expect_tls(*state, "mine-server", scheme, &server12, 200, "tls12-server-key-exchange");
    expect_tls(*state, "mine-server", scheme, &client13, 422, "tls13-client-certificate-verify");
    expect_tls(*state, "mine-server", scheme, &other, 422, "this content: other");
    expect_tls(*state, "mine-client", scheme, &client13, 200, "tls13-client-certificate-verify");
    expect_tls(*state, "mine-client", scheme, &server13, 422, "tls13-server-certificate-verify");
    expect_tls(*state, "mine-client", scheme, &server12, 422, "tls12-server-key-exchange");
    expect_tls(*state, "mine", scheme, &server13, 422, "its purpose is sign");
    expect_tls(*state, "mine-server", "rsa_pkcs1_sha256", &server13, 422, "rsa_pkcs1");
    expect_tls(*state, "mine-server", "rsa_pss_rsae_sha256", &server13, 422, "ec:p256");
    expect_tls(*state, "mine-server", "ecdsa_secp384r1_sha384", &server13, 422, "ec:p256");
}

static void tls_of_another_public_key_is_a_conflict(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf content = {0}, body = {0};
    tls13_content(&content, tls13_server);
    request_body(*state, &body, "ecdsa_secp256r1_sha256", &content, false);
    api_rig_expect(*state, "POST", "/v1/keys/mine-server/tls", ha_buf_text(&body), 409, "conflict");
    request_body(*state, &body, "ecdsa_secp256r1_sha256", &content, true);
    api_rig_expect(*state, "POST", "/v1/keys/mine-server/tls", ha_buf_text(&body), 200, NULL);
}

static void tls_is_granted_by_rule(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf content = {0}, body = {0};
    tls13_content(&content, tls13_server);
    request_body(*state, &body, "ecdsa_secp256r1_sha256", &content, true);
    api_rig_expect(*state, "POST", "/v1/keys/data/tls", ha_buf_text(&body), 403, "forbidden");
    api_rig_expect(*state, "POST", "/v1/keys/seen/tls", ha_buf_text(&body), 403, "forbidden");
    api_rig_expect(*state, "POST", "/v1/keys/hidden/tls", ha_buf_text(&body), 404, "no-such-key");
    api_rig_expect(*state, "POST", "/v1/keys/mine-not-there/tls", ha_buf_text(&body), 404, "no-such-key");
}

static void tls_request_points_at_what_is_wrong(void **state)
{
    static const struct {
        const char *body, *code, *pointer;
    } rows[] = {
        {"{\"scheme\":\"ES256\",\"content\":\"AA\",\"spki_sha256\":\"AA\"}", "malformed", "/scheme"},
        {"{\"scheme\":7,\"content\":\"AA\",\"spki_sha256\":\"AA\"}", "malformed", "/scheme"},
        {"{\"content\":\"AA\",\"spki_sha256\":\"AA\"}", "malformed", "/scheme"},
        {"{\"scheme\":\"ed25519\",\"spki_sha256\":\"AA\"}", "malformed", "/content"},
        {"{\"scheme\":\"ed25519\",\"content\":\"AA==\",\"spki_sha256\":\"AA\"}", "malformed", "/content"},
        {"{\"scheme\":\"ed25519\",\"content\":\"AA\"}", "malformed", "/spki_sha256"},
        {"{\"scheme\":\"ed25519\",\"content\":\"AA\",\"spki_sha256\":\"AA\"}", "malformed", "/spki_sha256"},
        {"{\"scheme\":\"ed25519\",\"content\":\"AA\",\"digest\":\"AA\"}", "unknown-member", "/digest"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_json_free) ha_json *json = NULL;
        assert_int_equal(api_rig_ask(*state, false, "POST", "/v1/keys/mine-server/tls", rows[i].body, &json), 400);
        assert_string_equal(ha_json_get_string(json, "code"), rows[i].code);
        assert_string_equal(ha_json_get_string(json, "pointer"), rows[i].pointer);
    }
}

static void sign_with_a_tls_key_is_refused(void **state)
{
    static const char digest[] = "{\"algorithm\":\"ES256\",\"digest\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                                 "\"format\":\"raw\"}";
    static const char data[] = "{\"algorithm\":\"ES256\",\"data\":\"AA\"}";
    api_rig_expect(*state, "POST", "/v1/keys/mine-server/sign", data, 422, "key-cannot");
    api_rig_expect(*state, "POST", "/v1/keys/mine-server/sign", digest, 422, "key-cannot");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", data, 200, NULL);
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", digest, 200, NULL);
}

static void sign_of_a_handshake_is_refused(void **state)
{
    ha_auto(ha_buf_clear) struct ha_buf content = {0}, body = {0};
    tls12_content(&content);
    ha_buf_puts(&body, "{\"algorithm\":\"ES256\",\"data\":\"");
    ha_b64u_encode(&body, content.data, content.len);
    ha_buf_puts(&body, "\"}");
    ha_auto(ha_json_free) ha_json *json = NULL, *batch_json = NULL;
    assert_int_equal(api_rig_ask(*state, false, "POST", "/v1/keys/mine/sign", ha_buf_text(&body), &json), 422);
    assert_non_null(strstr(ha_json_get_string(json, "detail"), "tls12-server-key-exchange"));

    ha_auto(ha_buf_clear) struct ha_buf batch = {0};
    ha_buf_printf(&batch, "{\"items\":[%s,{\"algorithm\":\"ES256\",\"data\":\"AA\"}]}", ha_buf_text(&body));
    assert_int_equal(api_rig_ask(*state, false, "POST", "/v1/keys/mine/sign", ha_buf_text(&batch), &batch_json), 200);
    const ha_json *first = ha_json_first(ha_json_get(batch_json, "results"));
    assert_string_equal(ha_json_get_string(first, "code"), "key-cannot");
    assert_non_null(ha_json_get_string(ha_json_next(first), "signature"));
}

static void key_for_tls_has_no_other_purpose(void **state)
{
    static const struct {
        const char *purposes;
        unsigned status;
    } rows[] = {
        {"\"tls-server\"", 201},
        {"\"tls-client\",\"tls13-only\",\"csr\"", 201},
        {"\"tls-server\",\"tls-client\"", 201},
        {"\"tls13-only\"", 422},
        {"\"csr\",\"tls13-only\"", 422},
        {"\"sign\",\"tls-server\"", 422},
        {"\"tls-client\",\"derive\"", 422},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        ha_auto(ha_json_free) ha_json *json = NULL;
        char path[64], body[160];
        snprintf(path, sizeof(path), "/v1/keys/mine-%zu", i);
        snprintf(body, sizeof(body), "{\"type\":\"ec:p256\",\"purposes\":[%s]}", rows[i].purposes);
        assert_int_equal(api_rig_ask(*state, true, "PUT", path, body, &json), rows[i].status);
        if (rows[i].status == 422)
            assert_string_equal(ha_json_get_string(json, "pointer"), "/purposes");
    }
}

static void key_for_tls_is_shown_as_one(void **state)
{
    static const char *const operations[] = {"show", "tls", "csr"};
    ha_auto(ha_json_free) ha_json *json = NULL;
    assert_int_equal(api_rig_ask(*state, false, "GET", "/v1/keys/mine-client", NULL, &json), 200);
    const ha_json *purpose = ha_json_first(ha_json_get(json, "purposes"));
    assert_string_equal(ha_json_string(purpose), "tls-client");
    assert_string_equal(ha_json_string(ha_json_next(purpose)), "tls13-only");
    const ha_json *operation = ha_json_first(ha_json_get(json, "operations"));
    for (size_t i = 0; i < HA_ARRAY_SIZE(operations); i++, operation = ha_json_next(operation))
        assert_string_equal(ha_json_string(operation), operations[i]);
    assert_null(operation);
    assert_string_equal(ha_json_string(ha_json_first(ha_json_get(json, "algorithms"))), "ES256");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, api_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls_signs_what_the_purpose_allows),
        TEST(tls_of_another_public_key_is_a_conflict),
        TEST(tls_is_granted_by_rule),
        TEST(tls_request_points_at_what_is_wrong),
        TEST(sign_with_a_tls_key_is_refused),
        TEST(sign_of_a_handshake_is_refused),
        TEST(key_for_tls_has_no_other_purpose),
        TEST(key_for_tls_is_shown_as_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("api_tls", tests, NULL, NULL);
}
