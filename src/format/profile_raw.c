// SPDX-License-Identifier: Apache-2.0
// Lines into sections, and the overlay.
#include "format/profile_raw.h"

#include "base/ini.h"
#include "base/nearest.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct reader {
    struct ha_raw_profile *raw;
    const char *file;
    bool overlay;
    struct ha_mistakes *mistakes;
    size_t section;  // that the lines belong to; SIZE_MAX: none
    bool no_memory;
};

static void clear_line(struct ha_raw_line *line)
{
    free(line->name);
    free(line->text);
    free(line->file);
}

void ha_raw_profile_clear(struct ha_raw_profile *raw)
{
    for (size_t i = 0; i < raw->n; i++) {
        struct ha_raw_section *section = &raw->sections[i];
        for (size_t j = 0; j < section->n; j++)
            clear_line(&section->lines[j]);
        free(section->lines);
        free(section->name);
        free(section->file);
    }
    free(raw->sections);
    *raw = (struct ha_raw_profile){0};
}

static void add(struct reader *reader, unsigned line, const char *cause, const char *remedy)
{
    if (!ha_mistakes_add(reader->mistakes, reader->file, line, cause, remedy))
        reader->no_memory = true;
}

static size_t find_section(const struct ha_raw_profile *raw, const char *name, bool optional)
{
    for (size_t i = 0; i < raw->n; i++) {
        const struct ha_raw_section *section = &raw->sections[i];
        bool same = name && section->name ? strcmp(name, section->name) == 0 : !name && !section->name;
        if (same && section->optional == optional)
            return i;
    }
    return SIZE_MAX;
}

static void open_section(struct reader *reader, unsigned line, const char *name, bool optional)
{
    struct ha_raw_profile *raw = reader->raw;
    reader->section = find_section(raw, name, optional);
    if (reader->section != SIZE_MAX)
        return;
    struct ha_raw_section *more = reallocarray(raw->sections, raw->n + 1, sizeof *more);
    if (more)
        raw->sections = more;
    ha_auto(ha_free) char *copy = name ? strdup(name) : NULL;
    ha_auto(ha_free) char *file = strdup(reader->file);
    if (!more || (name && !copy) || !file) {
        reader->no_memory = true;
        return;
    }
    reader->section = raw->n++;
    more[reader->section] =
        (struct ha_raw_section){.name = ha_take(&copy), .file = ha_take(&file), .line = line, .optional = optional};
}

static void start_section(struct reader *reader, unsigned line, const char *header)
{
    size_t n = strcspn(header, " \t");
    const char *name = header + n + strspn(header + n, " \t");
    reader->section = SIZE_MAX;
    if (strcmp(header, "values") == 0)
        open_section(reader, line, NULL, false);
    else if (strncmp(header, "optional", n) == 0 && n == strlen("optional") && strcmp(name, "values") == 0)
        open_section(reader, line, NULL, true);
    else if (strncmp(header, "message", n) != 0 || n != strlen("message"))
        add(reader, line, "a profile has no such section",
            "The sections are [values], [optional values] and [message KIND].");
    else if (!ha_name_valid(name))
        add(reader, line, "the message has no name, or one that is not valid",
            "Write it as [message KIND]: letters, digits, '.', '_' and '-', beginning with a letter or a digit.");
    else
        open_section(reader, line, name, false);
}

const struct ha_raw_line *ha_raw_profile_value(const struct ha_raw_profile *raw, const char *name, bool *ret_optional)
{
    for (size_t i = 0; i < raw->n; i++) {
        const struct ha_raw_section *section = &raw->sections[i];
        for (size_t j = 0; !section->name && j < section->n; j++) {
            if (strcmp(section->lines[j].name, name) == 0) {
                *ret_optional = section->optional;
                return &section->lines[j];
            }
        }
    }
    return NULL;
}

static void undeclared(struct reader *reader, unsigned line, const char *name)
{
    struct ha_nearest nearest = {.word = name};
    struct ha_err err = {0};
    for (size_t i = 0; i < reader->raw->n; i++) {
        const struct ha_raw_section *section = &reader->raw->sections[i];
        for (size_t j = 0; !section->name && j < section->n; j++)
            ha_nearest_offer(&nearest, section->lines[j].name, section->lines[j].name);
    }
    ha_fail(&err, HA_E_CONFIG, "the profile knows no value '%s'", name);
    if (nearest.best)
        ha_hint(&err, "Did you mean '%s'?", nearest.best);
    else
        ha_hint(&err, "Give the values that the shipped file of that name declares; `hsm-agent profiles` names those "
                      "that are missing.");
    add(reader, line, err.detail, err.hint);
}

// The overlay's first line of a name takes the others' away. False: there is a line of this file already.
static bool make_way(struct reader *reader, struct ha_raw_section *section, const char *name)
{
    size_t kept = 0;
    bool ours = false;
    for (size_t i = 0; i < section->n; i++) {
        struct ha_raw_line *line = &section->lines[i];
        bool same = strcmp(line->name, name) == 0, foreign = strcmp(line->file, reader->file) != 0;
        ours |= same && !foreign;
        if (same && foreign)
            clear_line(line);
        else
            section->lines[kept++] = *line;
    }
    section->n = kept;
    return !ours;
}

static void append(struct reader *reader, size_t at, unsigned number, const char *name, const char *text)
{
    struct ha_raw_section *section = &reader->raw->sections[at];
    struct ha_raw_line *more = reallocarray(section->lines, section->n + 1, sizeof *more);
    if (more)
        section->lines = more;
    struct ha_raw_line line = {strdup(name), strdup(text), strdup(reader->file), number};
    if (!more || !line.name || !line.text || !line.file) {
        clear_line(&line);
        reader->no_memory = true;
        return;
    }
    more[section->n++] = line;
}

// A value is put where it was declared, whichever of the two sections it stands in here.
static size_t home_of(const struct reader *reader, const char *name)
{
    bool optional;
    if (!reader->overlay || !ha_raw_profile_value(reader->raw, name, &optional))
        return reader->section;
    return find_section(reader->raw, NULL, optional);
}

static void on_option(void *context, unsigned line, const char *header, const char *name, const char *text)
{
    struct reader *reader = context;
    bool optional;
    if (!name) {
        start_section(reader, line, header);
        return;
    }
    if (header[0] == '\0')
        add(reader, line, "the option stands before the first section", "Put it below a header such as [message jwt].");
    if (reader->section == SIZE_MAX)
        return;
    bool is_value = !reader->raw->sections[reader->section].name;
    if (is_value && !ha_name_valid(name)) {
        add(reader, line, "that is no name for a value", "Use letters, digits, '.', '_' and '-'.");
        return;
    }
    if (is_value && reader->overlay && !ha_raw_profile_value(reader->raw, name, &optional)) {
        undeclared(reader, line, name);
        return;
    }
    size_t at = is_value ? home_of(reader, name) : reader->section;
    if (!make_way(reader, &reader->raw->sections[at], name) && is_value) {
        add(reader, line, "the value is in this file already", "Keep one of them.");
        return;
    }
    append(reader, at, line, name, text);
}

static void on_mistake(void *context, unsigned line, const char *cause, const char *remedy)
{
    add(context, line, cause, remedy);
}

enum ha_code ha_raw_profile_read(struct ha_raw_profile *raw, const char *file, const char *text, size_t n, bool overlay,
                                 struct ha_mistakes *mistakes, struct ha_err *err)
{
    struct reader reader = {raw, file, overlay, mistakes, SIZE_MAX, false};
    const struct ha_ini_events events = {&reader, on_option, on_mistake};
    ha_ini_parse(text, n, &events);
    return reader.no_memory ? ha_fail(err, HA_E_MEMORY, "out of memory for reading %s", file) : HA_OK;
}
