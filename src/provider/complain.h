// SPDX-License-Identifier: Apache-2.0
// Failures: in OpenSSL's error queue, for the program, and in syslog, since many programs don't print the queue.
#pragma once

#include "provider/provider.h"

#include "base/auto.h"

// key: the key's name; NULL: none is known. The words are the cause, and the remedy where there is one. Thread-safe.
void ha_complain(const struct ha_provider *provider, enum ha_provider_reason reason, const char *key,
                 const char *format, ...) HA_PRINTF(4, 5);
// The same for a call of the agent that failed; act: "signing".
void ha_complain_of_agent(const struct ha_provider *provider, const char *key, const char *act, const char *socket_path,
                          const struct hsm_agent_error *error);
