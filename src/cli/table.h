// SPDX-License-Identifier: Apache-2.0
// Columns for people.
#pragma once

#include "base/buf.h"
#include "base/json.h"

// Cells in rows of n_columns. Each column becomes as wide as its widest cell.
struct ha_table {
    size_t n_columns;
    struct ha_buf cells;  // each followed by a NUL
};
void ha_table_clear(struct ha_table *table);
HA_AUTO_DEFINE_CLEAR(struct ha_table, ha_table_clear)

void ha_table_cell(struct ha_table *table, const char *text);  // NULL or "": "-"
// The member of that name: a string, a number, a list of strings (joined by commas); else "-".
void ha_table_member(struct ha_table *table, const ha_json *object, const char *name);
void ha_table_print(const struct ha_table *table, struct ha_buf *out);

// Appends the value (string, number, true/false, a list of strings joined by commas); nothing for others and NULL.
void ha_table_value(struct ha_buf *out, const ha_json *value);
