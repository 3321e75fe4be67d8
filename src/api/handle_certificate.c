// SPDX-License-Identifier: Apache-2.0
// /v1/keys/{name}/certificate: installed, shown, removed.
#include "api/certificate_profile.h"
#include "api/members.h"
#include "api/query.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

struct put_request {
    const ha_json *certificates, *intermediates;
    bool store_in_token;
};

static const struct ha_member put_members[] = {
    {"certificates", HA_MEMBER_ANY, true, offsetof(struct put_request, certificates)},
    {"intermediates", HA_MEMBER_ANY, false, offsetof(struct put_request, intermediates)},
    {"store_in_token", HA_MEMBER_BOOL, false, offsetof(struct put_request, store_in_token)},
    {0},
};

// A certificate that ends before the one in use does is rarely meant.
static void note_replaced(const struct ha_key_certificate *before, const struct ha_key_certificate *now,
                          struct ha_chain_notes *notes)
{
    if (before && before->not_after > now->not_after)
        ha_chain_note(notes, "ends-earlier", "the certificate that it takes the place of would have been valid longer");
}

struct installed {
    struct ha_key *key;
    const struct ha_key_certificate *before;  // NULL: there was none
    struct ha_chain_notes *notes;
    bool in_token, activated;
};

static enum ha_code write_installed(struct ha_call_context *call, const struct installed *done, struct ha_err *err)
{
    struct ha_key *key = done->key;
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *now = ha_key_certificate(key);
    if (!now)
        return ha_fail(err, HA_E_CONFLICT, "the certificate was removed while it was being installed");
    note_replaced(done->before, now, done->notes);
    ha_log(call->api->log, HA_LOG_INFO, "certificate-installed", HA_S("key", key->name), HA_N("version", key->version),
           HA_N("until", now->not_after), HA_N("uid", call->request->principal->uid));
    ha_jw_object(call->out, NULL);
    ha_certificate_write_key(call->out, key);
    if (done->before)
        ha_jw_hex(call->out, "replaced", done->before->sha256, sizeof done->before->sha256);
    ha_jw_bool(call->out, "in_token", done->in_token);
    ha_jw_bool(call->out, "activated", done->activated);
    ha_certificate_write_notes(call->out, done->notes);
    if (ha_certificate_write_chain(call->out, &now->chain, err))
        return err->code;
    ha_jw_object_end(call->out);
    return HA_OK;
}

// The version of a key for TLS that was made to wait for its certificate signs from now on.
static enum ha_code activate(struct ha_call_context *call, struct ha_key *key, bool *ret_activated, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *activated = NULL;
    struct ha_keys *keys = call->api->keys;
    if (!(key->purposes & HA_PURPOSES_TLS) || atomic_load(&key->activates_s) ||
        ha_keys_status(keys, key, NULL) != HA_STATUS_PENDING)
        return HA_OK;
    if (ha_keys_activate(keys, key->name, key->version, time(NULL), -1, &activated, err))
        return ha_wrap(err, "the certificate is installed, but the version can't be activated");
    *ret_activated = true;
    return HA_OK;
}

enum ha_code ha_handle_certificate_put(struct ha_call_context *call, struct ha_err *err)
{
    struct put_request request = {0};
    struct ha_chain_notes notes = {0};
    bool activated = false;
    ha_auto(ha_cert_bag_clear) struct ha_cert_bag bag = {0};
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, put_members, "", &request, err) ||
        ha_call_key(call, HA_OPERATION_INSTALL, HA_ALG_NONE, &key, err) ||
        ha_certificate_read_member(request.certificates, "/certificates", &bag, err) ||
        ha_certificate_read_member(request.intermediates, "/intermediates", &bag, err))
        return err->code;
    if (ha_certificate_check_pair(key, err))
        return err->code;
    if (ha_chain_build(&bag, key->public_key, key->purposes, time(NULL), &chain, &notes, err) ||
        ha_certificate_check_profile(call, key, &chain, &notes, err))
        return ha_at(err, "/certificates");
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *before = ha_key_certificate(key);
    if (request.store_in_token && ha_keys_certificate_to_token(key, &chain, before, err))
        return err->code;
    if (ha_keys_install(call->api->keys, key, &chain, err) || activate(call, key, &activated, err))
        return err->code;
    const struct installed done = {key, before, &notes, request.store_in_token, activated};
    return write_installed(call, &done, err);
}

enum ha_code ha_handle_certificate(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    if (ha_certificate_see_key(call, &key, err))
        return err->code;
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(key);
    if (!certificate)
        return ha_certificate_none(key, err);
    ha_x5c_to_pem(&certificate->chain, &pem);
    ha_jw_object(call->out, NULL);
    ha_certificate_write_key(call->out, key);
    ha_jw_string(call->out, "pem", ha_buf_text(&pem));
    if (ha_certificate_write_chain(call->out, &certificate->chain, err))
        return err->code;
    ha_jw_object_end(call->out);
    return pem.failed ? ha_fail(err, HA_E_MEMORY, "out of memory") : HA_OK;
}

enum ha_code ha_handle_certificate_delete(struct ha_call_context *call, struct ha_err *err)
{
    size_t n;
    bool destroy = ha_query_value(call->request->query, "objects", &n);
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_call_key(call, HA_OPERATION_INSTALL, HA_ALG_NONE, &key, err))
        return err->code;
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(key);
    if (!certificate)
        return ha_certificate_none(key, err);
    if (destroy && ha_keys_certificate_to_token(key, NULL, certificate, err))
        return err->code;
    if (ha_keys_uninstall(call->api->keys, key, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "certificate-removed", HA_S("key", key->name), HA_N("version", key->version),
           HA_S("objects", destroy ? "destroyed" : "kept"), HA_N("uid", call->request->principal->uid));
    ha_jw_object(call->out, NULL);
    ha_certificate_write_key(call->out, key);
    ha_jw_hex(call->out, "removed", certificate->sha256, sizeof certificate->sha256);
    ha_jw_string(call->out, "objects", destroy ? "destroyed" : "kept");
    ha_jw_object_end(call->out);
    return HA_OK;
}
