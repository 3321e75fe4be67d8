// SPDX-License-Identifier: Apache-2.0
// The systemd unit that a control group belongs to: text in, name out.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HA_UNIT_MAX 255  // characters of a unit's name, as systemd has it

// Reads the text of /proc/PID/cgroup. The unit is the first component of the path that is no slice: what stands below
// it is made by the unit itself, by whatever name it likes, and so a user's own units are all "user@UID.service". False
// when there is none, or the path leaves what the reader may see ("/../").
bool ha_unit_of_cgroup(const char *text, char ret_unit[static HA_UNIT_MAX + 1]);
// Whether that is a unit's name, such as nginx.service or session-2.scope. With wildcards: also *, ? and [...].
bool ha_unit_valid(const char *name, size_t n, bool wildcards);
