// SPDX-License-Identifier: Apache-2.0
// Reading the clocks.
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <sys/timex.h>
#include <time.h>

int64_t ha_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int ha_left_ms(int64_t deadline_ms)
{
    int64_t now_ms = ha_now_ms();
    if (deadline_ms <= now_ms)
        return 0;
    int64_t left_ms = deadline_ms - now_ms;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

void ha_time_iso(char ret_text[static 25])
{
    struct timespec now;
    struct tm utc;
    char seconds[sizeof "2026-11-21T07:26:35"];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    // A year beyond 9999 doesn't fit; a clock that far off has no readable time.
    if (strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        snprintf(seconds, sizeof seconds, "0000-00-00T00:00:00");
    snprintf(ret_text, 25, "%s.%03uZ", seconds, (unsigned)(now.tv_nsec / 1000000) % 1000);
}

void ha_time_iso_s(int64_t at_s, char ret_text[static 25])
{
    struct tm utc;
    time_t seconds = (time_t)at_s;
    if (!gmtime_r(&seconds, &utc) || strftime(ret_text, 25, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        snprintf(ret_text, 25, "0000-00-00T00:00:00Z");
}

bool ha_clock_synchronised(void)
{
    struct timex clock = {0};  // asks, and changes nothing
    int state = adjtimex(&clock);
    return state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}
