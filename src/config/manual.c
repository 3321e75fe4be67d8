// SPDX-License-Identifier: Apache-2.0
// The table of sections and options as roff.
#include "config/config.h"
#include "config/option.h"

#include <string.h>

// Text as roff shows it unchanged.
static void put_text(struct ha_buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            ha_buf_puts(out, "\\e");
        else if (*c == '-')
            ha_buf_puts(out, "\\-");
        else if ((*c == '.' || *c == '\'') && c == text)
            ha_buf_printf(out, "\\&%c", *c);
        else
            ha_buf_putc(out, *c);
    }
}

// " (required; default: 8)", or nothing.
static void put_properties(struct ha_buf *out, const struct ha_option *option)
{
    ha_auto(ha_buf_clear) struct ha_buf properties = {0};
    if (option->required)
        ha_buf_puts(&properties, "; required");
    if (option->repeatable)
        ha_buf_puts(&properties, "; repeatable");
    if (option->fixed)
        ha_buf_puts(&properties, "; takes a restart to change");
    if (option->type == HA_OPTION_UINT)
        ha_buf_printf(&properties, "; %llu to %llu", (unsigned long long)option->min, (unsigned long long)option->max);
    if (option->fallback) {
        ha_buf_puts(&properties, "; default: ");
        put_text(&properties, option->fallback);
    }
    if (properties.len > 0)
        ha_buf_printf(out, " (%s)", ha_buf_text(&properties) + strlen("; "));
    if (!ha_buf_ok(&properties))
        out->failed = true;
    ha_buf_putc(out, '\n');
}

static void put_option(struct ha_buf *out, const struct ha_option *option)
{
    ha_buf_puts(out, ".TP\n\\fB");
    put_text(out, option->name);
    ha_buf_puts(out, "\\fR = \\fI");
    put_text(out, option->value);
    ha_buf_puts(out, "\\fR");
    put_properties(out, option);
    put_text(out, option->help);
    ha_buf_putc(out, '\n');
}

static void put_operations(struct ha_buf *out)
{
    ha_buf_puts(out, ".SS Operations\nWhat a rule can grant:\n");
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        const struct ha_operation_info *info = ha_operation_info((enum ha_operation)i);
        ha_buf_puts(out, ".TP\n\\fB");
        put_text(out, info->name);
        ha_buf_puts(out, "\\fR\n");
        put_text(out, info->help);
        ha_buf_putc(out, '\n');
    }
}

static void put_algs(struct ha_buf *out)
{
    ha_buf_puts(out, ".SS Algorithms\nThose that a rule can name:\n");
    for (unsigned i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        put_text(out, ha_alg_info((enum ha_alg)i)->name);
        ha_buf_puts(out, i + 1 < HA_ALG_COUNT ? ",\n" : ".\n");
    }
}

static void put_contents(struct ha_buf *out)
{
    ha_buf_puts(out, ".SS Classes of content\nThose that a rule can name, for sign and tls:\n");
    for (unsigned i = 0; i < HA_CONTENT_COUNT; i++) {
        put_text(out, ha_content_info((enum ha_content)i)->name);
        ha_buf_puts(out, i + 1 < HA_CONTENT_COUNT ? ",\n" : ".\n");
    }
}

void ha_config_manual(struct ha_buf *out)
{
    for (unsigned kind = 0; kind < HA_SECTION_COUNT; kind++) {
        const struct ha_section *section = ha_section((enum ha_section_kind)kind);
        ha_buf_printf(out, ".SS [%s%s]\n", section->kind, section->named ? " \\fINAME\\fR" : "");
        put_text(out, section->help);
        ha_buf_putc(out, '\n');
        for (size_t i = 0; i < section->options->n; i++)
            put_option(out, &section->options->row[i]);
    }
    put_operations(out);
    put_algs(out);
    put_contents(out);
}
