// SPDX-License-Identifier: Apache-2.0
// The inventory as a list of rows, and what is made of it: a table, CSV, a page.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

// One version of a key. Borrows from the answer that it was read from.
struct ha_inventory_row {
    const ha_json *key;
    const char *name;
    uint64_t version;
    bool over;                      // retired, disabled or to be deleted: nobody has to care for its certificate
    int64_t last_use;               // seconds since 1970; 0: unknown
    const ha_json *certificate;     // NULL: none installed; what follows is 0 then
    int64_t not_before, not_after;  // seconds since 1970
};

struct ha_inventory {
    struct ha_inventory_row *rows;  // the soonest expiry first, those without a certificate last
    size_t n;
    int64_t at;            // the agent's time, seconds since 1970
    unsigned notice_days;  // the agent begins to give notice so long before an expiry
};

// Reads the answer to GET /v1/inventory, which has to outlive it. HA_E_AGENT: it isn't one.
enum ha_code ha_inventory_read(const ha_json *answer, struct ha_inventory *ret_inventory, struct ha_err *err);
void ha_inventory_clear(struct ha_inventory *inventory);
HA_AUTO_DEFINE_CLEAR(struct ha_inventory, ha_inventory_clear)

enum ha_expiry {
    HA_EXPIRY_EXPIRED,
    HA_EXPIRY_URGENT,
    HA_EXPIRY_SOON,
    HA_EXPIRY_LATER,
    HA_EXPIRY_NONE,
    HA_EXPIRY_COUNT
};
// How near the certificate's end is: soon is within notice_days, urgent within a third of them.
enum ha_expiry ha_inventory_expiry(const struct ha_inventory *inventory, const struct ha_inventory_row *row);
// Whole days that are left; negative: so many have passed since.
int64_t ha_inventory_days(const struct ha_inventory *inventory, const struct ha_inventory_row *row);
// "in 28 days", "today", "3 days ago"; "" without a certificate.
void ha_inventory_when(const struct ha_inventory *inventory, const struct ha_inventory_row *row, struct ha_buf *out);

// The first most versions that somebody has to care for, with a line of titles; nothing when none has a certificate.
void ha_inventory_next(const struct ha_inventory *inventory, size_t most, struct ha_buf *out);
void ha_inventory_table(const struct ha_inventory *inventory, struct ha_buf *out);
// RFC 4180, a line of titles first. What a spreadsheet would take for a formula has an apostrophe before it.
void ha_inventory_csv(const struct ha_inventory *inventory, struct ha_buf *out);
// A page that needs nothing from elsewhere. source: where the answer is from, for people.
void ha_inventory_html(const struct ha_inventory *inventory, const char *source, struct ha_buf *out);
// The style of that page.
const char *ha_inventory_style(void);
