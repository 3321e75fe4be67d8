// SPDX-License-Identifier: Apache-2.0
#include "provider/complain.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

enum { WORDS_SIZE = 1024 };

static void set_error(const struct ha_provider *provider, uint32_t reason, const char *format, ...) HA_PRINTF(3, 4);

static void set_error(const struct ha_provider *provider, uint32_t reason, const char *format, ...)
{
    va_list args;
    provider->new_error(provider->core);
    va_start(args, format);
    provider->vset_error(provider->core, reason, format, args);
    va_end(args);
}

void ha_complain(const struct ha_provider *provider, enum ha_provider_reason reason, const char *key,
                 const char *format, ...)
{
    char words[WORDS_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    if (!key)
        key = "";
    const char *colon = *key ? ": " : "";
    set_error(provider, reason, "%s%s%s", key, colon, words);
    // No openlog: the program's own settings stay as they are.
    syslog(LOG_AUTHPRIV | LOG_ERR, "hsm-agent provider: %s%s%s", key, colon, words);
}

void ha_complain_of_agent(const struct ha_provider *provider, const char *key, const char *act, const char *socket_path,
                          const struct hsm_agent_error *error)
{
    // Without an answer the socket is what matters; a refusal says everything by itself.
    bool refused = error->status >= 400 && error->status < 500;
    ha_complain(provider, refused ? HA_REASON_REFUSED : HA_REASON_AGENT, key, "%s: %s%s%s%s%s (%s)", act, error->detail,
                *error->hint ? "; " : "", error->hint, error->status ? "" : "; socket ",
                error->status ? "" : socket_path, error->code);
}
