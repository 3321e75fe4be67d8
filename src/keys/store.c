// SPDX-License-Identifier: Apache-2.0
#include "keys/store.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "keys/traits.h"
#include "keys/versions.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_MAX   (64 * 1024)  // bytes
#define SUFFIX     ".json"
#define KEY_REMEDY "restore the file from a backup, or remove it and adopt the key again with `hsm-agent key adopt`"

// A file is written in the oldest format that can say it, so that an older release reads it if it can at all.
enum {
    FORMAT_ONE = 1,       // "token" and "id"
    FORMAT_REPLICAS = 2,  // "replicas", each with "token" and "id"
    FORMAT_BARRED = 3,    // the same; and it mustn't be used, which an older release wouldn't see
};

static const char *const phase_names[] = {
    [HA_PHASE_CREATING] = "creating", [HA_PHASE_READY] = "ready", [HA_PHASE_DELETING] = "deleting"};
static_assert(HA_ARRAY_SIZE(phase_names) == HA_PHASE_COUNT, "a name for each phase");

enum ha_code ha_store_open(const char *state_dir, struct ha_store *ret_store, struct ha_err *err)
{
    ha_auto(ha_free) char *directory = NULL, *lock = NULL;
    if (asprintf(&directory, "%s/keys", state_dir) < 0 || asprintf(&lock, "%s/lock", state_dir) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_dir_make(directory, 0700, err))
        return ha_wrap(err, "the state directory can't be made");
    if (ha_dir_check(state_dir, err) || ha_dir_check(directory, err))
        return ha_wrap(err, "the state directory can't be trusted");
    ha_auto(ha_close) int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ha_fail_errno(err, errno, "%s", lock);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        ha_fail(err, HA_E_CONFLICT, "another agent is using the state directory %s", state_dir);
        return ha_hint(err, "stop it, or give this one a state-dir of its own");
    }
    *ret_store = (struct ha_store){.directory = ha_take(&directory), .lock_fd = fd};
    fd = -1;
    return HA_OK;
}

void ha_store_close(struct ha_store *store)
{
    if (store->directory)
        close(store->lock_fd);
    free(store->directory);
    *store = (struct ha_store){.lock_fd = -1};
}

static enum ha_code path_of(const struct ha_store *store, const char *name, unsigned version, char **ret_path,
                            struct ha_err *err)
{
    char title[HA_VERSION_NAME_MAX];
    ha_version_name(name, version, title);
    if (asprintf(ret_path, "%s/%s" SUFFIX, store->directory, title) < 0) {
        *ret_path = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    return HA_OK;
}

static void put_traits(struct ha_buf *out, const struct ha_key *key)
{
    if (key->environment)
        ha_jw_string(out, "environment", key->environment);
    if (key->holder)
        ha_jw_string(out, "holder", key->holder);
    if (key->profile)
        ha_jw_string(out, "profile", key->profile);
    if (key->backup)
        ha_jw_bool(out, "backup", true);
}

static int format_of(const struct ha_key *key)
{
    if (atomic_load(&key->disabled) || atomic_load(&key->deletes_s))
        return FORMAT_BARRED;
    return key->n_replicas > 1 ? FORMAT_REPLICAS : FORMAT_ONE;
}

// What was decided since the key was made; of a first version that nothing was decided of, nothing.
static void put_decisions(struct ha_buf *out, const struct ha_key *key)
{
    int64_t activates_s = atomic_load(&key->activates_s), overlap_s = atomic_load(&key->overlap_s);
    if (key->version > 1 || activates_s != HA_ACTIVE_ALWAYS)
        ha_jw_number(out, "activates", activates_s);
    if (overlap_s)
        ha_jw_number(out, "overlap", overlap_s);
    if (atomic_load(&key->disabled))
        ha_jw_bool(out, "disabled", true);
    if (atomic_load(&key->deletes_s))
        ha_jw_number(out, "deletes", atomic_load(&key->deletes_s));
    if (atomic_load(&key->deletes_objects))
        ha_jw_bool(out, "deletes-objects", true);
    if (key->deletes_all)
        ha_jw_bool(out, "deletes-all", true);
    if (key->newest)
        ha_jw_number(out, "newest", key->newest);
}

static void put_replicas(struct ha_buf *out, const struct ha_key *key)
{
    bool several = format_of(key) >= FORMAT_REPLICAS;
    if (several)
        ha_jw_array(out, "replicas");
    for (size_t i = 0; i < key->n_replicas; i++) {
        if (several)
            ha_jw_object(out, NULL);
        ha_jw_string(out, "token", key->replicas[i].token_name);
        ha_jw_hex(out, "id", key->replicas[i].id, key->replicas[i].id_len);
        if (several)
            ha_jw_object_end(out);
    }
    if (several)
        ha_jw_array_end(out);
}

enum ha_code ha_store_write(const struct ha_store *store, const struct ha_key *key, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    ha_auto(ha_buf_clear) struct ha_buf compact = {0}, text = {0};
    if (path_of(store, key->name, key->version, &path, err))
        return err->code;
    char purposes[HA_PURPOSES_TEXT_MAX];
    ha_purposes_print(key->purposes, purposes, sizeof(purposes));

    ha_jw_object(&compact, NULL);
    ha_jw_number(&compact, "format", format_of(key));
    ha_jw_string(&compact, "name", key->name);
    ha_jw_string(&compact, "phase", phase_names[key->phase]);
    ha_jw_string(&compact, "type", ha_key_type_info(key->type)->name);
    ha_jw_string(&compact, "purposes", purposes);
    ha_jw_string(&compact, "origin", key->adopted ? "adopted" : key->imported ? "imported" : "created");
    ha_jw_number(&compact, "version", key->version);
    ha_jw_string(&compact, "created", key->created);
    put_decisions(&compact, key);
    put_traits(&compact, key);
    put_replicas(&compact, key);
    if (key->public_key) {
        size_t n;
        const uint8_t *spki = ha_pubkey_spki(key->public_key, &n);
        ha_jw_bytes(&compact, "public-key", spki, n);
    }
    ha_jw_object_end(&compact);
    if (!ha_buf_ok(&compact))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_json_pretty(&text, ha_buf_text(&compact), compact.len, err))
        return err->code;
    ha_buf_putc(&text, '\n');
    return ha_file_write(path, text.data, text.len, 0600, err);
}

enum ha_code ha_store_remove(const struct ha_store *store, const struct ha_key *key, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    if (path_of(store, key->name, key->version, &path, err))
        return err->code;
    return ha_file_remove(path, err);
}

static enum ha_code wrong(struct ha_err *err, const char *member)
{
    ha_fail(err, HA_E_CONFIG, "the member \"%s\" is missing or makes no sense", member);
    return ha_hint(err, KEY_REMEDY);
}

// "token" and "id", of the file itself or of one of its replicas.
static enum ha_code decode_replica(const ha_json *json, struct ha_key *key, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf id = {0};
    const char *token = ha_json_get_string(json, "token"), *text = ha_json_get_string(json, "id");
    if (!token || !ha_name_valid(token))
        return wrong(err, "token");
    if (!text || ha_hex_decode(&id, text, strlen(text), err) || id.len == 0 || id.len > HA_KEY_ID_MAX)
        return wrong(err, "id");
    return ha_key_add_replica(key, token, id.data, id.len, err);
}

static bool has_one_token_twice(const struct ha_key *key)
{
    for (size_t i = 0; i < key->n_replicas; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(key->replicas[i].token_name, key->replicas[j].token_name) == 0)
                return true;
    return false;
}

static enum ha_code decode_replicas(const ha_json *json, struct ha_key *key, struct ha_err *err)
{
    uint64_t format;
    if (!ha_json_uint(ha_json_get(json, "format"), FORMAT_BARRED, &format) || format < FORMAT_ONE)
        return wrong(err, "format");
    if (format == FORMAT_ONE)
        return decode_replica(json, key, err);
    const ha_json *list = ha_json_get(json, "replicas");
    if (!list || ha_json_type(list) != HA_JSON_ARRAY)
        return wrong(err, "replicas");
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item))
        if (decode_replica(item, key, err))
            return err->code;
    return key->n_replicas == 0 || has_one_token_twice(key) ? wrong(err, "replicas") : HA_OK;
}

// A time or a span in seconds; absent it stays what it was.
static enum ha_code decode_seconds(const ha_json *json, const char *member, _Atomic int64_t *into, struct ha_err *err)
{
    uint64_t seconds;
    const ha_json *value = ha_json_get(json, member);
    if (!value)
        return HA_OK;
    if (!ha_json_uint(value, HA_SECONDS_MAX, &seconds))
        return wrong(err, member);
    atomic_store(into, (int64_t)seconds);
    return HA_OK;
}

static enum ha_code decode_decisions(const ha_json *json, struct ha_key *key, struct ha_err *err)
{
    uint64_t newest = 0;
    const struct {
        const char *member;
        atomic_bool *into;
    } flags[] = {{"disabled", &key->disabled}, {"deletes-objects", &key->deletes_objects}};
    if (key->version > 1)
        atomic_store(&key->activates_s, 0);
    if (decode_seconds(json, "activates", &key->activates_s, err) ||
        decode_seconds(json, "overlap", &key->overlap_s, err) || decode_seconds(json, "deletes", &key->deletes_s, err))
        return err->code;
    for (size_t i = 0; i < HA_ARRAY_SIZE(flags); i++) {
        bool flag = false;
        const ha_json *value = ha_json_get(json, flags[i].member);
        if (value && !ha_json_bool(value, &flag))
            return wrong(err, flags[i].member);
        atomic_store(flags[i].into, flag);
    }
    const ha_json *all = ha_json_get(json, "deletes-all");
    if (all && !ha_json_bool(all, &key->deletes_all))
        return wrong(err, "deletes-all");
    if (ha_json_get(json, "newest") && !ha_json_uint(ha_json_get(json, "newest"), UINT32_MAX - 1, &newest))
        return wrong(err, "newest");
    key->newest = (unsigned)newest;
    return HA_OK;
}

// Files of older releases have none of them.
static enum ha_code decode_traits(const ha_json *json, struct ha_key *key, struct ha_err *err)
{
    struct ha_key_traits traits = {0};
    struct ha_err why = {0};
    const struct {
        const char *name, **into;
    } texts[] = {{"environment", &traits.environment}, {"holder", &traits.holder}, {"profile", &traits.profile}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        if (ha_json_get(json, texts[i].name) && !(*texts[i].into = ha_json_get_string(json, texts[i].name)))
            return wrong(err, texts[i].name);
    const ha_json *backup = ha_json_get(json, "backup");
    if (backup && !ha_json_bool(backup, &traits.backup))
        return wrong(err, "backup");
    if (ha_key_traits_give(&traits, key, &why) == HA_OK)
        return HA_OK;
    if (why.code != HA_E_MALFORMED) {
        *err = why;
        return err->code;
    }
    return wrong(err, why.pointer + 1);
}

static enum ha_code decode_members(const ha_json *json, struct ha_key *key, struct ha_err *err)
{
    uint64_t number;
    if (decode_replicas(json, key, err) || decode_traits(json, key, err))
        return err->code;
    const char *text = ha_json_get_string(json, "phase");
    size_t phase = 0;
    while (phase < HA_PHASE_COUNT && (!text || strcmp(text, phase_names[phase]) != 0))
        phase++;
    if (phase == HA_PHASE_COUNT)
        return wrong(err, "phase");
    key->phase = (enum ha_key_phase)phase;

    text = ha_json_get_string(json, "type");
    if (!text || !(key->type = ha_key_type_by_name(text)))
        return wrong(err, "type");
    text = ha_json_get_string(json, "purposes");
    if (!text || !(key->purposes = ha_purposes_parse(text)))
        return wrong(err, "purposes");
    text = ha_json_get_string(json, "origin");
    if (!text || (strcmp(text, "created") != 0 && strcmp(text, "adopted") != 0 && strcmp(text, "imported") != 0))
        return wrong(err, "origin");
    key->adopted = strcmp(text, "adopted") == 0;
    key->imported = strcmp(text, "imported") == 0;
    if (!ha_json_uint(ha_json_get(json, "version"), UINT32_MAX, &number) || number != key->version)
        return wrong(err, "version");
    if (decode_decisions(json, key, err))
        return err->code;
    text = ha_json_get_string(json, "created");
    if (!text || strlen(text) >= sizeof(key->created))
        return wrong(err, "created");
    strcpy(key->created, text);

    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    text = ha_json_get_string(json, "public-key");
    if (!text)
        return key->phase == HA_PHASE_READY ? wrong(err, "public-key") : HA_OK;
    if (ha_b64u_decode(&bytes, text, strlen(text), err) ||
        ha_pubkey_restore(bytes.data, bytes.len, &key->public_key, err) || ha_pubkey_type(key->public_key) != key->type)
        return wrong(err, "public-key");
    return HA_OK;
}

static enum ha_code load_one(const char *path, const char *name, unsigned version, struct ha_key **ret_key,
                             struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_file_read(path, FILE_MAX, HA_FILE_TRUSTED, &text, err))
        return err->code;
    if (ha_json_parse(ha_buf_text(&text), text.len, 4, &json, err))
        return ha_hint(err, KEY_REMEDY);
    const char *own_name = ha_json_get_string(json, "name");
    if (!own_name || strcmp(own_name, name) != 0)
        return wrong(err, "name");
    ha_auto(ha_key_unref) struct ha_key *key = ha_key_new(name);
    if (!key)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    key->version = version;
    if (decode_members(json, key, err))
        return err->code;
    *ret_key = ha_take(&key);
    return HA_OK;
}

// What ha_file_write had begun when the process was killed. The lock on the directory says that nobody is writing.
static bool is_unfinished(const char *name)
{
    return fnmatch(".*" SUFFIX ".??????", name, 0) == 0;
}

static void closedir_auto_(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

enum ha_code ha_store_load(const struct ha_store *store, void *context, void (*take)(void *context, struct ha_key *key),
                           void (*trouble)(void *context, const char *path, const struct ha_err *err),
                           struct ha_err *err)
{
    __attribute__((cleanup(closedir_auto_))) DIR *directory = opendir(store->directory);
    if (!directory)
        return ha_fail_errno(err, errno, "%s", store->directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        size_t n = strlen(entry->d_name), suffix = strlen(SUFFIX);
        if (is_unfinished(entry->d_name))
            unlinkat(dirfd(directory), entry->d_name, 0);
        if (n <= suffix || strcmp(entry->d_name + n - suffix, SUFFIX) != 0 || entry->d_name[0] == '.')
            continue;
        ha_auto(ha_free) char *title = strndup(entry->d_name, n - suffix);
        ha_auto(ha_free) char *path = NULL;
        if (!title || asprintf(&path, "%s/%s", store->directory, entry->d_name) < 0) {
            path = NULL;
            return ha_fail(err, HA_E_MEMORY, "out of memory");
        }
        struct ha_key *key = NULL;
        struct ha_err why = {0};
        char name[HA_VERSION_NAME_MAX];
        unsigned version;
        if (!ha_version_name_parse(title, name, &version)) {
            ha_fail(&why, HA_E_CONFIG, "the file's name is no key's name");
            trouble(context, path, &why);
        } else if (load_one(path, name, version, &key, &why)) {
            trouble(context, path, &why);
        } else {
            take(context, key);
        }
    }
    return HA_OK;
}
