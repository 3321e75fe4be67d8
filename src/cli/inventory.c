// SPDX-License-Identifier: Apache-2.0
// Reading and sorting.
#include "cli/inventory.h"

#include "cli/cli.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, NOTICE_DAYS = 90 };

static bool read_time(const ha_json *object, const char *name, int64_t *ret_s)
{
    const char *text = ha_json_get_string(object, name);
    struct tm utc = {0};
    if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &utc))
        return false;
    *ret_s = (int64_t)timegm(&utc);
    return true;
}

static bool is_over(const ha_json *key)
{
    const char *status = ha_json_get_string(key, "status");
    bool disabled = false;
    return (status && strcmp(status, "retired") == 0) || ha_json_get(key, "deletes") ||
           (ha_json_bool(ha_json_get(key, "disabled"), &disabled) && disabled);
}

static enum ha_code read_row(const ha_json *key, struct ha_inventory_row *row, struct ha_err *err)
{
    *row = (struct ha_inventory_row){.key = key, .version = 1};
    row->name = ha_json_type(key) == HA_JSON_OBJECT ? ha_json_get_string(key, "name") : NULL;
    if (!row->name || !ha_json_uint(ha_json_get(key, "version"), UINT32_MAX, &row->version))
        return ha_cli_unexpected(err, "has a key without a name and version");
    row->over = is_over(key);
    read_time(key, "last_use", &row->last_use);
    const ha_json *certificate = ha_json_get(key, "certificate");
    if (!certificate || ha_json_type(certificate) != HA_JSON_OBJECT)
        return HA_OK;
    if (!read_time(certificate, "not_before", &row->not_before) ||
        !read_time(certificate, "not_after", &row->not_after))
        return ha_cli_unexpected(err, "has a certificate without dates");
    row->certificate = certificate;
    return HA_OK;
}

static int compare(const void *a, const void *b)
{
    const struct ha_inventory_row *one = a, *other = b;
    if (!one->certificate != !other->certificate)
        return one->certificate ? -1 : 1;
    if (one->not_after != other->not_after)
        return one->not_after < other->not_after ? -1 : 1;
    int order = strcmp(one->name, other->name);
    return order ? order : (one->version > other->version) - (one->version < other->version);
}

static unsigned notice_days(const ha_json *answer)
{
    uint64_t most = 0, days;
    const ha_json *list = ha_json_get(answer, "expiry_days");
    if (!list || ha_json_type(list) != HA_JSON_ARRAY)
        return NOTICE_DAYS;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item))
        if (ha_json_uint(item, UINT32_MAX, &days) && days > most)
            most = days;
    return most ? (unsigned)most : NOTICE_DAYS;
}

enum ha_code ha_inventory_read(const ha_json *answer, struct ha_inventory *ret_inventory, struct ha_err *err)
{
    ha_auto(ha_inventory_clear) struct ha_inventory inventory = {.notice_days = notice_days(answer)};
    const ha_json *keys = ha_json_get(answer, "keys");
    if (!keys || ha_json_type(keys) != HA_JSON_ARRAY || !read_time(answer, "at", &inventory.at))
        return ha_cli_unexpected(err, "has no list of keys");
    inventory.rows = calloc(ha_json_size(keys) + 1, sizeof *inventory.rows);
    if (!inventory.rows)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the inventory");
    for (const ha_json *key = ha_json_first(keys); key; key = ha_json_next(key))
        if (read_row(key, &inventory.rows[inventory.n++], err))
            return err->code;
    qsort(inventory.rows, inventory.n, sizeof *inventory.rows, compare);
    *ret_inventory = inventory;
    inventory = (struct ha_inventory){0};
    return HA_OK;
}

void ha_inventory_clear(struct ha_inventory *inventory)
{
    free(inventory->rows);
    *inventory = (struct ha_inventory){0};
}

int64_t ha_inventory_days(const struct ha_inventory *inventory, const struct ha_inventory_row *row)
{
    return (row->not_after - inventory->at) / DAY_S;
}

enum ha_expiry ha_inventory_expiry(const struct ha_inventory *inventory, const struct ha_inventory_row *row)
{
    int64_t left = row->not_after - inventory->at, notice = (int64_t)inventory->notice_days * DAY_S;
    if (!row->certificate)
        return HA_EXPIRY_NONE;
    if (left < 0)
        return HA_EXPIRY_EXPIRED;
    if (left <= notice / 3)
        return HA_EXPIRY_URGENT;
    return left <= notice ? HA_EXPIRY_SOON : HA_EXPIRY_LATER;
}

void ha_inventory_when(const struct ha_inventory *inventory, const struct ha_inventory_row *row, struct ha_buf *out)
{
    int64_t days = ha_inventory_days(inventory, row);
    if (!row->certificate)
        return;
    if (days < 0)
        ha_buf_printf(out, "%" PRId64 " day%s ago", -days, days == -1 ? "" : "s");
    else if (days == 0)
        ha_buf_puts(out, row->not_after < inventory->at ? "less than a day ago" : "within a day");
    else
        ha_buf_printf(out, "in %" PRId64 " day%s", days, days == 1 ? "" : "s");
}

static void put_expiry(struct ha_table *table, const struct ha_inventory *inventory, const struct ha_inventory_row *row)
{
    ha_auto(ha_buf_clear) struct ha_buf when = {0};
    char date[11] = "";
    if (row->certificate)
        snprintf(date, sizeof date, "%.10s", ha_json_get_string(row->certificate, "not_after"));
    ha_inventory_when(inventory, row, &when);
    ha_table_cell(table, date);
    ha_table_cell(table, ha_buf_text(&when));
}

void ha_inventory_next(const struct ha_inventory *inventory, size_t most, struct ha_buf *out)
{
    static const char *const titles[] = {"EXPIRES NEXT", "VERSION", "ON", "LEFT"};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = HA_ARRAY_SIZE(titles)};
    size_t n = 0;
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i]);
    for (size_t i = 0; i < inventory->n && n < most; i++) {
        const struct ha_inventory_row *row = &inventory->rows[i];
        if (!row->certificate || row->over)
            continue;
        ha_table_member(&table, row->key, "name");
        ha_table_member(&table, row->key, "version");
        put_expiry(&table, inventory, row);
        n++;
    }
    if (n > 0)
        ha_table_print(&table, out);
}

static void put_status(struct ha_table *table, const ha_json *key)
{
    ha_auto(ha_buf_clear) struct ha_buf status = {0};
    bool disabled = false;
    ha_table_value(&status, ha_json_get(key, "status"));
    if (ha_json_bool(ha_json_get(key, "disabled"), &disabled) && disabled)
        ha_buf_puts(&status, ",disabled");
    ha_table_cell(table, ha_buf_text(&status));
}

void ha_inventory_table(const struct ha_inventory *inventory, struct ha_buf *out)
{
    static const char *const titles[] = {"KEY",    "VERSION", "STATUS",  "TYPE", "PURPOSES", "ENVIRONMENT",
                                         "HOLDER", "TOKENS",  "EXPIRES", "",     "LAST USE"};
    static const char *const members[] = {"type", "purposes", "environment", "holder", "tokens"};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = HA_ARRAY_SIZE(titles)};
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_table_cell(&table, titles[i][0] ? titles[i] : "LEFT");
    for (size_t i = 0; i < inventory->n; i++) {
        const struct ha_inventory_row *row = &inventory->rows[i];
        ha_table_member(&table, row->key, "name");
        ha_table_member(&table, row->key, "version");
        put_status(&table, row->key);
        for (size_t j = 0; j < HA_ARRAY_SIZE(members); j++)
            ha_table_member(&table, row->key, members[j]);
        put_expiry(&table, inventory, row);
        ha_table_member(&table, row->key, "last_use");
    }
    ha_table_print(&table, out);
}
