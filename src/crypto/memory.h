// SPDX-License-Identifier: Apache-2.0
// OpenSSL's memory. Its decoders free copies of the private keys that they read, as they are.
#pragma once

#include <stdbool.h>

// Has OpenSSL wipe all that it frees. Before it has allocated anything; false: it has, and goes on as before.
bool ha_memory_wipe_freed(void);
