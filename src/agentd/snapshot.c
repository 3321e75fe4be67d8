// SPDX-License-Identifier: Apache-2.0
// Only the one in force can get a new user, and only under the lock: one that is not, and has none, is nobody's.
#include "agentd/snapshot.h"

#include "base/text.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

void ha_snapshots_init(struct ha_snapshots *snapshots)
{
    *snapshots = (struct ha_snapshots){0};
    pthread_mutex_init(&snapshots->lock, NULL);
}

void ha_snapshots_clear(struct ha_snapshots *snapshots)
{
    while (snapshots->oldest) {
        struct ha_snapshot *snapshot = snapshots->oldest;
        snapshots->oldest = snapshot->next;
        ha_snapshot_free(snapshot);
    }
    pthread_mutex_destroy(&snapshots->lock);
}

// The hash of what the configuration says, profiles apart: a record tells by it which policy decided.
static void put_policy(const struct ha_config *config, struct ha_api *api)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_buf_clear) struct ha_buf hex = {0};
    uint8_t digest[HA_DIGEST_MAX];
    struct ha_err ignored = {0};
    ha_config_dump(config, &text);
    if (!ha_buf_ok(&text) || ha_digest(HA_HASH_SHA256, text.data, text.len, digest, &ignored))
        return;
    ha_hex_encode(&hex, digest, HA_AUDIT_HASH_LEN);
    if (ha_buf_ok(&hex))
        memcpy(api->policy, ha_buf_text(&hex), HA_AUDIT_HEX_LEN);
}

struct ha_snapshot *ha_snapshot_new(struct ha_config *config, struct ha_keys *keys, const struct ha_log *log)
{
    struct ha_snapshot *snapshot = calloc(1, sizeof *snapshot + config->n_tokens * sizeof(struct ha_token *));
    if (!snapshot)
        return NULL;
    atomic_init(&snapshot->users, 0);
    snapshot->config = ha_config_ref(config);
    snapshot->api = (struct ha_api){
        .config = config, .profiles = config->profiles, .keys = keys, .tokens = snapshot->tokens, .log = log};
    put_policy(config, &snapshot->api);
    return snapshot;
}

void ha_snapshot_free(struct ha_snapshot *snapshot)
{
    ha_config_free(snapshot->config);
    free(snapshot);
}

uint64_t ha_snapshots_publish(struct ha_snapshots *snapshots, struct ha_snapshot *snapshot)
{
    pthread_mutex_lock(&snapshots->lock);
    snapshot->api.audit = snapshots->audit;
    uint64_t number = snapshot->number = snapshots->current ? snapshots->current->number + 1 : 1;
    if (snapshots->current)
        snapshots->current->next = snapshot;
    else
        snapshots->oldest = snapshot;
    snapshots->current = snapshot;
    pthread_mutex_unlock(&snapshots->lock);
    return number;
}

struct ha_snapshot *ha_snapshots_take(struct ha_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    struct ha_snapshot *snapshot = snapshots->current;
    atomic_fetch_add_explicit(&snapshot->users, 1, memory_order_relaxed);
    pthread_mutex_unlock(&snapshots->lock);
    return snapshot;
}

void ha_snapshots_return(struct ha_snapshot *snapshot)
{
    atomic_fetch_sub_explicit(&snapshot->users, 1, memory_order_release);
}

uint64_t ha_snapshots_reap(struct ha_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    while (snapshots->oldest != snapshots->current &&
           atomic_load_explicit(&snapshots->oldest->users, memory_order_acquire) == 0) {
        struct ha_snapshot *snapshot = snapshots->oldest;
        snapshots->oldest = snapshot->next;
        ha_snapshot_free(snapshot);
    }
    uint64_t number = snapshots->oldest ? snapshots->oldest->number : 0;
    pthread_mutex_unlock(&snapshots->lock);
    return number;
}

bool ha_snapshots_quiet(struct ha_snapshots *snapshots)
{
    pthread_mutex_lock(&snapshots->lock);
    bool quiet = snapshots->oldest == snapshots->current;
    pthread_mutex_unlock(&snapshots->lock);
    return quiet;
}
