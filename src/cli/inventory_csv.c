// SPDX-License-Identifier: Apache-2.0
#include "cli/inventory.h"
#include "cli/table.h"

#include <string.h>

static const char *const key_columns[] = {"name",   "version", "status",   "disabled",    "deletes",  "state",
                                          "type",   "bits",    "purposes", "environment", "holder",   "profile",
                                          "tokens", "origin",  "backup",   "created",     "last_use", "spki_sha256"};
static const char *const certificate_columns[] = {"subject", "issuer", "serial", "not_before", "not_after", "sha256"};

// A subject comes from whoever issued the certificate, and spreadsheets run what begins like a formula.
static void put_cell(struct ha_buf *out, const char *text)
{
    bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';
    bool formula = text[0] && strchr("=+-@\t\r", text[0]);
    if (quoted)
        ha_buf_putc(out, '"');
    if (formula)
        ha_buf_putc(out, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            ha_buf_putc(out, '"');
        ha_buf_putc(out, *c);
    }
    if (quoted)
        ha_buf_putc(out, '"');
}

static void put_members(struct ha_buf *out, const ha_json *object, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        if (object)
            ha_table_value(&value, ha_json_get(object, names[i]));
        put_cell(out, ha_buf_text(&value));
        ha_buf_putc(out, ',');
    }
}

void ha_inventory_csv(const struct ha_inventory *inventory, struct ha_buf *out)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(key_columns); i++)
        ha_buf_printf(out, "%s,", key_columns[i]);
    for (size_t i = 0; i < HA_ARRAY_SIZE(certificate_columns); i++)
        ha_buf_printf(out, "%s,", certificate_columns[i]);
    ha_buf_puts(out, "days_left\r\n");
    for (size_t i = 0; i < inventory->n; i++) {
        const struct ha_inventory_row *row = &inventory->rows[i];
        put_members(out, row->key, key_columns, HA_ARRAY_SIZE(key_columns));
        put_members(out, row->certificate, certificate_columns, HA_ARRAY_SIZE(certificate_columns));
        // A number of ours: its sign begins no formula.
        if (row->certificate)
            ha_buf_printf(out, "%lld", (long long)ha_inventory_days(inventory, row));
        ha_buf_puts(out, "\r\n");
    }
}
