// SPDX-License-Identifier: Apache-2.0
#include "api_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    struct api_rig *rig = context;
    return ha_keys_bind(rig->api.keys, token, err);
}

int api_rig_setup(void **state)
{
    struct api_rig *rig = calloc(1, sizeof(*rig));
    struct ha_err err = {0};
    fake_init(&rig->fake, bind_keys, rig);
    snprintf(rig->state_dir, sizeof(rig->state_dir), "%s/state", rig->fake.directory);
    rig->uid = 4711;
    rig->allows[0] = (struct ha_allow){.key = (char *)"mine*", .operations = HA_OPERATIONS_ALL};
    rig->allows[1] =
        (struct ha_allow){.key = (char *)"data", .operations = 1u << HA_OPERATION_SIGN, .algs = 1u << HA_ALG_ES256};
    rig->allows[2] = (struct ha_allow){.key = (char *)"seen", .operations = 1u << HA_OPERATION_SHOW};
    rig->client = (struct ha_client_config){
        .name = (char *)"tester", .uids = &rig->uid, .n_uids = 1, .allows = rig->allows, .n_allows = 3};
    rig->config = (struct ha_config){
        .path = (char *)"test", .tokens = &rig->fake.config, .n_tokens = 1, .clients = &rig->client, .n_clients = 1};
    rig->principal = (struct ha_principal){.uid = 4711, .gid = 4711, .pid = 1};
    assert_int_equal(ha_keys_new(rig->state_dir, &rig->fake.log, &rig->api.keys, &err), HA_OK);
    assert_int_equal(ha_token_new(&rig->fake.config, &rig->fake.host, &rig->token, &err), HA_OK);
    ha_token_wait_first(rig->token);
    rig->api.config = &rig->config;
    rig->api.tokens = &rig->token;
    rig->api.log = &rig->fake.log;
    static const char *const names[] = {"mine", "data", "seen", "hidden"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        struct ha_key *key = NULL;
        assert_int_equal(
            ha_keys_create(rig->api.keys, names[i], &rig->token, 1, HA_KEY_EC_P256, HA_PURPOSE_SIGN, NULL, &key, &err),
            HA_OK);
        ha_key_unref(key);
    }
    *state = rig;
    return 0;
}

int api_rig_teardown(void **state)
{
    struct api_rig *rig = *state;
    ha_token_free(rig->token);
    ha_keys_free(rig->api.keys);
    fake_clear(&rig->fake);
    free(rig);
    return 0;
}

unsigned api_rig_ask(struct api_rig *rig, bool admin, const char *method, const char *path, const char *body,
                     ha_json **ret_json)
{
    struct ha_reply reply = {0};
    struct ha_err err = {0};
    const struct ha_request request = {
        .method = method,
        .path = path,
        .query = "",
        .body = (const uint8_t *)body,
        .body_len = body ? strlen(body) : 0,
        .principal = &rig->principal,
        .admin = admin,
        .listen = "test",
        .request_timeout = rig->request_timeout,
        .id = "1",
    };
    ha_api_handle(&rig->api, &request, &reply);
    assert_int_equal(ha_json_parse(ha_buf_text(&reply.body), reply.body.len, 16, ret_json, &err), HA_OK);
    assert_string_equal(reply.content_type, reply.status < 400 ? "application/json" : "application/problem+json");
    ha_buf_clear(&reply.body);
    return reply.status;
}

void api_rig_expect(struct api_rig *rig, const char *method, const char *path, const char *body, unsigned status,
                    const char *code)
{
    ha_json *json = NULL;
    assert_int_equal(api_rig_ask(rig, false, method, path, body, &json), status);
    if (code)
        assert_string_equal(ha_json_get_string(json, "code"), code);
    ha_json_free(json);
}
