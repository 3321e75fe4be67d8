// SPDX-License-Identifier: Apache-2.0
// The next version of a key: what the newest one is, made anew.
#include "keys/keys_internal.h"

#include <time.h>

// In the tokens in which the newest version is.
static enum ha_code tokens_of(const struct ha_key *key, struct ha_token *ret_tokens[static HA_REPLICAS_MAX],
                              struct ha_err *err)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        ret_tokens[i] = atomic_load(&key->replicas[i].token);
        if (!ret_tokens[i])
            return ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' of the key '%s' isn't in the configuration",
                           key->replicas[i].token_name, key->name);
    }
    return HA_OK;
}

static enum ha_code check(struct ha_key *const *versions, size_t n, struct ha_err *err)
{
    const struct ha_key *newest = versions[n - 1];
    if (newest->imported && ha_key_type_is_secret(newest->type)) {
        ha_fail(err, HA_E_KEY_CANNOT, "'%s' is a secret that somebody else knows too; the next one comes from outside",
                newest->name);
        return ha_hint(err, "import it under another name");
    }
    if (newest->phase != HA_PHASE_READY) {
        ha_fail(err, HA_E_KEY_INCOMPLETE, "version %u of '%s' is half-made or half-deleted", newest->version,
                newest->name);
        return ha_hint(err, "delete it first: `hsm-agent key delete %s --version %u`", newest->name, newest->version);
    }
    if (n > 1 && ha_versions_status(versions, n, n - 1, time(NULL), NULL) == HA_STATUS_PENDING) {
        ha_fail(err, HA_E_CONFLICT, "version %u of '%s' is pending already", newest->version, newest->name);
        return ha_hint(err, "activate it, or delete it: `hsm-agent key activate %s`", newest->name);
    }
    if (n >= HA_VERSIONS_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "'%s' has %zu versions, which is the most", newest->name, n);
        return ha_hint(err, "delete retired ones that nothing has to be decrypted with any more");
    }
    return HA_OK;
}

static enum ha_code next(struct ha_keys *keys, struct ha_key *const *versions, size_t n, int64_t after_s,
                         int64_t overlap_s, struct ha_key **ret_key, struct ha_err *err)
{
    struct ha_token *tokens[HA_REPLICAS_MAX];
    const struct ha_key *newest = versions[n - 1];
    if (check(versions, n, err) || tokens_of(newest, tokens, err))
        return err->code;
    ha_auto(ha_key_unref) struct ha_key *key = ha_key_new(newest->name), *made = NULL;
    if (!key)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    const struct ha_key_traits traits = ha_key_traits_of(newest);
    key->version = (newest->newest > newest->version ? newest->newest : newest->version) + 1;
    key->type = newest->type;
    key->purposes = newest->purposes;
    atomic_store(&key->activates_s, 0);
    atomic_store(&key->overlap_s, overlap_s);
    if (ha_key_traits_give(&traits, key, err) || ha_keys_make(keys, key, tokens, newest->n_replicas, NULL, &made, err))
        return err->code;
    // A token may take minutes to make it.
    if (after_s >= 0 && ha_keys_set_activation(keys, made, time(NULL) + after_s, err))
        return ha_wrap(err, "version %u of '%s' was made and stays pending", made->version, made->name);
    *ret_key = ha_take(&made);
    return HA_OK;
}

enum ha_code ha_keys_rotate(struct ha_keys *keys, const char *name, int64_t after_s, int64_t overlap_s,
                            struct ha_key **ret_key, struct ha_err *err)
{
    size_t n;
    pthread_mutex_lock(&keys->changing);
    struct ha_key **versions = ha_keys_versions(keys, name, &n);
    enum ha_code code = n ? next(keys, versions, n, after_s, overlap_s, ret_key, err)
                          : ha_fail(err, HA_E_NO_KEY, "there is no key '%s'", name);
    ha_keys_list_free(versions, n);
    pthread_mutex_unlock(&keys->changing);
    if (code == HA_OK)
        ha_calendar_look(keys);
    return code;
}
