// SPDX-License-Identifier: Apache-2.0
#include "policy/case.h"

#include "base/text.h"
#include "base/unit.h"
#include "config/value_check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

enum { ID_BUFFER = 65536 };

void ha_case_clear(struct ha_case *a_case)
{
    ha_principal_clear(&a_case->principal);
    free(a_case->key);
    free(a_case->profile);
    free(a_case->content);
    *a_case = (struct ha_case){0};
}

static enum ha_code no_memory(struct ha_err *err)
{
    return ha_fail(err, HA_E_MEMORY, "out of memory");
}

// The value behind "NAME=", when text begins so.
static const char *value_of(const char *text, const char *name)
{
    size_t n = strlen(name);
    return strncmp(text, name, n) == 0 && text[n] == '=' ? text + n + 1 : NULL;
}

static enum ha_code keep(const char *text, char **field, struct ha_err *err)
{
    if (*field)
        return ha_fail(err, HA_E_USAGE, "'%s' is a second one of its kind", text);
    *field = strdup(text);
    return *field ? HA_OK : no_memory(err);
}

static enum ha_code add_group(struct ha_principal *principal, gid_t gid, struct ha_err *err)
{
    if (principal->n_groups == HA_GROUPS_MAX)
        return ha_fail(err, HA_E_USAGE, "the caller would be in more than %d groups", HA_GROUPS_MAX);
    principal->groups[principal->n_groups++] = gid;
    return HA_OK;
}

// The groups that the system has the user in; none for a number without a user.
static enum ha_code read_user(const char *text, struct ha_principal *principal, struct ha_err *err)
{
    struct passwd entry, *found = NULL;
    unsigned uid;
    if (ha_value_check_user(text, &uid, err)) {
        err->code = HA_E_USAGE;
        return err->code;
    }
    ha_auto(ha_free) char *buffer = malloc(ID_BUFFER);
    if (!buffer)
        return no_memory(err);
    principal->uid = uid;
    if (getpwuid_r(uid, &entry, buffer, ID_BUFFER, &found) != 0 || !found)
        return HA_OK;
    gid_t groups[HA_GROUPS_MAX];
    int n = HA_GROUPS_MAX;
    if (getgrouplist(entry.pw_name, entry.pw_gid, groups, &n) < 0)
        return ha_fail(err, HA_E_USAGE, "'%s' is in more than %d groups", text, HA_GROUPS_MAX);
    principal->gid = entry.pw_gid;
    for (int i = 0; i < n; i++) {
        if (add_group(principal, groups[i], err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code read_group(const char *text, struct ha_principal *principal, struct ha_err *err)
{
    unsigned gid;
    if (ha_value_check_group(text, &gid, err)) {
        err->code = HA_E_USAGE;
        return err->code;
    }
    return add_group(principal, gid, err);
}

static enum ha_code read_trait(const char *text, struct ha_principal *principal, struct ha_err *err)
{
    const char *value = value_of(text, "user");
    if (value)
        return read_user(value, principal, err);
    if ((value = value_of(text, "group")))
        return read_group(value, principal, err);
    if ((value = value_of(text, "exe")))
        return keep(value, &principal->exe, err);
    value = value_of(text, "unit");
    if (value && ha_unit_valid(value, strlen(value), false))
        return keep(value, &principal->unit, err);
    ha_fail(err, HA_E_USAGE, "'%s' says of nobody who it is", text);
    return ha_hint(err, "Write user=USER, group=GROUP, unit=NAME.service or exe=/PATH, with commas between several.");
}

static enum ha_code read_who(const char *who, struct ha_principal *principal, struct ha_err *err)
{
    // Nobody's numbers, until some are given.
    *principal = (struct ha_principal){.uid = (uid_t)-1, .gid = (gid_t)-1};
    ha_auto(ha_free) char *copy = strdup(who);
    if (!copy)
        return no_memory(err);
    for (char *rest = copy, *trait; (trait = strsep(&rest, ","));) {
        if (read_trait(trait, principal, err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code read_operation(const char *text, enum ha_operation *ret_operation, struct ha_err *err)
{
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        if (strcmp(ha_operation_info((enum ha_operation)i)->name, text) == 0) {
            *ret_operation = (enum ha_operation)i;
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_USAGE, "there is no operation '%s'", text);
    return ha_hint(err, "hsm-agent.conf(5) lists them: sign, tls, csr, jws, ...");
}

static enum ha_code read_content(const char *text, struct ha_case *a_case, struct ha_err *err)
{
    for (unsigned i = 0; i < HA_CONTENT_COUNT; i++) {
        if (strcmp(ha_content_info((enum ha_content)i)->name, text) != 0)
            continue;
        a_case->content = malloc(sizeof *a_case->content);
        if (!a_case->content)
            return no_memory(err);
        *a_case->content = (enum ha_content)i;
        return HA_OK;
    }
    ha_fail(err, HA_E_USAGE, "there is no class of content '%s'", text);
    return ha_hint(err, "hsm-agent.conf(5) lists them: other, csr, x509, ...");
}

static enum ha_code read_time(const char *text, int64_t *ret_time_s, struct ha_err *err)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    int64_t time_s = end && *end == '\0' ? timegm(&tm) : -1;
    if (time_s < 0)
        return ha_fail(err, HA_E_USAGE, "'%s' is no time such as 2026-11-21T12:00:00Z", text);
    *ret_time_s = time_s;
    return HA_OK;
}

static enum ha_code read_word(const char *word, struct ha_case *a_case, struct ha_err *err)
{
    const char *value = value_of(word, "profile");
    if (value)
        return keep(value, &a_case->profile, err);
    if ((value = value_of(word, "content")) && !a_case->content)
        return read_content(value, a_case, err);
    if ((value = value_of(word, "at")))
        return read_time(value, &a_case->question.time_s, err);
    enum ha_alg alg = ha_alg_by_name(word);
    if (alg == HA_ALG_NONE || a_case->question.alg != HA_ALG_NONE) {
        ha_fail(err, HA_E_USAGE, "'%s' is no algorithm, or one too many", word);
        return ha_hint(err,
                       "Behind the operation come an algorithm, profile=PROFILE/MESSAGE, content=CLASS and at=TIME.");
    }
    a_case->question.alg = alg;
    return HA_OK;
}

static enum ha_code read_words(const char *const *words, size_t n, struct ha_case *a_case, struct ha_err *err)
{
    if (n < 2) {
        ha_fail(err, HA_E_USAGE, "a case has a key and an operation");
        return ha_hint(err, "Write KEY OPERATION [ALGORITHM] [profile=PROFILE/MESSAGE] [content=CLASS] [at=TIME].");
    }
    if (!ha_name_valid(words[0]))
        return ha_fail(err, HA_E_USAGE, "'%s' is no name of a key", words[0]);
    if (keep(words[0], &a_case->key, err) || read_operation(words[1], &a_case->question.operation, err))
        return err->code;
    for (size_t i = 2; i < n; i++) {
        if (read_word(words[i], a_case, err))
            return err->code;
    }
    a_case->question.key = a_case->key;
    a_case->question.profile = a_case->profile;
    a_case->question.content = a_case->content;
    return HA_OK;
}

enum ha_code ha_case_read(const char *who, const char *const *words, size_t n, int64_t now_s, struct ha_case *ret_case,
                          struct ha_err *err)
{
    ha_auto(ha_case_clear) struct ha_case a_case = {.question.time_s = now_s};
    if (read_who(who, &a_case.principal, err) || read_words(words, n, &a_case, err))
        return err->code;
    *ret_case = a_case;
    a_case = (struct ha_case){0};
    return HA_OK;
}
