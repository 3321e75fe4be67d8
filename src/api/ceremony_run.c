// SPDX-License-Identifier: Apache-2.0
// Each step is one of the API's own requests, made in the name of the approvals.
#include "api/ceremony_run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "keys/objects.h"
#include "keys/use.h"

#include <string.h>
#include <unistd.h>

#define DEPTH_MAX  16                   // of a body's JSON
#define MODULE_MAX (128 * 1024 * 1024)  // bytes of a vendor's module
#define MADE       1                    // the version of a new key
#define TYPE       "hsm-agent-ceremony+json"

// A request of our own to one of the handlers, about that version of a key (0: the active one). ret_answer is its
// reply.
static enum ha_code ask(const struct ha_call_context *call, const char *name, unsigned version,
                        const struct ha_buf *body,
                        enum ha_code (*handle)(struct ha_call_context *call, struct ha_err *err), ha_json **ret_answer,
                        struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_request request = *call->request;
    // What was asked is the ceremony's request, and has a line of its own.
    struct ha_call_record record = call->record ? *call->record : (struct ha_call_record){0};
    if (!ha_buf_ok(body))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_json_parse(ha_buf_text(body), body->len, DEPTH_MAX, &json, err))
        return err->code;
    request.body = body->data;
    request.body_len = body->len;
    request.if_none_match = NULL;
    request.query = "";
    struct ha_call_context own = {.api = call->api,
                                  .request = &request,
                                  .name = name,
                                  .choice = {.number = version},
                                  .caller = {.uid = call->caller.uid, .start_ms = ha_now_ms()},
                                  .takings = call->takings,
                                  .record = call->record ? &record : NULL,
                                  .granted = true,
                                  .body = json,
                                  .status = 200,
                                  .out = &out};
    if (handle(&own, err))
        return err->code;
    if (!ha_buf_ok(&out))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_json_parse(ha_buf_text(&out), out.len, DEPTH_MAX, ret_answer, err);
}

enum ha_code ha_ceremony_check_audit_key(const struct ha_call_context *call, const char *key, struct ha_err *err)
{
    const char *name = call->api->config->agent.audit_key;
    if (!name) {
        ha_fail(err, HA_E_KEY_CANNOT, "there is no key that could sign the ceremony's transcript");
        return ha_hint(err, "make a key of the purpose sign, and name it in [agent]: audit-key = NAME");
    }
    if (strcmp(name, key) == 0)
        return ha_fail(err, HA_E_KEY_CANNOT, "the audit key can't be made by a ceremony, whose transcript it signs");
    ha_auto(ha_key_unref) struct ha_key *audit = ha_keys_get(call->api->keys, name);
    if (!audit) {
        ha_fail(err, HA_E_KEY_CANNOT, "there is no key '%s', the configuration's audit-key", name);
        return ha_hint(err, "make it: `hsm-agent key create %s --type ec:p256`", name);
    }
    if (ha_use_check(audit, ha_alg_default(audit->type), HA_PURPOSE_SIGN, err))
        return ha_wrap(err, "the audit key '%s'", name);
    return HA_OK;
}

// --- The key

// The name was kept free for the ceremony, so a key that was made since it was approved is the ceremony's. That is the
// first version, whatever was rotated since.
static enum ha_code find_made(const struct ha_key *key, const struct ha_ceremony *ceremony, struct ha_err *err)
{
    if (strcmp(key->created, ceremony->making) < 0 || key->adopted || key->imported) {
        ha_fail(err, HA_E_CONFLICT, "there is a key '%s' already that the ceremony %s didn't make", key->name,
                ceremony->id);
        return ha_hint(err, "cancel the ceremony: `hsm-agent ceremony cancel %s`", ceremony->id);
    }
    if (key->phase == HA_PHASE_READY)
        return HA_OK;
    ha_fail(err, HA_E_KEY_INCOMPLETE, "the making of '%s' was cut off", key->name);
    return ha_hint(err, "delete what there is with `hsm-agent key delete %s`, then `hsm-agent ceremony run %s`",
                   key->name, ceremony->id);
}

static enum ha_code make_key(const struct ha_call_context *call, const struct ha_ceremony *ceremony,
                             struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get_version(call->api->keys, ceremony->key, MADE);
    ha_auto(ha_json_free) ha_json *answer = NULL;
    if (!key && ask(call, ceremony->key, 0, &ceremony->request, ha_handle_key_put, &answer, err))
        return ha_wrap(err, "the key isn't made");
    if (!key)
        key = ha_keys_get_version(call->api->keys, ceremony->key, MADE);
    if (!key)
        return ha_call_no_key(call, err);
    if (find_made(key, ceremony, err))
        return err->code;
    *ret_key = ha_take(&key);
    return HA_OK;
}

// --- The transcript

static void put_sha256(struct ha_buf *out, const char *name, const void *bytes, size_t n)
{
    uint8_t digest[HA_DIGEST_MAX];
    struct ha_err ignored = {0};
    if (ha_digest(HA_HASH_SHA256, bytes, n, digest, &ignored))
        out->failed = true;
    else
        ha_jw_hex(out, name, digest, HA_CEREMONY_HASH_LEN / 2);
}

static void put_agent(const struct ha_call_context *call, struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf policy = {0};
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    ha_config_dump(call->api->config, &policy);
    ha_jw_object(out, "agent");
    ha_jw_string(out, "version", HA_VERSION);
    ha_jw_string(out, "host", host);
    ha_jw_string(out, "audit_key", call->api->config->agent.audit_key);
    put_sha256(out, "policy_sha256", policy.data, policy.len);
    ha_jw_object_end(out);
}

// A module that we may not read is named without its hash.
static void put_module(struct ha_buf *out, const struct ha_token_config *config)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    struct ha_err ignored = {0};
    ha_jw_object(out, "module");
    ha_jw_string(out, "path", config->module);
    if (ha_file_read(config->module, MODULE_MAX, HA_FILE_ANY, &bytes, &ignored) == HA_OK)
        put_sha256(out, "sha256", bytes.data, bytes.len);
    ha_jw_object_end(out);
}

static void put_attributes(struct ha_buf *out, unsigned flags)
{
    static const struct {
        const char *name;
        unsigned flag;
    } rows[] = {
        {"CKA_SENSITIVE", HA_OBJECT_SENSITIVE},
        {"CKA_EXTRACTABLE", HA_OBJECT_EXTRACTABLE},
        {"CKA_ALWAYS_SENSITIVE", HA_OBJECT_ALWAYS_SENSITIVE},
        {"CKA_NEVER_EXTRACTABLE", HA_OBJECT_NEVER_EXTRACTABLE},
        {"CKA_SIGN", HA_OBJECT_SIGN},
        {"CKA_DECRYPT", HA_OBJECT_DECRYPT},
        {"CKA_DERIVE", HA_OBJECT_DERIVE},
    };
    ha_jw_object(out, "attributes");
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++)
        ha_jw_bool(out, rows[i].name, flags & rows[i].flag);
    ha_jw_object_end(out);
}

// The object as the token shows it now: the one with the replica's id and the key's public key.
static enum ha_code read_back(const struct ha_key *key, const struct ha_replica *replica, struct ha_token *token,
                              unsigned *ret_flags, struct ha_err *err)
{
    ha_auto(ha_objects_clear) struct ha_objects objects = {0};
    ha_auto(ha_buf_clear) struct ha_buf uri = {0};
    bool secret = key->type == HA_KEY_HMAC_256;
    size_t first, n;
    if (!secret) {  // only private keys can be asked for by their id
        ha_buf_puts(&uri, "pkcs11:id=");
        for (size_t i = 0; i < replica->id_len; i++)
            ha_buf_printf(&uri, "%%%02x", replica->id[i]);
    }
    if (!ha_buf_ok(&uri))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_objects_list(token, ha_buf_text(&uri), &objects, err))
        return err->code;
    if (ha_objects_find(&objects, replica->id, replica->id_len, secret, &first) != 1)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token '%s' doesn't show the key '%s' that it made, or more than one",
                       replica->token_name, key->name);
    const struct ha_object *object = &objects.items[first];
    const uint8_t *spki = ha_pubkey_spki(key->public_key, &n);
    if (object->spki && (object->spki_len != n || memcmp(object->spki, spki, n) != 0))
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token '%s' shows another public key of '%s' than it made",
                       replica->token_name, key->name);
    *ret_flags = object->flags;
    return HA_OK;
}

static enum ha_code put_replica(struct ha_buf *out, const struct ha_key *key, const struct ha_replica *replica,
                                struct ha_err *err)
{
    struct ha_token *token = atomic_load(&replica->token);
    struct ha_token_status status;
    unsigned flags = 0;
    if (!token)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' isn't in the configuration any more", replica->token_name);
    if (read_back(key, replica, token, &flags, err))
        return err->code;
    ha_token_status(token, &status);
    ha_jw_object(out, NULL);
    ha_jw_string(out, "token", replica->token_name);
    ha_jw_string(out, "label", status.label);
    ha_jw_string(out, "serial", status.serial);
    ha_jw_string(out, "model", status.model);
    put_module(out, ha_token_config(token));
    ha_jw_hex(out, "id", replica->id, replica->id_len);
    put_attributes(out, flags);
    ha_jw_object_end(out);
    return HA_OK;
}

static enum ha_code put_key(struct ha_buf *out, const struct ha_key *key, struct ha_err *err)
{
    ha_jw_object(out, "key");
    ha_jw_string(out, "name", key->name);
    ha_jw_number(out, "version", key->version);
    ha_jw_string(out, "type", ha_key_type_info(key->type)->name);
    ha_jw_string(out, "created", key->created);
    if (ha_pubkey_is_public(key->public_key)) {
        ha_auto(ha_buf_clear) struct ha_buf pem = {0};
        ha_pubkey_to_pem(key->public_key, &pem);
        ha_jw_string(out, "public_key", ha_buf_text(&pem));
        ha_jw_hex(out, "spki_sha256", ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN);
    }
    ha_jw_array(out, "replicas");
    for (size_t i = 0; i < key->n_replicas; i++)
        if (put_replica(out, key, &key->replicas[i], err))
            return err->code;
    ha_jw_array_end(out);
    ha_jw_object_end(out);
    return HA_OK;
}

// A request that can't be granted is told in the transcript: the key is made, and asking again wouldn't help. What may
// be better later is a failure.
static enum ha_code put_csr(const struct ha_call_context *call, const struct ha_ceremony *ceremony, struct ha_buf *out,
                            struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *answer = NULL;
    struct ha_err failure = {0};
    if (ceremony->csr.len == 0)
        return HA_OK;
    if (ask(call, ceremony->key, MADE, &ceremony->csr, ha_handle_csr, &answer, &failure) == HA_OK) {
        ha_jw_string(out, "csr", ha_json_get_string(answer, "csr"));
        return HA_OK;
    }
    if (ha_code_info(failure.code)->status >= 500) {
        *err = failure;
        return ha_wrap(err, "the certificate request isn't made");
    }
    ha_jw_string(out, "csr_refused", failure.detail);
    return HA_OK;
}

static enum ha_code put_transcript(const struct ha_call_context *call, const struct ha_ceremony *ceremony,
                                   const struct ha_key *key, struct ha_buf *out, struct ha_err *err)
{
    char hash[HA_CEREMONY_HASH_LEN + 1], now[25];
    if (ha_ceremony_hash(ceremony, hash, err))
        return err->code;
    ha_time_iso(now);
    ha_jw_object(out, NULL);
    ha_jw_string(out, "ceremony", ceremony->id);
    ha_jw_string(out, "time", now);
    put_agent(call, out);
    ha_buf_printf(out, ",\"request\":%s", ha_buf_text(&ceremony->request));
    ha_jw_string(out, "request_sha256", hash);
    ha_ceremony_put_person(out, "requester", &ceremony->requester);
    ha_jw_array(out, "approvals");
    for (size_t i = 0; i < ceremony->n_approvals; i++)
        ha_ceremony_put_person(out, NULL, &ceremony->approvals[i]);
    ha_jw_array_end(out);
    if (put_key(out, key, err) || put_csr(call, ceremony, out, err))
        return err->code;
    ha_jw_object_end(out);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

static enum ha_code sign(const struct ha_call_context *call, const struct ha_buf *text, struct ha_buf *ret_jws,
                         struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *answer = NULL;
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    ha_jw_bytes(&body, "payload", text->data, text->len);
    ha_jw_object(&body, "header");
    ha_jw_string(&body, "typ", TYPE);
    ha_jw_object_end(&body);
    ha_jw_object_end(&body);
    if (ask(call, call->api->config->agent.audit_key, 0, &body, ha_handle_jws, &answer, err))
        return ha_wrap(err, "the transcript isn't signed");
    const char *jws = ha_json_get_string(answer, "jws");
    ha_buf_puts(ret_jws, jws ? jws : "");
    return jws && ha_buf_ok(ret_jws) ? HA_OK : ha_fail(err, HA_E_INTERNAL, "the transcript isn't signed");
}

enum ha_code ha_ceremony_run(const struct ha_call_context *call, struct ha_ceremony *ceremony, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_ceremony_check_audit_key(call, ceremony->key, err) || make_key(call, ceremony, &key, err) ||
        put_transcript(call, ceremony, key, &text, err) || sign(call, &text, &ceremony->transcript, err))
        return err->code;
    ceremony->phase = HA_CEREMONY_DONE;
    if (ha_ceremonies_save(ha_keys_ceremonies(call->api->keys), ceremony, err))
        return ha_wrap(err, "the key is made, but the transcript can't be kept");
    ha_log(call->api->log, HA_LOG_INFO, "ceremony-done", HA_S("ceremony", ceremony->id), HA_S("key", ceremony->key),
           HA_N("uid", call->request->principal->uid));
    return HA_OK;
}
