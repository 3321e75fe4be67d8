// SPDX-License-Identifier: Apache-2.0
// Reading a command line: one pass over its words, then a check of the whole.
#include "cli/opt.h"

#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

struct parser {
    const struct ha_opt_table *table;
    int argc;
    char **argv;
    int at;  // the next word
    size_t n_arguments;
    const struct ha_opt_row *given[HA_OPT_COUNT];  // the row under which an option was met first
    struct ha_opts opts;
};

static void parser_clear(struct parser *parser)
{
    ha_opt_clear(&parser->opts);
}
HA_AUTO_DEFINE_CLEAR(struct parser, parser_clear)

void ha_opt_clear(struct ha_opts *opts)
{
    for (size_t i = 0; i < HA_OPT_COUNT; i++)
        free(opts->values[i].items);
    *opts = (struct ha_opts){0};
}

bool ha_opt_given(const struct ha_opts *opts, enum ha_opt id)
{
    return opts->values[id].n > 0;
}

const char *ha_opt_value(const struct ha_opts *opts, enum ha_opt id)
{
    return opts->values[id].n > 0 ? opts->values[id].items[0] : NULL;
}

// An option as it was written: --name or -x.
struct name {
    const char *text;
    size_t n;
    bool is_letter;
};

static bool row_is(const struct ha_opt_row *row, struct name name)
{
    if (name.is_letter)
        return row->letter == name.text[0];
    return strlen(row->name) == name.n && memcmp(row->name, name.text, name.n) == 0;
}

static const struct ha_opt_row *find_in(const struct ha_opt_row *rows, size_t n, struct name name)
{
    for (size_t i = 0; i < n; i++)
        if (row_is(&rows[i], name))
            return &rows[i];
    return NULL;
}

// Before the command is known, an option may be that of any; whether it is the command's is checked at the end.
static const struct ha_opt_row *find_row(const struct parser *parser, struct name name)
{
    const struct ha_opt_table *table = parser->table;
    const struct ha_command *command = parser->opts.command;
    const struct ha_opt_row *row = find_in(table->globals, table->n_globals, name);
    if (command && !row)
        return find_in(command->rows, command->n_rows, name);
    for (size_t i = 0; i < table->n_commands && !row; i++)
        row = find_in(table->commands[i].rows, table->commands[i].n_rows, name);
    return row;
}

static void offer_rows(struct ha_nearest *nearest, const struct ha_opt_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rows[i].hidden)
            ha_nearest_offer(nearest, rows[i].name, rows[i].name);
}

static enum ha_code see_help(const struct parser *parser, struct ha_err *err)
{
    const struct ha_command *command = parser->opts.command;
    return ha_hint(err, "See 'hsm-agent %s%s--help'.", command ? command->name : "", command ? " " : "");
}

static enum ha_code unknown_option(const struct parser *parser, struct name name, struct ha_err *err)
{
    const struct ha_command *command = parser->opts.command;
    char written[64];
    size_t n = name.n < sizeof written ? name.n : sizeof written - 1;
    memcpy(written, name.text, n);
    written[n] = '\0';
    struct ha_nearest nearest = {.word = written};
    offer_rows(&nearest, parser->table->globals, parser->table->n_globals);
    if (command)
        offer_rows(&nearest, command->rows, command->n_rows);
    ha_fail(err, HA_E_USAGE, "%s%s is not an option%s%s", name.is_letter ? "-" : "--", written, command ? " of " : "",
            command ? command->name : "");
    if (nearest.best && !name.is_letter)
        return ha_hint(err, "Did you mean --%s?", nearest.best);
    return see_help(parser, err);
}

static enum ha_code add_value(struct parser *parser, const struct ha_opt_row *row, const char *value,
                              struct ha_err *err)
{
    struct ha_opt_values *values = &parser->opts.values[row->id];
    if (values->n > 0 && row->value && !row->repeat) {
        ha_fail(err, HA_E_USAGE, "--%s is given twice", row->name);
        return ha_hint(err, "Give it once.");
    }
    if (!values->items)
        values->items = calloc((size_t)parser->argc, sizeof *values->items);
    if (!values->items)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the command line");
    values->items[values->n++] = value;
    parser->given[row->id] = row;
    return HA_OK;
}

// inline_value: what stands behind the '=' or the letter; NULL: nothing does.
static enum ha_code take_option(struct parser *parser, struct name name, const char *inline_value, struct ha_err *err)
{
    const struct ha_opt_row *row = find_row(parser, name);
    if (!row)
        return unknown_option(parser, name, err);
    if (!row->value && inline_value) {
        ha_fail(err, HA_E_USAGE, "--%s takes no value", row->name);
        return see_help(parser, err);
    }
    if (!row->value)
        return add_value(parser, row, "", err);
    if (!inline_value && parser->at == parser->argc) {
        ha_fail(err, HA_E_USAGE, "--%s needs a value", row->name);
        return ha_hint(err, "Write --%s %s.", row->name, row->value);
    }
    return add_value(parser, row, inline_value ? inline_value : parser->argv[parser->at++], err);
}

static enum ha_code take_dashed(struct parser *parser, const char *word, struct ha_err *err)
{
    if (word[1] != '-')
        return take_option(parser, (struct name){word + 1, 1, true}, word[2] ? word + 2 : NULL, err);
    const char *text = word + 2;
    size_t n = strcspn(text, "=");
    return take_option(parser, (struct name){text, n, false}, text[n] ? text + n + 1 : NULL, err);
}

// The second word of "key create" when group is "key", the words behind the group in general; NULL otherwise.
static const char *in_group(const struct ha_command *command, const char *group)
{
    size_t n = strlen(group);
    return strncmp(command->name, group, n) == 0 && command->name[n] == ' ' ? command->name + n + 1 : NULL;
}

// The commands of the group that was named, to choose from.
static enum ha_code choose_of_group(const struct parser *parser, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf names = {0};
    for (size_t i = 0; i < parser->table->n_commands; i++)
        if (in_group(&parser->table->commands[i], parser->opts.group))
            ha_buf_printf(&names, "%s'%s'", names.len > 0 ? ", " : "", parser->table->commands[i].name);
    return ha_hint(err, "Choose one of %s.", ha_buf_text(&names));
}

static enum ha_code unknown_command(const struct parser *parser, const char *word, struct ha_err *err)
{
    const char *group = parser->opts.group;
    struct ha_nearest nearest = {.word = word};
    for (size_t i = 0; i < parser->table->n_commands; i++) {
        const struct ha_command *command = &parser->table->commands[i];
        const char *space = strrchr(command->name, ' ');
        if (!*group || in_group(command, group))
            ha_nearest_offer(&nearest, space ? space + 1 : command->name, command->name);
        if (!*group && command->alias)
            ha_nearest_offer(&nearest, command->alias, command->alias);
    }
    ha_fail(err, HA_E_USAGE, "there is no command '%s%s%s'", group, *group ? " " : "", word);
    if (nearest.best)
        return ha_hint(err, "Did you mean 'hsm-agent %s'?", nearest.best);
    return *group ? choose_of_group(parser, err) : ha_hint(err, "See 'hsm-agent --help' for the commands.");
}

// The word leads into a group of commands, or further into it.
static bool take_group_word(struct parser *parser, const char *word)
{
    char *group = parser->opts.group;
    char longer[sizeof parser->opts.group];
    int n = snprintf(longer, sizeof longer, "%s%s%s", group, *group ? " " : "", word);
    if (n < 0 || (size_t)n >= sizeof longer)
        return false;
    for (size_t i = 0; i < parser->table->n_commands; i++) {
        if (in_group(&parser->table->commands[i], longer)) {
            memcpy(group, longer, sizeof longer);
            return true;
        }
    }
    return false;
}

static enum ha_code take_command_word(struct parser *parser, const char *word, struct ha_err *err)
{
    char *group = parser->opts.group;
    for (size_t i = 0; i < parser->table->n_commands; i++) {
        const struct ha_command *command = &parser->table->commands[i];
        const char *name = *group ? in_group(command, group) : command->name;
        bool is_alias = !*group && command->alias && strcmp(command->alias, word) == 0;
        if (is_alias || (name && strcmp(name, word) == 0)) {
            parser->opts.command = command;
            *group = '\0';
            return HA_OK;
        }
    }
    return take_group_word(parser, word) ? HA_OK : unknown_command(parser, word, err);
}

// Those in brackets may be left out.
static size_t count_needed(const char *text)
{
    size_t n = 0;
    for (; *text && *text != '['; text += strspn(text, " ")) {
        n++;
        text += strcspn(text, " ");
    }
    return n;
}

static size_t count_words(const char *text)
{
    size_t n = 0;
    for (; *text; text += strspn(text, " ")) {
        n++;
        text += strcspn(text, " ");
    }
    return n;
}

static size_t most_words(const struct ha_command *command)
{
    size_t n = strlen(command->arguments);
    bool repeats = n > 3 && strcmp(command->arguments + n - 3, "...") == 0;
    return repeats ? HA_OPT_ARGUMENTS_MAX : count_words(command->arguments);
}

static enum ha_code take_word(struct parser *parser, const char *word, struct ha_err *err)
{
    const struct ha_command *command = parser->opts.command;
    if (!command)
        return take_command_word(parser, word, err);
    if (parser->n_arguments < most_words(command)) {
        parser->opts.arguments[parser->n_arguments++] = word;
        return HA_OK;
    }
    ha_fail(err, HA_E_USAGE, "'%s' is one word too many for %s", word, command->name);
    if (command->rest)
        return ha_hint(err, "Put -- before the command that is to be run: hsm-agent %s -- %s", command->name, word);
    return see_help(parser, err);
}

static enum ha_code take_words(struct parser *parser, struct ha_err *err)
{
    bool options_end = false;
    while (parser->at < parser->argc) {
        char *word = parser->argv[parser->at++];
        enum ha_code code = HA_OK;
        if (!options_end && strcmp(word, "--") == 0) {
            options_end = true;
            if (parser->opts.command && parser->opts.command->rest) {
                parser->opts.rest = parser->at < parser->argc ? parser->argv + parser->at : NULL;
                parser->at = parser->argc;
            }
        } else if (!options_end && word[0] == '-' && word[1]) {
            code = take_dashed(parser, word, err);
        } else {
            code = take_word(parser, word, err);
        }
        if (code != HA_OK)
            return code;
    }
    return HA_OK;
}

static enum ha_code no_command(const struct parser *parser, struct ha_err *err)
{
    const char *group = parser->opts.group;
    if (!*group) {
        ha_fail(err, HA_E_USAGE, "no command is given");
        return ha_hint(err, "See 'hsm-agent --help' for the commands.");
    }
    ha_fail(err, HA_E_USAGE, "'%s' alone is no command", group);
    return choose_of_group(parser, err);
}

// Options that came before the command, those that are missing, and missing words.
static enum ha_code check_whole(const struct parser *parser, struct ha_err *err)
{
    const struct ha_command *command = parser->opts.command;
    for (size_t i = 0; i < HA_OPT_COUNT; i++) {
        const struct ha_opt_row *row = parser->given[i];
        struct name name = {row ? row->name : "", row ? strlen(row->name) : 0, false};
        if (row && !find_row(parser, name))
            return unknown_option(parser, name, err);
    }
    if (parser->n_arguments < count_needed(command->arguments)) {
        ha_fail(err, HA_E_USAGE, "%s needs %s", command->name, command->arguments);
        return see_help(parser, err);
    }
    for (size_t i = 0; i < command->n_rows; i++) {
        const struct ha_opt_row *row = &command->rows[i];
        if (row->required && !ha_opt_given(&parser->opts, row->id)) {
            ha_fail(err, HA_E_USAGE, "%s needs --%s %s", command->name, row->name, row->value);
            return see_help(parser, err);
        }
    }
    return HA_OK;
}

enum ha_code ha_opt_parse(const struct ha_opt_table *table, int argc, char **argv, struct ha_opts *ret_opts,
                          struct ha_err *err)
{
    ha_auto(parser_clear) struct parser parser = {.table = table, .argc = argc, .argv = argv, .at = 1};
    enum ha_code code = take_words(&parser, err);
    bool asks = ha_opt_given(&parser.opts, HA_OPT_HELP) || ha_opt_given(&parser.opts, HA_OPT_VERSION) ||
                ha_opt_given(&parser.opts, HA_OPT_MANUAL);
    if (code == HA_OK && !asks)
        code = parser.opts.command ? check_whole(&parser, err) : no_command(&parser, err);
    if (code != HA_OK)
        return code;
    *ret_opts = parser.opts;
    parser.opts = (struct ha_opts){0};
    return HA_OK;
}
