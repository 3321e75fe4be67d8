// SPDX-License-Identifier: Apache-2.0
// GET /v1/audit/head: what the audit log has to have, for who verifies it.
#include "api/call.h"

static void put_keys(const struct ha_call_context *call)
{
    const char *name = call->api->config->agent.audit_key;
    size_t n = 0;
    struct ha_key **versions = name ? ha_keys_versions(call->api->keys, name, &n) : NULL;
    ha_jw_array(call->out, "keys");
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf pem = {0};
        if (!versions[i]->public_key || !ha_pubkey_is_public(versions[i]->public_key))
            continue;
        ha_pubkey_to_pem(versions[i]->public_key, &pem);
        ha_jw_object(call->out, NULL);
        ha_jw_string(call->out, "key", name);
        ha_jw_number(call->out, "version", versions[i]->version);
        ha_jw_string(call->out, "public_key", ha_buf_text(&pem));
        ha_jw_object_end(call->out);
    }
    ha_jw_array_end(call->out);
    ha_keys_list_free(versions, n);
}

enum ha_code ha_handle_audit_head(struct ha_call_context *call, struct ha_err *err)
{
    struct ha_audit *audit = call->api->audit;
    struct ha_audit_head head;
    struct ha_err trouble = {0};
    ha_auto(ha_buf_clear) struct ha_buf checkpoint = {0};
    if (!audit) {
        ha_fail(err, HA_E_NO_ROUTE, "there is no audit log");
        return ha_hint(err, "the configuration has `audit = no` in [agent]");
    }
    ha_audit_head(audit, &head);
    ha_audit_trouble(audit, &trouble);
    ha_audit_last_checkpoint(audit, &checkpoint);
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "file", ha_audit_path(audit));
    ha_jw_string(call->out, "state", trouble.code ? "unavailable" : "ready");
    if (trouble.code)
        ha_jw_string(call->out, "cause", trouble.detail);
    ha_jw_number(call->out, "seq", (int64_t)head.seq);
    ha_jw_string(call->out, "hash", head.hash);
    ha_jw_number(call->out, "unsigned", (int64_t)head.uncovered);
    if (checkpoint.len > 0)
        ha_jw_string(call->out, "checkpoint", ha_buf_text(&checkpoint));
    put_keys(call);
    ha_jw_object_end(call->out);
    return HA_OK;
}
