// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/ceremony and /v1/ceremonies: keys that take more than one person.
#include "api/call.h"
#include "api/ceremony_run.h"
#include "api/members.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/text.h"

#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MAX   4096         // bytes for what the system knows of a user
#define REQUEST_MAX (32 * 1024)  // bytes of what is asked for: it is in the file twice, and people have to read it

static struct ha_ceremonies *ceremonies_of(const struct ha_call_context *call)
{
    return ha_keys_ceremonies(call->api->keys);
}

static struct ha_ceremony_person caller_of(const struct ha_call_context *call)
{
    struct ha_ceremony_person person = {.uid = call->request->principal->uid};
    char names[NAMES_MAX];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(person.uid, &entry, names, sizeof(names), &found) == 0 && found &&
        ha_utf8_valid(found->pw_name, strlen(found->pw_name)) && strlen(found->pw_name) < sizeof(person.user))
        strcpy(person.user, found->pw_name);
    ha_time_iso(person.time);
    return person;
}

static void log_event(const struct ha_call_context *call, const char *event, const struct ha_ceremony *ceremony)
{
    ha_log(call->api->log, HA_LOG_INFO, event, HA_S("ceremony", ceremony->id), HA_S("key", ceremony->key),
           HA_N("approvals", ceremony->n_approvals), HA_N("uid", call->request->principal->uid),
           HA_S("request", call->request->id));
}

static void write_ceremony(struct ha_buf *out, const struct ha_ceremony *ceremony)
{
    ha_jw_object(out, NULL);
    ha_ceremony_put(ceremony, out);
    ha_jw_number(out, "approvals_missing", (int64_t)(HA_CEREMONY_APPROVALS - ceremony->n_approvals));
    ha_jw_object_end(out);
}

// --- Asking for one

// The body without its member "csr", which is put aside.
static enum ha_code split_body(const struct ha_call_context *call, struct ha_ceremony *ceremony, struct ha_err *err)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    bool first = true;
    ha_json_walk_begin(&walk, (struct ha_json_text){(const char *)call->request->body, call->request->body_len});
    ha_buf_putc(&ceremony->request, '{');
    for (const ha_json *at = ha_json_first(call->body); at && ha_json_walk_next(&walk, &value); at = ha_json_next(at)) {
        if (strcmp(ha_json_name(at), "csr") == 0) {
            if (ha_json_type(at) != HA_JSON_OBJECT) {
                ha_fail(err, HA_E_MALFORMED, "\"csr\" is an object, as POST /v1/keys/{name}/csr takes it");
                return ha_at(err, "/csr");
            }
            ha_json_text_compact(&ceremony->csr, value);
            continue;
        }
        if (!first)
            ha_buf_putc(&ceremony->request, ',');
        first = false;
        ha_jw_quoted(&ceremony->request, ha_json_name(at));
        ha_buf_putc(&ceremony->request, ':');
        ha_json_text_compact(&ceremony->request, value);
    }
    ha_buf_putc(&ceremony->request, '}');
    if (ceremony->request.len + ceremony->csr.len > REQUEST_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "what a ceremony is asked for has at most %d bytes", REQUEST_MAX);
    return ha_buf_ok(&ceremony->request) && ha_buf_ok(&ceremony->csr) ? HA_OK
                                                                      : ha_fail(err, HA_E_MEMORY, "out of memory");
}

// What PUT would say of it.
static enum ha_code check_request(const struct ha_call_context *call, const struct ha_ceremony *ceremony,
                                  struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_call_context own = *call;
    if (ha_json_parse(ha_buf_text(&ceremony->request), ceremony->request.len, HA_JSON_DEPTH_LIMIT, &json, err))
        return err->code;
    own.body = json;
    return ha_key_put_check(&own, err);
}

static enum ha_code keep(const struct ha_call_context *call, struct ha_ceremony *ceremony, struct ha_err *err)
{
    ha_ceremonies_lock(ceremonies_of(call));
    enum ha_code code = ha_ceremonies_check_name(ceremonies_of(call), ceremony->key, err);
    if (code == HA_OK)
        code = ha_ceremonies_save(ceremonies_of(call), ceremony, err);
    ha_ceremonies_unlock(ceremonies_of(call));
    return code;
}

enum ha_code ha_handle_ceremony_request(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    if (ha_json_type(call->body) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the body isn't an object");
    if (ha_call_allowed(call, HA_OPERATION_CEREMONY, HA_ALG_NONE, err) || split_body(call, &ceremony, err) ||
        check_request(call, &ceremony, err) || ha_ceremony_check_audit_key(call, call->name, err) ||
        ha_ceremony_begin(&ceremony, err))
        return err->code;
    snprintf(ceremony.key, sizeof(ceremony.key), "%s", call->name);
    ceremony.requester = caller_of(call);
    if (keep(call, &ceremony, err))
        return err->code;
    log_event(call, "ceremony-requested", &ceremony);
    call->status = 201;
    write_ceremony(call->out, &ceremony);
    return HA_OK;
}

// --- Looking

// Whoever may do anything with the key may know.
static bool may_know(const struct ha_call_context *call, const struct ha_ceremony *ceremony)
{
    return ha_policy_operations(call->api->config, call->request->principal, ceremony->key) != 0;
}

static bool list_one(void *context, const struct ha_ceremony *ceremony)
{
    const struct ha_call_context *call = context;
    if (may_know(call, ceremony))
        write_ceremony(call->out, ceremony);
    return true;
}

enum ha_code ha_handle_ceremonies(struct ha_call_context *call, struct ha_err *err)
{
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "ceremonies");
    if (ha_ceremonies_each(ceremonies_of(call), call, list_one, err))
        return err->code;
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}

// The ceremony of the path, for a caller to whom one of the operations (bits; 0: any) is granted now.
static enum ha_code find(const struct ha_call_context *call, unsigned operations, struct ha_ceremony *ceremony,
                         struct ha_err *err)
{
    if (ha_ceremonies_load(ceremonies_of(call), call->name, ceremony, err))
        return err->code;
    struct ha_call_context own = *call;
    own.name = ceremony->key;
    unsigned granted = ha_policy_operations(call->api->config, call->request->principal, ceremony->key);
    if (!granted) {
        ha_ceremony_clear(ceremony);
        *ceremony = (struct ha_ceremony){0};
        return ha_ceremonies_none(call->name, err);
    }
    if (!operations)
        return HA_OK;
    unsigned meant = granted & operations ? granted & operations : operations;
    bool approve = meant & 1u << HA_OPERATION_APPROVE;
    return ha_call_allowed(&own, approve ? HA_OPERATION_APPROVE : HA_OPERATION_CEREMONY, HA_ALG_NONE, err);
}

enum ha_code ha_handle_ceremony(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    if (find(call, 0, &ceremony, err))
        return err->code;
    write_ceremony(call->out, &ceremony);
    return HA_OK;
}

// --- Approving

struct approval {
    const char *hash;
};

static const struct ha_member approval_members[] = {
    {"request_sha256", HA_MEMBER_STRING, true, offsetof(struct approval, hash)},
    {0},
};

static enum ha_code another_person(const struct ha_ceremony *ceremony, struct ha_err *err)
{
    return ha_hint(err, "it takes another person, with a user of their own: `hsm-agent ceremony approve %s`",
                   ceremony->id);
}

static enum ha_code look_at(const struct ha_ceremony *ceremony, const char *why, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFLICT, "the ceremony %s %s", ceremony->id, why);
    return ha_hint(err, "`hsm-agent ceremony show %s` has all of it", ceremony->id);
}

static enum ha_code check_approval(const struct ha_call_context *call, const struct ha_ceremony *ceremony,
                                   const char *hash, struct ha_err *err)
{
    char own[HA_CEREMONY_HASH_LEN + 1];
    uid_t uid = call->request->principal->uid;
    if (ceremony->phase != HA_CEREMONY_PENDING)
        return look_at(ceremony, "has its approvals", err);
    if (ha_ceremony_hash(ceremony, own, err))
        return err->code;
    if (strcmp(own, hash) != 0) {
        ha_fail(err, HA_E_CONFLICT, "that is not the hash of what the ceremony %s is about", ceremony->id);
        ha_hint(err, "look at it again, and approve what it is: `hsm-agent ceremony show %s`", ceremony->id);
        return ha_at(err, "/request_sha256");
    }
    if (uid == ceremony->requester.uid && !call->api->config->agent.self_approval) {
        ha_fail(err, HA_E_FORBIDDEN, "who asks for a ceremony (uid %u) can't approve it", (unsigned)uid);
        return another_person(ceremony, err);
    }
    for (size_t i = 0; i < ceremony->n_approvals; i++) {
        if (ceremony->approvals[i].uid == uid) {
            ha_fail(err, HA_E_CONFLICT, "you (uid %u) have approved it already", (unsigned)uid);
            return another_person(ceremony, err);
        }
    }
    return HA_OK;
}

static enum ha_code check_still_possible(const struct ha_call_context *call, const struct ha_ceremony *ceremony,
                                         struct ha_err *err)
{
    struct ha_call_context own = *call;
    own.name = ceremony->key;
    return check_request(&own, ceremony, err) ? err->code : ha_ceremony_check_audit_key(call, ceremony->key, err);
}

// The last approval is on the disk before anything is made.
static enum ha_code approve(const struct ha_call_context *call, const char *hash, struct ha_ceremony *ceremony,
                            struct ha_err *err)
{
    if (find(call, 1u << HA_OPERATION_APPROVE, ceremony, err) || check_approval(call, ceremony, hash, err))
        return err->code;
    bool last = ceremony->n_approvals + 1 == HA_CEREMONY_APPROVALS;
    if (last && check_still_possible(call, ceremony, err))
        return err->code;
    ceremony->approvals[ceremony->n_approvals++] = caller_of(call);
    if (last) {
        ceremony->phase = HA_CEREMONY_MAKING;
        ha_time_iso(ceremony->making);
    }
    if (ha_ceremonies_save(ceremonies_of(call), ceremony, err))
        return err->code;
    log_event(call, "ceremony-approved", ceremony);
    if (!last || ha_ceremony_run(call, ceremony, err) == HA_OK)
        return HA_OK;
    ha_log_err(call->api->log, HA_LOG_ERROR, "ceremony-cut-off", err, HA_S("ceremony", ceremony->id),
               HA_S("key", ceremony->key));
    char why[sizeof err->detail];
    memcpy(why, err->detail, sizeof why);
    snprintf(err->detail, sizeof err->detail, "approved, but not done yet: %.460s", why);
    return ha_hint(err, "when the cause is gone: `hsm-agent ceremony run %s`", ceremony->id);
}

enum ha_code ha_handle_ceremony_approve(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    struct approval approval = {0};
    if (ha_members_read(call->body, approval_members, "", &approval, err))
        return err->code;
    ha_ceremonies_lock(ceremonies_of(call));
    enum ha_code code = approve(call, approval.hash, &ceremony, err);
    ha_ceremonies_unlock(ceremonies_of(call));
    if (code == HA_OK)
        write_ceremony(call->out, &ceremony);
    return code;
}

// --- Going on, and calling off

static enum ha_code go_on(const struct ha_call_context *call, struct ha_ceremony *ceremony, struct ha_err *err)
{
    if (find(call, 1u << HA_OPERATION_APPROVE | 1u << HA_OPERATION_CEREMONY, ceremony, err))
        return err->code;
    switch (ceremony->phase) {
    case HA_CEREMONY_PENDING:
        ha_fail(err, HA_E_CONFLICT, "the ceremony %s lacks %zu of %d approvals", ceremony->id,
                HA_CEREMONY_APPROVALS - ceremony->n_approvals, HA_CEREMONY_APPROVALS);
        return another_person(ceremony, err);
    case HA_CEREMONY_MAKING:
        return ha_ceremony_run(call, ceremony, err);
    case HA_CEREMONY_DONE:
    case HA_CEREMONY_PHASE_COUNT:
        break;
    }
    return HA_OK;
}

enum ha_code ha_handle_ceremony_run(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    ha_ceremonies_lock(ceremonies_of(call));
    enum ha_code code = go_on(call, &ceremony, err);
    ha_ceremonies_unlock(ceremonies_of(call));
    if (code == HA_OK)
        write_ceremony(call->out, &ceremony);
    return code;
}

static enum ha_code call_off(const struct ha_call_context *call, struct ha_ceremony *ceremony, struct ha_err *err)
{
    if (find(call, 1u << HA_OPERATION_APPROVE | 1u << HA_OPERATION_CEREMONY, ceremony, err))
        return err->code;
    if (ceremony->phase == HA_CEREMONY_DONE)
        return look_at(ceremony, "is done; its transcript stays", err);
    ha_auto(ha_key_unref) struct ha_key *key =
        ceremony->phase == HA_CEREMONY_MAKING ? ha_keys_get_version(call->api->keys, ceremony->key, 1) : NULL;
    if (key && strcmp(key->created, ceremony->making) >= 0) {
        ha_fail(err, HA_E_CONFLICT, "the ceremony %s has made the key '%s'", ceremony->id, ceremony->key);
        return ha_hint(err, "go on with it: `hsm-agent ceremony run %s`; or delete the key first", ceremony->id);
    }
    return ha_ceremonies_remove(ceremonies_of(call), ceremony->id, err);
}

enum ha_code ha_handle_ceremony_cancel(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
    ha_ceremonies_lock(ceremonies_of(call));
    enum ha_code code = call_off(call, &ceremony, err);
    ha_ceremonies_unlock(ceremonies_of(call));
    if (code)
        return code;
    log_event(call, "ceremony-cancelled", &ceremony);
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "cancelled", ceremony.id);
    ha_jw_object_end(call->out);
    return HA_OK;
}
