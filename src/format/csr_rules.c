// SPDX-License-Identifier: Apache-2.0
// The lines of a CSR profile, and which environment a name is of.
#include "format/csr_rules.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum ha_code ha_csr_rdn_read(const char *line, struct ha_csr_rdn *ret_rdn, struct ha_err *err)
{
    size_t n = strcspn(line, "=");
    size_t type = n > 0 && line[n - 1] == '?' ? n - 1 : n;
    if (!line[n] || type == 0 || type >= HA_CSR_WORD_MAX || strcspn(line, " ?{}") < type) {
        ha_fail(err, HA_E_CONFIG, "'%.100s' isn't a part of a subject", line);
        return ha_hint(err, "Write TYPE=VALUE, or TYPE?=VALUE for one that may be left out.");
    }
    *ret_rdn = (struct ha_csr_rdn){.optional = type < n, .text = line + n + 1};
    memcpy(ret_rdn->type, line, type);
    return HA_OK;
}

// --- Environments

void ha_csr_environment_name(const char *line, char ret_name[static HA_CSR_WORD_MAX])
{
    snprintf(ret_name, HA_CSR_WORD_MAX, "%.*s", (int)strcspn(line, "="), line);
}

const char *ha_csr_environment_word(const struct ha_csr_profile *rules, const char *environment)
{
    char name[HA_CSR_WORD_MAX];
    for (size_t i = 0; environment && i < rules->environments.n; i++) {
        const char *line = rules->environments.items[i];
        ha_csr_environment_name(line, name);
        if (strcmp(name, environment) == 0)
            return line[strlen(name)] == '=' ? line + strlen(name) + 1 : line;
    }
    return NULL;
}

// DNS knows no case, and neither do UUIDs.
static void to_lower(const char *text, size_t n, char *ret_lower)
{
    for (size_t i = 0; i < n; i++)
        ret_lower[i] = (char)tolower((unsigned char)text[i]);
    ret_lower[n] = '\0';
}

// Whether one of the line's globs fits the name, or, if it is a wildcard, one of them is a name that it stands for.
static bool line_fits(const char *globs, const char *name)
{
    char glob[256], lower[256];
    size_t len = strlen(name);
    if (len >= sizeof lower)
        return false;
    to_lower(name, len, lower);
    while (*globs) {
        size_t n = strcspn(globs, " ");
        if (n > 0 && n < sizeof glob) {
            to_lower(globs, n, glob);
            if (ha_glob_match(glob, lower) || (strncmp(lower, "*.", 2) == 0 && ha_glob_match(lower, glob)))
                return true;
        }
        globs += n + strspn(globs + n, " ");
    }
    return false;
}

struct naming {
    bool own, has_own;  // a line of the key's environment fits; there is one
    char other[HA_CSR_WORD_MAX];
};

static struct naming look_up(const struct ha_csr_check *check, const char *name)
{
    struct naming naming = {0};
    for (size_t i = 0; i < check->rules->names.n; i++) {
        const char *line = check->rules->names.items[i];
        size_t n = strcspn(line, " ");
        bool own = check->environment && strlen(check->environment) == n && memcmp(check->environment, line, n) == 0;
        bool fits = line_fits(line + n + strspn(line + n, " "), name);
        naming.has_own |= own;
        naming.own |= own && fits;
        if (fits && !own)
            snprintf(naming.other, sizeof naming.other, "%.*s", (int)n, line);
    }
    return naming;
}

enum ha_code ha_csr_rules_name(const struct ha_csr_check *check, const char *name, bool own, const char *pointer,
                               struct ha_err *err)
{
    struct naming naming = look_up(check, name);
    const char *environment = check->environment ? check->environment : "";
    if (naming.own || (!naming.other[0] && (own || !naming.has_own)))
        return HA_OK;
    if (naming.other[0] && !environment[0])
        ha_fail(err, HA_E_KEY_CANNOT, "'%.100s' is a name of the environment %s, and the key '%s' is of none", name,
                naming.other, check->key->name);
    else if (naming.other[0])
        ha_fail(err, HA_E_KEY_CANNOT, "'%.100s' is a name of the environment %s, and the key '%s' is of %s", name,
                naming.other, check->key->name, environment);
    else
        ha_fail(err, HA_E_KEY_CANNOT, "'%.100s' is none of the names of %s, of which the key '%s' is", name,
                environment, check->key->name);
    ha_hint(err,
            "the lines `names = ENVIRONMENT PATTERN...` of %.100s say which names are whose; each environment has "
            "keys of its own",
            check->profile->name);
    return ha_at(err, "%s", pointer);
}

// --- Templates

static const char *find_vetted(const struct ha_csr_profile *rules, const char *holder, const char *type)
{
    size_t h = strlen(holder), t = strlen(type);
    for (size_t i = 0; i < rules->vetted.n; i++) {
        const char *line = rules->vetted.items[i], *rest = line + h + 1;
        if (strncmp(line, holder, h) == 0 && line[h] == ' ' && strncmp(rest, type, t) == 0 && rest[t] == '=')
            return rest + t + 1;
    }
    return NULL;
}

static enum ha_code put_vetted(const struct ha_csr_check *check, const char *type, struct ha_buf *out,
                               struct ha_err *err)
{
    const char *holder = check->key->holder ? check->key->holder : "";
    const char *text = find_vetted(check->rules, holder, type);
    if (text) {
        ha_buf_puts(out, text);
        return HA_OK;
    }
    ha_fail(err, HA_E_KEY_CANNOT, "%s has no vetted value of %s for '%s', whom the key '%s' is for",
            check->profile->name, type, holder, check->key->name);
    return ha_hint(err, "an administrator can add `vetted = %s %s=...` to that message in %s", holder, type,
                   check->profile->file);
}

static enum ha_code put_fact(const void *context, const char *name, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_csr_check *check = context;
    const char *text = check->key->holder;
    if (strncmp(name, "vetted ", 7) == 0)
        return put_vetted(check, name + 7, out, err);
    if (strcmp(name, "environment") == 0)
        text = ha_csr_environment_word(check->rules, check->environment);
    if (text) {
        ha_buf_puts(out, text);
        return HA_OK;
    }
    ha_fail(err, HA_E_KEY_CANNOT, "%s has the key's %s in its names, and the key '%s' has none", check->profile->name,
            name, check->key->name);
    return ha_hint(err, "create a key with --%s", name);
}

enum ha_code ha_csr_check_template(const struct ha_csr_check *check, const char *text,
                                   struct ha_csr_template *ret_template, struct ha_err *err)
{
    const struct ha_csr_facts facts = {check, put_fact};
    return ha_csr_template_read(text, &facts, ret_template, err);
}

// --- Fitting

// The environment of the profile, other than the key's, for which the value would be right. False: none.
static bool other_environment(const struct ha_csr_check *check, const char *text, const char *value,
                              char ret_name[static HA_CSR_WORD_MAX])
{
    for (size_t i = 0; i < check->rules->environments.n; i++) {
        ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
        struct ha_csr_check other = *check;
        struct ha_err ignored = {0};
        ha_csr_environment_name(check->rules->environments.items[i], ret_name);
        other.environment = ret_name;
        if (ha_csr_check_template(&other, text, &template, &ignored) == HA_OK && ha_csr_template_fits(&template, value))
            return true;
    }
    return false;
}

// Whether only letters' case and spaces keep the value from being the one that is wanted.
static bool is_near(const char *wanted, const char *value)
{
    for (;; wanted++, value++) {
        wanted += strspn(wanted, " ");
        value += strspn(value, " ");
        if (tolower((unsigned char)*wanted) != tolower((unsigned char)*value))
            return false;
        if (!*wanted)
            return true;
    }
}

static enum ha_code misfit(const struct ha_csr_check *check, const char *what, const struct ha_csr_template *template,
                           const char *value, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf wanted = {0}, words = {0};
    ha_csr_template_text(template, &wanted);
    ha_csr_template_describe(template, &words);
    ha_fail(err, HA_E_MALFORMED, "%s wants %s to be %.200s, and it is '%.100s'", check->profile->name, what,
            ha_buf_text(&words), value);
    if (template->open)
        return ha_hint(err, "give a value of that form");
    if (is_near(ha_buf_text(&wanted), value))
        return ha_hint(err, "only case or spaces differ; who issues the certificate compares each character");
    return ha_hint(err, "leave it out and the profile's value is taken; an administrator can change that in %s",
                   check->profile->file);
}

enum ha_code ha_csr_rules_fit(const struct ha_csr_check *check, const char *what, const char *text, const char *value,
                              const char *pointer, struct ha_err *err)
{
    ha_auto(ha_csr_template_clear) struct ha_csr_template template = {0};
    char other[HA_CSR_WORD_MAX];
    if (ha_csr_check_template(check, text, &template, err))
        return ha_at(err, "%s", pointer);
    if (ha_csr_template_fits(&template, value))
        return HA_OK;
    if (other_environment(check, text, value, other)) {
        ha_fail(err, HA_E_KEY_CANNOT, "%s '%.100s' is a name of the environment %s, and the key '%s' is of %s", what,
                value, other, check->key->name, check->environment ? check->environment : "none");
        ha_hint(err, "each environment has keys of its own; use one of %s, or its name", other);
    } else {
        misfit(check, what, &template, value, err);
    }
    return ha_at(err, "%s", pointer);
}
