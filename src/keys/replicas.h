// SPDX-License-Identifier: Apache-2.0
// Which of a key's tokens does an operation, and which next when that one fails. Thread-safe.
//
// A key in one token asks that one, which tries again by itself (ha_token_exchange). One in several asks the replica
// that is ready and least busy; when that one fails for a reason of its token, the next one at once, and so on until
// each has been asked. When none is ready and one is being started, the operation waits for it. All this within the
// caller's deadline: as long as another token is left, one that doesn't answer gets half of the time that there is.
#pragma once

#include "keys/use.h"

// Does n uses (HA_USES_MAX at most), which ha_use_sign and the others have filled in. Returns when each exchange has
// its code.
void ha_replicas_use(struct ha_key *key, const struct ha_caller *caller, struct ha_use *const *uses, size_t n);
