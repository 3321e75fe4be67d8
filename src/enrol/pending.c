// SPDX-License-Identifier: Apache-2.0
#include "enrol/pending.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { FORMAT = 1, FILE_MAX = 1024 * 1024, VERSION_MAX = 1000000 };
#define SECONDS_MAX ((uint64_t)1 << 52)

static const char *const state_names[] = {
    [HA_ENROL_PREPARED] = "prepared", [HA_ENROL_SUBMITTING] = "submitting", [HA_ENROL_SUBMITTED] = "submitted",
    [HA_ENROL_ISSUED] = "issued",     [HA_ENROL_INSTALLED] = "installed",   [HA_ENROL_REJECTED] = "rejected",
};
static_assert(HA_ARRAY_SIZE(state_names) == HA_ENROL_STATE_COUNT, "each state has its name");
static const char *const protocol_names[] = {[HA_ENROL_EST] = "est", [HA_ENROL_DOGTAG] = "dogtag"};
static_assert(HA_ARRAY_SIZE(protocol_names) == HA_ENROL_PROTOCOL_COUNT, "each protocol has its name");

#define MEMBER(name_)                                                                                                  \
    {                                                                                                                  \
#name_, offsetof(struct ha_enrolment, name_)                                                                   \
    }
static const struct {
    const char *name;
    size_t offset;
} texts[] =
    {
        MEMBER(key),          MEMBER(url),     MEMBER(label),      MEMBER(profile),
        MEMBER(inputs),       MEMBER(ca_file), MEMBER(client_key), MEMBER(client_cert),
        MEMBER(user_file),    MEMBER(csr),     MEMBER(request_id), MEMBER(certificate_id),
        MEMBER(certificates), MEMBER(failure), MEMBER(began),      MEMBER(changed),
},
  flags[] = {MEMBER(reenrol), MEMBER(approve), MEMBER(store_in_token)};

static char **text_at(const struct ha_enrolment *enrolment, size_t i)
{
    return (char **)((char *)enrolment + texts[i].offset);
}

static bool *flag_at(const struct ha_enrolment *enrolment, size_t i)
{
    return (bool *)((char *)enrolment + flags[i].offset);
}

const char *ha_enrol_state_name(enum ha_enrol_state state)
{
    return state_names[state];
}

bool ha_enrol_is_over(enum ha_enrol_state state)
{
    return state == HA_ENROL_INSTALLED || state == HA_ENROL_REJECTED;
}

const char *ha_enrol_protocol_name(enum ha_enrol_protocol protocol)
{
    return protocol_names[protocol];
}

void ha_enrolment_clear(struct ha_enrolment *enrolment)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        free(*text_at(enrolment, i));
    *enrolment = (struct ha_enrolment){0};
}

enum ha_code ha_enrolment_set(char **member, const char *text, struct ha_err *err)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return ha_fail(err, HA_E_MEMORY, "out of memory for an enrolment");
    free(*member);
    *member = copy;
    return HA_OK;
}

// --- The directory

static enum ha_code default_dir(struct ha_buf *out, struct ha_err *err)
{
    const char *home = getenv("HOME"), *state = getenv("XDG_STATE_HOME");
    if (geteuid() == 0)
        ha_buf_puts(out, HA_LOCALSTATEDIR "/lib/hsm-agent-enrol");
    else if (state && state[0] == '/')
        ha_buf_printf(out, "%s/hsm-agent/enrol", state);
    else if (home && home[0] == '/')
        ha_buf_printf(out, "%s/.local/state/hsm-agent/enrol", home);
    else {
        ha_fail(err, HA_E_CONFIG, "there is no directory for enrolments: HOME isn't set");
        return ha_hint(err, "Name one with --state-dir or in HSM_AGENT_ENROL_DIR.");
    }
    return HA_OK;
}

enum ha_code ha_enrol_dir(const char *given, char **ret_path, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    struct stat st;
    const char *named = given ? given : getenv("HSM_AGENT_ENROL_DIR");
    if (named && *named)
        ha_buf_puts(&path, named);
    else if (default_dir(&path, err))
        return err->code;
    if (ha_dir_make(ha_buf_text(&path), 0700, err))
        return err->code;
    if (stat(ha_buf_text(&path), &st) != 0)
        return ha_fail_errno(err, errno, "can't look at %s", ha_buf_text(&path));
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        ha_fail(err, HA_E_CONFIG, "%s isn't a directory that only you can write to (uid %u, mode %04o)",
                ha_buf_text(&path), (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
        return ha_hint(err, "Give it to yourself and chmod 700 it, or name another one with --state-dir.");
    }
    char *text = ha_buf_steal(&path, NULL);
    if (!text)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a path");
    *ret_path = text;
    return HA_OK;
}

static enum ha_code put_path(struct ha_buf *out, const char *dir, const char *key, uint64_t version, const char *before,
                             const char *after, struct ha_err *err)
{
    if (!ha_name_valid(key))
        return ha_fail(err, HA_E_USAGE, "'%s' can't be a key's name", key);
    ha_buf_printf(out, "%s/%s%s@%llu%s", dir, before, key, (unsigned long long)version, after);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a path");
}

// --- A file

static bool find_name(const char *const *names, size_t n, const char *name, unsigned *ret_index)
{
    for (unsigned i = 0; name && i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool read_members(const ha_json *json, struct ha_enrolment *enrolment, struct ha_err *err)
{
    uint64_t format;
    unsigned state = 0, protocol = 0;
    const ha_json *retry = ha_json_get(json, "retry_at");
    if (!ha_json_uint(ha_json_get(json, "format"), FORMAT, &format) || format != FORMAT ||
        !ha_json_uint(ha_json_get(json, "version"), VERSION_MAX, &enrolment->version) ||
        !find_name(state_names, HA_ENROL_STATE_COUNT, ha_json_get_string(json, "state"), &state) ||
        !find_name(protocol_names, HA_ENROL_PROTOCOL_COUNT, ha_json_get_string(json, "protocol"), &protocol) ||
        (retry && !ha_json_uint(retry, SECONDS_MAX, &enrolment->retry_at)))
        return false;
    enrolment->state = (enum ha_enrol_state)state;
    enrolment->protocol = (enum ha_enrol_protocol)protocol;
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        if (ha_enrolment_set(text_at(enrolment, i), ha_json_get_string(json, texts[i].name), err))
            return false;
    for (size_t i = 0; i < HA_ARRAY_SIZE(flags); i++)
        if (ha_json_get(json, flags[i].name) && !ha_json_bool(ha_json_get(json, flags[i].name), flag_at(enrolment, i)))
            return false;
    return enrolment->key && enrolment->url && enrolment->csr;
}

enum ha_code ha_enrol_load(const char *dir, const char *key, uint64_t version, struct ha_enrolment *ret_enrolment,
                           bool *ret_found, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    struct ha_err cause = {0};
    if (put_path(&path, dir, key, version, "", ".json", err))
        return err->code;
    if (ha_file_read(ha_buf_text(&path), FILE_MAX, HA_FILE_TRUSTED, &text, &cause)) {
        if (cause.code == HA_E_IO && errno == ENOENT) {
            *ret_found = false;
            return HA_OK;
        }
        *err = cause;
        return err->code;
    }
    if (ha_json_parse(ha_buf_text(&text), text.len, 2, &json, &cause) || ha_json_type(json) != HA_JSON_OBJECT ||
        !read_members(json, &enrolment, &cause) || strcmp(enrolment.key, key) != 0 || enrolment.version != version) {
        ha_fail(err, HA_E_CONFIG, "%s isn't an enrolment's file, or one of a later release", ha_buf_text(&path));
        return ha_hint(err, "Move it away; the request may still be known to the CA.");
    }
    *ret_enrolment = enrolment;
    enrolment = (struct ha_enrolment){0};
    *ret_found = true;
    return HA_OK;
}

enum ha_code ha_enrol_save(const char *dir, struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, text = {0};
    char now[25];
    ha_time_iso(now);
    if (ha_enrolment_set(&enrolment->changed, now, err) ||
        (!enrolment->began && ha_enrolment_set(&enrolment->began, now, err)) ||
        put_path(&path, dir, enrolment->key, enrolment->version, "", ".json", err))
        return err->code;
    ha_jw_object(&text, NULL);
    ha_jw_number(&text, "format", FORMAT);
    ha_jw_number(&text, "version", (int64_t)enrolment->version);
    ha_jw_string(&text, "state", state_names[enrolment->state]);
    ha_jw_string(&text, "protocol", protocol_names[enrolment->protocol]);
    if (enrolment->retry_at)
        ha_jw_number(&text, "retry_at", (int64_t)enrolment->retry_at);
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        if (*text_at(enrolment, i))
            ha_jw_string(&text, texts[i].name, *text_at(enrolment, i));
    for (size_t i = 0; i < HA_ARRAY_SIZE(flags); i++)
        if (*flag_at(enrolment, i))
            ha_jw_bool(&text, flags[i].name, true);
    ha_jw_object_end(&text);
    ha_buf_putc(&text, '\n');
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for an enrolment");
    // What couldn't be read again would stop what is there from going on.
    if (text.len > FILE_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the enrolment has more than %d bytes", FILE_MAX);
    return ha_file_write(ha_buf_text(&path), text.data, text.len, 0600, err);
}

enum ha_code ha_enrol_forget(const char *dir, const char *key, uint64_t version, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (put_path(&path, dir, key, version, "", ".json", err))
        return err->code;
    return ha_file_remove(ha_buf_text(&path), err);
}

enum ha_code ha_enrol_lock(const char *dir, const char *key, uint64_t version, int *ret_fd, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (put_path(&path, dir, key, version, ".", ".lock", err))
        return err->code;
    // The file stays: a lock on one that was removed would lock out nobody.
    ha_auto(ha_close) int fd = open(ha_buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ha_fail_errno(err, errno, "can't open %s", ha_buf_text(&path));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return ha_fail_errno(err, errno, "can't lock %s", ha_buf_text(&path));
        ha_fail(err, HA_E_CONFLICT, "another process is at the enrolment of %s", key);
        return ha_hint(err, "Wait until it is done.");
    }
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

// --- All of them

static bool parse_name(const char *file, struct ha_enrol_name *ret_name)
{
    const char *at = strchr(file, '@');
    size_t n = strlen(file), tail = strlen(".json");
    char digits[12] = "";
    if (!at || n < tail || strcmp(file + n - tail, ".json") != 0 || (size_t)(at - file) >= sizeof ret_name->key)
        return false;
    size_t n_digits = (size_t)(file + n - tail - at - 1);
    if (n_digits == 0 || n_digits >= sizeof digits)
        return false;
    memcpy(digits, at + 1, n_digits);
    memcpy(ret_name->key, file, (size_t)(at - file));
    ret_name->key[at - file] = '\0';
    return ha_name_valid(ret_name->key) && ha_parse_uint(digits, 1, VERSION_MAX, &ret_name->version);
}

static int compare_names(const void *a, const void *b)
{
    const struct ha_enrol_name *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    return order ? order : (left->version > right->version) - (left->version < right->version);
}

enum ha_code ha_enrol_list(const char *dir, struct ha_enrol_name **ret_names, size_t *ret_n, struct ha_err *err)
{
    ha_auto(ha_free) struct ha_enrol_name *names = NULL;
    size_t n = 0;
    DIR *stream = opendir(dir);
    if (!stream)
        return ha_fail_errno(err, errno, "can't read %s", dir);
    for (const struct dirent *entry; (entry = readdir(stream));) {
        struct ha_enrol_name name;
        if (!parse_name(entry->d_name, &name))
            continue;
        struct ha_enrol_name *more = reallocarray(names, n + 1, sizeof *names);
        if (!more) {
            closedir(stream);
            return ha_fail(err, HA_E_MEMORY, "out of memory for the enrolments");
        }
        names = more;
        names[n++] = name;
    }
    closedir(stream);
    if (n > 0)
        qsort(names, n, sizeof *names, compare_names);
    *ret_names = ha_take(&names);
    *ret_n = n;
    return HA_OK;
}
