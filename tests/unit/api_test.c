// SPDX-License-Identifier: Apache-2.0
// Requests and replies without sockets: routes, members, policy's answers, batches.
#include "api_rig.h"

#include "api/members.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/json.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void route_find_knows_every_row(void **state)
{
    for (const struct ha_route *route = ha_routes(); route->pattern; route++) {
        char path[128], name[HA_NAME_MAX + 1];
        const char *hole = strchr(route->pattern, '{'), *allow = NULL;
        if (hole)
            snprintf(path, sizeof(path), "%.*skey%s", (int)(hole - route->pattern), route->pattern, hole + 6);
        else
            snprintf(path, sizeof(path), "%s", route->pattern);
        const struct ha_route *found = NULL;
        struct ha_err err = {0};
        assert_int_equal(ha_route_find(route->method, path, &found, name, &allow, &err), HA_OK);
        assert_ptr_equal(found, route);
        if (hole)
            assert_string_equal(name, "key");
        assert_int_equal(ha_route_find("PATCH", path, &found, name, &allow, &err), HA_E_METHOD);
        assert_non_null(strstr(allow, route->method));
        assert_non_null(route->summary);
    }
}

static void route_find_of_a_stranger_fails(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "/v1",
        "/v1/",
        "/v2/keys",
        "/v1/keys/",
        "/v1/keys//sign",
        "/v1/keys/a/b/sign",
        "/v1/keys/a/sign/",
        "/v1/keys/a/signs",
        "/V1/keys",
        "/v1/keys/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/sign"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(paths); i++) {
        const struct ha_route *route;
        const char *allow;
        char name[HA_NAME_MAX + 1];
        struct ha_err err = {0};
        assert_int_equal(ha_route_find("POST", paths[i], &route, name, &allow, &err), HA_E_NO_ROUTE);
    }
}

struct sample {
    enum ha_alg alg;
    struct ha_member_bytes bytes;
    enum ha_key_type type;
    unsigned purposes;
    enum ha_format format;
    uint64_t number;
    const char *text;
    const ha_json *list;
};

static const struct ha_member sample_members[] = {
    {"alg", HA_MEMBER_ALG, true, offsetof(struct sample, alg)},
    {"bytes", HA_MEMBER_BYTES, false, offsetof(struct sample, bytes)},
    {"type", HA_MEMBER_KEY_TYPE, false, offsetof(struct sample, type)},
    {"purposes", HA_MEMBER_PURPOSES, false, offsetof(struct sample, purposes)},
    {"format", HA_MEMBER_FORMAT, false, offsetof(struct sample, format)},
    {"number", HA_MEMBER_UINT, false, offsetof(struct sample, number)},
    {"text", HA_MEMBER_STRING, false, offsetof(struct sample, text)},
    {"list", HA_MEMBER_ARRAY, false, offsetof(struct sample, list)},
    {0},
};

static enum ha_code read_sample(const char *text, struct sample *sample, struct ha_err *err)
{
    ha_json *json = NULL;
    *sample = (struct sample){0};
    assert_int_equal(ha_json_parse(text, strlen(text), 16, &json, err), HA_OK);
    enum ha_code code = ha_members_read(json, sample_members, "/items/3", sample, err);
    ha_json_free(json);
    return code;
}

static void members_read_fills_the_struct(void **state)
{
    struct sample sample;
    struct ha_err err = {0};
    assert_int_equal(
        read_sample("{\"alg\":\"ES256\",\"bytes\":\"AAE\",\"type\":\"ed25519\",\"purposes\":[\"sign\",\"csr\"],"
                    "\"format\":\"jose\",\"number\":7,\"text\":\"x\",\"list\":[]}",
                    &sample, &err),
        HA_OK);
    assert_int_equal(sample.alg, HA_ALG_ES256);
    assert_true(sample.bytes.present);
    assert_memory_equal(sample.bytes.buf.data, "\0\1", 2);
    assert_int_equal(sample.type, HA_KEY_ED25519);
    assert_int_equal(sample.purposes, HA_PURPOSE_SIGN | HA_PURPOSE_CSR);
    assert_int_equal(sample.format, HA_FORMAT_JOSE);
    assert_int_equal(sample.number, 7);
    ha_buf_clear(&sample.bytes.buf);
}

static void members_read_points_at_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *pointer;
        enum ha_code code;
    } rows[] = {
        {"[]", "/items/3", HA_E_MALFORMED},
        {"{}", "/items/3/alg", HA_E_MALFORMED},
        {"{\"alg\":1}", "/items/3/alg", HA_E_MALFORMED},
        {"{\"alg\":\"none\"}", "/items/3/alg", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"Alg\":1}", "/items/3/Alg", HA_E_UNKNOWN_MEMBER},
        {"{\"alg\":\"ES256\",\"bytes\":\"AA==\"}", "/items/3/bytes", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"bytes\":\"A+8\"}", "/items/3/bytes", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"bytes\":null}", "/items/3/bytes", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"type\":\"rsa:1024\"}", "/items/3/type", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"purposes\":[]}", "/items/3/purposes", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"purposes\":[\"sign,csr\"]}", "/items/3/purposes", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"purposes\":\"sign\"}", "/items/3/purposes", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"format\":\"p1363\"}", "/items/3/format", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"number\":-1}", "/items/3/number", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"number\":1.5}", "/items/3/number", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"number\":\"1\"}", "/items/3/number", HA_E_MALFORMED},
        {"{\"alg\":\"ES256\",\"list\":{}}", "/items/3/list", HA_E_MALFORMED},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        struct sample sample;
        struct ha_err err = {0};
        assert_int_equal(read_sample(rows[i].text, &sample, &err), rows[i].code);
        assert_string_equal(err.pointer, rows[i].pointer);
        ha_buf_clear(&sample.bytes.buf);
    }
}

// --- The whole API over the fake token.

static void sign_is_granted_by_rule(void **state)
{
    static const char es256[] = "{\"algorithm\":\"ES256\",\"data\":\"AA\",\"format\":\"raw\"}";
    static const char digest[] = "{\"algorithm\":\"ES256\",\"digest\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                                 "\"format\":\"raw\"}";
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", es256, 200, NULL);
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", digest, 200, NULL);
    api_rig_expect(*state, "POST", "/v1/keys/data/sign", es256, 200, NULL);
    api_rig_expect(*state, "POST", "/v1/keys/data/sign", digest, 403, "forbidden");
    api_rig_expect(*state, "POST", "/v1/keys/seen/sign", es256, 403, "forbidden");
    api_rig_expect(*state, "POST", "/v1/keys/hidden/sign", es256, 404, "no-such-key");
    api_rig_expect(*state, "POST", "/v1/keys/nowhere/sign", es256, 404, "no-such-key");
    api_rig_expect(*state, "POST", "/v1/keys/mine-not-there/sign", es256, 404, "no-such-key");
}

static void sign_of_what_the_key_cannot_is_unprocessable(void **state)
{
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"RS256\",\"data\":\"AA\"}", 422,
                   "key-cannot");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"ES384\",\"data\":\"AA\"}", 422,
                   "key-cannot");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"ES256\",\"data\":\"AA\",\"version\":2}", 422,
                   "key-cannot");
    api_rig_expect(*state, "POST", "/v1/keys/mine/decrypt", "{\"algorithm\":\"RSA-OAEP\",\"ciphertext\":\"AA\"}", 422,
                   "key-cannot");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"ES256\",\"digest\":\"AA\"}", 400,
                   "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"RSA-OAEP\",\"data\":\"AA\"}", 400,
                   "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"ES256\",\"data\":\"AA\",\"digest\":\"AA\"}",
                   400, "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"ES256\"}", 400, "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "", 400, "malformed");
}

static void keys_listed_are_those_the_caller_may_know_of(void **state)
{
    ha_json *json = NULL;
    assert_int_equal(api_rig_ask(*state, false, "GET", "/v1/keys", NULL, &json), 200);
    const ha_json *keys = ha_json_get(json, "keys");
    assert_int_equal(ha_json_size(keys), 3);
    assert_string_equal(ha_json_get_string(ha_json_first(keys), "name"), "data");
    ha_json_free(json);
    api_rig_expect(*state, "GET", "/v1/keys/seen", NULL, 200, NULL);
    api_rig_expect(*state, "GET", "/v1/keys/hidden", NULL, 404, "no-such-key");
}

static void admin_routes_need_an_admin_socket_and_a_rule(void **state)
{
    ha_json *json = NULL;
    api_rig_expect(*state, "PUT", "/v1/keys/mine-2", "{\"type\":\"ec:p256\"}", 403, "not-admin");
    assert_int_equal(api_rig_ask(*state, true, "PUT", "/v1/keys/mine-2", "{\"type\":\"ec:p256\"}", &json), 201);
    assert_non_null(ha_json_get(json, "public_key"));
    ha_json_free(json);
    assert_int_equal(api_rig_ask(*state, true, "PUT", "/v1/keys/mine-2", "{\"type\":\"ec:p256\"}", &json), 409);
    ha_json_free(json);
    assert_int_equal(api_rig_ask(*state, true, "PUT", "/v1/keys/other", "{\"type\":\"ec:p256\"}", &json), 404);
    ha_json_free(json);
    assert_int_equal(api_rig_ask(*state, true, "DELETE", "/v1/keys/data", NULL, &json), 403);
    ha_json_free(json);
    assert_int_equal(api_rig_ask(*state, true, "DELETE", "/v1/keys/mine-2", NULL, &json), 200);
    ha_json_free(json);
}

static void sign_batch_answers_each_item_in_order(void **state)
{
    ha_json *json = NULL;
    static const char body[] = "{\"items\":[{\"algorithm\":\"ES256\",\"data\":\"AA\",\"format\":\"raw\"},"
                               "{\"algorithm\":\"RS256\",\"data\":\"AA\"},"
                               "{\"algorithm\":\"ES256\",\"data\":\"AAAA\",\"format\":\"jose\"}]}";
    assert_int_equal(api_rig_ask(*state, false, "POST", "/v1/keys/mine/sign", body, &json), 200);
    const ha_json *first = ha_json_first(ha_json_get(json, "results")), *second = ha_json_next(first);
    assert_string_equal(ha_json_get_string(first, "format"), "raw");
    assert_string_equal(ha_json_get_string(second, "code"), "key-cannot");
    assert_string_equal(ha_json_get_string(ha_json_next(second), "format"), "jose");
    ha_json_free(json);
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"items\":[]}", 400, "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"items\":[{\"algorithm\":\"ES256\"}]}", 400, "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{\"items\":[],\"algorithm\":\"ES256\"}", 400,
                   "unknown-member");
    api_rig_expect(*state, "POST", "/v1/keys/hidden/sign", body, 404, "no-such-key");
    api_rig_expect(*state, "POST", "/v1/keys/seen/sign", body, 403, "forbidden");
}

static void sign_batch_of_too_many_is_too_large(void **state)
{
    struct ha_buf body = {0};
    ha_buf_puts(&body, "{\"items\":[");
    for (int i = 0; i < 257; i++)
        ha_buf_puts(&body, i ? ",{}" : "{}");
    ha_buf_puts(&body, "]}");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", ha_buf_text(&body), 413, "too-large");
    ha_buf_clear(&body);
}

static void requests_that_fit_no_route_get_a_problem(void **state)
{
    api_rig_expect(*state, "GET", "/", NULL, 404, "no-route");
    api_rig_expect(*state, "DELETE", "/v1/version", NULL, 405, "method-not-allowed");
    api_rig_expect(*state, "GET", "/v1/version", "{}", 400, "malformed");
    api_rig_expect(*state, "POST", "/v1/keys/mine/sign", "{", 400, "malformed");
}

static void request_timeout_that_is_no_time_is_malformed(void **state)
{
    struct api_rig *rig = *state;
    static const char *const wrong[] = {"",   "0",  "0.0", "0.0009", "-1", "+1",  "1s",
                                        "1.", ".5", "1e3", " 1",     "1 ", "1,5", "1.2.3"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
        rig->request_timeout = wrong[i];
        api_rig_expect(rig, "GET", "/v1/version", NULL, 400, "malformed");
    }
    static const char *const right[] = {"1", "2.5", "0.001", "007", "0.0019", "99999999999999999999999999"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(right); i++) {
        rig->request_timeout = right[i];
        api_rig_expect(rig, "GET", "/v1/version", NULL, 200, NULL);
    }
}

static void request_timeout_ends_a_request_before_the_token_s_deadline(void **state)
{
    struct api_rig *rig = *state;
    static const char hold[] = "{\"algorithm\":\"ES256\",\"data\":\"aG9sZA\",\"format\":\"raw\"}";
    char held[128];
    snprintf(held, sizeof(held), "%s/held", rig->fake.directory);
    rig->fake.config.deadline_ms = 60000;
    rig->request_timeout = "0.03";
    int64_t before = ha_now_ms();
    api_rig_expect(rig, "POST", "/v1/keys/mine/sign", hold, 504, "deadline");
    assert_true(ha_now_ms() - before < 30000);
    while (access(held, F_OK))
        poll(NULL, 0, 1);
    unlink(held);
    rig->request_timeout = "60";
    api_rig_expect(rig, "POST", "/v1/keys/mine/sign", "{\"algorithm\":\"ES256\",\"data\":\"YQ\",\"format\":\"raw\"}",
                   200, NULL);
    struct ha_token_status status;
    ha_token_status(rig->token, &status);
    assert_int_equal(status.restarts, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_rig_setup, api_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_find_knows_every_row),
        cmocka_unit_test(route_find_of_a_stranger_fails),
        cmocka_unit_test(members_read_fills_the_struct),
        cmocka_unit_test(members_read_points_at_what_is_wrong),
        TEST(sign_is_granted_by_rule),
        TEST(sign_of_what_the_key_cannot_is_unprocessable),
        TEST(keys_listed_are_those_the_caller_may_know_of),
        TEST(admin_routes_need_an_admin_socket_and_a_rule),
        TEST(sign_batch_answers_each_item_in_order),
        TEST(sign_batch_of_too_many_is_too_large),
        TEST(requests_that_fit_no_route_get_a_problem),
        TEST(request_timeout_that_is_no_time_is_malformed),
        TEST(request_timeout_ends_a_request_before_the_token_s_deadline),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
