// SPDX-License-Identifier: Apache-2.0
#include "config/hours.h"

#include "base/auto.h"

#include <stdio.h>
#include <string.h>

enum { DAYS = 7, ALL_DAYS = (1 << DAYS) - 1, DAY_MIN = 24 * 60 };

static const char *const names[DAYS] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static enum ha_code wrong(const char *text, struct ha_err *err)
{
    ha_fail(err, HA_E_CONFIG, "'%.60s' is no window of the week", text);
    return ha_hint(err, "Write it as Mon-Fri 08:00-18:00, Sat,Sun 10:00-24:00 or 22:00-06:00, in UTC.");
}

static bool parse_day(const char **at, unsigned *ret_day)
{
    for (unsigned i = 0; i < DAYS; i++) {
        if (strncmp(*at, names[i], 3) == 0) {
            *at += 3;
            *ret_day = i;
            return true;
        }
    }
    return false;
}

// A list of days and ranges; Sat-Mon goes over the end of the week.
static bool parse_days(const char **at, unsigned *ret_days)
{
    unsigned days = 0, first, last;
    do {
        if (!parse_day(at, &first))
            return false;
        last = first;
        if (**at == '-') {
            (*at)++;
            if (!parse_day(at, &last))
                return false;
        }
        for (unsigned day = first;; day = (day + 1) % DAYS) {
            days |= 1u << day;
            if (day == last)
                break;
        }
    } while (**at == ',' && (*at)++);
    *ret_days = days;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parse_time(const char **at, unsigned *ret_min)
{
    const char *text = *at;
    if (!is_digit(text[0]) || !is_digit(text[1]) || text[2] != ':' || !is_digit(text[3]) || !is_digit(text[4]))
        return false;
    unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
    if (minute > 59 || hour * 60 + minute > DAY_MIN)
        return false;
    *ret_min = hour * 60 + minute;
    *at += 5;
    return true;
}

enum ha_code ha_hours_parse(const char *text, struct ha_hours *ret_hours, struct ha_err *err)
{
    struct ha_hours hours = {.days = ALL_DAYS};
    const char *at = text;
    if (!is_digit(*at)) {
        if (!parse_days(&at, &hours.days) || (*at != ' ' && *at != '\t'))
            return wrong(text, err);
        at += strspn(at, " \t");
    }
    if (!parse_time(&at, &hours.from_min) || *at++ != '-' || !parse_time(&at, &hours.to_min) || *at != '\0' ||
        hours.from_min == DAY_MIN || hours.from_min == hours.to_min)
        return wrong(text, err);
    *ret_hours = hours;
    return HA_OK;
}

const char *ha_hours_print(const struct ha_hours *hours, char ret_text[static HA_HOURS_TEXT_MAX])
{
    size_t n = 0;
    for (unsigned i = 0; i < DAYS && hours->days != ALL_DAYS; i++)
        if (hours->days & 1u << i)
            n += (size_t)snprintf(ret_text + n, HA_HOURS_TEXT_MAX - n, "%s%s", n > 0 ? "," : "", names[i]);
    snprintf(ret_text + n, HA_HOURS_TEXT_MAX - n, "%s%02u:%02u-%02u:%02u", n > 0 ? " " : "", hours->from_min / 60 % 25,
             hours->from_min % 60, hours->to_min / 60 % 25, hours->to_min % 60);
    return ret_text;
}

bool ha_hours_hold(const struct ha_hours *hours, int64_t unix_s)
{
    const int64_t day_s = DAY_MIN * 60, week_s = DAYS * day_s;
    int64_t from_monday_s = (unix_s % week_s + week_s + 3 * day_s) % week_s;  // 1970 began on a Thursday
    unsigned day = (unsigned)(from_monday_s / day_s);
    unsigned minute = (unsigned)(from_monday_s % day_s / 60);
    bool today = hours->days & 1u << day;
    if (hours->from_min < hours->to_min)
        return today && minute >= hours->from_min && minute < hours->to_min;
    bool yesterday = hours->days & 1u << (day + DAYS - 1) % DAYS;
    return (today && minute >= hours->from_min) || (yesterday && minute < hours->to_min);
}
