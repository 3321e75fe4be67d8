// SPDX-License-Identifier: Apache-2.0
// --help: the rows as text of 80 columns.
#include "cli/help.h"

#include <string.h>

enum { WIDTH = 79, NAMES_WIDTH = 26, SUMMARY_COLUMN = 14 };

// Appends text, broken between words, each line after the first indented. column is where the first line begins.
static void put_wrapped(struct ha_buf *out, const char *text, size_t n, size_t indent, size_t column)
{
    const char *end = text + n;
    bool first = true;
    while (text < end) {
        const char *space = memchr(text, ' ', (size_t)(end - text));
        size_t word = (size_t)((space ? space : end) - text);
        if (!first && column + 1 + word > WIDTH) {
            ha_buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            ha_buf_putc(out, ' ');
            column++;
        }
        ha_buf_append(out, text, word);
        column += word;
        first = false;
        text += word + (space != NULL);
    }
    ha_buf_putc(out, '\n');
}

static void put_details(struct ha_buf *out, const char *details)
{
    while (*details) {
        size_t n = strcspn(details, "\n");
        bool example = strncmp(details, "  ", 2) == 0;
        if (example) {
            ha_buf_append(out, details, n);
            ha_buf_putc(out, '\n');
        } else {
            ha_buf_putc(out, '\n');
            put_wrapped(out, details, n, 0, 0);
        }
        details += n + (details[n] == '\n');
    }
}

static void put_row(struct ha_buf *out, const struct ha_opt_row *row)
{
    ha_auto(ha_buf_clear) struct ha_buf help = {0};
    size_t start = out->len;
    if (row->hidden)
        return;
    if (row->letter)
        ha_buf_printf(out, "  -%c, --%s", row->letter, row->name);
    else
        ha_buf_printf(out, "      --%s", row->name);
    if (row->value)
        ha_buf_printf(out, " %s", row->value);
    size_t column = out->len - start;
    if (column + 2 > NAMES_WIDTH) {
        ha_buf_putc(out, '\n');
        column = 0;
    }
    ha_buf_printf(out, "%*s", (int)(NAMES_WIDTH - column), "");
    ha_buf_puts(&help, row->help);
    if (row->choices) {
        ha_buf_puts(&help, " One of ");
        row->choices(&help);
        ha_buf_putc(&help, '.');
    }
    put_wrapped(out, ha_buf_text(&help), help.len, NAMES_WIDTH, NAMES_WIDTH);
}

static void put_rows(struct ha_buf *out, const char *title, const struct ha_opt_row *rows, size_t n)
{
    if (n == 0)
        return;
    ha_buf_printf(out, "\n%s:\n", title);
    for (size_t i = 0; i < n; i++)
        put_row(out, &rows[i]);
}

void ha_help_usage(const struct ha_command *command, struct ha_buf *out)
{
    ha_buf_printf(out, "hsm-agent %s", command->name);
    if (*command->arguments)
        ha_buf_printf(out, " %s", command->arguments);
    for (size_t i = 0; i < command->n_rows; i++) {
        const struct ha_opt_row *row = &command->rows[i];
        ha_buf_puts(out, row->required ? " " : " [");
        if (row->letter)
            ha_buf_printf(out, "-%c", row->letter);
        else
            ha_buf_printf(out, "--%s", row->name);
        if (row->value)
            ha_buf_printf(out, " %s", row->value);
        if (!row->required)
            ha_buf_putc(out, ']');
        if (row->repeat)
            ha_buf_puts(out, "...");
    }
    if (command->rest)
        ha_buf_printf(out, " [-- %s]", command->rest);
}

void ha_help_overview(const struct ha_opt_table *table, const char *group, struct ha_buf *out)
{
    size_t n = group ? strlen(group) : 0;
    if (group)
        ha_buf_printf(out, "Usage: hsm-agent [OPTION...] %s COMMAND [ARGUMENT...]\n", group);
    else
        ha_buf_puts(out, "Usage: hsm-agent [OPTION...] COMMAND [ARGUMENT...]\n\n"
                         "Signs, decrypts and makes certificate requests with keys that stay in an HSM.\n");
    ha_buf_puts(out, "\nCommands:\n");
    for (size_t i = 0; i < table->n_commands; i++) {
        const struct ha_command *command = &table->commands[i];
        if (group && (strncmp(command->name, group, n) != 0 || command->name[n] != ' '))
            continue;
        if (strlen(command->name) + 3 > SUMMARY_COLUMN)
            ha_buf_printf(out, "  %s\n%*s", command->name, SUMMARY_COLUMN, "");
        else
            ha_buf_printf(out, "  %-*s", SUMMARY_COLUMN - 2, command->name);
        put_wrapped(out, command->summary, strlen(command->summary), SUMMARY_COLUMN, SUMMARY_COLUMN);
    }
    put_rows(out, "Options, before or behind the command", table->globals, table->n_globals);
    ha_buf_puts(out, "\n'hsm-agent COMMAND --help' tells more of each; so does the manual, hsm-agent(1).\n");
}

void ha_help_command(const struct ha_opt_table *table, const struct ha_command *command, struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf usage = {0};
    ha_buf_puts(&usage, "Usage: ");
    ha_help_usage(command, &usage);
    put_wrapped(out, ha_buf_text(&usage), usage.len, strlen("Usage: hsm-agent "), 0);
    if (command->alias)
        ha_buf_printf(out, "   or: hsm-agent %s\n", command->alias);
    ha_buf_putc(out, '\n');
    put_wrapped(out, command->summary, strlen(command->summary), 0, 0);
    put_details(out, command->details);
    put_rows(out, "Options", command->rows, command->n_rows);
    put_rows(out, "Options of every command", table->globals, table->n_globals);
}
