// SPDX-License-Identifier: Apache-2.0
#include "config/rate.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static enum ha_code wrong(const char *text, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "'%.60s' is no rate", text);
    return ha_hint(err, "Write it as 500/s or 500/s burst=1000, with numbers from 1 to %d.", HA_RATE_MAX);
}

static bool parse_number(const char *text, size_t n, unsigned *ret_number)
{
    char digits[16];
    uint64_t number;
    if (n >= sizeof digits)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!ha_parse_uint(digits, 1, HA_RATE_MAX, &number))
        return false;
    *ret_number = (unsigned)number;
    return true;
}

enum ha_code ha_rate_parse(const char *text, struct ha_rate *ret_rate, struct ha_err *err)
{
    static const char per[] = "/s", burst[] = "burst=";
    struct ha_rate rate = {0};
    size_t n = strcspn(text, "/");
    if (!parse_number(text, n, &rate.per_s) || strncmp(text + n, per, strlen(per)) != 0)
        return wrong(text, err);
    const char *rest = text + n + strlen(per);
    size_t blank = strspn(rest, " \t");
    rate.burst = rate.per_s;
    if (*rest && (blank == 0 || strncmp(rest + blank, burst, strlen(burst)) != 0 ||
                  !parse_number(rest + blank + strlen(burst), strlen(rest + blank + strlen(burst)), &rate.burst)))
        return wrong(text, err);
    *ret_rate = rate;
    return HA_OK;
}

const char *ha_rate_print(const struct ha_rate *rate, char ret_text[static HA_RATE_TEXT_MAX])
{
    int n = snprintf(ret_text, HA_RATE_TEXT_MAX, "%u/s", rate->per_s);
    if (rate->burst != rate->per_s)
        snprintf(ret_text + n, HA_RATE_TEXT_MAX - (size_t)n, " burst=%u", rate->burst);
    return ret_text;
}
