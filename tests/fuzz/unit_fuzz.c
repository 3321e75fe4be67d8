// SPDX-License-Identifier: Apache-2.0
// Any text as that of /proc/PID/cgroup: whatever comes out is the name of a unit.
#include "base/unit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char unit[HA_UNIT_MAX + 1];
    char *text = malloc(n + 1);
    if (!text)
        abort();
    if (n)
        memcpy(text, data, n);
    text[n] = '\0';
    if (ha_unit_of_cgroup(text, unit) && (!ha_unit_valid(unit, strlen(unit), false) || !strstr(text, unit)))
        abort();
    free(text);
    return 0;
}
