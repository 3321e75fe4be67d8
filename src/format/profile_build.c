// SPDX-License-Identifier: Apache-2.0
// Each line of a message: ${values} are put in, then the scheme's table says what it means.
#include "format/profile_build.h"

#include "base/nearest.h"
#include "format/profile_set.h"
#include "format/profile_value.h"

#include <stdio.h>
#include <string.h>

enum { OPTIONS_MAX = 40 };

struct build {
    const struct ha_raw_profile *raw;
    const struct ha_raw_section *section;
    struct ha_profile *profile;
    struct ha_mistakes *mistakes;
    struct ha_buf missing;
    bool seen[OPTIONS_MAX];  // has a line, be it one without effect
    bool no_memory;
};

static void add(struct build *build, const struct ha_raw_line *line, const struct ha_err *err)
{
    const char *file = line ? line->file : build->section->file;
    unsigned number = line ? line->line : build->section->line;
    if (err->code == HA_E_MEMORY || !ha_mistakes_add(build->mistakes, file, number, err->detail, err->hint))
        build->no_memory = true;
}

static const struct ha_raw_line *find_line(const struct ha_raw_section *section, const char *name)
{
    for (size_t i = 0; i < section->n; i++) {
        if (strcmp(section->lines[i].name, name) == 0)
            return &section->lines[i];
    }
    return NULL;
}

static bool find_scheme(struct build *build)
{
    const struct ha_raw_line *line = find_line(build->section, "scheme");
    struct ha_nearest nearest = {.word = line ? line->text : ""};
    struct ha_err err = {0};
    char all[200] = "";
    for (unsigned i = 0; i < HA_SCHEME_COUNT; i++) {
        const char *name = ha_scheme_info((enum ha_scheme)i)->name;
        if (line && strcmp(name, line->text) == 0) {
            build->profile->scheme = (enum ha_scheme)i;
            return true;
        }
        ha_nearest_offer(&nearest, name, name);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", name);
    }
    if (line)
        ha_fail(&err, HA_E_CONFIG, "scheme: there is no scheme '%s'", line->text);
    else
        ha_fail(&err, HA_E_CONFIG, "the message has no 'scheme'");
    if (nearest.best)
        ha_hint(&err, "Did you mean '%s'?", nearest.best);
    else
        ha_hint(&err, "The schemes are: %s.", all);
    add(build, line, &err);
    return false;
}

static void note_missing(struct build *build, const char *name)
{
    const char *text = ha_buf_text(&build->missing);
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += n) {
        bool starts = at == text || at[-1] == ' ', ends = at[n] == ',' || at[n] == '\0';
        if (starts && ends)
            return;
    }
    ha_buf_printf(&build->missing, "%s%s", build->missing.len > 0 ? ", " : "", name);
}

enum expansion { EXPANDED, UNSET, WRONG };

// Puts the value called name in.
static enum expansion put_value(struct build *build, const struct ha_raw_line *line, const char *name,
                                struct ha_buf *out)
{
    bool optional = false;
    const struct ha_raw_line *value = ha_raw_profile_value(build->raw, name, &optional);
    if (!value) {
        struct ha_err err = {0};
        ha_fail(&err, HA_E_CONFIG, "%s: the profile declares no value '%s'", line->name, name);
        ha_hint(&err, "Declare it in [values], or in [optional values] when the option may be left out without it.");
        add(build, line, &err);
        return WRONG;
    }
    if (value->text[0] == '\0') {
        if (!optional)
            note_missing(build, name);
        return UNSET;
    }
    ha_buf_puts(out, value->text);
    return EXPANDED;
}

static enum expansion expand(struct build *build, const struct ha_raw_line *line, struct ha_buf *out)
{
    enum expansion result = EXPANDED;
    for (const char *at = line->text; *at;) {
        const char *end = at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;
        if (!end) {
            ha_buf_putc(out, *at++);
            continue;
        }
        char name[80];
        snprintf(name, sizeof name, "%.*s", (int)(end - at - 2), at + 2);
        enum expansion one = put_value(build, line, name, out);
        result = one > result ? one : result;
        at = end + 1;
    }
    return result;
}

static void unknown_option(struct build *build, const struct ha_raw_line *line)
{
    const struct ha_scheme_info *scheme = ha_scheme_info(build->profile->scheme);
    struct ha_nearest nearest = {.word = line->name};
    struct ha_err err = {0};
    for (size_t i = 0; i < scheme->table->n; i++)
        ha_nearest_offer(&nearest, scheme->table->options[i].name, scheme->table->options[i].name);
    ha_fail(&err, HA_E_CONFIG, "the scheme %s has no option '%s'", scheme->name, line->name);
    if (nearest.best)
        ha_hint(&err, "Did you mean '%s'?", nearest.best);
    else
        ha_hint(&err, "hsm-agent-profiles(5) lists its options.");
    add(build, line, &err);
}

static void take_option(struct build *build, const struct ha_raw_line *line, size_t index)
{
    const struct ha_profile_option *option = &ha_scheme_info(build->profile->scheme)->table->options[index];
    bool list = option->kind == HA_PROFILE_LIST || option->kind == HA_PROFILE_LINES;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err err = {0};
    if (build->seen[index] && !list) {
        ha_fail(&err, HA_E_CONFIG, "%s: the message has the option already", line->name);
        ha_hint(&err, "Keep one of them.");
        add(build, line, &err);
        return;
    }
    enum expansion expansion = expand(build, line, &text);
    if (!ha_buf_ok(&text))
        build->no_memory = true;
    if (!build->seen[index])
        ha_profile_value_clear(option, (void *)build->profile->options);  // the default
    build->seen[index] = true;
    if (expansion != EXPANDED)
        return;
    if (ha_profile_value_store(option, ha_buf_text(&text), (void *)build->profile->options, &err)) {
        ha_wrap(&err, "%s", line->name);
        add(build, line, &err);
    }
}

static void take_line(struct build *build, const struct ha_raw_line *line)
{
    const struct ha_scheme_info *scheme = ha_scheme_info(build->profile->scheme);
    if (strcmp(line->name, "scheme") == 0 || strcmp(line->name, "help") == 0)
        return;
    for (size_t i = 0; i < scheme->table->n; i++) {
        if (strcmp(scheme->table->options[i].name, line->name) == 0) {
            take_option(build, line, i);
            return;
        }
    }
    unknown_option(build, line);
}

static bool set_defaults(struct build *build)
{
    const struct ha_scheme_info *scheme = ha_scheme_info(build->profile->scheme);
    struct ha_err err = {0};
    build->profile->options = calloc(1, scheme->table->size);
    if (!build->profile->options)
        return false;
    for (size_t i = 0; i < scheme->table->n; i++) {
        const struct ha_profile_option *option = &scheme->table->options[i];
        if (option->fallback && ha_profile_value_store(option, option->fallback, (void *)build->profile->options, &err))
            return false;
    }
    return true;
}

static void check_required(struct build *build)
{
    const struct ha_scheme_info *scheme = ha_scheme_info(build->profile->scheme);
    for (size_t i = 0; i < scheme->table->n; i++) {
        struct ha_err err = {0};
        if (!scheme->table->options[i].required || build->seen[i])
            continue;
        ha_fail(&err, HA_E_CONFIG, "the message has no '%s'", scheme->table->options[i].name);
        ha_hint(&err, "Add a line '%s = %s'.", scheme->table->options[i].name, scheme->table->options[i].value);
        add(build, NULL, &err);
    }
}

static void check_lines(struct build *build)
{
    const struct ha_scheme_info *scheme = ha_scheme_info(build->profile->scheme);
    struct ha_err err = {0};
    if (scheme->check && scheme->check(build->profile->options, &err))
        add(build, NULL, &err);
}

static bool set_texts(struct build *build, const char *name, const char *site_file)
{
    const struct ha_raw_line *help = find_line(build->section, "help");
    struct ha_profile *profile = build->profile;
    if (asprintf(&profile->name, "%s/%s", name, build->section->name) < 0)
        profile->name = NULL;
    profile->help = strdup(help ? help->text : "");
    profile->file = strdup(site_file);
    return profile->name && profile->help && profile->file;
}

enum ha_code ha_profile_build(const struct ha_raw_profile *raw, const struct ha_raw_section *section, const char *name,
                              const char *site_file, struct ha_profile *ret_profile, struct ha_mistakes *mistakes,
                              struct ha_err *err)
{
    struct build build = {.raw = raw, .section = section, .profile = ret_profile, .mistakes = mistakes};
    if (!set_texts(&build, name, site_file))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a profile");
    if (find_scheme(&build)) {
        build.no_memory |= !set_defaults(&build);
        for (size_t i = 0; i < section->n && !build.no_memory; i++)
            take_line(&build, &section->lines[i]);
        check_required(&build);
        if (!build.no_memory)
            check_lines(&build);
    }
    bool ok = !build.no_memory && ha_buf_ok(&build.missing);
    if (ok && build.missing.len > 0)
        ret_profile->missing = ha_buf_steal(&build.missing, NULL);
    ha_buf_clear(&build.missing);
    return ok ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a profile");
}
