// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/backup and /restore: a key wrapped under a key encryption key, and back.
#include "keys/backup.h"
#include "api/call.h"
#include "api/key_tokens.h"
#include "api/members.h"
#include "keys/ceremony.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

// --- backup

struct backup_request {
    const char *kek;
};

static const struct ha_member backup_members[] = {
    {"kek", HA_MEMBER_STRING, true, offsetof(struct backup_request, kek)},
    {0},
};

static void put_text(struct ha_buf *out, const char *name, const char *text)
{
    if (text)
        ha_jw_string(out, name, text);
}

static void write_backup(struct ha_buf *out, const struct ha_backup *backup)
{
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(backup->public_key, &n);
    ha_jw_object(out, NULL);
    ha_jw_string(out, "format", HA_BACKUP_FORMAT);
    ha_jw_string(out, "made", backup->made);
    ha_jw_string(out, "name", backup->name);
    ha_jw_number(out, "version", backup->version);
    ha_jw_string(out, "type", ha_key_type_info(ha_pubkey_type(backup->public_key))->name);
    ha_jw_array(out, "purposes");
    for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
        if (backup->purposes & ha_purpose_info(i)->bit)
            ha_jw_string(out, NULL, ha_purpose_info(i)->name);
    ha_jw_array_end(out);
    put_text(out, "environment", backup->traits.environment);
    put_text(out, "holder", backup->traits.holder);
    put_text(out, "profile", backup->traits.profile);
    ha_jw_string(out, "created", backup->created);
    ha_jw_bytes(out, "public_key", spki, n);
    ha_jw_string(out, "kek", backup->kek_name);
    ha_jw_hex(out, "kek_id", backup->kek_id, sizeof(backup->kek_id));
    ha_jw_string(out, "algorithm", HA_BACKUP_ALGORITHM);
    ha_jw_bytes(out, "wrapped", backup->wrapped.data, backup->wrapped.len);
    ha_jw_bytes(out, "tag", backup->tag.data, backup->tag.len);
    ha_jw_object_end(out);
}

static enum ha_code get_kek(const struct ha_call_context *call, const char *name, struct ha_key **ret_kek,
                            struct ha_err *err)
{
    struct ha_call_context other = *call;
    other.name = name;
    // What the query chooses is a version of the path's key.
    other.choice = (struct ha_version_choice){0};
    return ha_call_key(&other, HA_OPERATION_BACKUP, HA_ALG_NONE, ret_kek, err) ? ha_at(err, "/kek") : HA_OK;
}

enum ha_code ha_handle_backup(struct ha_call_context *call, struct ha_err *err)
{
    struct backup_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL, *kek = NULL;
    ha_auto(ha_backup_clear) struct ha_backup backup = {0};
    if (ha_members_read(call->body, backup_members, "", &request, err) ||
        ha_call_key(call, HA_OPERATION_BACKUP, HA_ALG_NONE, &key, err) || get_kek(call, request.kek, &kek, err) ||
        ha_backup_make(key, kek, &backup, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "key-backed-up", HA_S("key", key->name), HA_S("kek", kek->name),
           HA_N("uid", call->request->principal->uid));
    write_backup(call->out, &backup);
    return HA_OK;
}

// --- restore

struct restore_request {
    const ha_json *backup;
    const char *token;
    const ha_json *tokens;
};

static const struct ha_member restore_members[] = {
    {"backup", HA_MEMBER_OBJECT, true, offsetof(struct restore_request, backup)},
    {"token", HA_MEMBER_STRING, false, offsetof(struct restore_request, token)},
    {"tokens", HA_MEMBER_ARRAY, false, offsetof(struct restore_request, tokens)},
    {0},
};

struct backup_read {
    const char *format, *made, *name, *created, *kek, *kek_id, *algorithm;
    enum ha_key_type type;
    uint64_t version;
    unsigned purposes;
    struct ha_key_traits traits;
    struct ha_member_bytes public_key, wrapped, tag;
};

static const struct ha_member read_members[] = {
    {"format", HA_MEMBER_STRING, true, offsetof(struct backup_read, format)},
    {"made", HA_MEMBER_STRING, true, offsetof(struct backup_read, made)},
    {"name", HA_MEMBER_STRING, true, offsetof(struct backup_read, name)},
    {"version", HA_MEMBER_UINT, true, offsetof(struct backup_read, version)},
    {"type", HA_MEMBER_KEY_TYPE, true, offsetof(struct backup_read, type)},
    {"purposes", HA_MEMBER_PURPOSES, true, offsetof(struct backup_read, purposes)},
    {"environment", HA_MEMBER_STRING, false, offsetof(struct backup_read, traits.environment)},
    {"holder", HA_MEMBER_STRING, false, offsetof(struct backup_read, traits.holder)},
    {"profile", HA_MEMBER_STRING, false, offsetof(struct backup_read, traits.profile)},
    {"created", HA_MEMBER_STRING, true, offsetof(struct backup_read, created)},
    {"public_key", HA_MEMBER_BYTES, true, offsetof(struct backup_read, public_key)},
    {"kek", HA_MEMBER_STRING, true, offsetof(struct backup_read, kek)},
    {"kek_id", HA_MEMBER_STRING, true, offsetof(struct backup_read, kek_id)},
    {"algorithm", HA_MEMBER_STRING, true, offsetof(struct backup_read, algorithm)},
    {"wrapped", HA_MEMBER_BYTES, true, offsetof(struct backup_read, wrapped)},
    {"tag", HA_MEMBER_BYTES, true, offsetof(struct backup_read, tag)},
    {0},
};

static void backup_read_clear(struct backup_read *read)
{
    ha_buf_clear(&read->public_key.buf);
    ha_buf_clear(&read->wrapped.buf);
    ha_buf_clear(&read->tag.buf);
}
HA_AUTO_DEFINE_CLEAR(struct backup_read, backup_read_clear)

static enum ha_code read_kek_id(const char *hex, struct ha_backup *backup, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf id = {0};
    if (ha_hex_decode(&id, hex, strlen(hex), err) || id.len != sizeof(backup->kek_id)) {
        ha_fail(err, HA_E_MALFORMED, "\"kek_id\" is no SHA-256 in hexadecimal digits");
        return ha_at(err, "/backup/kek_id");
    }
    memcpy(backup->kek_id, id.data, id.len);
    return HA_OK;
}

static enum ha_code check_form(const struct backup_read *read, struct ha_err *err)
{
    if (strcmp(read->format, HA_BACKUP_FORMAT) != 0) {
        ha_fail(err, HA_E_MALFORMED, "the backup has the format '%.40s', and this agent reads " HA_BACKUP_FORMAT,
                read->format);
        return ha_at(err, "/backup/format");
    }
    if (strcmp(read->algorithm, HA_BACKUP_ALGORITHM) != 0) {
        ha_fail(err, HA_E_MALFORMED, "backups are wrapped by " HA_BACKUP_ALGORITHM ", not by '%.40s'", read->algorithm);
        return ha_at(err, "/backup/algorithm");
    }
    if (read->tag.buf.len != HA_BACKUP_TAG_LEN) {
        ha_fail(err, HA_E_MALFORMED, "the tag has %d bytes, not %zu", HA_BACKUP_TAG_LEN, read->tag.buf.len);
        return ha_at(err, "/backup/tag");
    }
    return HA_OK;
}

static enum ha_code read_public_key(const struct backup_read *read, struct ha_backup *backup, struct ha_err *err)
{
    const struct ha_buf *spki = &read->public_key.buf;
    if (ha_pubkey_from_spki(spki->data, spki->len, &backup->public_key, err))
        return ha_at(err, "/backup/public_key");
    if (ha_pubkey_type(backup->public_key) == read->type)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the public key isn't one of the type %s", ha_key_type_info(read->type)->name);
    return ha_at(err, "/backup/type");
}

static enum ha_code read_backup(const ha_json *json, struct ha_backup *backup, struct ha_err *err)
{
    ha_auto(backup_read_clear) struct backup_read read = {0};
    if (ha_members_read(json, read_members, "/backup", &read, err) || check_form(&read, err) ||
        read_kek_id(read.kek_id, backup, err) || read_public_key(&read, backup, err))
        return err->code;
    if (!(backup->name = strdup(read.name)) || !(backup->created = strdup(read.created)) ||
        !(backup->made = strdup(read.made)) || !(backup->kek_name = strdup(read.kek)))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a backup");
    backup->version = read.version;
    backup->purposes = read.purposes;
    backup->traits = read.traits;
    backup->tag = read.tag.buf;
    backup->wrapped = read.wrapped.buf;
    ha_buf_init(&read.tag.buf);
    ha_buf_init(&read.wrapped.buf);
    return HA_OK;
}

static enum ha_code restore(struct ha_call_context *call, const struct restore_request *request,
                            struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_backup_clear) struct ha_backup backup = {0};
    struct ha_token *tokens[HA_REPLICAS_MAX];
    size_t n;
    if (request->tokens && request->token) {
        ha_fail(err, HA_E_MALFORMED, "\"tokens\" is where the key goes, instead of \"token\"");
        return ha_at(err, "/tokens");
    }
    if (ha_key_tokens(call->api, request->tokens, request->token, tokens, &n, err) ||
        read_backup(request->backup, &backup, err))
        return err->code;
    return ha_backup_restore(call->api->keys, call->name, tokens, n, &backup, ret_key, err);
}

enum ha_code ha_handle_restore(struct ha_call_context *call, struct ha_err *err)
{
    struct restore_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, restore_members, "", &request, err) ||
        ha_call_allowed(call, HA_OPERATION_RESTORE, HA_ALG_NONE, err) ||
        ha_ceremonies_check_name(ha_keys_ceremonies(call->api->keys), call->name, err) ||
        restore(call, &request, &key, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "key-restored", HA_S("key", key->name),
           HA_S("type", ha_key_type_info(key->type)->name), HA_S("token", key->replicas[0].token_name),
           HA_N("replicas", key->n_replicas), HA_N("uid", call->request->principal->uid));
    call->status = 201;
    ha_write_key(call, key, true);
    return HA_OK;
}
