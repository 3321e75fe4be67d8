// SPDX-License-Identifier: Apache-2.0
#include "keys/backup.h"

#include "base/clock.h"
#include "crypto/digest.h"
#include "keys/keys_internal.h"
#include "keys/use.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKUP_MS 60000

void ha_backup_clear(struct ha_backup *backup)
{
    free(backup->name);
    free(backup->created);
    free(backup->made);
    free(backup->kek_name);
    ha_pubkey_free(backup->public_key);
    ha_buf_clear(&backup->tag);
    ha_buf_clear(&backup->wrapped);
    *backup = (struct ha_backup){0};
}

// --- What the tag is about

// Each with its length before it, so that nothing can be moved from one to the next.
static void put(struct ha_buf *out, const void *bytes, size_t n)
{
    if (!bytes) {
        ha_buf_puts(out, "-;");
        return;
    }
    ha_buf_printf(out, "%zu:", n);
    ha_buf_append(out, bytes, n);
    ha_buf_putc(out, ';');
}

static void put_text(struct ha_buf *out, const char *text)
{
    put(out, text, text ? strlen(text) : 0);
}

static enum ha_code digest_about(const struct ha_backup *backup, uint8_t ret_digest[static HA_DIGEST_MAX],
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf about = {0};
    char purposes[HA_PURPOSES_TEXT_MAX], version[24];
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(backup->public_key, &n);
    ha_purposes_print(backup->purposes, purposes, sizeof(purposes));
    snprintf(version, sizeof(version), "%" PRIu64, backup->version);
    put_text(&about, HA_BACKUP_FORMAT);
    put_text(&about, backup->name);
    put_text(&about, version);
    put_text(&about, purposes);
    put_text(&about, backup->traits.environment);
    put_text(&about, backup->traits.holder);
    put_text(&about, backup->traits.profile);
    put_text(&about, backup->created);
    put_text(&about, backup->made);
    put_text(&about, backup->kek_name);
    put(&about, backup->kek_id, sizeof(backup->kek_id));
    put(&about, spki, n);
    if (!ha_buf_ok(&about))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a backup");
    return ha_digest(HA_HASH_SHA256, about.data, about.len, ret_digest, err);
}

// --- Out

static bool is_ready(const struct ha_key *key, const struct ha_replica *replica)
{
    return atomic_load(&replica->token) && ha_replica_state(key, replica) == HA_STATE_READY;
}

static const struct ha_replica *in_token(const struct ha_key *key, const struct ha_token *token)
{
    for (size_t i = 0; i < key->n_replicas; i++)
        if (is_ready(key, &key->replicas[i]) && atomic_load(&key->replicas[i].token) == token)
            return &key->replicas[i];
    return NULL;
}

static enum ha_code check_may_leave(const struct ha_key *key, struct ha_err *err)
{
    if (key->backup)
        return ha_use_check_barred(key, err);
    ha_fail(err, HA_E_KEY_CANNOT, "the key '%s' can't leave its token: it wasn't made for backups", key->name);
    return ha_hint(err, "only a key that was made with --backup can; make a new one, and let this one retire");
}

static enum ha_code check_kek(const struct ha_key *kek, struct ha_err *err)
{
    if (ha_key_type_info(kek->type)->family == HA_FAMILY_KEK && kek->public_key)
        return ha_use_check_barred(kek, err);
    ha_fail(err, HA_E_KEY_CANNOT, "'%s' is no key encryption key", kek->name);
    return ha_hint(err,
                   "make one: `hsm-agent key create NAME --type aes:256 --token A,B`, with the token of the backup");
}

// The replicas of both in the first token that has them, ready.
static enum ha_code find_both(const struct ha_key *key, const struct ha_key *kek, const struct ha_replica **ret_key,
                              const struct ha_replica **ret_kek, struct ha_err *err)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        const struct ha_replica *replica = &key->replicas[i];
        const struct ha_replica *other = is_ready(key, replica) ? in_token(kek, atomic_load(&replica->token)) : NULL;
        if (other) {
            *ret_key = replica;
            *ret_kek = other;
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_KEY_CANNOT, "no token that is ready has both '%s' and '%s'", key->name, kek->name);
    return ha_hint(err, "`hsm-agent key show` says which tokens have them, and what is the matter with those");
}

static bool copy(const char *from, char **to)
{
    return (*to = strdup(from));
}

static enum ha_code describe(struct ha_key *key, const struct ha_key *kek, struct ha_backup *backup, struct ha_err *err)
{
    char now[25];
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(key->public_key, &n);
    ha_time_iso(now);
    if (!copy(key->name, &backup->name) || !copy(key->created, &backup->created) || !copy(now, &backup->made) ||
        !copy(kek->name, &backup->kek_name))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a backup");
    backup->version = key->version;
    backup->purposes = key->purposes;
    backup->traits = ha_key_traits_of(key);
    memcpy(backup->kek_id, ha_pubkey_spki_sha256(kek->public_key), sizeof(backup->kek_id));
    return ha_pubkey_from_spki(spki, n, &backup->public_key, err);
}

static enum ha_code ask(const struct ha_replica *replica, const struct ha_packet *question, struct ha_buf *answer,
                        struct ha_err *err)
{
    struct ha_token *token = atomic_load(&replica->token);
    if (!token)
        return ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' isn't in the configuration", replica->token_name);
    if (ha_token_control(token, question, ha_now_ms() + BACKUP_MS, NULL, NULL, answer, err))
        return ha_wrap(err, "in the token '%s'", replica->token_name);
    return HA_OK;
}

static enum ha_code make(struct ha_key *key, const struct ha_key *kek, struct ha_backup *backup, struct ha_err *err)
{
    const struct ha_replica *replica = NULL, *kek_replica = NULL;
    uint8_t about[HA_DIGEST_MAX];
    ha_auto(ha_buf_clear) struct ha_buf answer = {0};
    if (check_may_leave(key, err) || check_kek(kek, err) || find_both(key, kek, &replica, &kek_replica, err) ||
        describe(key, kek, backup, err) || digest_about(backup, about, err))
        return err->code;
    const struct ha_packet question = {
        .op = HA_OP_WRAP,
        .part = {{replica->id, replica->id_len},
                 {ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN},
                 {about, ha_hash_info(HA_HASH_SHA256)->len},
                 {0},
                 {kek_replica->id, kek_replica->id_len},
                 {backup->kek_id, sizeof(backup->kek_id)}},
    };
    if (ask(replica, &question, &answer, err))
        return err->code;
    if (answer.len <= HA_BACKUP_TAG_LEN)
        return ha_fail(err, HA_E_INTERNAL, "the token's process gave no wrapped key");
    ha_buf_append(&backup->tag, answer.data, HA_BACKUP_TAG_LEN);
    ha_buf_append(&backup->wrapped, answer.data + HA_BACKUP_TAG_LEN, answer.len - HA_BACKUP_TAG_LEN);
    if (!ha_buf_ok(&backup->tag) || !ha_buf_ok(&backup->wrapped))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a backup");
    return HA_OK;
}

enum ha_code ha_backup_make(struct ha_key *key, struct ha_key *kek, struct ha_backup *ret_backup, struct ha_err *err)
{
    struct ha_backup backup = {0};
    if (make(key, kek, &backup, err)) {
        ha_backup_clear(&backup);
        return err->code;
    }
    *ret_backup = backup;
    return HA_OK;
}

enum ha_code ha_backup_export(struct ha_key *key, const struct ha_pubkey *recipient, struct ha_buf *sealed,
                              struct ha_err *err)
{
    const struct ha_replica *replica = NULL;
    if (check_may_leave(key, err))
        return err->code;
    for (size_t i = 0; i < key->n_replicas && !replica; i++)
        replica = is_ready(key, &key->replicas[i]) ? &key->replicas[i] : NULL;
    if (!replica)
        return ha_fail(err, HA_E_TOKEN_DOWN, "no token that has '%s' is ready", key->name);
    struct ha_packet question = {
        .op = HA_OP_WRAP,
        .part = {{replica->id, replica->id_len}, {ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN}},
    };
    question.part[3].data = ha_pubkey_spki(recipient, &question.part[3].len);
    // Which of the two names the token has for RFC 5649 is all there is to try.
    for (question.alg = HA_WRAP_KWP; question.alg <= HA_WRAP_PAD; question.alg++) {
        enum ha_code code = ask(replica, &question, sealed, err);
        if (code != HA_E_KEY_CANNOT || question.alg == HA_WRAP_PAD)
            return code;
    }
    return HA_OK;
}

// --- And back

struct restoring {
    const struct ha_backup *backup;
    const struct ha_key *kek;
    struct ha_buf sealed;  // what it is about, the tag, the wrapped key
};

static void restoring_clear(struct restoring *restoring)
{
    ha_buf_clear(&restoring->sealed);
}
HA_AUTO_DEFINE_CLEAR(struct restoring, restoring_clear)

static enum ha_code bring(const struct ha_key *key, const struct ha_replica *replica, const void *context,
                          struct ha_err *err)
{
    const struct restoring *restoring = context;
    const struct ha_replica *kek = in_token(restoring->kek, atomic_load(&replica->token));
    if (!kek)
        return ha_fail(err, HA_E_KEY_CANNOT, "the key encryption key '%s' isn't ready there", restoring->kek->name);
    struct ha_packet question = {
        .op = HA_OP_UNWRAP,
        .key_type = key->type,
        .purposes = key->purposes,
        .flags = HA_PACKET_KEK | HA_PACKET_BACKUP,
        .part = {{replica->id, replica->id_len},
                 {key->name, strlen(key->name)},
                 {0},
                 {restoring->sealed.data, restoring->sealed.len},
                 {kek->id, kek->id_len},
                 {restoring->backup->kek_id, sizeof(restoring->backup->kek_id)}},
    };
    question.part[2].data = ha_pubkey_spki(restoring->backup->public_key, &question.part[2].len);
    return ha_token_control(replica->token, &question, ha_now_ms() + BACKUP_MS, NULL, NULL, NULL, err);
}

static struct ha_key *find_kek(struct ha_keys *keys, const uint8_t id[static HA_SPKI_HASH_LEN])
{
    size_t n;
    struct ha_key *found = NULL, **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        bool fits = !found && ha_key_type_info(all[i]->type)->family == HA_FAMILY_KEK && all[i]->public_key &&
                    memcmp(ha_pubkey_spki_sha256(all[i]->public_key), id, HA_SPKI_HASH_LEN) == 0;
        if (fits)
            found = all[i];
        else
            ha_key_unref(all[i]);
    }
    free(all);
    return found;
}

static enum ha_code check_places(const struct ha_key *kek, struct ha_token *const *tokens, size_t n, struct ha_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (in_token(kek, tokens[i]))
            continue;
        ha_fail(err, HA_E_KEY_CANNOT, "the token '%s' has no key encryption key '%s' that is ready",
                ha_token_config(tokens[i])->name, kek->name);
        return ha_hint(err, "`hsm-agent key show %s` says which tokens have it", kek->name);
    }
    return HA_OK;
}

enum ha_code ha_backup_restore(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                               const struct ha_backup *backup, struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(restoring_clear) struct restoring restoring = {.backup = backup};
    ha_auto(ha_key_unref) struct ha_key *kek = find_kek(keys, backup->kek_id);
    struct ha_key_traits traits = backup->traits;
    uint8_t about[HA_DIGEST_MAX];
    if (!kek) {
        ha_fail(err, HA_E_NO_KEY, "the key encryption key of this backup, '%s' at that time, isn't here",
                backup->kek_name);
        return ha_hint(err,
                       "connect the token that has it, and adopt it there: `hsm-agent key adopt NAME "
                       "'pkcs11:type=secret-key;object=%s'`",
                       backup->kek_name);
    }
    restoring.kek = kek;
    traits.backup = true;
    if (ha_use_check_barred(kek, err) || check_places(kek, tokens, n, err) || digest_about(backup, about, err))
        return err->code;
    ha_buf_append(&restoring.sealed, about, ha_hash_info(HA_HASH_SHA256)->len);
    ha_buf_append(&restoring.sealed, backup->tag.data, backup->tag.len);
    ha_buf_append(&restoring.sealed, backup->wrapped.data, backup->wrapped.len);
    if (!ha_buf_ok(&restoring.sealed))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a backup");
    const struct ha_arrival arrival = {backup->public_key, backup->purposes, &traits, bring, &restoring};
    return ha_keys_receive(keys, name, tokens, n, &arrival, ret_key, err);
}
