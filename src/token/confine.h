// SPDX-License-Identifier: Apache-2.0
// What the token's process gives up before vendor code is loaded, as its options say: system calls and files.
#pragma once

#include "base/err.h"
#include "token/options.h"

// What came of it; for the log.
struct ha_confined {
    bool filter;   // system calls are filtered
    int landlock;  // the ABI of the kernel's Landlock; 0: it has none, or nothing is limited
};

// Limits the calling thread and those that it makes from now on. HA_E_IO: the kernel refuses.
enum ha_code ha_confine(const struct ha_token_options *options, struct ha_confined *ret_confined, struct ha_err *err);
