// SPDX-License-Identifier: Apache-2.0
// Times. A deadline is a point of the monotonic clock in milliseconds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t ha_now_ms(void);              // CLOCK_MONOTONIC
int64_t ha_now_us(void);              // the same in microseconds
int ha_left_ms(int64_t deadline_ms);  // what is left, >= 0, fit for poll()
// "2026-11-21T07:26:35.123Z" (25 bytes with the NUL) of the wall clock, now.
void ha_time_iso(char ret_text[static 25]);
// The same for who asks often: most of the text is that of the time before. Zero it first; for one thread at a time.
struct ha_time_text {
    int64_t second;
    char text[25];
};
void ha_time_iso_again(struct ha_time_text *time);
// "2026-11-21T07:26:35Z" of that UNIX time.
void ha_time_iso_at(int64_t seconds, char ret_text[static 25]);
// Whether the kernel takes the wall clock for synchronised, as chrony, ntpd and systemd-timesyncd tell it.
bool ha_clock_synchronised(void);
