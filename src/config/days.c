// SPDX-License-Identifier: Apache-2.0
#include "config/days.h"

#include "base/text.h"

#include <string.h>

enum { DAYS_MOST = 3650, DIGITS_MAX = 4 };

static enum ha_code wrong(const char *text, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "'%s' is no list of days", text);
    return ha_hint(err, "Write 1 to %d numbers from 1 to %d, separated by commas and none twice, or none.", HA_DAYS_MAX,
                   DAYS_MOST);
}

// Keeps the most first. False: no room, or it is there already.
static bool insert(struct ha_days *days, unsigned value)
{
    size_t at = 0;
    while (at < days->n && days->items[at] > value)
        at++;
    if (days->n == HA_DAYS_MAX || (at < days->n && days->items[at] == value))
        return false;
    memmove(&days->items[at + 1], &days->items[at], (days->n - at) * sizeof days->items[0]);
    days->items[at] = value;
    days->n++;
    return true;
}

enum ha_code ha_days_parse(const char *text, struct ha_days *ret_days, struct ha_err *err)
{
    struct ha_days days = {0};
    const char *at = text;
    bool more = strcmp(text, "none") != 0;
    while (more) {
        char digits[DIGITS_MAX + 1] = "";
        uint64_t value;
        at += strspn(at, " ");
        size_t n = strspn(at, "0123456789");
        if (n > DIGITS_MAX)
            return wrong(text, err);
        memcpy(digits, at, n);
        if (!ha_parse_uint(digits, 1, DAYS_MOST, &value) || !insert(&days, (unsigned)value))
            return wrong(text, err);
        at += n;
        at += strspn(at, " ");
        if (*at != ',' && *at != '\0')
            return wrong(text, err);
        more = *at++ == ',';
    }
    *ret_days = days;
    return HA_OK;
}

void ha_days_print(const struct ha_days *days, struct ha_buf *out)
{
    if (days->n == 0)
        ha_buf_puts(out, "none");
    for (size_t i = 0; i < days->n; i++)
        ha_buf_printf(out, "%s%u", i ? ", " : "", days->items[i]);
}
