// SPDX-License-Identifier: Apache-2.0
// Reading the clocks.
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

int64_t ha_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t ha_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int ha_left_ms(int64_t deadline_ms)
{
    int64_t now_ms = ha_now_ms();
    if (deadline_ms <= now_ms)
        return 0;
    int64_t left_ms = deadline_ms - now_ms;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

#define SECONDS_SIZE sizeof("2026-11-21T07:26:35")

// Writes number's last n digits.
static void put_digits(char *at, unsigned number, unsigned n)
{
    for (; n > 0; number /= 10)
        at[--n] = (char)('0' + number % 10);
}

// By hand: strftime costs as much as all the rest of an audit log's line.
static void put_seconds(time_t when, char ret_text[static SECONDS_SIZE])
{
    struct tm utc;
    memcpy(ret_text, "0000-00-00T00:00:00", SECONDS_SIZE);
    // A year beyond 9999 doesn't fit; a clock that far off has no readable time.
    if (!gmtime_r(&when, &utc) || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900)
        return;
    put_digits(ret_text, (unsigned)utc.tm_year + 1900, 4);
    put_digits(ret_text + 5, (unsigned)utc.tm_mon + 1, 2);
    put_digits(ret_text + 8, (unsigned)utc.tm_mday, 2);
    put_digits(ret_text + 11, (unsigned)utc.tm_hour, 2);
    put_digits(ret_text + 14, (unsigned)utc.tm_min, 2);
    put_digits(ret_text + 17, (unsigned)utc.tm_sec, 2);
}

void ha_time_iso_at(int64_t seconds, char ret_text[static 25])
{
    char text[SECONDS_SIZE];
    put_seconds((time_t)seconds, text);
    snprintf(ret_text, 25, "%sZ", text);
}

void ha_time_iso_again(struct ha_time_text *time)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (time->second != now.tv_sec || !time->text[0]) {
        time->second = now.tv_sec;
        put_seconds(now.tv_sec, time->text);
        memcpy(time->text + SECONDS_SIZE - 1, ".000Z", sizeof ".000Z");
    }
    put_digits(time->text + SECONDS_SIZE, (unsigned)(now.tv_nsec / 1000000), 3);
}

void ha_time_iso(char ret_text[static 25])
{
    struct ha_time_text now = {0};
    ha_time_iso_again(&now);
    memcpy(ret_text, now.text, sizeof now.text);
}

bool ha_clock_synchronised(void)
{
    struct timex clock = {0};  // asks, and changes nothing
    int state = adjtimex(&clock);
    return state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}
