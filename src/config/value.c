// SPDX-License-Identifier: Apache-2.0
// Storing, dumping and freeing values, by the type of their option. What a text must look like is in value_check.c.
#include "config/value.h"

#include "config/allow.h"
#include "config/uri.h"
#include "config/value_check.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(uid_t) == sizeof(unsigned) && sizeof(gid_t) == sizeof(unsigned), "ids are stored alike");

enum { LONGEST_LINE = 198 };  // that the reader takes

static enum ha_code no_memory(struct ha_err *err)
{
    return ha_fail(err, HA_E_MEMORY, "out of memory for the configuration");
}

static enum ha_code append_string(struct ha_strings *strings, const char *text, struct ha_err *err)
{
    char **items = reallocarray(strings->items, strings->n + 1, sizeof *items);
    if (!items)
        return no_memory(err);
    strings->items = items;
    items[strings->n] = strdup(text);
    if (!items[strings->n])
        return no_memory(err);
    strings->n++;
    return HA_OK;
}

static enum ha_code store_string(const struct ha_option *option, const char *text, void *section, struct ha_err *err)
{
    char *copy = strdup(text);
    if (!copy)
        return no_memory(err);
    *HA_OPTION_FIELD(char *, section, option->offset) = copy;
    return HA_OK;
}

static enum ha_code store_environment(const struct ha_option *option, const char *text, void *section,
                                      struct ha_err *err)
{
    struct ha_strings *strings = HA_OPTION_FIELD(struct ha_strings, section, option->offset);
    enum ha_code code = ha_value_check_environment(text, strings, err);
    return code == HA_OK ? append_string(strings, text, err) : code;
}

static enum ha_code store_path(const struct ha_option *option, const char *text, void *section, struct ha_err *err)
{
    enum ha_code code = ha_value_check_path(text, err);
    return code == HA_OK ? append_string(HA_OPTION_FIELD(struct ha_strings, section, option->offset), text, err) : code;
}

// The text, and the uid or gid that it stands for.
static enum ha_code store_id(const struct ha_option *option, const char *text, void *section, struct ha_err *err)
{
    unsigned id;
    enum ha_code code =
        option->type == HA_OPTION_USER ? ha_value_check_user(text, &id, err) : ha_value_check_group(text, &id, err);
    if (code != HA_OK)
        return code;
    if (!option->repeatable) {
        code = store_string(option, text, section, err);
        if (code == HA_OK)
            *HA_OPTION_FIELD(unsigned, section, option->id_offset) = id;
        return code;
    }
    unsigned **ids = HA_OPTION_FIELD(unsigned *, section, option->id_offset);
    size_t *n = HA_OPTION_FIELD(size_t, section, option->count_offset);
    unsigned *more = reallocarray(*ids, *n + 1, sizeof *more);
    if (!more)
        return no_memory(err);
    *ids = more;
    code = append_string(HA_OPTION_FIELD(struct ha_strings, section, option->offset), text, err);
    if (code == HA_OK)
        more[(*n)++] = id;
    return code;
}

static enum ha_code store_hours(const struct ha_option *option, const char *text, void *section, struct ha_err *err)
{
    struct ha_hours **hours = HA_OPTION_FIELD(struct ha_hours *, section, option->offset);
    size_t *n = HA_OPTION_FIELD(size_t, section, option->count_offset);
    struct ha_hours *more = reallocarray(*hours, *n + 1, sizeof *more);
    if (!more)
        return no_memory(err);
    *hours = more;
    enum ha_code code = ha_hours_parse(text, &more[*n], err);
    if (code == HA_OK)
        (*n)++;
    return code;
}

static enum ha_code store_checked(const struct ha_option *option, const char *text, void *section, struct ha_err *err)
{
    enum ha_code code =
        option->type == HA_OPTION_UNIT ? ha_value_check_unit(text, err) : ha_value_check_path(text, err);
    return code == HA_OK ? append_string(HA_OPTION_FIELD(struct ha_strings, section, option->offset), text, err) : code;
}

static enum ha_code store_allow(const struct ha_option *option, const char *text, unsigned line, void *section,
                                struct ha_err *err)
{
    struct ha_allow **allows = HA_OPTION_FIELD(struct ha_allow *, section, option->offset);
    size_t *n = HA_OPTION_FIELD(size_t, section, option->count_offset);
    struct ha_allow *more = reallocarray(*allows, *n + 1, sizeof *more);
    if (!more)
        return no_memory(err);
    *allows = more;
    enum ha_code code = ha_allow_parse(text, line, &more[*n], err);
    if (code == HA_OK)
        (*n)++;
    return code;
}

enum ha_code ha_value_store(const struct ha_option *option, const char *text, unsigned line, void *section,
                            struct ha_err *err)
{
    enum ha_code code = HA_OK;
    if (text[0] == '\0') {
        ha_fail(err, HA_E_CONFIG, "the value is empty");
        return ha_hint(err, "Give a value, or remove the line%s.", option->fallback ? " to have the default" : "");
    }
    switch (option->type) {
    case HA_OPTION_STRING:
        break;
    case HA_OPTION_PATH:
        code = ha_value_check_path(text, err);
        break;
    case HA_OPTION_SOCKET:
        code = ha_value_check_socket(text, err);
        break;
    case HA_OPTION_URI:
        code = ha_uri_check(text, err);
        break;
    case HA_OPTION_PIN:
        code = ha_value_check_pin(text, err);
        break;
    case HA_OPTION_CHOICE:
        code = ha_value_check_choice(option, text, err);
        break;
    case HA_OPTION_BOOL:
        return ha_value_check_bool(text, HA_OPTION_FIELD(bool, section, option->offset), err);
    case HA_OPTION_UINT:
        return ha_value_check_uint(option, text, HA_OPTION_FIELD(unsigned, section, option->offset), err);
    case HA_OPTION_MODE:
        return ha_value_check_mode(text, HA_OPTION_FIELD(mode_t, section, option->offset), err);
    case HA_OPTION_DAYS:
        return ha_days_parse(text, HA_OPTION_FIELD(struct ha_days, section, option->offset), err);
    case HA_OPTION_OPERATIONS:
        code = ha_allow_admin_operations(text, HA_OPTION_FIELD(unsigned, section, option->id_offset), err);
        break;
    case HA_OPTION_RATE:
        return ha_rate_parse(text, HA_OPTION_FIELD(struct ha_rate, section, option->offset), err);
    case HA_OPTION_HOURS:
        return store_hours(option, text, section, err);
    case HA_OPTION_UNIT:
    case HA_OPTION_EXE:
        return store_checked(option, text, section, err);
    case HA_OPTION_USER:
    case HA_OPTION_GROUP:
        return store_id(option, text, section, err);
    case HA_OPTION_ENVIRONMENT:
        return store_environment(option, text, section, err);
    case HA_OPTION_PATHS:
        return store_path(option, text, section, err);
    case HA_OPTION_ALLOW:
        return store_allow(option, text, line, section, err);
    }
    return code == HA_OK ? store_string(option, text, section, err) : code;
}

enum ha_code ha_value_default(const struct ha_option *option, void *section, struct ha_err *err)
{
    bool one_id = (option->type == HA_OPTION_USER || option->type == HA_OPTION_GROUP) && !option->repeatable;
    if (one_id)
        *HA_OPTION_FIELD(unsigned, section, option->id_offset) = (unsigned)-1;
    return option->fallback ? ha_value_store(option, option->fallback, 0, section, err) : HA_OK;
}

static void dump_line(const struct ha_option *option, const char *value, struct ha_buf *out)
{
    // What was just short enough without spaces is too long with them.
    bool tight = strlen(option->name) + strlen(" = ") + strlen(value) > LONGEST_LINE;
    ha_buf_printf(out, tight ? "%s=%s\n" : "%s = %s\n", option->name, value);
}

static void dump_text(const struct ha_option *option, const char *value, struct ha_buf *out)
{
    if (value)
        dump_line(option, value, out);
    else
        ha_buf_printf(out, "# %s =\n", option->name);
}

static void dump_strings(const struct ha_option *option, const struct ha_strings *strings, struct ha_buf *out)
{
    if (strings->n == 0)
        dump_text(option, NULL, out);
    for (size_t i = 0; i < strings->n; i++)
        dump_line(option, strings->items[i], out);
}

static void dump_days(const struct ha_option *option, const struct ha_days *days, struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_days_print(days, &text);
    dump_line(option, ha_buf_text(&text), out);
}

static void dump_rate(const struct ha_option *option, const struct ha_rate *rate, struct ha_buf *out)
{
    char text[HA_RATE_TEXT_MAX];
    dump_text(option, rate->per_s ? ha_rate_print(rate, text) : NULL, out);
}

static void dump_hours(const struct ha_option *option, const void *section, struct ha_buf *out)
{
    size_t n = *HA_OPTION_FIELD(const size_t, section, option->count_offset);
    const struct ha_hours *hours = *HA_OPTION_FIELD(struct ha_hours *, section, option->offset);
    char text[HA_HOURS_TEXT_MAX];
    if (n == 0)
        dump_text(option, NULL, out);
    for (size_t i = 0; i < n; i++)
        dump_line(option, ha_hours_print(&hours[i], text), out);
}

void ha_value_dump(const struct ha_option *option, const void *section, struct ha_buf *out)
{
    switch (option->type) {
    case HA_OPTION_STRING:
    case HA_OPTION_PATH:
    case HA_OPTION_SOCKET:
    case HA_OPTION_URI:
    case HA_OPTION_PIN:
    case HA_OPTION_CHOICE:
    case HA_OPTION_OPERATIONS:
        dump_text(option, *HA_OPTION_FIELD(char *, section, option->offset), out);
        break;
    case HA_OPTION_BOOL:
        dump_line(option, *HA_OPTION_FIELD(bool, section, option->offset) ? "yes" : "no", out);
        break;
    case HA_OPTION_UINT:
        ha_buf_printf(out, "%s = %u\n", option->name, *HA_OPTION_FIELD(unsigned, section, option->offset));
        break;
    case HA_OPTION_MODE:
        ha_buf_printf(out, "%s = %04o\n", option->name, *HA_OPTION_FIELD(mode_t, section, option->offset));
        break;
    case HA_OPTION_DAYS:
        dump_days(option, HA_OPTION_FIELD(const struct ha_days, section, option->offset), out);
        break;
    case HA_OPTION_USER:
    case HA_OPTION_GROUP:
        if (option->repeatable)
            dump_strings(option, HA_OPTION_FIELD(struct ha_strings, section, option->offset), out);
        else
            dump_text(option, *HA_OPTION_FIELD(char *, section, option->offset), out);
        break;
    case HA_OPTION_RATE:
        dump_rate(option, HA_OPTION_FIELD(const struct ha_rate, section, option->offset), out);
        break;
    case HA_OPTION_HOURS:
        dump_hours(option, section, out);
        break;
    case HA_OPTION_UNIT:
    case HA_OPTION_EXE:
    case HA_OPTION_ENVIRONMENT:
    case HA_OPTION_PATHS:
        dump_strings(option, HA_OPTION_FIELD(struct ha_strings, section, option->offset), out);
        break;
    case HA_OPTION_ALLOW:
        for (size_t i = 0; i < *HA_OPTION_FIELD(size_t, section, option->count_offset); i++)
            dump_line(option, (*HA_OPTION_FIELD(struct ha_allow *, section, option->offset))[i].text, out);
        break;
    }
}

static void clear_string(const struct ha_option *option, void *section)
{
    char **text = HA_OPTION_FIELD(char *, section, option->offset);
    free(*text);
    *text = NULL;
}

static void clear_strings(struct ha_strings *strings)
{
    for (size_t i = 0; i < strings->n; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct ha_strings){0};
}

static void clear_ids(const struct ha_option *option, void *section)
{
    unsigned **ids = HA_OPTION_FIELD(unsigned *, section, option->id_offset);
    clear_strings(HA_OPTION_FIELD(struct ha_strings, section, option->offset));
    free(*ids);
    *ids = NULL;
    *HA_OPTION_FIELD(size_t, section, option->count_offset) = 0;
}

static void clear_allows(const struct ha_option *option, void *section)
{
    struct ha_allow **allows = HA_OPTION_FIELD(struct ha_allow *, section, option->offset);
    size_t *n = HA_OPTION_FIELD(size_t, section, option->count_offset);
    for (size_t i = 0; i < *n; i++) {
        free((*allows)[i].text);
        free((*allows)[i].key);
        free((*allows)[i].profiles);
    }
    free(*allows);
    *allows = NULL;
    *n = 0;
}

void ha_value_clear(const struct ha_option *option, void *section)
{
    switch (option->type) {
    case HA_OPTION_BOOL:
    case HA_OPTION_UINT:
    case HA_OPTION_MODE:
    case HA_OPTION_DAYS:
    case HA_OPTION_RATE:
        break;
    case HA_OPTION_HOURS:
        free(*HA_OPTION_FIELD(struct ha_hours *, section, option->offset));
        *HA_OPTION_FIELD(struct ha_hours *, section, option->offset) = NULL;
        *HA_OPTION_FIELD(size_t, section, option->count_offset) = 0;
        break;
    case HA_OPTION_STRING:
    case HA_OPTION_PATH:
    case HA_OPTION_SOCKET:
    case HA_OPTION_URI:
    case HA_OPTION_PIN:
    case HA_OPTION_CHOICE:
    case HA_OPTION_OPERATIONS:
        clear_string(option, section);
        break;
    case HA_OPTION_USER:
    case HA_OPTION_GROUP:
        if (option->repeatable)
            clear_ids(option, section);
        else
            clear_string(option, section);
        break;
    case HA_OPTION_UNIT:
    case HA_OPTION_EXE:
    case HA_OPTION_ENVIRONMENT:
    case HA_OPTION_PATHS:
        clear_strings(HA_OPTION_FIELD(struct ha_strings, section, option->offset));
        break;
    case HA_OPTION_ALLOW:
        clear_allows(option, section);
        break;
    }
}
