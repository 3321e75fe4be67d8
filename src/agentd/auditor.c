// SPDX-License-Identifier: Apache-2.0
#include "agentd/auditor.h"

#include "audit/checkpoint.h"
#include "base/clock.h"
#include "keys/replicas.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS  1000
#define AGAIN_MS 5000   // after a checkpoint that couldn't be made
#define QUIET_MS 60000  // between two lines about that
#define SIGN_MS  10000

struct ha_auditor {
    struct ha_audit *audit;
    struct ha_keys *keys;
    struct ha_snapshots *snapshots;
    const struct ha_log *log;
    int64_t every_ms;
    int64_t due_ms;    // by the clock
    int64_t again_ms;  // not before
    int64_t told_ms;   // that it couldn't; 0: never
    atomic_bool stop;
    pthread_t thread;
};

static enum ha_audit_sync sync_of(const char *word)
{
    if (strcmp(word, "always") == 0)
        return HA_AUDIT_ALWAYS;
    return strcmp(word, "off") == 0 ? HA_AUDIT_OFF : HA_AUDIT_BATCH;
}

static enum ha_audit_period period_of(const char *word)
{
    if (strcmp(word, "day") == 0)
        return HA_AUDIT_DAY;
    return strcmp(word, "never") == 0 ? HA_AUDIT_NEVER : HA_AUDIT_MONTH;
}

enum ha_code ha_auditor_open(const struct ha_config *config, const struct ha_log *log, struct ha_audit **ret_audit,
                             struct ha_err *err)
{
    const struct ha_agent_config *agent = &config->agent;
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (!agent->audit) {
        *ret_audit = NULL;
        return HA_OK;
    }
    ha_config_audit_log(config, &path);
    if (!ha_buf_ok(&path))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the audit log");
    const struct ha_audit_options options = {
        .path = ha_buf_text(&path),
        .sync = sync_of(agent->audit_sync),
        .syslog = agent->audit_syslog,
        .checkpoint_lines = agent->audit_checkpoint_lines,
        .rotate_bytes = (uint64_t)agent->audit_rotate_mb << 20,
        .rotate = period_of(agent->audit_rotate),
        .live_days = agent->audit_live_days,
        .archive_days = agent->audit_archive_days,
        .log = log,
    };
    return ha_audit_open(&options, ret_audit, err);
}

// --- Checkpoints

static enum ha_code sign(struct ha_key *key, struct ha_audit_checkpoint *checkpoint, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_use_clear) struct ha_use use = {0};
    struct ha_use *one = &use;
    const struct ha_caller caller = {.uid = getuid(), .start_ms = ha_now_ms(), .limit_ms = SIGN_MS};
    ha_audit_checkpoint_text(checkpoint, &text);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a checkpoint");
    if (ha_use_sign(key, checkpoint->alg, HA_PURPOSE_SIGN, text.data, text.len, &use, err))
        return err->code;
    ha_replicas_use(key, &caller, &one, 1);
    if (use.exchange.code) {
        *err = use.exchange.err;
        return err->code;
    }
    ha_buf_append(&checkpoint->signature, use.exchange.output.data, use.exchange.output.len);
    return ha_buf_ok(&checkpoint->signature) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a checkpoint");
}

static enum ha_code make_checkpoint(struct ha_auditor *auditor, const struct ha_audit_head *head, const char *name,
                                    struct ha_err *err)
{
    ha_auto(ha_audit_checkpoint_clear) struct ha_audit_checkpoint checkpoint = {.of = head->seq};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(auditor->keys, name);
    if (!key || !key->public_key || !ha_pubkey_is_public(key->public_key))
        return ha_fail(err, HA_E_KEY_CANNOT, "there is no key pair '%s', the configuration's audit-key", name);
    strcpy(checkpoint.hash, head->hash);
    ha_time_iso(checkpoint.at);
    snprintf(checkpoint.key, sizeof checkpoint.key, "%s", name);
    checkpoint.version = key->version;
    checkpoint.alg = ha_alg_default(key->type);
    memcpy(checkpoint.spki_sha256, ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN);
    if (sign(key, &checkpoint, err))
        return ha_wrap(err, "the audit key '%s'", name);
    ha_audit_checkpoint_write(&checkpoint, &body);
    return ha_audit_checkpoint(auditor->audit, head, &body, err);
}

static void checkpoint(struct ha_auditor *auditor)
{
    struct ha_audit_head head;
    struct ha_err err = {0};
    int64_t now_ms = ha_now_ms();
    ha_audit_head(auditor->audit, &head);
    auditor->due_ms = now_ms + auditor->every_ms;
    if (head.uncovered == 0)
        return;
    struct ha_snapshot *snapshot = ha_snapshots_take(auditor->snapshots);
    const char *name = snapshot->config->agent.audit_key;
    enum ha_code code = name ? make_checkpoint(auditor, &head, name, &err) : HA_OK;
    bool none = !name;
    ha_snapshots_return(snapshot);
    if (none || code)
        auditor->again_ms = auditor->due_ms = now_ms + AGAIN_MS;
    if (code && (!auditor->told_ms || now_ms - auditor->told_ms > QUIET_MS)) {
        ha_log_err(auditor->log, HA_LOG_ERROR, "audit-not-signed", &err, HA_N("lines", head.uncovered));
        auditor->told_ms = now_ms;
    }
}

static void *run(void *context)
{
    struct ha_auditor *auditor = context;
    int64_t tended_ms = 0;
    while (!atomic_load(&auditor->stop)) {
        bool by_lines = !ha_left_ms(auditor->again_ms);
        if (ha_audit_wait(auditor->audit, LOOK_MS, by_lines) || !ha_left_ms(auditor->due_ms))
            checkpoint(auditor);
        if (ha_now_ms() - tended_ms < LOOK_MS)
            continue;
        ha_audit_tend(auditor->audit, time(NULL));
        tended_ms = ha_now_ms();
    }
    checkpoint(auditor);
    return NULL;
}

enum ha_code ha_auditor_new(struct ha_audit *audit, const struct ha_config *config, struct ha_keys *keys,
                            struct ha_snapshots *snapshots, const struct ha_log *log, struct ha_auditor **ret_auditor,
                            struct ha_err *err)
{
    if (!audit) {
        *ret_auditor = NULL;
        return HA_OK;
    }
    struct ha_auditor *auditor = calloc(1, sizeof *auditor);
    if (!auditor)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *auditor = (struct ha_auditor){.audit = audit,
                                   .keys = keys,
                                   .snapshots = snapshots,
                                   .log = log,
                                   .every_ms = (int64_t)config->agent.audit_checkpoint_s * 1000};
    auditor->due_ms = ha_now_ms() + auditor->every_ms;
    int failed = pthread_create(&auditor->thread, NULL, run, auditor);
    if (failed) {
        free(auditor);
        return ha_fail_errno(err, failed, "the audit log's keeper");
    }
    *ret_auditor = auditor;
    return HA_OK;
}

void ha_auditor_free(struct ha_auditor *auditor)
{
    if (!auditor)
        return;
    atomic_store(&auditor->stop, true);
    ha_audit_end(auditor->audit);
    pthread_join(auditor->thread, NULL);
    free(auditor);
}
