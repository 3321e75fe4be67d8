// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

static const struct {
    const char *name;
    unsigned traits;
} rows[FAULT_FUNCTION_COUNT] = {
#define FAULT_ROW(name, traits) [FAULT_##name] = {#name, traits},
    FAULT_FUNCTIONS(FAULT_ROW)
#undef FAULT_ROW
};

const char *fault_function_name(enum fault_function function)
{
    return rows[function].name;
}

unsigned fault_function_traits(enum fault_function function)
{
    return rows[function].traits;
}
