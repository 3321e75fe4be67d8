// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/export: a key that was made for backups, sealed for somebody else.
#include "api/call.h"
#include "api/members.h"
#include "keys/backup.h"

#include <stddef.h>
#include <string.h>

struct export_request {
    const char *recipient;
    struct ha_member_bytes password_hash;
};

static const struct ha_member export_members[] = {
    {"recipient", HA_MEMBER_STRING, true, offsetof(struct export_request, recipient)},
    {"password_hash", HA_MEMBER_BYTES, false, offsetof(struct export_request, password_hash)},
    {0},
};

static void export_request_clear(struct export_request *request)
{
    ha_buf_clear(&request->password_hash.buf);
}
HA_AUTO_DEFINE_CLEAR(struct export_request, export_request_clear)

static enum ha_code read_recipient(const char *pem, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (ha_pubkey_from_pem(pem, strlen(pem), &key, err))
        return ha_at(err, "/recipient");
    if (ha_key_type_info(ha_pubkey_type(key))->family != HA_FAMILY_RSA) {
        ha_fail(err, HA_E_KEY_CANNOT, "keys are sealed for RSA keys only");
        return ha_at(err, "/recipient");
    }
    *ret_key = ha_take(&key);
    return HA_OK;
}

// The key is wrapped first: a password is used up by an export that was made, and by no other.
static enum ha_code seal(const struct ha_call_context *call, const struct export_request *request, struct ha_key *key,
                         struct ha_buf *sealed, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *recipient = NULL;
    const struct ha_buf *hash = &request->password_hash.buf;
    if (request->password_hash.present && hash->len != HA_SLOW_HASH_LEN) {
        ha_fail(err, HA_E_MALFORMED, "the hash of a password has %d bytes, not %zu", HA_SLOW_HASH_LEN, hash->len);
        return ha_at(err, "/password_hash");
    }
    if (read_recipient(request->recipient, &recipient, err) || ha_backup_export(key, recipient, sealed, err))
        return err->code;
    if (request->password_hash.present &&
        ha_backup_use_password(call->api->keys, call->api->config->agent.state_dir, hash->data, err))
        return ha_at(err, "/password_hash");
    return HA_OK;
}

enum ha_code ha_handle_export(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(export_request_clear) struct export_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_auto(ha_buf_clear) struct ha_buf sealed = {0};
    size_t n;
    if (ha_members_read(call->body, export_members, "", &request, err) ||
        ha_call_key(call, HA_OPERATION_EXPORT, HA_ALG_NONE, &key, err) || seal(call, &request, key, &sealed, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_WARN, "key-exported", HA_S("key", key->name), HA_N("version", key->version),
           HA_N("uid", call->request->principal->uid));
    const uint8_t *spki = ha_pubkey_spki(key->public_key, &n);
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "key", key->name);
    ha_jw_number(call->out, "version", key->version);
    ha_jw_string(call->out, "algorithm", "RSA-OAEP+A256KWP");
    ha_jw_bytes(call->out, "public_key", spki, n);
    ha_jw_bytes(call->out, "sealed", sealed.data, sealed.len);
    ha_jw_object_end(call->out);
    return HA_OK;
}
