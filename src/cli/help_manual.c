// SPDX-License-Identifier: Apache-2.0
// The manual's part that the table makes, in man(7) macros.
#include "cli/help.h"

#include <string.h>

enum { LINE_WIDTH = 76 };

static void put_char(struct ha_buf *out, char c)
{
    if (c == '\\')
        ha_buf_puts(out, "\\e");
    else if (c == '-')
        ha_buf_puts(out, "\\-");
    else if (c == '\'')
        ha_buf_puts(out, "\\(aq");
    else
        ha_buf_putc(out, c);
}

// roff takes '\' as escape, '-' as hyphen, an apostrophe as quotation mark, and '.' at a line's start as request. Long
// text is broken at spaces unless it is to stay one line.
static void put_roff(struct ha_buf *out, const char *text, size_t n, bool one_line)
{
    size_t column = 0;
    for (size_t i = 0; i < n; i++) {
        size_t word = strcspn(text + i + 1, " \n");
        if (text[i] == ' ' && !one_line && column + word > LINE_WIDTH) {
            ha_buf_putc(out, '\n');
            column = 0;
            continue;
        }
        if (column++ == 0 && (text[i] == '.' || text[i] == '\''))
            ha_buf_puts(out, "\\&");
        put_char(out, text[i]);
    }
}

// Within a line.
static void put_text(struct ha_buf *out, const char *text)
{
    put_roff(out, text, strlen(text), true);
}

static void put_paragraph(struct ha_buf *out, const char *text)
{
    put_roff(out, text, strlen(text), false);
    ha_buf_putc(out, '\n');
}

static void put_row(struct ha_buf *out, const struct ha_opt_row *row)
{
    ha_auto(ha_buf_clear) struct ha_buf choices = {0};
    if (row->hidden)
        return;
    ha_buf_puts(out, ".TP\n");
    if (row->letter)
        ha_buf_printf(out, "\\fB\\-%c\\fR, ", row->letter);
    ha_buf_puts(out, "\\fB\\-\\-");
    put_text(out, row->name);
    ha_buf_puts(out, "\\fR");
    if (row->value) {
        ha_buf_puts(out, " \\fI");
        put_text(out, row->value);
        ha_buf_puts(out, "\\fR");
    }
    ha_buf_putc(out, '\n');
    put_paragraph(out, row->help);
    if (row->choices) {
        ha_buf_puts(&choices, "One of ");
        row->choices(&choices);
        ha_buf_putc(&choices, '.');
        put_paragraph(out, ha_buf_text(&choices));
    }
}

static void put_details(struct ha_buf *out, const char *details)
{
    bool in_example = false;
    while (*details) {
        size_t n = strcspn(details, "\n");
        bool example = strncmp(details, "  ", 2) == 0;
        if (example != in_example)
            ha_buf_puts(out, example ? ".PP\n.in +4n\n.EX\n" : ".EE\n.in\n");
        if (!example)
            ha_buf_puts(out, ".PP\n");
        put_roff(out, example ? details + 2 : details, example ? n - 2 : n, example);
        ha_buf_putc(out, '\n');
        in_example = example;
        details += n + (details[n] == '\n');
    }
    if (in_example)
        ha_buf_puts(out, ".EE\n.in\n");
}

static void put_command(struct ha_buf *out, const struct ha_command *command)
{
    ha_auto(ha_buf_clear) struct ha_buf usage = {0};
    ha_help_usage(command, &usage);
    ha_buf_puts(out, ".SS ");
    put_text(out, command->name);
    ha_buf_puts(out, "\n.B ");
    put_text(out, ha_buf_text(&usage));
    ha_buf_puts(out, "\n.PP\n");
    put_paragraph(out, command->summary);
    if (command->alias) {
        ha_buf_puts(out, "The same as \\fBhsm\\-agent ");
        put_text(out, command->alias);
        ha_buf_puts(out, "\\fR.\n");
    }
    put_details(out, command->details);
    for (size_t i = 0; i < command->n_rows; i++)
        put_row(out, &command->rows[i]);
}

void ha_help_manual(const struct ha_opt_table *table, struct ha_buf *out)
{
    ha_buf_puts(out, ".SH OPTIONS\nThese may stand before or behind the command.\n");
    for (size_t i = 0; i < table->n_globals; i++)
        put_row(out, &table->globals[i]);
    ha_buf_puts(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < table->n_commands; i++)
        put_command(out, &table->commands[i]);
}
