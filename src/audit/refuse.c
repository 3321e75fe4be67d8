// SPDX-License-Identifier: Apache-2.0
// Lines about what was refused before anything was done.
#include "audit/audit_internal.h"
#include "base/clock.h"
#include "base/json.h"

static enum ha_code tell(struct ha_audit *audit, const struct ha_refusals_user *user, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_jw_object(&body, NULL);
    if (!ha_refusals_is_shared(&audit->refusals, user) && user->uid != (uid_t)-1)
        ha_jw_number(&body, "uid", user->uid);
    ha_jw_number(&body, "suppressed", (int64_t)user->suppressed);
    ha_jw_number(&body, "seconds", (ha_now_ms() - user->since_ms + 999) / 1000);
    ha_jw_object_end(&body);
    const struct ha_audit_entry entry = ha_audit_entry("suppressed", &body);
    return ha_audit_append(audit, &entry, 1, err);
}

void ha_audit_tell_suppressed(struct ha_audit *audit, bool at_all)
{
    struct ha_refusals_user *user;
    struct ha_err told = {0};  // the log is in trouble then, and they are told later
    while ((user = ha_refusals_untold(&audit->refusals, ha_now_ms(), at_all)) && tell(audit, user, &told) == HA_OK)
        user->suppressed = 0;
}

enum ha_code ha_audit_refuse(struct ha_audit *audit, const struct ha_audit_record *record, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    if (!audit)
        return HA_OK;
    pthread_mutex_lock(&audit->lock);
    bool has_line = audit->trouble.code || ha_refusals_take(&audit->refusals, record->uid, ha_now_ms());
    pthread_mutex_unlock(&audit->lock);
    if (!has_line)
        return HA_OK;
    ha_buf_reserve(&body, HA_AUDIT_RECORD_USUAL);
    ha_audit_record_write(&body, record, NULL);
    const struct ha_audit_entry entry = ha_audit_entry(ha_audit_record_event(record), &body);
    pthread_mutex_lock(&audit->lock);
    enum ha_code code = ha_audit_append(audit, &entry, 1, err);
    pthread_mutex_unlock(&audit->lock);
    return code;
}
