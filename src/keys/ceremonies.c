// SPDX-License-Identifier: Apache-2.0
// The directory of ceremonies. They are few and slow, so nothing of them is kept in memory.
#include "keys/ceremony.h"

#include "base/file.h"
#include "base/json.h"
#include "base/json_text.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (1024 * 1024)  // bytes
#define DEPTH_MAX 20             // of its JSON
#define FORMAT    1
#define SUFFIX    ".json"

struct ha_ceremonies {
    char *directory;
    pthread_mutex_t lock;
    atomic_bool held;
    _Atomic pthread_t holder;  // of the lock, while held
};

static void closedir_auto_(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

// What ha_file_write had begun when the process was killed.
static void remove_unfinished(const char *path)
{
    __attribute__((cleanup(closedir_auto_))) DIR *directory = opendir(path);
    for (const struct dirent *entry = directory ? readdir(directory) : NULL; entry; entry = readdir(directory))
        if (fnmatch(".*" SUFFIX ".??????", entry->d_name, 0) == 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
}

enum ha_code ha_ceremonies_new(const char *state_dir, struct ha_ceremonies **ret_ceremonies, struct ha_err *err)
{
    struct ha_ceremonies *ceremonies = calloc(1, sizeof(*ceremonies));
    if (!ceremonies || asprintf(&ceremonies->directory, "%s/ceremonies", state_dir) < 0) {
        free(ceremonies);
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    pthread_mutex_init(&ceremonies->lock, NULL);
    remove_unfinished(ceremonies->directory);
    *ret_ceremonies = ceremonies;
    return HA_OK;
}

void ha_ceremonies_free(struct ha_ceremonies *ceremonies)
{
    if (!ceremonies)
        return;
    pthread_mutex_destroy(&ceremonies->lock);
    free(ceremonies->directory);
    free(ceremonies);
}

void ha_ceremonies_lock(struct ha_ceremonies *ceremonies)
{
    pthread_mutex_lock(&ceremonies->lock);
    atomic_store(&ceremonies->holder, pthread_self());
    atomic_store(&ceremonies->held, true);
}

void ha_ceremonies_unlock(struct ha_ceremonies *ceremonies)
{
    atomic_store(&ceremonies->held, false);
    pthread_mutex_unlock(&ceremonies->lock);
}

static enum ha_code path_of(const struct ha_ceremonies *ceremonies, const char *id, char **ret_path, struct ha_err *err)
{
    if (asprintf(ret_path, "%s/%s" SUFFIX, ceremonies->directory, id) >= 0)
        return HA_OK;
    *ret_path = NULL;
    return ha_fail(err, HA_E_MEMORY, "out of memory");
}

// --- Reading

static enum ha_code wrong(const char *member, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "the member \"%s\" is missing or makes no sense", member);
    return ha_hint(err, "Restore the file from a backup, or remove it and begin the ceremony again.");
}

static bool copy_text(const char *text, char *out, size_t size)
{
    if (!text || strlen(text) >= size)
        return false;
    strcpy(out, text);
    return true;
}

static bool read_person(const ha_json *json, struct ha_ceremony_person *person)
{
    uint64_t uid;
    const char *user = json ? ha_json_get_string(json, "user") : NULL;
    if (!json || !ha_json_uint(ha_json_get(json, "uid"), UINT32_MAX, &uid))
        return false;
    person->uid = (uid_t)uid;
    return copy_text(user ? user : "", person->user, sizeof(person->user)) &&
           copy_text(ha_json_get_string(json, "time"), person->time, sizeof(person->time));
}

static bool read_approvals(const ha_json *list, struct ha_ceremony *ceremony)
{
    if (!list || ha_json_type(list) != HA_JSON_ARRAY || ha_json_size(list) > HA_CEREMONY_APPROVALS)
        return false;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item))
        if (!read_person(item, &ceremony->approvals[ceremony->n_approvals++]))
            return false;
    return true;
}

// The objects that go on as they were written.
static bool read_texts(const ha_json *json, const struct ha_buf *text, struct ha_ceremony *ceremony)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, (struct ha_json_text){ha_buf_text(text), text->len});
    for (const ha_json *at = ha_json_first(json); at && ha_json_walk_next(&walk, &value); at = ha_json_next(at)) {
        bool is_object = ha_json_type(at) == HA_JSON_OBJECT;
        if (is_object && strcmp(ha_json_name(at), "request") == 0)
            ha_json_text_compact(&ceremony->request, value);
        if (is_object && strcmp(ha_json_name(at), "csr") == 0)
            ha_json_text_compact(&ceremony->csr, value);
    }
    return ceremony->request.len > 0 && ha_buf_ok(&ceremony->request) && ha_buf_ok(&ceremony->csr);
}

static bool read_transcript(const ha_json *json, struct ha_ceremony *ceremony)
{
    const char *protected = ha_json_get_string(json, "protected"), *payload = ha_json_get_string(json, "payload");
    const char *signature = ha_json_get_string(json, "signature");
    if (!protected || !payload || !signature)
        return ceremony->phase != HA_CEREMONY_DONE;
    ha_buf_printf(&ceremony->transcript, "%s.%s.%s", protected, payload, signature);
    return ha_buf_ok(&ceremony->transcript);
}

static enum ha_code decode(const ha_json *json, const struct ha_buf *text, struct ha_ceremony *ceremony,
                           struct ha_err *err)
{
    uint64_t format;
    const char *name = ha_json_get_string(json, "phase"), *making = ha_json_get_string(json, "making");
    size_t phase = 0;
    while (phase < HA_CEREMONY_PHASE_COUNT &&
           (!name || strcmp(name, ha_ceremony_phase_name((enum ha_ceremony_phase)phase)) != 0))
        phase++;
    if (!ha_json_uint(ha_json_get(json, "format"), FORMAT, &format) || format != FORMAT)
        return wrong("format", err);
    if (phase == HA_CEREMONY_PHASE_COUNT)
        return wrong("phase", err);
    ceremony->phase = (enum ha_ceremony_phase)phase;
    if (!copy_text(ha_json_get_string(json, "key"), ceremony->key, sizeof(ceremony->key)) ||
        !ha_name_valid(ceremony->key))
        return wrong("key", err);
    if (!read_texts(json, text, ceremony))
        return wrong("request", err);
    if (!read_person(ha_json_get(json, "requester"), &ceremony->requester))
        return wrong("requester", err);
    if (!read_approvals(ha_json_get(json, "approvals"), ceremony))
        return wrong("approvals", err);
    if (!copy_text(making ? making : "", ceremony->making, sizeof(ceremony->making)))
        return wrong("making", err);
    return read_transcript(json, ceremony) ? HA_OK : wrong("signature", err);
}

enum ha_code ha_ceremonies_none(const char *id, struct ha_err *err)
{
    ha_fail(err, HA_E_NO_ROUTE, "there is no ceremony '%.64s', or none that you may know of", id);
    return ha_hint(err, "`hsm-agent ceremony list` (GET /v1/ceremonies) shows those there are");
}

enum ha_code ha_ceremonies_load(struct ha_ceremonies *ceremonies, const char *id, struct ha_ceremony *ceremony,
                                struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    bool named = ha_name_valid(id) && strlen(id) <= HA_CEREMONY_ID_MAX;
    if (named && path_of(ceremonies, id, &path, err))
        return err->code;
    errno = ENOENT;
    if (!named || ha_file_read(path, FILE_MAX, HA_FILE_TRUSTED, &text, err)) {
        if (named && (err->code != HA_E_IO || errno != ENOENT))
            return err->code;
        return ha_ceremonies_none(id, err);
    }
    strcpy(ceremony->id, id);
    if (ha_json_parse(ha_buf_text(&text), text.len, DEPTH_MAX, &json, err) || decode(json, &text, ceremony, err)) {
        err->code = HA_E_CONFIG;
        return ha_wrap(err, "%s", path);
    }
    return HA_OK;
}

// --- Writing

enum ha_code ha_ceremonies_save(struct ha_ceremonies *ceremonies, const struct ha_ceremony *ceremony,
                                struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    ha_auto(ha_buf_clear) struct ha_buf compact = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (path_of(ceremonies, ceremony->id, &path, err) || ha_dir_make(ceremonies->directory, 0700, err))
        return err->code;
    ha_jw_object(&compact, NULL);
    ha_jw_number(&compact, "format", FORMAT);
    ha_ceremony_put(ceremony, &compact);
    ha_jw_object_end(&compact);
    if (!ha_buf_ok(&compact))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (ha_json_pretty(&text, ha_buf_text(&compact), compact.len, err))
        return err->code;
    ha_buf_putc(&text, '\n');
    return ha_file_write(path, text.data, text.len, 0600, err);
}

enum ha_code ha_ceremonies_remove(struct ha_ceremonies *ceremonies, const char *id, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    return path_of(ceremonies, id, &path, err) ? err->code : ha_file_remove(path, err);
}

// --- All of them

enum ha_code ha_ceremonies_each(struct ha_ceremonies *ceremonies, void *context,
                                bool (*take)(void *context, const struct ha_ceremony *ceremony), struct ha_err *err)
{
    __attribute__((cleanup(closedir_auto_))) DIR *directory = opendir(ceremonies->directory);
    if (!directory)
        return errno == ENOENT ? HA_OK : ha_fail_errno(err, errno, "%s", ceremonies->directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        char id[HA_CEREMONY_ID_MAX + 1];
        size_t n = strlen(entry->d_name), suffix = strlen(SUFFIX);
        if (n <= suffix || n - suffix >= sizeof(id) || strcmp(entry->d_name + n - suffix, SUFFIX) != 0)
            continue;
        memcpy(id, entry->d_name, n - suffix);
        id[n - suffix] = '\0';
        ha_auto(ha_ceremony_clear) struct ha_ceremony ceremony = {0};
        struct ha_err why = {0};
        enum ha_code code = ha_ceremonies_load(ceremonies, id, &ceremony, &why);
        if (code == HA_E_IO || code == HA_E_MEMORY) {
            *err = why;
            return code;
        }
        if (code == HA_OK && !take(context, &ceremony))
            break;
    }
    return HA_OK;
}

struct search {
    const char *name;
    char id[HA_CEREMONY_ID_MAX + 1];  // of the one that was found
};

static bool look(void *context, const struct ha_ceremony *ceremony)
{
    struct search *search = context;
    bool found = ceremony->phase != HA_CEREMONY_DONE && strcmp(ceremony->key, search->name) == 0;
    if (found)
        strcpy(search->id, ceremony->id);
    return !found;
}

enum ha_code ha_ceremonies_check_name(struct ha_ceremonies *ceremonies, const char *name, struct ha_err *err)
{
    struct search search = {.name = name};
    if (ha_ceremonies_each(ceremonies, &search, look, err))
        return err->code;
    if (!search.id[0])
        return HA_OK;
    ha_fail(err, HA_E_CONFLICT, "the key '%s' is to be made by the ceremony %s", name, search.id);
    return ha_hint(err, "look at it with `hsm-agent ceremony show %s`; it ends by being approved or cancelled",
                   search.id);
}

enum ha_code ha_ceremonies_may_make(struct ha_ceremonies *ceremonies, const char *name, struct ha_err *err)
{
    if (atomic_load(&ceremonies->held) && pthread_equal(atomic_load(&ceremonies->holder), pthread_self()))
        return HA_OK;
    return ha_ceremonies_check_name(ceremonies, name, err);
}
