// SPDX-License-Identifier: Apache-2.0
// Requests, "METHOD PATH[?QUERY]\nBODY", to the whole API over the fake token, from somebody who may do everything:
// each is answered with JSON, a refusal with a problem document, and none with a mistake of the agent's own.
#include "fake.h"

#include "api/api.h"
#include "base/json.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct rig {
    struct fake fake;
    char state_dir[96];
    struct ha_allow allow;
    struct ha_client_config client;
    struct ha_listen_config listen;
    struct ha_config config;
    struct ha_principal principal;
    struct ha_profiles *profiles;
    struct ha_token *token;
    struct ha_api api;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static enum ha_code bind_keys(void *context, struct ha_token *token, struct ha_err *err)
{
    struct rig *rig = context;
    return ha_keys_bind(rig->api.keys, token, err);
}

// Keys for each purpose. The token makes none but P-256.
static void make_keys(struct rig *rig)
{
    static const struct {
        const char *name;
        unsigned purposes;
    } keys[] = {{"sign", HA_PURPOSE_SIGN}, {"tls", HA_PURPOSE_TLS_SERVER}, {"derive", HA_PURPOSE_DERIVE}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(keys); i++) {
        static const struct ha_key_traits traits = {.backup = true};
        struct ha_key *key = NULL;
        struct ha_err err = {0};
        must(ha_keys_create(rig->api.keys, keys[i].name, &rig->token, 1, HA_KEY_EC_P256, keys[i].purposes, &traits,
                            &key, &err) == HA_OK);
        ha_key_unref(key);
    }
}

static void up(struct rig *rig)
{
    struct ha_err err = {0};
    fake_init(&rig->fake, bind_keys, rig);
    snprintf(rig->state_dir, sizeof rig->state_dir, "%s/state", rig->fake.directory);
    must(ha_keys_new(rig->state_dir, &rig->fake.log, &rig->api.keys, &err) == HA_OK);
    must(ha_token_new(&rig->fake.config, &rig->fake.host, &rig->token, &err) == HA_OK);
    ha_token_wait_first(rig->token);
    make_keys(rig);
}

static void down(struct rig *rig)
{
    ha_token_free(rig->token);
    ha_keys_free(rig->api.keys);
    fake_clear(&rig->fake);
}

static struct rig *the_rig(void)
{
    static struct rig rig;
    char path[4096];
    struct ha_err err = {0};
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    if (rig.token)
        return &rig;
    snprintf(path, sizeof path, "%s/hsm-config/profiles", getenv("FUZZ_TOP"));
    must(ha_profiles_load(path, NULL, &rig.profiles, &mistakes, &err) == HA_OK);
    rig.allow = (struct ha_allow){.key = (char *)"*", .operations = HA_OPERATIONS_ALL};
    rig.client = (struct ha_client_config){
        .name = (char *)"tester", .uids = &rig.principal.uid, .n_uids = 1, .allows = &rig.allow, .n_allows = 1};
    rig.config = (struct ha_config){.path = (char *)"test",
                                    .agent = {.rsa1_5 = true, .audit_key = (char *)"sign"},
                                    .tokens = &rig.fake.config,
                                    .n_tokens = 1,
                                    .clients = &rig.client,
                                    .n_clients = 1};
    rig.api =
        (struct ha_api){.config = &rig.config, .profiles = rig.profiles, .tokens = &rig.token, .log = &rig.fake.log};
    up(&rig);
    return &rig;
}

static void judge(const struct ha_reply *reply)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err err = {0};
    must(ha_buf_ok(&reply->body) && reply->status >= 200 && reply->status < 600 && reply->content_type);
    if (!strstr(reply->content_type, "json"))
        return;
    must(ha_json_parse(ha_buf_text(&reply->body), reply->body.len, 64, &json, &err) == HA_OK);
    if (strcmp(reply->content_type, "application/problem+json") != 0)
        return;
    const char *code = ha_json_get_string(json, "code");
    must(reply->status >= 400 && code && strcmp(code, "internal") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rig *rig = the_rig();
    struct ha_reply reply = {0};
    const uint8_t *end = memchr(data, '\n', n);
    size_t head = end ? (size_t)(end - data) : n;
    ha_auto(ha_free) char *line = strndup((const char *)data, head);
    must(line != NULL);
    char *query = line, *method = strsep(&query, " "), *path = strsep(&query, "?");
    if (!path)
        return 0;
    const size_t left = end ? n - head - 1 : 0;
    ha_auto(ha_free) uint8_t *body = malloc(left ? left : 1);  // so that a byte behind it is noticed
    must(body != NULL);
    if (left)
        memcpy(body, end + 1, left);
    const struct ha_request request = {.method = method,
                                       .path = path,
                                       .query = query ? query : "",
                                       .body = body,
                                       .body_len = left,
                                       .principal = &rig->principal,
                                       .admin = true,
                                       .listen = "test",
                                       .id = "1"};
    ha_api_handle(&rig->api, &request, &reply);
    judge(&reply);
    // What changes keys is undone, so that an input does the same each time.
    if (strcmp(method, "GET") != 0 && (reply.status < 300 || reply.status >= 500) && !strstr(path, "/sign")) {
        down(rig);
        up(rig);
    }
    ha_buf_clear(&reply.body);
    return 0;
}
