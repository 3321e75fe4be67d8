// SPDX-License-Identifier: Apache-2.0
// Reading the whole file: sections and options in the order they come, then what only shows at the end of each.
#include "config/config.h"

#include "base/file.h"
#include "base/ini.h"
#include "base/program.h"
#include "base/text.h"
#include "config/check.h"
#include "base/mistakes.h"
#include "config/option.h"
#include "config/value.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1024 * 1024 };

struct parser {
    struct ha_config *config;
    struct ha_mistakes *mistakes;
    const struct ha_section *section;  // that the lines belong to; NULL: none, or one that isn't known
    void *values;                      // its struct; moves when the next section begins
    unsigned line;                     // of its header
    unsigned seen[HA_OPTIONS_MAX];     // the line of each option in it
    unsigned agent_line;               // of [agent]'s header
    bool no_memory;
};

static void add(struct parser *parser, unsigned line, const char *cause, const char *remedy)
{
    if (!ha_mistakes_add(parser->mistakes, NULL, line, cause, remedy))
        parser->no_memory = true;
}

// A mistake from the words of an error, in the current section.
static void add_err(struct parser *parser, unsigned line, const struct ha_err *err)
{
    if (err->code == HA_E_MEMORY)
        parser->no_memory = true;
    else
        add(parser, line, err->detail, err->hint);
}

static void unknown_kind(struct parser *parser, unsigned line, const char *kind)
{
    struct ha_err err = {0};
    const char *kinds[HA_SECTION_COUNT];
    for (unsigned i = 0; i < HA_SECTION_COUNT; i++)
        kinds[i] = ha_section((enum ha_section_kind)i)->kind;
    const char *meant = ha_option_nearest(kind, kinds, HA_SECTION_COUNT);
    ha_fail(&err, HA_E_CONFIG, "there is no section of the kind '%s'", kind);
    if (meant)
        ha_hint(&err, "Did you mean [%s%s]?", meant, strcmp(meant, "agent") == 0 ? "" : " NAME");
    else
        ha_hint(&err, "The sections are [agent], [listen NAME], [token NAME] and [client NAME].");
    add_err(parser, line, &err);
}

static const struct ha_section *find_section(const char *kind, size_t n)
{
    for (unsigned i = 0; i < HA_SECTION_COUNT; i++) {
        const struct ha_section *section = ha_section((enum ha_section_kind)i);
        if (strlen(section->kind) == n && strncmp(section->kind, kind, n) == 0)
            return section;
    }
    return NULL;
}

// Room for one more struct in the section's array.
static void *grow(struct parser *parser, const struct ha_section *section)
{
    char **array = HA_OPTION_FIELD(char *, parser->config, section->array_offset);
    size_t *n = HA_OPTION_FIELD(size_t, parser->config, section->count_offset);
    char *more = reallocarray(*array, *n + 1, section->size);
    if (!more)
        return NULL;
    *array = more;
    void *values = more + (*n)++ * section->size;
    memset(values, 0, section->size);
    return values;
}

static void check_name(struct parser *parser, const struct ha_section *section, unsigned line, const char *name)
{
    struct ha_err err = {0};
    const char *array = *HA_OPTION_FIELD(char *, parser->config, section->array_offset);
    size_t n = *HA_OPTION_FIELD(size_t, parser->config, section->count_offset);
    if (!ha_name_valid(name)) {
        if (name[0])
            ha_fail(&err, HA_E_CONFIG, "the section's name '%s' is not valid", name);
        else
            ha_fail(&err, HA_E_CONFIG, "the section has no name");
        ha_hint(&err,
                "Write it as [%s NAME]: letters, digits, '.', '_' and '-', 64 at most, beginning with a letter or "
                "a digit.",
                section->kind);
        add_err(parser, line, &err);
        return;
    }
    for (size_t i = 0; i + 1 < n; i++) {  // the last is this one
        const char *before = array + i * section->size;
        if (strcmp(*HA_OPTION_FIELD(char *, before, section->name_offset), name) == 0) {
            ha_fail(&err, HA_E_CONFIG, "there is a section [%s %s] already, in line %u", section->kind, name,
                    *HA_OPTION_FIELD(unsigned, before, section->line_offset));
            ha_hint(&err, "Give this one another name, or put its options into the first.");
            add_err(parser, line, &err);
            return;
        }
    }
}

static void start_named(struct parser *parser, unsigned line, const char *name)
{
    const struct ha_section *section = parser->section;
    parser->values = grow(parser, section);
    char *copy = strdup(name);
    if (!parser->values || !copy) {
        free(copy);
        parser->section = NULL;
        parser->no_memory = true;
        return;
    }
    *HA_OPTION_FIELD(unsigned, parser->values, section->line_offset) = line;
    *HA_OPTION_FIELD(char *, parser->values, section->name_offset) = copy;
    check_name(parser, section, line, name);
}

static void start_agent(struct parser *parser, unsigned line, const char *name)
{
    struct ha_err err = {0};
    if (name[0] != '\0')
        add(parser, line, "[agent] takes no name", "Write it as [agent].");
    if (parser->agent_line > 0) {
        ha_fail(&err, HA_E_CONFIG, "there is a section [agent] already, in line %u", parser->agent_line);
        ha_hint(&err, "Put its options into the first.");
        add_err(parser, line, &err);
        parser->section = NULL;
        return;
    }
    parser->agent_line = line;
    parser->values = &parser->config->agent;
}

static void set_defaults(struct parser *parser, const struct ha_section *section, void *values)
{
    struct ha_err err = {0};
    for (size_t i = 0; i < section->options->n; i++) {
        if (ha_value_default(&section->options->row[i], values, &err) != HA_OK)
            parser->no_memory = true;
    }
}

static void missing_option(struct parser *parser, const struct ha_option *option)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_CONFIG, "the section has no '%s'", option->name);
    ha_hint(&err, "Add a line '%s = %s'.", option->name, option->value);
    add_err(parser, parser->line, &err);
}

static void missing_choice(struct parser *parser)
{
    struct ha_err err = {0};
    const struct ha_section *section = parser->section;
    char names[128] = "";
    for (size_t i = 0; i < section->options->n; i++) {
        if (section->options->row[i].one_of)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s'%s'", names[0] ? " or " : "",
                     section->options->row[i].name);
    }
    ha_fail(&err, HA_E_CONFIG, "the section has no %s: it says about nobody what they may do", names);
    ha_hint(&err, "Add a line with %s, by name or number.", names);
    add_err(parser, parser->line, &err);
}

// What only shows when a section is at its end.
static void finish_section(struct parser *parser)
{
    bool choice = false, chosen = false;
    if (!parser->section)
        return;
    for (size_t i = 0; i < parser->section->options->n; i++) {
        const struct ha_option *option = &parser->section->options->row[i];
        if (option->required && parser->seen[i] == 0)
            missing_option(parser, option);
        choice |= option->one_of;
        chosen |= option->one_of && parser->seen[i] > 0;
    }
    if (choice && !chosen)
        missing_choice(parser);
}

static void start_section(struct parser *parser, unsigned line, const char *header)
{
    size_t n = strcspn(header, " \t");
    const char *name = header + n + strspn(header + n, " \t");
    finish_section(parser);
    memset(parser->seen, 0, sizeof parser->seen);
    parser->line = line;
    parser->section = find_section(header, n);
    if (!parser->section) {
        char kind[64];
        snprintf(kind, sizeof kind, "%.*s", (int)n, header);
        unknown_kind(parser, line, kind);
    } else if (parser->section->named) {
        start_named(parser, line, name);
        if (parser->section)
            set_defaults(parser, parser->section, parser->values);
    } else {
        start_agent(parser, line, name);
    }
}

static void unknown_option(struct parser *parser, unsigned line, const char *name)
{
    struct ha_err err = {0};
    const struct ha_section *section = parser->section;
    const char *names[HA_OPTIONS_MAX];
    char all[1024] = "";
    for (size_t i = 0; i < section->options->n; i++) {
        names[i] = section->options->row[i].name;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *meant = ha_option_nearest(name, names, section->options->n);
    ha_fail(&err, HA_E_CONFIG, "[%s] has no option '%s'", section->kind, name);
    if (meant)
        ha_hint(&err, "Did you mean '%s'?", meant);
    else
        ha_hint(&err, "Its options are: %s.", all);
    add_err(parser, line, &err);
}

static void take_option(struct parser *parser, unsigned line, size_t index, const char *value)
{
    struct ha_err err = {0};
    const struct ha_option *option = &parser->section->options->row[index];
    if (!option->repeatable && parser->seen[index] > 0) {
        ha_fail(&err, HA_E_CONFIG, "%s: the option is in line %u already", option->name, parser->seen[index]);
        ha_hint(&err, "Keep one of them.");
        add_err(parser, line, &err);
        return;
    }
    if (!option->repeatable)
        ha_value_clear(option, parser->values);  // the default
    parser->seen[index] = line;
    if (ha_value_store(option, value, line, parser->values, &err) != HA_OK) {
        ha_wrap(&err, "%s", option->name);
        add_err(parser, line, &err);
    }
}

static void on_option(void *context, unsigned line, const char *section, const char *name, const char *value)
{
    struct parser *parser = context;
    if (!name) {
        start_section(parser, line, section);
        return;
    }
    if (section[0] == '\0')
        add(parser, line, "the option stands before the first section", "Put it below a header such as [agent].");
    if (!parser->section)
        return;
    for (size_t i = 0; i < parser->section->options->n; i++) {
        if (strcmp(parser->section->options->row[i].name, name) == 0) {
            take_option(parser, line, i, value);
            return;
        }
    }
    unknown_option(parser, line, name);
}

static void on_mistake(void *context, unsigned line, const char *cause, const char *remedy)
{
    add(context, line, cause, remedy);
}

enum ha_code ha_config_parse(const char *path, const char *text, size_t n, struct ha_config **ret_config,
                             struct ha_mistakes *ret_mistakes, struct ha_err *err)
{
    ha_auto(ha_config_free) struct ha_config *config = calloc(1, sizeof *config);
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    if (!config || !(config->path = strdup(path)))
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", path);
    atomic_init(&config->refs, 1);
    struct parser parser = {.config = config, .mistakes = &mistakes};
    const struct ha_ini_events events = {&parser, on_option, on_mistake};
    set_defaults(&parser, ha_section(HA_SECTION_AGENT), &config->agent);
    ha_ini_parse(text, n, &events);
    finish_section(&parser);
    if (!ha_config_check(config, &mistakes) || parser.no_memory)
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", path);
    if (mistakes.n > 0) {
        size_t found = mistakes.n;
        ha_mistakes_clear(ret_mistakes);
        *ret_mistakes = mistakes;
        mistakes = (struct ha_mistakes){0};
        return ha_fail(err, HA_E_CONFIG, "%s has %zu mistake%s", path, found, found == 1 ? "" : "s");
    }
    *ret_config = ha_take(&config);
    return HA_OK;
}

static enum ha_code load_profiles(struct ha_config *config, struct ha_mistakes *ret_mistakes, struct ha_err *err)
{
    ha_auto(ha_free) char *shipped = NULL;
    if (ha_program_data("hsm-config/profiles", HA_PKGDATADIR "/profiles", &shipped, err))
        return err->code;
    return ha_profiles_load(shipped, config->agent.profiles, &config->profiles, ret_mistakes, err);
}

enum ha_code ha_config_load(const char *path, struct ha_config **ret_config, struct ha_mistakes *ret_mistakes,
                            struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    enum ha_code code = ha_file_read(path, FILE_MAX, HA_FILE_TRUSTED, &text, err);
    if (code == HA_E_CONFIG)
        ha_mistakes_add(ret_mistakes, NULL, 0, err->detail, err->hint);
    if (code != HA_OK)
        return code;
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    if (ha_config_parse(path, ha_buf_text(&text), text.len, &config, ret_mistakes, err) ||
        load_profiles(config, ret_mistakes, err))
        return err->code;
    *ret_config = ha_take(&config);
    return HA_OK;
}

void ha_config_audit_log(const struct ha_config *config, struct ha_buf *out)
{
    if (config->agent.audit_log)
        ha_buf_puts(out, config->agent.audit_log);
    else
        ha_buf_printf(out, "%s/audit/audit.jsonl", config->agent.state_dir);
}

struct ha_config *ha_config_ref(struct ha_config *config)
{
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

void ha_config_free(struct ha_config *config)
{
    if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned kind = 0; kind < HA_SECTION_COUNT; kind++) {
        const struct ha_section *section = ha_section((enum ha_section_kind)kind);
        void *values;
        for (size_t i = 0; (values = ha_section_at(config, (enum ha_section_kind)kind, i)); i++) {
            for (size_t j = 0; j < section->options->n; j++)
                ha_value_clear(&section->options->row[j], values);
            if (section->named)
                free(*HA_OPTION_FIELD(char *, values, section->name_offset));
        }
        if (section->named)
            free(*HA_OPTION_FIELD(char *, config, section->array_offset));
    }
    ha_profiles_free(config->profiles);
    free(config->path);
    free(config);
}
