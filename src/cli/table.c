// SPDX-License-Identifier: Apache-2.0
// Measuring columns, then padding them.
#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

void ha_table_clear(struct ha_table *table)
{
    ha_buf_clear(&table->cells);
}

// Characters, not bytes: names from a token may be UTF-8.
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void ha_table_cell(struct ha_table *table, const char *text)
{
    ha_buf_puts(&table->cells, text && *text ? text : "-");
    ha_buf_putc(&table->cells, '\0');
}

void ha_table_value(struct ha_buf *out, const ha_json *value)
{
    uint64_t number;
    bool truth;
    if (!value)
        return;
    if (ha_json_string(value))
        ha_buf_puts(out, ha_json_string(value));
    else if (ha_json_uint(value, UINT64_C(1) << 53, &number))
        ha_buf_printf(out, "%" PRIu64, number);
    else if (ha_json_bool(value, &truth))
        ha_buf_puts(out, truth ? "yes" : "no");
    if (ha_json_type(value) != HA_JSON_ARRAY)
        return;
    for (const ha_json *item = ha_json_first(value); item; item = ha_json_next(item)) {
        if (item != ha_json_first(value))
            ha_buf_putc(out, ',');
        // Lists within lists are nothing that the agent answers with.
        if (ha_json_type(item) != HA_JSON_ARRAY)
            ha_table_value(out, item);
    }
}

void ha_table_member(struct ha_table *table, const ha_json *object, const char *name)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_table_value(&text, ha_json_get(object, name));
    ha_table_cell(table, ha_buf_text(&text));
}

// The widest cell of a column.
static size_t column_width(const struct ha_table *table, size_t column)
{
    const char *cell = ha_buf_text(&table->cells);
    const char *end = cell + table->cells.len;
    size_t widest = 0;
    for (size_t i = 0; cell < end; i++, cell += strlen(cell) + 1)
        if (i % table->n_columns == column && width_of(cell) > widest)
            widest = width_of(cell);
    return widest;
}

void ha_table_print(const struct ha_table *table, struct ha_buf *out)
{
    const char *cell = ha_buf_text(&table->cells);
    const char *end = cell + table->cells.len;
    for (size_t i = 0; cell < end; i++, cell += strlen(cell) + 1) {
        size_t column = i % table->n_columns;
        ha_buf_puts(out, cell);
        if (column + 1 == table->n_columns)
            ha_buf_putc(out, '\n');
        else
            ha_buf_printf(out, "%*s", (int)(column_width(table, column) - width_of(cell) + 2), "");
    }
}
